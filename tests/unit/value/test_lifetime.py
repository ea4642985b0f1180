import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.btyd.bgnbd import BgNbd
from holdfast.btyd.gamma_gamma import GammaGamma
from holdfast.value.lifetime import discounted_purchases, lifetime_days, purchase_value

MODEL = BgNbd(0.4, 5.0, 0.8, 2.4, 0.0, True, 100)
SPEND = GammaGamma(6.25, 3.74, 15.44, 0.0, True, 100, 0.0)
WHO = (np.array([0.0, 2.0, 9.0, 2.0]), np.array([0.0, 100.0, 280.0, 100.0]), np.array([200.0, 150.0, 300.0, 150.0]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(rate=st.floats(0, 0.4), split=st.floats(1, 1500), end=st.floats(1, 1500))
def test_stretches_of_time_add_up(rate: float, split: float, end: float) -> None:
    first, last = sorted((split, split + end))
    whole = discounted_purchases(MODEL, *WHO, 0, last, rate)
    parts = discounted_purchases(MODEL, *WHO, 0, first, rate) + discounted_purchases(MODEL, *WHO, first, last, rate)
    assert whole == pytest.approx(parts, rel=1e-5, abs=1e-9)


def test_it_is_the_sum_over_small_steps() -> None:
    edges = np.linspace(0, 900, 901)
    expected = np.array([MODEL.expected_purchases(*WHO, day) if day else np.zeros(4) for day in edges])
    middle = (edges[1:] + edges[:-1]) / 2
    brute = (np.diff(expected, axis=0) * 1.12 ** (-middle / 365)[:, None]).sum(axis=0)
    assert discounted_purchases(MODEL, *WHO, 0, 900, 0.12) == pytest.approx(brute, rel=1e-6)


def test_equal_customers_get_equal_values_and_discounting_only_lowers() -> None:
    found = discounted_purchases(MODEL, *WHO, 0, 365, 0.1)
    assert found[1] == found[3]
    assert (found < MODEL.expected_purchases(*WHO, 365)).all()


def value(**changes):
    settings = {"margin": 0.3, "horizon_days": 365, "observed_days": 120, "discount_rate": 0.1, "end_days": 1500}
    return purchase_value(MODEL, SPEND, *WHO, np.array([20.0, 30.0, 50.0, 30.0]), **(settings | changes))


def test_the_parts_do_not_overlap() -> None:
    """C1: purchases, retention and referrals add up to the lifetime value."""
    whole = value(horizon_days=1500).within
    parts = value()
    assert whole == pytest.approx(parts.within + parts.beyond, rel=1e-5)
    assert (value(end_days=100).beyond == 0).all(), "a lifetime that ends within the horizon leaves nothing beyond"


def test_money_is_orders_times_spend_times_margin() -> None:
    plain = value(discount_rate=0.0)
    each = SPEND.expected_spend(np.array([20.0, 30.0, 50.0, 30.0]), WHO[0] + 1) * 0.3
    assert plain.within == pytest.approx(plain.orders * each)
    assert plain.observed == pytest.approx(MODEL.expected_purchases(*WHO, 120) * each)
    assert value(margin=0.6).within == pytest.approx(2 * value().within)


def test_the_lifetime_is_held_by_what_was_seen() -> None:
    assert lifetime_days(365, 100) == 565
    assert lifetime_days(365, 5000) == 365 + 5 * 365
