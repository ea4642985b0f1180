import math

import numpy as np
import pytest

from holdfast.targeting.economics import Worth
from holdfast.targeting.holdout import draws
from holdfast.targeting.plan import plan_round

N = 400
P = np.linspace(0.2, 0.8, N)
LUCK = draws([f"c{k}" for k in range(N)], "1")


def worth(profit, cost):
    return Worth(np.full(profit.shape, 0.01), cost, profit, profit, profit)


def one_offer(price=10):
    return worth(np.linspace(50.0, 90.0, N)[:, None], np.full((N, 1), price))


def test_all_are_selected_when_money_is_plenty():
    plan = plan_round(one_offer(), P, LUCK, 10**9, [None], 0.1, 0.8)
    assert plan.treated.sum() == 360
    assert plan.held.sum() == 40
    assert set(plan.left_out) == {""}


@pytest.mark.parametrize("budget", [9, 10, 25, 500, 1234, 3000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_budget_goes_to_the_treated_alone(budget, share):
    plan = plan_round(one_offer(), P, LUCK, budget, [None], share, 0.8)
    n, held = int((plan.choice >= 0).sum()), int(plan.held.sum())
    assert plan.treated.sum() * 10 <= budget
    assert budget - plan.treated.sum() * 10 < 10 or n == N
    assert min(math.ceil(n * share), n // 2) <= held <= n / 2


def test_a_capacity_is_filled_with_treated():
    """C6: the list never exceeds the capacity of an offer."""
    plan = plan_round(one_offer(), P, LUCK, 10**9, [90], 0.1, 0.8)
    assert plan.treated.sum() == 90
    assert plan.held.sum() >= 10
    assert set(plan.left_out) == {"", "capacity"}


def test_the_arm_does_not_decide_who_is_selected():
    # the densest are selected in both arms: nobody held out is less dense than the least dense treated
    plan = plan_round(one_offer(), P, LUCK, 1000, [None], 0.3, 0.8)
    density = one_offer().profit[:, 0]
    assert density[plan.held].min() >= density[plan.treated].min() - 1e-9


def test_nobody_pays():
    plan = plan_round(worth(np.full((N, 1), -1.0), np.full((N, 1), 10)), P, LUCK, 1000, [None], 0.1, 0.8)
    assert (plan.choice == -1).all()
    assert not plan.held.any()
    assert set(plan.left_out) == {""}
