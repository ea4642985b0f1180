"""Profit figures when cost, acceptance or value are off by half."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.evaluation.profit import Campaign, Spend
from holdfast.evaluation.sensitivity import FACTORS, INPUTS, mean_sensitivity, profit_sensitivity

Y, P = [0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]


def by_case(**more):
    rows = profit_sensitivity(Y, P, np.arange(8), **more)
    return {(row["input"], row["factor"]): row for row in rows}


def test_every_input_is_moved_both_ways_once():
    assert list(by_case()) == [("as configured", 1.0), *((name, factor) for name in INPUTS for factor in FACTORS)]


def test_mpc_by_hand():
    found = by_case(campaign=Campaign(alpha=6, beta=14, clv=200, incentive_cost=10, contact_cost=1))
    # contacting all but the lowest score finds 4 leavers and 3 stayers of 8 customers:
    # (4 · gain − 3 · loss) / 8 with gain = accept · (clv − incentive) − contact and loss = incentive + contact
    assert found["as configured", 1.0]["mpc"] == pytest.approx((4 * 56 - 3 * 11) / 8)
    assert found["cost", 1.5]["mpc"] == pytest.approx((4 * (0.3 * 185 - 1.5) - 3 * 16.5) / 8)
    assert found["value", 0.5]["mpc"] == pytest.approx((4 * (0.3 * 90 - 1) - 3 * 11) / 8)
    assert found["acceptance", 0.5]["mpc"] == pytest.approx((4 * (0.15 * 190 - 1) - 3 * 11) / 8)
    assert found["acceptance", 1.5]["mpc"] == pytest.approx((4 * (0.45 * 190 - 1) - 3 * 11) / 8)


def test_profit_at_the_budget_by_hand():
    value, spend = np.full(8, 100.0), Spend(cost=5, save_rate=0.1, budget=10)
    found = by_case(value=value, spend=spend)
    # expected .1 · p · 100 − 5 is positive for p > .5: of .9, .8 and .7 the budget pays two: labels 1 and 0
    assert found["as configured", 1.0]["profit_at_budget"] == pytest.approx(10 - 10)
    # at 2.5 the budget pays four: .9 .8 .7 .5 with labels 1 0 1 0
    assert found["cost", 0.5]["profit_at_budget"] == pytest.approx(20 - 10)
    assert found["value", 0.5]["contacted"] == 0
    assert found["acceptance", 1.5]["profit_at_budget"] == pytest.approx(15 - 10)


@given(st.integers(0, 500))
def test_cheaper_never_pays_less_and_less_value_never_more(seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, 30), rng.random(30)
    rows = profit_sensitivity(y, p, np.arange(30))
    found = {(row["input"], row["factor"]): row for row in rows}
    for name in ("mpc", "empc"):
        plain = found["as configured", 1.0][name]
        assert found["cost", 0.5][name] >= plain - 1e-9 >= found["cost", 1.5][name] - 2e-9
        assert found["value", 1.5][name] >= plain - 1e-9 >= found["value", 0.5][name] - 2e-9


def test_means_over_cutoffs():
    one, other = by_case(), by_case()
    mean = mean_sensitivity([list(one.values()), list(other.values())])
    assert mean == list(one.values())
