import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm, t

from holdfast.learners.interval import calibration_offset, interval, level_sd


def cutoffs(rng, k, n, sd):
    """k cutoffs whose true level misses the score by N(0, sd) logits."""
    margins = [rng.normal(size=n) for _ in range(k)]
    labels = [(rng.random(n) < expit(margin + rng.normal(0, sd))).astype(int) for margin in margins]
    return labels, margins


def test_offset_by_hand():
    # Score 0.5 for all, 3 of 4 left: offset = log 3, variance 1 / (4 x 3/16) = 4/3.
    offset, variance = calibration_offset(np.array([1.0, 1.0, 1.0, 0.0]), np.zeros(4))
    assert offset == pytest.approx(np.log(3))
    assert variance == pytest.approx(4 / 3)


def test_without_a_closed_cutoff_the_usual_error_speaks():
    assert level_sd([], [], prior_sd=0.3, prior_weight=4) == pytest.approx(0.3 * t.ppf(0.95, 4) / norm.ppf(0.95))


def test_two_cutoffs_by_hand():
    y = np.tile([0, 1], 50)
    # Offsets +1 and -1 (squares above the sampling variance 0.04) beside 3 x .2²: (2 + .12) / 5, widened by t(5) / z.
    widened = t.ppf(0.95, 5) / norm.ppf(0.95)
    assert level_sd([y, y], [np.ones(100), -np.ones(100)]) == pytest.approx(np.sqrt(2.12 / 5) * widened)


def test_a_hit_counts_at_least_its_sampling_error():
    y = np.tile([0, 1], 50)  # variance 1 / (100 x .25) = .04, nothing expected
    found = level_sd([y], [np.zeros(100)], prior_sd=0.0, prior_weight=1)
    assert found == pytest.approx(np.sqrt(0.04 / 2) * t.ppf(0.95, 2) / norm.ppf(0.95))


def test_a_common_bias_counts():
    y = np.tile([0, 1], 5000)
    biased = level_sd([y] * 12, [np.full(10_000, 0.5)] * 12)
    fair = level_sd([y] * 12, [np.zeros(10_000)] * 12)
    assert biased > 0.45
    assert fair < 0.12


@pytest.mark.parametrize("k", [0, 1, 3, 6])
def test_the_range_covers_the_next_cutoff_in_nine_of_ten_usual_worlds(k):
    rng = np.random.default_rng(k)
    hits = []
    for _ in range(300):
        sd = level_sd(*cutoffs(rng, k, 400, 0.2))
        hits.append(abs(rng.normal(0, 0.2)) < 1.645 * sd)
    assert 0.87 < np.mean(hits) <= 1


def test_a_wilder_world_is_learnt():
    rng = np.random.default_rng(9)
    hits = [abs(rng.normal(0, 0.6)) < 1.645 * level_sd(*cutoffs(rng, 8, 300, 0.6)) for _ in range(300)]
    assert np.mean(hits) > 0.83


@settings(max_examples=40, deadline=None)
@given(scores=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=20), sd=st.floats(0.01, 2))
def test_the_range_holds_the_score_and_keeps_the_order(scores, sd):
    score = np.sort(scores)
    low, high = interval(score, sd)
    assert ((low < score) & (score < high)).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    assert ((low >= 0) & (high <= 1)).all()


def test_certainty_and_no_uncertainty():
    np.testing.assert_array_equal(interval([0.0, 1.0], 0.5), ([0.0, 1.0], [0.0, 1.0]))
    np.testing.assert_allclose(interval([0.3], 0.0), ([0.3], [0.3]))


def test_every_customer_may_have_an_sd_of_its_own():
    low, high = interval([0.5, 0.5], [0.1, 0.4])
    assert (high - low)[1] > 3 * (high - low)[0]


def test_cutoffs_with_one_class_are_left_out():
    y = np.tile([0, 1], 50)
    alone = level_sd([y], [np.zeros(100)])
    assert level_sd([y, np.zeros(10)], [np.zeros(100), np.zeros(10)]) == alone
