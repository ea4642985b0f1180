"""Contract value: the geometric case by hand, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.value.contract import MONTH_DAYS, contract_value, extended


def geometric(q: float, periods: int) -> np.ndarray:
    return q ** np.arange(periods + 1)[None, :]


def test_the_last_hazards_go_on():
    np.testing.assert_allclose(extended(geometric(0.9, 8), 20), geometric(0.9, 20))
    np.testing.assert_allclose(extended(geometric(0.9, 8), 3), geometric(0.9, 3))


def test_the_geometric_case_by_hand():
    # periods of a month, stays with q = .9: the mean share in force in month k is .9^k · .95; 10 a month
    found = contract_value(
        geometric(0.9, 12), np.array([10.0]), period_days=365 / 12, horizon_days=365, end_days=365 * 50,
        window_days=30, discount_rate=0.0,
    )  # fmt: skip
    first_year = 10 * 0.95 * (1 - 0.9**12) / (1 - 0.9)
    assert found.within[0] == pytest.approx(first_year)
    # all that follows: 10 · .95 · .9^12 / (1 − .9)
    assert found.beyond[0] == pytest.approx(10 * 0.95 * 0.9**12 / 0.1, rel=1e-6)


def test_discounting_by_hand():
    # two periods of 365 days, certain to stay, 1 a month: 12 / 1.1^.5 and 12 / 1.1^1.5
    found = contract_value(
        np.ones((1, 3)), np.array([1.0]), period_days=365, horizon_days=365, end_days=730, window_days=30,
        discount_rate=0.1,
    )  # fmt: skip
    assert found.within[0] == pytest.approx(12 / 1.1**0.5)
    assert found.beyond[0] == pytest.approx(12 / 1.1**1.5)


@given(st.floats(0.5, 1.0), st.floats(0.0, 0.3), st.floats(1, 100), st.integers(30, 400))
def test_laws(q, rate, margin, horizon):
    def value(stay=q, discount=rate, money=margin):
        return contract_value(
            geometric(stay, 12), np.array([money]), period_days=30, horizon_days=horizon, end_days=800, window_days=30,
            discount_rate=discount,
        )  # fmt: skip

    found = value()
    assert found.within[0] <= margin * horizon / MONTH_DAYS + 1e-9
    assert found.within[0] >= 0 <= found.beyond[0]
    assert value(stay=min(q + 0.1, 1.0)).within[0] >= found.within[0] - 1e-9
    assert value(discount=rate + 0.1).beyond[0] <= found.beyond[0] + 1e-9
    assert value(money=2 * margin).loss[0] == pytest.approx(2 * found.loss[0])
