import json

import numpy as np
import pandas as pd
import pytest

from holdfast.errors import ConfigError, DataError
from holdfast.evaluation.profit import Spend
from holdfast.evaluation.report import evaluate

KEYS = {
    "base_rate", "auroc", "average_precision", "log_loss", "brier", "brier_skill", "ece", "ece_floor",
    "calibration_slope", "calibration_intercept", "top_decile_lift", "precision_at_list", "recall_at_list",
    "mpc", "empc", "n",
}  # fmt: skip
BOUNDED = KEYS - {"n"}


def sample(n=500, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 3, n)
    return (rng.random(n) < p).astype(int), p, np.array([f"c{i:04d}" for i in rng.permutation(n)])


@pytest.fixture(scope="module")
def page():
    y, p, customer = sample()
    return evaluate(y, p, customer, seed=1, n_boot=300)


def test_every_figure_has_a_value_and_an_interval_around_it(page):
    assert set(page) >= KEYS
    for name in BOUNDED:
        low, high = page["intervals"][name]
        assert low <= page[name] <= high, name
    assert page["not_measured"] == {}
    assert "conditional on the fitted models" in page["intervals_are"]


def test_everything_is_json(page):
    assert json.loads(json.dumps(page, allow_nan=False)) == page


def test_the_page_is_the_same_to_the_last_bit_whatever_the_order_of_rows(page):
    y, p, customer = sample()
    order = np.random.default_rng(5).permutation(len(y))
    frame = pd.DataFrame({"y": y, "p": p, "customer": customer}).iloc[order]
    assert evaluate(frame["y"], frame["p"], frame["customer"], seed=1, n_boot=300) == page


def test_the_list_can_be_given_in_customers():
    y, p, customer = sample()
    out = evaluate(y, p, customer, seed=1, n_boot=0, k=37)
    top = np.argsort(-p)[:37]
    assert out["list_length"] == 37
    assert out["precision_at_list"] == pytest.approx(y[top].mean())
    assert out["recall_at_list"] == pytest.approx(y[top].sum() / y.sum())
    assert "auroc" not in out["intervals"]


def test_value_and_spend_give_the_profit_at_the_budget():
    y, p, customer = sample()
    out = evaluate(y, p, customer, seed=1, n_boot=100, value=np.full(500, 50.0), spend=Spend(1.0, 0.1, 100.0))
    # the 100 likeliest leavers: .1 x 50 for each who left, minus 100
    assert out["profit_at_budget"] == pytest.approx(5 * y[np.argsort(-p)[:100]].sum() - 100)
    low, high = out["intervals"]["profit_at_budget"]
    assert low < out["profit_at_budget"] < high
    assert out["contacted"] == 100


@pytest.mark.parametrize(("label", "word"), [(0, "nobody left"), (1, "everybody left")])
def test_one_class_is_not_measured_and_says_so(label, word):
    out = evaluate([label] * 30, np.linspace(0.1, 0.9, 30), np.arange(30), seed=1, n_boot=50)
    for name in ("auroc", "average_precision", "brier_skill", "top_decile_lift", "recall_at_list"):
        assert out[name] is None
        assert word in out["not_measured"][name]
        assert name not in out["intervals"]
    assert out["calibration_slope"] is None
    assert out["not_measured"]["calibration_slope"] == "only one class of labels"
    assert out["brier"] is not None
    assert out["empc"] is not None
    json.dumps(out, allow_nan=False)


def test_one_leaver_has_figures_but_no_interval_for_the_ranking():
    out = evaluate([1] + 19 * [0], np.linspace(0.9, 0.1, 20), np.arange(20), seed=1, n_boot=200)
    assert out["auroc"] == 1
    # he is missing from (19/20)^20 = 36 % of the resamples
    assert out["intervals"]["auroc"] is None
    assert "resamples" in out["not_measured"]["auroc interval"]
    assert out["intervals"]["brier"] is not None


def test_nobody_at_all_is_not_measured():
    out = evaluate([], [], [], seed=1)
    assert out["n"] == 0
    assert out["auroc"] is None
    assert out["ece_floor"] is None
    assert set(out["not_measured"].values()) == {"no customers in the cohort"}
    json.dumps(out, allow_nan=False)


def test_one_customer_alone_does_not_crash():
    out = evaluate([1], [0.7], ["a"], seed=1, n_boot=50)
    assert out["brier"] == pytest.approx(0.09)
    assert out["auroc"] is None


def test_a_constant_score_is_worth_half_and_lifts_nothing_by_itself():
    y, _, customer = sample()
    out = evaluate(y, np.full(500, y.mean()), customer, seed=1, n_boot=100)
    assert out["auroc"] == 0.5
    assert out["average_precision"] == pytest.approx(y.mean())
    assert out["brier_skill"] == pytest.approx(0, abs=1e-12)
    assert "equal" in out["not_measured"]["calibration_slope"]
    assert out["calibration_in_the_large"] == pytest.approx(0, abs=1e-9)


def test_a_score_that_is_no_probability_is_only_ranked():
    y, p, customer = sample()
    days = 400 * p
    out = evaluate(y, days, customer, seed=1, n_boot=50, probability=False)
    assert out["auroc"] == evaluate(y, p, customer, seed=1, n_boot=0)["auroc"]
    assert out["brier"] is None
    assert out["not_measured"]["ece"] == "the score is not a probability"
    with pytest.raises(DataError, match="expected a probability"):
        evaluate(y, days, customer, seed=1)


def test_missing_numbers_are_refused():
    with pytest.raises(DataError, match="score: row 1 is nan"):
        evaluate([0, 1], [0.5, float("nan")], ["a", "b"], seed=1)
    with pytest.raises(DataError, match="label: row 0 is nan"):
        evaluate([float("nan"), 1], [0.5, 0.5], ["a", "b"], seed=1)


@pytest.mark.parametrize("length", [{"k": 0}, {"list_share": 0.0}, {"list_share": 1.5}])
def test_a_list_of_nobody_is_refused(length):
    with pytest.raises(ConfigError, match="list share"):
        evaluate([0, 1], [0.2, 0.5], ["a", "b"], seed=1, n_boot=0, **length)
