from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.value.horizon import observable_horizon, plan_loss, value_window
from holdfast.windows import Span, label_window, shift

START, SPAN = date(2024, 1, 1), Span(lookback=90, lead=7, horizon=60)


def test_a_long_history_shows_the_whole_value_horizon():
    assert observable_horizon(START, shift(START, 1000), 90, 7, 60, 365) == 365


def test_a_short_history_shows_what_is_left_after_lookback_and_lead():
    assert observable_horizon(START, shift(START, 300), 90, 7, 60, 365) == 203  # 300 - 90 - 7


def test_the_label_window_just_fits_or_does_not():
    assert observable_horizon(START, shift(START, 157), 90, 7, 60, 365) == 60  # 90 + 7 + 60 = 157
    with pytest.raises(DataError, match="needs 157"):
        observable_horizon(START, shift(START, 156), 90, 7, 60, 365)


def test_the_value_window_begins_with_the_label_window():
    assert value_window(START, SPAN, 365).start == label_window(START, SPAN).start


@given(days=st.integers(157, 2000), horizon=st.integers(60, 500), spacing=st.integers(1, 90))
def test_every_window_of_a_plan_lies_inside_the_history(days, horizon, spacing):
    end = shift(START, days)
    plan = plan_loss(START, end, SPAN, horizon, spacing)
    assert 60 <= plan.horizon_days <= horizon
    assert plan.cutoffs == tuple(sorted(plan.cutoffs))
    assert plan.cutoffs
    for cutoff in plan.cutoffs:
        assert shift(cutoff, -SPAN.lookback) >= START
        assert value_window(cutoff, SPAN, plan.horizon_days).end <= end
    if plan.backtest_horizon_days is not None:
        fitted, judged = plan.backtest_fit, plan.backtest_at
        assert shift(fitted, -SPAN.lookback) >= START
        assert value_window(fitted, SPAN, plan.backtest_horizon_days).end <= judged  # nothing at or after it is read
        assert value_window(judged, SPAN, plan.backtest_horizon_days).end <= end


def test_a_history_with_room_for_one_window_only_has_no_backtest():
    assert plan_loss(START, shift(START, 200), SPAN, 365, 30).backtest_at is None
