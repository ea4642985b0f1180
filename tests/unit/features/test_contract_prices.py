"""The price of a contract beside the one before it: a driver that must not see a later contract."""

from datetime import date

import pandas as pd
import pytest

from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories


def changes(rows: list[tuple[str, str, str | None, float | None]], at: date = date(2024, 6, 1)) -> dict[str, float]:
    frame = pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at", "price"])
    frame = frame.astype({"started_at": "datetime64[us]", "ended_at": "datetime64[us]"})
    histories = Histories.from_frames({"contracts": frame}, end=date(2024, 9, 1))
    found = FeatureSet.of(histories, horizon=30).compute(histories, [at]).frame
    return found.set_index("customer_id")["contract_price_change"].to_dict()


def test_the_newest_contract_in_force_counts():
    found = changes([
        ("a", "2023-01-01", "2024-01-01", 100.0), ("a", "2024-01-01", None, 110.0),  # 110 / 100 − 1
        ("b", "2023-01-01", None, 80.0),  # no contract before
        ("c", "2022-01-01", "2023-01-01", 50.0), ("c", "2023-01-01", "2024-01-01", 100.0),
        ("c", "2024-01-01", None, 75.0),  # 75 / 100 − 1: the one before, not the first
    ])  # fmt: skip
    assert found["a"] == pytest.approx(0.10)
    assert pd.isna(found["b"])
    assert found["c"] == pytest.approx(-0.25)


def test_a_contract_after_the_cutoff_is_not_seen():
    rows = [("a", "2023-01-01", "2024-01-01", 100.0), ("a", "2024-01-01", None, 110.0)]
    assert changes([*rows, ("a", "2024-06-01", None, 500.0)]) == pytest.approx(changes(rows))


def test_a_price_that_is_not_known_or_zero_gives_no_change():
    found = changes([("a", "2023-01-01", None, 0.0), ("a", "2024-01-01", None, 10.0),
                     ("b", "2023-01-01", None, None), ("b", "2024-01-01", None, 10.0)])  # fmt: skip
    assert pd.isna(found["a"])
    assert pd.isna(found["b"])
