from datetime import date

import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.value.history import margin_history, past_margin
from holdfast.windows import Span

CUTOFF, SPAN = date(2024, 4, 10), Span(lookback=100, lead=10, horizon=30)  # label 20 April to 20 May


def purchases(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "at", "amount"])
    return table.assign(at=pd.to_datetime(table["at"], format="ISO8601"))


def test_by_hand():
    rows = purchases(
        ("a", "2024-02-01", 100.0), ("a", "2024-03-01", -20.0), ("a", "2024-04-25", 50.0), ("a", "2024-06-01", 30.0),
        ("b", "2024-03-31 23:59", 40.0), ("b", "2024-05-20", 60.0),
        ("c", "2023-12-01", 500.0),  # before the lookback: not in the cohort
        ("d", "2024-02-02", -10.0),  # a return alone is no sign of life
        ("e", "2024-03-02", 10.0), ("e", "2024-04-12", 70.0),  # in the lead: neither label nor value window
    )  # fmt: skip
    table = margin_history(rows, CUTOFF, SPAN, horizon_days=60, margin=0.5)  # value window 20 April to 19 June
    assert table["customer_id"].tolist() == ["a", "b", "e"]
    assert table["silent"].tolist() == [0, 1, 1]  # b comes back at the very end of the label window, which is outside
    assert table["past_margin_per_day"].tolist() == pytest.approx([0.4, 0.2, 0.05])  # (100-20)*.5/100, 40*.5/100
    assert table["future_margin"].tolist() == pytest.approx([40.0, 30.0, 0.0])  # (50+30)*.5, 60*.5
    assert (table["cutoff"] == pd.Timestamp(CUTOFF)).all()


def test_the_cutoff_itself_is_on_the_other_side():
    rows = purchases(("a", "2024-04-09 23:59:59", 1.0), ("b", "2024-04-10", 1.0), ("c", "2024-01-01", 1.0))
    assert past_margin(rows, CUTOFF, 100, 1.0).index.tolist() == ["a", "c"]  # 10 April - 100 days = 1 January


def test_the_order_of_rows_changes_no_bit():
    rows = purchases(*[("a", "2024-03-01", amount) for amount in (0.1, 1e9, 0.2, -1e9, 0.7)])
    assert past_margin(rows, CUTOFF, 100, 0.3).equals(past_margin(rows.iloc[::-1], CUTOFF, 100, 0.3))


def test_what_happens_later_moves_nothing_that_is_past():
    rows = purchases(("a", "2024-03-01", 5.0), ("a", "2024-04-10", 99.0))
    assert past_margin(rows, CUTOFF, 100, 1.0).equals(past_margin(rows.iloc[:1], CUTOFF, 100, 1.0))


def test_an_empty_cohort_and_a_missing_column_are_named():
    with pytest.raises(DataError, match="no customer bought"):
        margin_history(purchases(("a", "2020-01-01", 1.0)), CUTOFF, SPAN, 60, 0.3)
    with pytest.raises(DataError, match="'amount'"):
        past_margin(purchases(("a", "2020-01-01", 1.0)).drop(columns="amount"), CUTOFF, 100, 0.3)
