"""Economics: a programme's gain is counted from each participant's own start."""

from datetime import date

import pandas as pd
import pytest

from holdfast.histories.histories import Histories
from holdfast.pipelines.economics import gain_by_period


def histories(rows: list[tuple[str, str, float]]) -> Histories:
    bought = pd.DataFrame(rows, columns=["customer_id", "at", "amount"])
    return Histories.from_frames({"purchases": bought})


def wave(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["customer_id", "arm", "at"])
    return found.assign(at=pd.to_datetime(found["at"]))


TWO_WAVES = wave([("a", "treated", "2024-01-01"), ("b", "control", "2024-01-01"),
                  ("c", "treated", "2024-03-01"), ("d", "control", "2024-03-01")])  # fmt: skip


def test_c9_periods_count_from_each_wave() -> None:
    """C9: a buys 10 on day 5 of the first wave, c 10 on day 35 of the second; b buys 6 on day 40 of the first.

    Per treated: 5 in period 0, 5 in period 1; per control 0 and 3. Gain x 2 treated x margin .5: 5 and 2.
    Counted from the first wave's start, c's purchase would lie in period 3.
    """
    known = histories([("a", "2024-01-06", 10), ("c", "2024-04-05", 10), ("b", "2024-02-10", 6)])
    found = gain_by_period(known, TWO_WAVES, date(2024, 5, 1), 0.5)
    assert found is not None
    assert found.tolist() == pytest.approx([5.0, 2.0])


def test_c9_a_period_that_is_not_over_for_everybody_does_not_count() -> None:
    """C9: 20 days after the newest wave nothing is measured yet; after 45 days one period is."""
    known = histories([("a", "2024-01-06", 10), ("c", "2024-04-05", 10)])
    assert gain_by_period(known, TWO_WAVES, date(2024, 3, 21), 0.5) is None
    found = gain_by_period(known, TWO_WAVES, date(2024, 4, 15), 0.5)
    assert found is not None
    assert len(found) == 1
