"""Which rows the reason classifier is judged on: exits that still lie ahead."""

import numpy as np
import pandas as pd

from holdfast.pipelines.reasons import LEAST_JUDGED, rows_to_judge


def rows(n: int, late: int) -> tuple["pd.Series[str]", "pd.Series[pd.Timestamp]", "pd.Series[pd.Timestamp]"]:
    """`n` leavers at two cutoffs each; the first `late` of them stated their reason before both."""
    customer = pd.Series(np.repeat([f"c{k}" for k in range(n)], 2))
    cutoff = pd.Series(pd.to_datetime(["2024-03-01", "2024-05-01"] * n))
    said = np.where(np.repeat(np.arange(n) < late, 2), "2024-02-01", "2024-06-01")
    return customer, cutoff, pd.Series(pd.to_datetime(said))


def test_a3_leavers_are_judged_at_the_last_cutoff_before_their_statement() -> None:
    """A3: who stated before every cutoff is left out; the others count once, at the newer cutoff."""
    judged, words = rows_to_judge(*rows(LEAST_JUDGED + 5, 5))
    assert judged.sum() == LEAST_JUDGED
    assert not judged[:10].any()
    assert judged[10:].tolist() == [False, True] * LEAST_JUDGED
    assert "before the statement" in words


def test_a3_with_too_few_of_them_the_words_say_so() -> None:
    """A3: one short of the least, everybody counts once and the words give the number."""
    judged, words = rows_to_judge(*rows(LEAST_JUDGED + 1, 2))
    assert judged.sum() == LEAST_JUDGED + 1
    assert f"only {LEAST_JUDGED - 1} have a cutoff before it" in words


def test_a3_undated_statements_count_once() -> None:
    """A3: a snapshot's statements have no dates."""
    customer, cutoff, at = rows(3, 0)
    judged, words = rows_to_judge(customer, cutoff, at.mask(at.notna()))
    assert judged.sum() == 3
    assert "no dates" in words
