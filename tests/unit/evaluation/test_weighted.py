import numpy as np
import pytest

from holdfast.evaluation import calibration, profit, ranking
from holdfast.evaluation.profit import Campaign, Spend
from holdfast.evaluation.rows import list_length, sort_rows
from holdfast.evaluation.weighted import Panel, Plan

SPEND = Spend(cost=1.5, save_rate=0.1, budget=20.0)
PLAN = Plan(list_share=0.2, spend=SPEND)


def draw(seed, n=60, digits=2, customers=None):
    rng = np.random.default_rng(seed)
    p = rng.random(n).round(digits)
    y = (rng.random(n) < p).astype(float)
    y[:2] = 0, 1
    code = rng.integers(0, customers, n) if customers else rng.permutation(n)
    return y, p, code, rng.uniform(10, 100, n).round(1), rng


def panel(y, p, code, value, plan=PLAN):
    rows = sort_rows(y, p, code)
    return Panel(rows, plan, value[rows.order])


def plain(y, p, code, value, budget):
    k = list_length(len(y), PLAN.list_share)
    spend = Spend(SPEND.cost, SPEND.save_rate, budget)
    return {
        "base_rate": y.mean(),
        "auroc": ranking.auroc(y, p),
        "average_precision": ranking.average_precision(y, p),
        "log_loss": calibration.log_loss(y, p),
        "brier": calibration.brier(y, p),
        "brier_skill": calibration.brier_skill(y, p),
        "top_decile_lift": ranking.top_decile_lift(y, p, code),
        "precision_at_list": ranking.precision_at(y, p, code, k),
        "recall_at_list": ranking.recall_at(y, p, code, k),
        "mpc": profit.mpc(y, p),
        "empc": profit.empc(y, p),
        "profit_at_budget": profit.profit_at_budget(y, p, value, code, spend).modelled,
    }


@pytest.mark.parametrize("digits", [1, 2, 9])
@pytest.mark.parametrize("customers", [None, 25])
def test_integer_weights_equal_repeated_rows(digits, customers):
    for seed in range(8):
        y, p, code, value, rng = draw(seed, digits=digits, customers=customers)
        weights = rng.integers(0, 4, (5, code.max() + 1)).astype(float)
        figures = panel(y, p, code, value).measure(weights)
        for line, weight in enumerate(weights):
            repeated = np.repeat(np.arange(len(y)), weight[code].astype(int))
            budget = SPEND.budget * len(repeated) / len(y)
            expected = plain(y[repeated], p[repeated], code[repeated], value[repeated], budget)
            got = {name: values[line] for name, values in figures.items() if name != "ece"}
            assert got == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_ece_keeps_the_bins_of_the_sample():
    y, p, code, value, rng = draw(3, n=200, digits=9)
    weights = rng.integers(0, 4, (1, 200)).astype(float)
    order = np.argsort(-p)
    gaps = ((y - p) * weights[0][code])[order].reshape(20, 10).sum(axis=1)
    assert panel(y, p, code, value).measure(weights)["ece"][0] == pytest.approx(np.abs(gaps).sum() / weights.sum())


def test_a_weighting_with_one_class_has_no_ranking():
    y, p, code = np.array([0.0, 1.0]), np.array([0.2, 0.7]), np.array([0, 1])
    figures = Panel(sort_rows(y, p, code), Plan()).measure(np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
    assert np.isnan(figures["auroc"]).tolist() == [True, True, False]
    assert np.isnan(figures["brier_skill"]).tolist() == [True, True, False]
    assert np.isfinite(figures["brier"]).all()
    assert figures["mpc"][0] == 0


def test_a_score_that_is_no_probability_has_no_losses():
    y, _, code, _, rng = draw(1)
    figures = Panel(sort_rows(y, rng.normal(size=60) * 40, code), Plan(probability=False)).measure(np.ones((1, 60)))
    assert set(figures) == {
        "base_rate", "auroc", "average_precision", "top_decile_lift", "precision_at_list", "recall_at_list",
        "mpc", "empc",
    }  # fmt: skip


def test_another_campaign_is_used():
    y, p, code, value, _ = draw(2)
    campaign = Campaign(clv=500, incentive_cost=50)
    figures = panel(y, p, code, value, Plan(campaign=campaign)).measure(np.ones((1, 60)))
    assert figures["mpc"][0] == pytest.approx(profit.mpc(y, p, campaign))
    assert figures["empc"][0] == pytest.approx(profit.empc(y, p, campaign))
