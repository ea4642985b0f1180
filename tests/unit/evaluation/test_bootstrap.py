import numpy as np
import pytest

from holdfast.evaluation.bootstrap import Interval, customer_counts, interval, intervals, resample
from holdfast.evaluation.calibration import ece
from holdfast.evaluation.rows import sort_rows
from holdfast.evaluation.weighted import Panel, Plan


def sample(n=200, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    return (rng.random(n) < p).astype(float), p


def resampled(y, p, code, customers, *, n_boot=200, seed=1, cells=100_000):
    return resample([Panel(sort_rows(y, p, code), Plan())], customers, n_boot=n_boot, seed=seed, cells=cells)[0]


def test_every_resample_draws_as_many_customers_as_there_are():
    counts = np.concatenate(list(customer_counts(50, 400, seed=3, block=7)))
    assert counts.shape == (400, 50)
    assert (counts.sum(axis=1) == 50).all()
    # counts are binomial(50, 1/50): mean 1, variance .98
    assert counts.var() == pytest.approx(0.98, abs=0.03)


def test_the_block_size_changes_nothing():
    y, p = sample()
    small, large = (resampled(y, p, np.arange(200), 200, cells=cells) for cells in (1, 10**7))
    for name, values in small.items():
        np.testing.assert_array_equal(values, large[name])


def test_the_seed_changes_the_resamples():
    y, p = sample()
    assert (
        resampled(y, p, np.arange(200), 200)["auroc"] != resampled(y, p, np.arange(200), 200, seed=2)["auroc"]
    ).any()


def test_the_spread_of_a_mean_is_the_one_of_theory():
    y, p = sample(2000)
    brier = resampled(y, p, np.arange(2000), 2000, n_boot=1000)["brier"]
    assert brier.std() == pytest.approx(((y - p) ** 2).std() / np.sqrt(2000), rel=0.08)


def test_whole_customers_are_drawn():
    y, p = sample(300)
    four = [np.tile(array, 4) for array in (y, p, np.arange(300))]
    alone = resampled(y, p, np.arange(300), 300)
    together = resampled(*four, 300)
    # four rows of each customer always come together: exactly the resamples of one row each
    np.testing.assert_allclose(together["auroc"], alone["auroc"])
    free = resampled(four[0], four[1], np.arange(1200), 1200)
    assert free["auroc"].std() < 0.65 * together["auroc"].std()


def test_the_interval_covers_the_truth_as_often_as_it_says():
    # scores N(0, 1) and N(1, 1): AUROC = Phi(1 / sqrt 2) = .7602
    hits = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        y = (rng.random(300) < 0.4).astype(float)
        panel = Panel(sort_rows(y, rng.normal(size=300) + y, np.arange(300)), Plan(probability=False))
        span = interval(resample([panel], 300, n_boot=200, seed=seed)[0]["auroc"], 0.0)
        hits += span.low <= 0.7602 <= span.high
    assert 0.89 <= hits / 150 <= 0.99


def test_an_inflated_figure_is_centred_and_never_negative():
    values = np.linspace(0.02, 0.06, 401)
    spans = intervals({"ece": values, "auroc": values}, {"ece": 0.01, "auroc": 0.01})
    assert spans["ece"].as_list() == pytest.approx([0.0, 0.029])  # median .04, shift -.03; low .021 - .03 < 0
    assert spans["auroc"].as_list() == pytest.approx([0.021, 0.059])


def test_too_few_usable_resamples_give_no_interval():
    values = np.where(np.arange(100) < 20, np.nan, 0.5)
    assert interval(values, 0.5) == Interval(None, None)
    assert interval(values, 0.5).as_list() is None
    assert interval(np.array([]), 0.5).low is None


def test_centring_makes_the_interval_of_ece_cover():
    def world(seed):
        rng = np.random.default_rng(seed)
        p = rng.beta(2, 5, 300)
        return (rng.random(300) < p).astype(float), p

    truth = np.mean([ece(*world(1000 + seed)) for seed in range(300)])
    centred = plain = 0
    for seed in range(50):
        y, p = world(seed)
        values = resampled(y, p, np.arange(300), 300, n_boot=100, seed=seed)["ece"]
        spans = [interval(values, ece(y, p), centred=flag) for flag in (True, False)]
        centred += spans[0].low <= truth <= spans[0].high
        plain += spans[1].low <= truth <= spans[1].high
    assert centred >= 43
    assert plain <= 35
