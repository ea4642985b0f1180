import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from holdfast.errors import DataError
from holdfast.evaluation.calibration import (
    brier,
    brier_skill,
    calibration_curve,
    ece,
    ece_floor,
    equal_mass_bins,
    log_loss,
)


def test_losses_equal_scikit_learn_even_at_zero_and_one():
    rng = np.random.default_rng(0)
    p = np.r_[rng.random(50), 0.0, 1.0, 0.0, 1.0]
    y = np.r_[(rng.random(50) < 0.5).astype(int), 0, 1, 1, 0]
    assert log_loss(y, p) == pytest.approx(sklearn_log_loss(y, p), rel=1e-9)
    assert brier(y, p) == pytest.approx(brier_score_loss(y, p), rel=1e-12)


def test_brier_skill_is_zero_for_the_base_rate_and_one_for_the_truth():
    y = np.array([1, 0, 0, 0])
    assert brier_skill(y, np.full(4, 0.25)) == pytest.approx(0)
    assert brier_skill(y, y) == 1
    assert brier_skill(y, 1 - y) < 0
    assert np.isnan(brier_skill([0, 0], [0.1, 0.2]))


def test_ece_by_hand():
    # bins of two: {.9, .8} saw 1 of 2 (gap .35), {.4, .1} saw 0 of 2 (gap .25): mean .3
    assert ece([1, 0, 0, 0], [0.9, 0.8, 0.4, 0.1], bins=2) == pytest.approx(0.3)


def test_equal_scores_share_a_bin_so_a_constant_at_the_base_rate_is_perfect():
    y = np.arange(40) % 4 == 0
    assert ece(y, np.full(40, 0.25)) == pytest.approx(0, abs=1e-15)


def test_a_level_goes_where_its_middle_row_lies():
    # rows 1-3 of four share a score: their middle, 2.5, lies in the second half
    assert equal_mass_bins(np.array([0.9, 0.5, 0.5, 0.5]), bins=2).tolist() == [0, 1, 1, 1]
    assert equal_mass_bins(np.array([0.5, 0.5, 0.5, 0.1]), bins=2).tolist() == [0, 0, 0, 1]


def test_without_ties_bins_hold_equally_many():
    rng = np.random.default_rng(3)
    p = np.sort(rng.random(400))
    y = (rng.random(400) < p).astype(int)
    by_hand = np.mean([abs(y[i : i + 20].mean() - p[i : i + 20].mean()) for i in range(0, 400, 20)])
    assert ece(y, p) == pytest.approx(by_hand)


def test_a_calibrated_model_shows_the_floor_and_a_shifted_one_does_not():
    rng = np.random.default_rng(4)
    p = rng.beta(1, 9, 3000)
    floor = ece_floor(p, seed=1)
    seen = [ece((rng.random(3000) < p).astype(int), p) for _ in range(100)]
    assert np.mean(seen) == pytest.approx(floor.mean, rel=0.05)
    assert np.mean([floor.low <= value <= floor.high for value in seen]) > 0.85
    assert ece((rng.random(3000) < np.clip(p + 0.1, 0, 1)).astype(int), p) > floor.high


@pytest.mark.parametrize(("n", "expected"), [(1200, 0.032), (3000, 0.020)])
def test_the_floor_on_a_rate_of_a_tenth_is_the_one_the_design_names(n, expected):
    # twenty bins: .8 x sqrt(.09 / (n / 20)) = .031 at 1 200 rows and .020 at 3 000
    assert ece_floor(np.full(n, 0.1) + np.linspace(-1e-3, 1e-3, n), seed=0).mean == pytest.approx(expected, abs=0.002)


def test_the_floor_does_not_depend_on_the_order_of_rows_but_on_the_seed():
    p = np.random.default_rng(1).random(200)
    assert ece_floor(p, seed=1) == ece_floor(p[::-1], seed=1)
    assert ece_floor(p, seed=1) != ece_floor(p, seed=2)


def test_calibration_curve_by_hand():
    curve = calibration_curve([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8], bins=2)
    assert curve["predicted"].tolist() == pytest.approx([0.2, 0.7])
    assert curve["observed"].tolist() == [0, 1]
    assert curve["customers"].tolist() == [2, 2]
    # Wilson at 0 of 2: low 0, high 1.96^2 / (2 + 1.96^2) = .658
    assert curve["high"].iloc[0] == pytest.approx(0.658, abs=1e-3)
    assert curve["low"].iloc[0] == pytest.approx(0, abs=1e-12)


def test_what_is_no_probability_is_refused():
    with pytest.raises(DataError, match="probability between 0 and 1"):
        ece([0, 1], [0.5, 30])
