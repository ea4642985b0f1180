"""Where a customer is on the way: lifecycle stage, and the tier from acquired to loyal (D4, D5)."""

import numpy as np
import pandas as pd

from holdfast.relationship.facts import Facts
from holdfast.relationship.scheme import Scheme, choose, in_words, scaled, told

PROMOTER = 9.0
REGULAR = 4
"""Purchase days within a year that make a habit."""
SATISFIED = 0.6
LOYAL_DAYS = 3


def _lifecycle(facts: Facts) -> pd.DataFrame:
    """By what happened in the last year; who stops falls back, and whoever has never bought is a prospect."""
    days, recent = facts.count("purchase_days"), facts.count("purchase_days_year")
    contracts, clubs = facts.count("contracts_live"), facts.count("memberships_live")
    referred, usage = facts.count("referrals_year"), facts.count("usage_year")
    looked = facts.count("looked_closely_year") + facts.count("inbound_year")
    live = (recent > 0) | (contracts > 0)
    recommends = (referred > 0) | (facts.value("nps") >= PROMOTER)
    level = choose(
        [(live & recommends, "advocate"),
         (live & ((recent >= REGULAR) | (clubs > 0) | (contracts > 0)), "bond"),
         (live & ((recent > 1) | (usage > 0)), "use"),
         (live, "buy"),
         ((days > 0) | (looked > 0), "evaluate")], "discover",
    )  # fmt: skip
    evidence = told(purchase_days_in_a_year=recent, purchase_days_ever=days, contracts_in_force=contracts,
                    memberships=clubs, referrals_in_a_year=referred, signs_of_comparison=looked)  # fmt: skip
    return pd.DataFrame({"level": level, "evidence": evidence})


LIFECYCLE = Scheme(
    "lifecycle_stage", "D4",
    {
        "discover": "be found; ask nothing",
        "evaluate": "answer questions, show proof; of former customers: ask why they stopped",
        "buy": "make the first purchase right and say thank you",
        "use": "help to get the most out of it",
        "bond": "a club, a contract, a personal tie",
        "advocate": "thank for referrals and make them easy",
    },
    _lifecycle,
    (("purchase_days",), ("contracts_live",)),
    "dated purchases or contracts",
)  # fmt: skip


def _tier(facts: Facts) -> pd.DataFrame:
    """Loyal needs repurchase and a tie beside satisfaction; an open complaint is never satisfied."""
    recent, open_ = facts.count("purchase_days_year"), facts.count("open_complaints")
    contracts, referred = facts.count("contracts_live"), facts.count("referrals_all")
    satisfaction, commitment = scaled(facts, "satisfaction"), scaled(facts, "commitment")
    tie = (referred > 0) | (facts.value("nps") >= PROMOTER) | (commitment >= SATISFIED)
    satisfied = (satisfaction >= SATISFIED) & (open_ == 0)
    repeats = (recent >= LOYAL_DAYS) | (contracts > 0)
    level = choose([(satisfied & repeats & tie, "loyal"), (satisfied, "satisfied")], "acquired")
    evidence = told(purchase_days_in_a_year=recent, contracts_in_force=contracts, referrals=referred,
                    open_complaints=open_)  # fmt: skip
    words = in_words(satisfaction, "; satisfaction {:.2f} of its range", "; satisfaction not asked")
    return pd.DataFrame({"level": level, "evidence": (evidence + words).str.removeprefix("nothing on record; ")})


TIER = Scheme(
    "relationship_tier", "D5",
    {
        "acquired": "find out whether it went well",
        "satisfied": "give a reason to come back beside being content",
        "loyal": "recognise it; no discount is needed",
    },
    _tier,
    (("purchase_days", "satisfaction"), ("contracts_live", "satisfaction")),
    "table of surveys with satisfaction beside purchases or contracts",
)  # fmt: skip


def transition_matrix(before: "pd.Series[str]", after: "pd.Series[str]", levels: tuple[str, ...]) -> pd.DataFrame:
    """Share of each earlier level that is found at each later one (D5).

    Parameters
    ----------
    before, after : Series of str
        Levels by customer; only customers in both count, and levels that are not among `levels` do not.
    levels : tuple of str

    Returns
    -------
    DataFrame
        A row per earlier level; rows add to 1, and are missing where nobody stood there.

    Examples
    --------
    >>> found = transition_matrix(pd.Series(["a", "a", "b"]), pd.Series(["a", "b", "b"]), ("a", "b"))
    >>> found.values.tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    both = pd.DataFrame({"before": before, "after": after}).dropna()
    counts = pd.crosstab(both["before"], both["after"]).reindex(index=levels, columns=levels, fill_value=0)
    totals = counts.sum(axis=1).to_numpy(float)
    shares = np.divide(counts.to_numpy(float), totals[:, None], out=np.full(counts.shape, np.nan),
                       where=totals[:, None] > 0)  # fmt: skip
    return pd.DataFrame(shares, index=list(levels), columns=list(levels))
