"""Uplift metrics: laws, numbers worked by hand, and the verdict on trials with and without an effect."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.evaluation.uplift import (
    Trial,
    auuc,
    best_linear_predictor,
    curve,
    judge_uplift,
    qini,
    qini_normalised,
    uplift_at,
)

Arrays = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.float64]]


def trial(seed: int, n: int = 60, levels: int = 8) -> Arrays:
    rng = np.random.default_rng(seed)
    treated = rng.random(n) < 0.5
    treated[:2] = True, False
    return (rng.random(n) < 0.4).astype(float), treated, rng.integers(0, levels, n).astype(float)


def effect_of(y: Any, treated: Any) -> float:
    return float(y[treated].mean() - y[~treated].mean())


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_a_constant_score_has_no_area_and_the_average_effect_everywhere(seed: int) -> None:
    """A9: with all scores equal q is 0, uplift at k is the average effect, AUUC half of it."""
    y, treated, _ = trial(seed)
    flat = np.full(len(y), 3.0)
    assert qini(y, treated, flat) == pytest.approx(0.0, abs=1e-12)
    for share in (0.1, 0.33, 1.0):
        assert uplift_at(y, treated, flat, share) == pytest.approx(effect_of(y, treated))
    assert auuc(y, treated, flat) == pytest.approx(effect_of(y, treated) / 2)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_only_the_order_of_the_scores_counts(seed: int) -> None:
    """A9: copied, monotonely transformed and row-shuffled scores give the same figures, ties or not."""
    y, treated, score = trial(seed)
    found = (qini(y, treated, score), auuc(y, treated, score), uplift_at(y, treated, score, 0.3))
    other = np.exp(score / 3) + 7
    assert (qini(y, treated, other), auuc(y, treated, other), uplift_at(y, treated, other, 0.3)) == pytest.approx(
        found, nan_ok=True
    )
    mixed = np.random.default_rng(seed).permutation(len(y))
    again = (y[mixed], treated[mixed], score[mixed])
    assert (qini(*again), auuc(*again), uplift_at(*again, 0.3)) == pytest.approx(found, nan_ok=True)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_an_outcome_of_the_other_sign_turns_every_sign(seed: int) -> None:
    """A9: a negative average effect is shown as negative, never divided away."""
    y, treated, score = trial(seed)
    assert qini(-y, treated, score) == pytest.approx(-qini(y, treated, score))
    assert curve(y, treated, score)["gain"].iloc[-1] == pytest.approx(effect_of(y, treated))


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_equal_propensities_weigh_nothing(seed: int) -> None:
    y, treated, score = trial(seed)
    assert qini(y, treated, score, 0.5) == pytest.approx(qini(y, treated, score))


def test_a_random_score_has_no_area_on_average() -> None:
    """A9: the mean of q over 400 random scores is within four errors of 0."""
    rng = np.random.default_rng(0)
    y, treated, _ = trial(1, 400)
    found = np.array([qini(y, treated, rng.random(400)) for _ in range(400)])
    assert abs(found.mean()) < 4 * found.std() / 20


def test_the_curve_by_hand() -> None:
    """Steps of one treated and one control: 1 − 0, then 0 − 1: gains 1/2, 0 of two treated; q = 1/4, AUUC 1/4.

    The uplift curve is 1/2 x 1 at half, 1 x 0 at the end: area 1/4 + 0 under two triangles of base 1/2, height 1/2.
    """
    y, treated, score = [1, 0, 0, 1], [True, False, True, False], [2, 2, 1, 1]
    assert curve(y, treated, score)["gain"].tolist() == [0.0, 0.5, 0.0]
    assert qini(y, treated, score) == 0.25
    assert auuc(y, treated, score) == 0.25
    # treated responders and silent controls first: the gain is 1/2 after two of four, then falls back
    assert qini_normalised(y, treated, score) == pytest.approx(0.25 / qini(y, treated, [1, 0, 0, -1]))


def test_weights_undo_a_propensity_that_goes_with_the_score() -> None:
    """A9: a constant effect of nought with assignment tied to the score: a false q without weights, none with them."""
    rng = np.random.default_rng(3)
    n = 40_000
    score = rng.random(n)
    e = np.where(score > 0.5, 0.8, 0.2)
    treated = rng.random(n) < e
    y = (rng.random(n) < 0.2 + 0.5 * score).astype(float)
    assert abs(qini(y, treated, score)) > 0.02
    assert abs(qini(y, treated, score, e)) < 0.005


def test_the_best_linear_predictor_says_how_much_of_the_score_is_there() -> None:
    """A score twice as wide as the effects has slope 1/2; its error shrinks with the square root of n."""
    rng = np.random.default_rng(0)
    n = 40_000
    effect, treated = rng.normal(0.2, 0.3, n), rng.random(n) < 0.3
    y = rng.normal(size=n) + effect * treated
    found = best_linear_predictor(y, treated, 2 * effect)
    assert found.slope == pytest.approx(0.5, abs=4 * found.error)
    assert found.error == pytest.approx(1 / (0.6 * np.sqrt(0.21 * n)), rel=0.15)
    assert best_linear_predictor(y, treated, np.ones(n)).z == 0.0


def test_heterogeneity_is_found_where_it_is_and_only_there() -> None:
    """A9: an effect in half of the customers is found; a constant one is not, and a tiny trial cannot say."""
    rng = np.random.default_rng(5)
    n = 8000
    score, treated = rng.random(n), rng.random(n) < 0.5
    base = rng.random(n)
    half = (base < 0.2 + 0.3 * treated * (score > 0.5)).astype(float)
    same = (base < 0.2 + 0.3 * treated).astype(float)
    assert judge_uplift(half, treated, score, resamples=200).verdict == "found"
    assert judge_uplift(same, treated, score, resamples=200).verdict == "not found"
    assert judge_uplift(same[:60], treated[:60], score[:60], resamples=200).verdict == "not measurable"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_a_resample_keeps_the_size_of_each_arm(seed: int) -> None:
    y, treated, score = trial(seed)
    times = Trial.of(y, treated, score).resample(np.random.default_rng(seed))
    assert times[treated].sum() == treated.sum()
    assert times[~treated].sum() == (~treated).sum()


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(DataError, match="only one arm"):
        qini([1, 0], [True, True], [1, 2])
    with pytest.raises(DataError, match="missing"):
        qini([1, np.nan], [True, False], [1, 2])
    with pytest.raises(DataError, match="share"):
        uplift_at([1, 0], [True, False], [1, 2], 0.0)
