import numpy as np
import pytest
from empulse.metrics import empc_score, mpc_score
from scipy.integrate import quad
from scipy.stats import beta

from holdfast.errors import ConfigError
from holdfast.evaluation.profit import Campaign, Spend, empc, mpc, profit_at_budget, profit_curve

Y, P = [0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]


def test_empc_of_the_published_example():
    assert empc(Y, P) == pytest.approx(23.875593418348124, abs=1e-9)


def test_mpc_by_hand():
    # best: contact all but the lowest stayer: 4 leavers x (.3 x 190 - 1) - 3 stayers x 11 = 224 - 33 = 191, over 8
    assert mpc(Y, P) == pytest.approx(191 / 8)


@pytest.mark.parametrize("seed", range(30))
def test_mpc_and_empc_agree_with_the_published_implementation(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 400))
    p = rng.random(n).round(int(rng.integers(1, 8)))
    y = (rng.random(n) < 0.1 + 0.8 * p**2).astype(int)
    y[:2] = 0, 1
    terms = {"clv": float(rng.uniform(50, 500)), "incentive_cost": float(rng.uniform(1, 40))}
    terms["contact_cost"] = float(rng.uniform(0.1, 5))
    a, b = float(rng.uniform(1, 10)), float(rng.uniform(1, 20))
    campaign = Campaign(a, b, **terms)
    assert empc(y, p, campaign) == pytest.approx(empc_score(y, p, alpha=a, beta=b, **terms), abs=1e-6)
    assert mpc(y, p, campaign) == pytest.approx(mpc_score(y, p, accept_rate=a / (a + b), **terms), abs=1e-6)


def test_empc_is_the_integral_of_the_best_threshold():
    rng = np.random.default_rng(9)
    p = rng.random(40)
    y = (rng.random(40) < p).astype(int)
    order = np.argsort(-p)
    found, taken = np.cumsum(np.r_[0, y[order]]), np.cumsum(np.r_[0, 1 - y[order]])

    def best(gamma):
        return max(0.0, ((gamma * 190 - 1) * found - 11 * taken).max() / 40) * beta.pdf(gamma, 6, 14)

    assert empc(y, p) == pytest.approx(quad(best, 0, 1, limit=500, epsabs=1e-9)[0], abs=1e-6)


def test_nobody_is_contacted_when_nobody_leaves_or_the_incentive_eats_the_value():
    assert mpc([0, 0, 0], [0.1, 0.2, 0.3]) == 0
    assert empc([0, 0, 0], [0.1, 0.2, 0.3]) == 0
    assert empc(Y, P, Campaign(clv=10, incentive_cost=10)) == 0
    assert empc(Y, P, Campaign(clv=10, incentive_cost=30)) == 0


def test_the_curve_starts_with_nobody_and_peaks_at_the_mpc():
    share, profit = profit_curve(Y, P)
    assert (share[0], profit[0], share[-1]) == (0, 0, 1)
    assert profit.max() == mpc(Y, P)


def test_profit_at_the_budget_by_hand():
    # expected, .1 x p x value - 2: a 9 - 2 = 7, b 5 - 2 = 3, c 1 - 2 = -1 (never), d 3.2 - 2 = 1.2
    args = ([1, 0, 1, 1], [0.9, 0.5, 0.1, 0.8], [100, 100, 100, 40], ["a", "b", "c", "d"])
    all_of_them = profit_at_budget(*args, Spend(cost=2, save_rate=0.1))
    assert (all_of_them.contacted, all_of_them.spent) == (3, 6)
    assert all_of_them.promised == pytest.approx(7 + 3 + 1.2)
    assert all_of_them.modelled == pytest.approx(10 + 0 + 4 - 6)
    two = profit_at_budget(*args, Spend(cost=2, save_rate=0.1, budget=5))
    assert (two.contacted, two.spent) == (2, 4)
    assert two.modelled == pytest.approx(10 + 0 - 4)


def test_no_budget_and_no_effect_contact_nobody():
    assert profit_at_budget([1], [0.9], [100], ["a"], Spend(cost=1, budget=0)).contacted == 0
    assert profit_at_budget([1], [0.9], [100], ["a"], Spend(cost=1, save_rate=0)).contacted == 0


def test_a_contact_that_costs_nothing_goes_to_all_whom_it_saves():
    # .5 · .2 · 100 = 10 for each of two; the third is certain to stay
    free = profit_at_budget([1, 0, 0], [0.5, 0.5, 0.0], [100] * 3, list("abc"), Spend(cost=0, save_rate=0.2, budget=0))
    assert free.contacted == 2


def test_a_budget_is_not_lost_to_rounding():
    # 0.3 / 0.1 is 2.9999999999999996
    bought = profit_at_budget([1] * 5, [0.9] * 5, [100] * 5, list("abcde"), Spend(cost=0.1, budget=0.3))
    assert bought.contacted == 3


@pytest.mark.parametrize("bad", [{"clv": 0}, {"alpha": -1}, {"contact_cost": -1}])
def test_a_campaign_without_sense_is_refused(bad):
    with pytest.raises(ConfigError):
        Campaign(**bad)


@pytest.mark.parametrize("bad", [{"cost": -1}, {"cost": 1, "save_rate": 2}, {"cost": 1, "budget": -1}])
def test_a_spend_without_sense_is_refused(bad):
    with pytest.raises(ConfigError):
        Spend(**bad)
