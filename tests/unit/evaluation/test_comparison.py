import json

import numpy as np
import pytest

from holdfast.errors import DataError
from holdfast.evaluation.comparison import Fold, compare, compare_mean, mean_intervals
from holdfast.evaluation.profit import Spend, profit_at_budget
from holdfast.evaluation.ranking import auroc
from holdfast.evaluation.report import evaluate


def sample(n=600, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 3, n)
    return (rng.random(n) < p).astype(int), p, np.array([f"c{i:04d}" for i in rng.permutation(n)]), rng


def test_identical_models_differ_by_exactly_nothing():
    y, p, customer, rng = sample()
    out = compare(y, p, p, customer, seed=1, n_boot=100, value=rng.uniform(10, 90, 600), spend=Spend(1.0, 0.1, 50.0))
    assert "profit_at_budget" in out
    assert all(entry == {"difference": 0, "low": 0, "high": 0} for entry in out.values())


def test_a_better_model_is_seen_and_the_signs_are_those_of_a_minus_b():
    y, p, customer, rng = sample()
    noisy = np.clip(p + rng.normal(0, 0.3, 600), 0, 1)
    out = compare(y, p, noisy, customer, seed=1, n_boot=300)
    assert out["auroc"]["difference"] == pytest.approx(auroc(y, p) - auroc(y, noisy), abs=1e-12)
    assert out["auroc"]["low"] > 0
    assert out["brier"]["high"] < 0
    swapped = compare(y, noisy, p, customer, seed=1, n_boot=300)
    assert swapped["auroc"]["low"] == pytest.approx(-out["auroc"]["high"])


def test_pairing_narrows_the_interval():
    y, p, customer, rng = sample()
    near = np.clip(p + rng.normal(0, 0.02, 600), 0, 1)
    paired = compare(y, p, near, customer, seed=1, n_boot=300)["auroc"]
    alone = evaluate(y, p, customer, seed=1, n_boot=300)["intervals"]["auroc"]
    assert paired["high"] - paired["low"] < 0.3 * (alone[1] - alone[0])


def test_profit_at_the_budget_is_compared_as_it_is_defined():
    y, p, customer, rng = sample()
    value, spend, other = rng.uniform(10, 90, 600), Spend(2.0, 0.1, 60.0), rng.random(600)
    out = compare(y, p, other, customer, seed=1, n_boot=200, value=value, spend=spend)["profit_at_budget"]
    a, b = (profit_at_budget(y, scores, value, customer, spend).modelled for scores in (p, other))
    assert out["difference"] == pytest.approx(a - b)
    assert out["low"] < out["difference"] < out["high"]


def test_one_class_is_not_compared_by_ranking():
    out = compare([0, 0, 0], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1], list("abc"), seed=1, n_boot=50)
    assert out["auroc"] == {"difference": None, "low": None, "high": None}
    assert out["brier"]["difference"] == pytest.approx(0)
    json.dumps(out, allow_nan=False)


def test_the_mean_over_cutoffs_draws_each_customer_once():
    y, p, customer, rng = sample()
    other = np.clip(p + rng.normal(0, 0.2, 600), 0, 1)
    fold = Fold(y, p, other, customer)
    one = compare_mean([fold], seed=1, n_boot=200)["auroc"]
    # the same cutoff three times is no news, whatever the order of its rows
    back = Fold(y[::-1], p[::-1], other[::-1], customer[::-1])
    assert compare_mean([fold, back, fold], seed=1, n_boot=200)["auroc"] == pytest.approx(one)
    # three cutoffs of strangers are three times the news
    strangers = [Fold(y, p, other, np.char.add(customer, mark)) for mark in "xyz"]
    three = compare_mean(strangers, seed=1, n_boot=200)["auroc"]
    assert three["high"] - three["low"] < 0.75 * (one["high"] - one["low"])


def test_intervals_of_the_mean_hold_it():
    folds = [sample(seed=seed)[:3] for seed in range(3)]
    low, high = mean_intervals(folds, seed=1, n_boot=200)["auroc"]
    mean = np.mean([auroc(y, p) for y, p, _ in folds])
    assert low < mean < high
    # as the intervals of evaluate when there is one cutoff
    y, p, customer = folds[0]
    alone = evaluate(y, p, customer, seed=1, n_boot=200)["intervals"]
    assert mean_intervals([(y, p, customer)], seed=1, n_boot=200)["brier"] == pytest.approx(alone["brier"])


def test_nothing_and_nobody_cannot_be_compared():
    with pytest.raises(DataError, match="at least one cutoff"):
        compare_mean([], seed=1)
    with pytest.raises(DataError, match="without customers"):
        compare([], [], [], [], seed=1)


def test_values_at_some_cutoffs_only_are_refused():
    y, p, customer, _ = sample(50)
    folds = [Fold(y, p, p, customer), Fold(y, p, p, customer, np.ones(50))]
    with pytest.raises(DataError, match="some cutoffs only"):
        compare_mean(folds, seed=1, spend=Spend(1.0))
