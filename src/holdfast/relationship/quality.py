"""How good the relationship is: quality with its reliability, satisfaction, and complaints (D7, D8, D10)."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import DataError
from holdfast.relationship.facts import Facts
from holdfast.relationship.scheme import Scheme, choose, in_words, scaled, told

ITEMS = ("trust", "commitment", "satisfaction")
HIGH, LOW = 0.6, 0.4
LEAST_ITEMS = 2


def relationship_quality(facts: Facts) -> "pd.Series[float]":
    """Mean of trust, commitment and satisfaction on their own ranges; missing with fewer than two answers (D7)."""
    answers = pd.DataFrame({name: scaled(facts, name) for name in ITEMS})
    return answers.mean(axis=1).where(answers.notna().sum(axis=1) >= LEAST_ITEMS)


def cronbach_alpha(answers: npt.ArrayLike) -> float:
    """Internal consistency of several questions.

    Parameters
    ----------
    answers : array of shape (n, k)
        One row per respondent; rows with a gap are left out.

    Returns
    -------
    float
        `k / (k − 1) · (1 − Σ var(item) / var(sum))`; NaN with fewer than two rows or without any variation.

    Raises
    ------
    DataError
        With fewer than two questions.

    References
    ----------
    Cronbach (1951), Coefficient alpha and the internal structure of tests, Psychometrika 16.

    Examples
    --------
    >>> cronbach_alpha([[1, 1], [2, 2], [3, 3]])
    1.0
    """
    table = np.asarray(answers, dtype=float)
    if table.ndim != 2 or table.shape[1] < 2:
        raise DataError(f"cronbach_alpha: answers of shape {table.shape}; expected two questions or more")
    whole = table[~np.isnan(table).any(axis=1)]
    if len(whole) < 2:
        return float("nan")
    total = whole.sum(axis=1).var(ddof=1)
    k = table.shape[1]
    return float(k / (k - 1) * (1 - whole.var(axis=0, ddof=1).sum() / total)) if total > 0 else float("nan")


def _quality(facts: Facts) -> pd.DataFrame:
    """High from .6 and low below .4 of the range; who has not answered is `no answer`, never a zero."""
    score = relationship_quality(facts)
    level = choose([(score.isna(), "no answer"), (score < LOW, "low"), (score < HIGH, "middle")], "high")
    evidence = in_words(score, "{:.2f} of the range", "fewer than two answers")
    return pd.DataFrame({"level": level, "evidence": evidence})


QUALITY = Scheme(
    "relationship_quality", "D7",
    {
        "no answer": "ask; silence says nothing",
        "low": "find out what broke the trust before selling anything",
        "middle": "ask what would make it better, and report back",
        "high": "keep it: thank, involve",
    },
    _quality,
    (("trust", "commitment"), ("trust", "satisfaction"), ("commitment", "satisfaction")),
    "table of surveys with at least two of trust, commitment and satisfaction",
)  # fmt: skip


def _satisfaction(facts: Facts) -> pd.DataFrame:
    """Feedback and complaints decide; who says nothing is silent, not satisfied, even if the purchases go on."""
    score, open_ = scaled(facts, "satisfaction"), facts.count("open_complaints")
    complaints, days = facts.count("complaints_year"), facts.count("purchase_days_year")
    level = choose(
        [((open_ > 0) | (complaints > 1), "complaining"), (score < LOW, "dissatisfied"),
         (score.isna() & (complaints == 0), "silent"), (score >= HIGH, "satisfied")], "undecided",
    )  # fmt: skip
    evidence = told(open_complaints=open_, complaints_in_a_year=complaints, purchase_days_in_a_year=days)
    words = in_words(score, "; satisfaction {:.2f} of its range")
    return pd.DataFrame({"level": level, "evidence": (evidence + words).str.removeprefix("nothing on record; ")})


SATISFACTION = Scheme(
    "satisfaction", "D8",
    {
        "complaining": "solve it first, then ask whether it is solved",
        "dissatisfied": "call and ask; the next complaint may not come",
        "silent": "ask: a silent customer is not a satisfied one",
        "undecided": "ask what is missing",
        "satisfied": "thank, and ask for a recommendation",
    },
    _satisfaction,
    (("satisfaction",), ("complaints_all",)),
    "table of surveys with satisfaction, or of complaints",
)  # fmt: skip


def _complaint(facts: Facts) -> pd.DataFrame:
    """Open before repeated before unfollowed: the worst that is on record."""
    all_, open_ = facts.count("complaints_all"), facts.count("open_complaints")
    followed, same = facts.count("complaints_followed_up"), facts.count("complaints_same_topic")
    level = choose(
        [(open_ > 0, "open"), (same > 1, "repeated cause"), ((all_ > 0) & (followed < all_), "closed, not followed up"),
         (all_ > 0, "closed and followed up")], "none",
    )  # fmt: skip
    evidence = told(complaints=all_, open=open_, followed_up=followed, of_the_same_topic_in_a_year=same)
    return pd.DataFrame({"level": level, "evidence": evidence})


COMPLAINT = Scheme(
    "complaint_state", "D10",
    {
        "open": "solve it before anything else",
        "repeated cause": "repair the cause, not the case",
        "closed, not followed up": "ask whether it is really solved",
        "closed and followed up": "a complaint well solved can tie more than none",
        "none": "make it easy to complain",
    },
    _complaint,
    (("complaints_all",),),
    "table of complaints",
)  # fmt: skip
