import numpy as np

from holdfast.targeting.money import NO_LIMIT, budget_units, cost_units


def test_costs_round_up_and_budgets_down():
    assert cost_units(np.array([0.1 + 0.2, 3.2, 0.00001])).tolist() == [3000, 32_000, 1]
    assert (budget_units(0.3), budget_units(0.00009), budget_units(1.00019)) == (3000, 0, 10_001)


def test_no_limit_is_beyond_any_sum():
    assert budget_units(None) == NO_LIMIT
    assert 10**6 * int(cost_units(np.array([1e8]))[0]) < NO_LIMIT
