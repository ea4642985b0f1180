import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm, t

from holdfast.errors import DataError
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


def test_one_cutoff_gives_its_sampling_error_even_when_it_missed():
    y = np.tile([0, 1], 50)
    # Offset -1 puts p at 0.5 again: 1 / sqrt(100 x 0.25) = 0.2.
    assert level_sd([y], [np.ones(100)]) == pytest.approx(0.2)


def test_two_cutoffs_by_hand():
    y = np.tile([0, 1], 50)
    # Offsets +1 and -1, mean square 1 (above the sampling variance 0.04), widened by t(2) / z at 95 %.
    widened = t.ppf(0.95, 2) / norm.ppf(0.95)
    assert level_sd([y, y], [np.ones(100), -np.ones(100)]) == pytest.approx(widened)


def test_a_common_bias_counts():
    y = np.tile([0, 1], 5000)
    biased = level_sd([y] * 4, [np.full(10_000, 0.5)] * 4)
    fair = level_sd([y] * 4, [np.zeros(10_000)] * 4)
    assert biased > 0.5
    assert fair < 0.05


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_range_covers_the_next_cutoff_in_nine_of_ten_worlds(k):
    rng = np.random.default_rng(k)
    hits = []
    for _ in range(300):
        sd = level_sd(*cutoffs(rng, k, 400, 0.3))
        hits.append(abs(rng.normal(0, 0.3)) < 1.645 * sd)
    assert 0.85 < np.mean(hits) < 0.97


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


def test_cutoffs_with_one_class_are_left_out_and_none_is_refused():
    y = np.tile([0, 1], 50)
    assert level_sd([y, np.zeros(10)], [np.zeros(100), np.zeros(10)]) == pytest.approx(0.2)
    with pytest.raises(DataError, match="no test cutoff"):
        level_sd([np.zeros(10)], [np.zeros(10)])
