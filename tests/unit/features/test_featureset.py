from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_histories import CUTOFFS, random_histories

from holdfast.errors import DataError
from holdfast.features.dialect import to_duckdb
from holdfast.features.feature import FAMILIES
from holdfast.features.featureset import FeatureSet
from holdfast.features.timeline import WINDOWS, build_timeline
from holdfast.histories.histories import Histories


def test_the_frame_has_the_features_in_order_and_type() -> None:
    histories = random_histories(3, late=False)
    features = FeatureSet.of(histories, 60)
    frame = features.compute(histories, [CUTOFFS[2], CUTOFFS[0], CUTOFFS[2]]).frame
    assert frame.columns.tolist() == ["customer_id", "cutoff", *(feature.name for feature in features.features)]
    assert len(set(frame.columns)) == len(frame.columns)
    for feature in features.features:
        assert feature.family in FAMILIES
        assert frame[feature.name].dtype == ("category" if feature.categorical else np.float32), feature.name
    keys = frame[["cutoff", "customer_id"]]
    assert keys.equals(keys.sort_values(["cutoff", "customer_id"]).drop_duplicates().reset_index(drop=True))


def test_nobody_and_no_cutoff_are_refused() -> None:
    histories = Histories.from_frames(
        {"purchases": pd.DataFrame({"customer_id": ["a"], "at": ["2024-01-01"], "amount": [1]})}
    )
    features = FeatureSet.of(histories, 60)
    with pytest.raises(DataError, match="no cutoff given"):
        features.compute(histories, [])
    with pytest.raises(DataError, match="no customer has a history before 2024-01-01"):
        features.compute(histories, [date(2024, 1, 1)])


def test_a_cutoff_before_anything_happened_gives_no_row_and_harms_no_other() -> None:
    histories = Histories.from_frames(
        {"purchases": pd.DataFrame({"customer_id": ["a"], "at": ["2024-01-01"], "amount": [1]})}
    )
    frame = FeatureSet.of(histories, 60).compute(histories, [date(2023, 1, 1), date(2024, 1, 2)]).frame
    assert frame["cutoff"].tolist() == [pd.Timestamp("2024-01-02")]
    assert frame["days_since_last_order"].tolist() == [1.0]


def test_division_is_not_of_integers() -> None:
    assert "/" in to_duckdb("SELECT a / b FROM t")
    with Histories.from_frames(
        {"purchases": pd.DataFrame({"customer_id": ["a"], "at": ["2024-01-01"], "amount": [1]})}
    ).connect() as connection:
        assert connection.execute(to_duckdb("SELECT 1 / 4 AS q")).fetchall() == [(0.25,)]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    length=st.integers(1, 900), horizon=st.integers(1, 400),
    back=st.lists(st.integers(0, 900), min_size=1, max_size=3, unique=True),
)  # fmt: skip
def test_segments_hold_each_day_once_and_cut_at_every_window_edge(length: int, horizon: int, back: list[int]) -> None:
    start = date(2022, 1, 1)
    cutoffs = [start + timedelta(days=days) for days in back]
    timeline = build_timeline(start, cutoffs, horizon)
    calendar = dict(zip(timeline.calendar["d"].to_pylist(), timeline.calendar["seg"].to_pylist(), strict=True))
    assert sorted(calendar) == [start + timedelta(days=k) for k in range(max(back))]
    spans = {(row["seg"], row["cutoff"]): row for row in timeline.spans.to_pylist()}
    for cutoff in cutoffs:
        for day, seg in calendar.items():
            age, row = (cutoff - day).days, spans.get((seg, cutoff))
            assert (row is not None) == (age > 0)
            if row is None:
                continue
            for window in WINDOWS:
                assert (row["age"] <= window) == (age <= window)
            h = min(horizon, 365)
            for year in (365, 730):
                assert (row["age"] <= year and row["age_end"] >= year - h) == (year - h < age <= year)
