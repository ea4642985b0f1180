import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from holdfast.evaluation.recalibration import recalibrate


def sample(n=20_000, intercept=0.0, slope=1.0, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 5, n).clip(0.01, 0.99)
    return (rng.random(n) < expit(intercept + slope * logit(p))).astype(int), p


def test_planted_intercept_and_slope_are_found():
    y, p = sample(intercept=-0.4, slope=0.7)
    fit = recalibrate(y, p, np.arange(len(y)))
    assert fit.slope_interval[0] < 0.7 < fit.slope_interval[1]
    assert fit.intercept_interval[0] < -0.4 < fit.intercept_interval[1]
    assert fit.slope_interval[1] < 1


def test_equals_an_unpenalised_logistic_regression():
    y, p = sample(n=500)
    fit = recalibrate(y, p, np.arange(500))
    peer = LogisticRegression(C=1e12, tol=1e-12, max_iter=1000).fit(logit(p)[:, None], y)
    assert fit.slope == pytest.approx(peer.coef_[0, 0], abs=1e-5)
    assert fit.intercept == pytest.approx(peer.intercept_[0], abs=1e-5)


def test_the_level_with_slope_one_meets_the_mean():
    y, p = sample(n=4000, intercept=0.5)
    fit = recalibrate(y, p, np.arange(4000))
    # the maximum-likelihood level makes expected and observed leavers equal
    assert expit(logit(p) + fit.in_the_large).mean() == pytest.approx(y.mean(), abs=1e-9)


def test_intervals_cover_about_as_often_as_they_say():
    hits = 0
    for seed in range(200):
        y, p = sample(n=300, seed=seed)
        low, high = recalibrate(y, p, np.arange(300)).slope_interval
        hits += low <= 1 <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_rows_of_one_customer_widen_the_interval():
    y, p = sample(n=400)
    alone = recalibrate(np.tile(y, 4), np.tile(p, 4), np.arange(1600)).slope_interval
    clustered = recalibrate(np.tile(y, 4), np.tile(p, 4), np.tile(np.arange(400), 4)).slope_interval
    # four copies of each row carry no news: the standard error must be twice that of 1 600 free rows
    assert np.ptp(clustered) == pytest.approx(2 * np.ptp(alone), rel=0.01)


@pytest.mark.parametrize(
    ("y", "p", "words"),
    [
        ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], "only one class"),
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3], "all scores are equal"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], "separate"),
        ([], [], "only one class"),
    ],
)
def test_what_cannot_be_fitted_says_why(y, p, words):
    fit = recalibrate(y, p, np.arange(len(y)))
    assert np.isnan(fit.slope)
    assert words in (fit.reason or "")


def test_extreme_probabilities_do_not_break_it():
    y, p = sample(n=1000)
    p[:5], y[:5] = [0, 1, 0, 1, 1], [0, 1, 1, 0, 1]
    assert np.isfinite(recalibrate(y, p, np.arange(1000)).slope)
