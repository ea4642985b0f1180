"""Contract value: the textbook's endless sum, the loss by hand, and laws of any curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.value.contract import LAST_PERIODS, MONTH_DAYS, contract_value, extended

DAILY = np.array([MONTH_DAYS])
"""A margin of one a day."""
curves = st.lists(st.floats(0.3, 1.0), min_size=1, max_size=15).map(
    lambda stays: np.concatenate([[1.0], np.cumprod(stays)])[None, :]
)


def value(curve, margin=DAILY, *, horizon=365, end=1000, window=30, rate=0.0, period=30):
    return contract_value(
        np.asarray(curve, float), np.asarray(margin, float), period_days=period, horizon_days=horizon, end_days=end,
        window_days=window, discount_rate=rate,
    )  # fmt: skip


def test_the_endless_geometric_sum() -> None:
    # years of 12 a year, stays with q = .8 per year, paid in the middle of each: 12 x .9 x 1.1^-.5 x sum (.8 / 1.1)^k
    found = value(0.8 ** np.arange(4)[None, :], [1.0], horizon=365, end=365 * 200, rate=0.1, period=365)
    every = 12 * 0.9 / 1.1**0.5 / (1 - 0.8 / 1.1)
    assert found.within[0] + found.beyond[0] == pytest.approx(every)
    assert found.within[0] == pytest.approx(12 * 0.9 / 1.1**0.5)


def test_the_loss_by_hand() -> None:
    # one a day; half are there after the first 30 days, a quarter after the second
    found = value([[1.0, 0.5, 0.25]], horizon=60, end=60, window=30)
    # mean share in force: .75 and .375
    assert found.within[0] == pytest.approx(30 * 0.75 + 30 * 0.375)
    assert found.beyond[0] == 0
    # who stays through day 30 pays 30, then with 3/4 of .5 / .5 = .75 the next 30; who leaves on day 15 paid 15
    assert found.loss[0] == pytest.approx(30 + 30 * 0.75 - 15)


def test_a_window_inside_a_period_is_cut_there() -> None:
    # certain to stay: one a day for 365 days, less the ten days of who leaves in the middle of twenty
    assert value(np.ones((1, 13)), window=20).loss[0] == pytest.approx(365 - 10)


@settings(deadline=None)
@given(curve=curves, more=st.integers(0, 20))
def test_a_curve_goes_on_falling_and_keeps_what_it_knows(curve, more) -> None:
    seen = curve.shape[1] - 1
    found = extended(curve, seen + more)
    np.testing.assert_array_equal(found[:, : seen + 1], curve)
    assert found.shape[1] == seen + more + 1
    assert (np.diff(found, axis=1) <= 1e-12).all()
    assert (found >= 0).all()
    ratios = found[0, seen + 1 :] / found[0, seen:-1]
    mean = (curve[0, seen] / curve[0, max(seen - LAST_PERIODS, 0)]) ** (1 / min(seen, LAST_PERIODS))
    np.testing.assert_allclose(ratios, mean)


@settings(deadline=None)
@given(curve=curves, horizon=st.integers(1, 900), rate=st.floats(0, 0.3))
def test_where_the_horizon_lies_does_not_change_the_whole(curve, horizon, rate) -> None:
    found = value(curve, horizon=horizon, rate=rate, window=1)
    other = value(curve, horizon=365, rate=rate, window=1)
    assert found.within[0] + found.beyond[0] == pytest.approx(other.within[0] + other.beyond[0])
    further = value(curve, horizon=horizon + 30, rate=rate, window=1)
    assert further.within[0] >= found.within[0] - 1e-9


@settings(deadline=None)
@given(curve=curves, other=curves)
def test_each_customer_stands_alone_and_a_missing_price_stays_missing(curve, other) -> None:
    periods = min(curve.shape[1], other.shape[1])
    both = value(np.vstack([curve[:, :periods], other[:, :periods]]), [MONTH_DAYS, np.nan])
    alone = value(curve[:, :periods])
    for part in ("within", "beyond", "loss"):
        assert getattr(both, part)[0] == pytest.approx(getattr(alone, part)[0])
        assert np.isnan(getattr(both, part)[1])


@settings(deadline=None)
@given(curve=curves, window=st.integers(1, 120), rate=st.floats(0, 0.3))
def test_who_leaves_is_a_loss_and_never_more_than_everything(curve, window, rate) -> None:
    found = value(curve, horizon=365, window=window, rate=rate)
    assert 0 <= found.loss[0] <= value(np.ones((1, 2)), horizon=365, rate=rate).within[0] + 1e-9


def test_the_loss_ends_with_the_value_horizon() -> None:
    # window of 60 days, horizon of 30: who stays and who leaves on day 30 both pay 30 within it
    assert value(np.ones((1, 4)), horizon=30, window=60).loss[0] == pytest.approx(0)
