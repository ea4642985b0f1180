"""Average effects, intervals, and the checks of a trial."""

import numpy as np
import pytest

from holdfast.errors import DataError
from holdfast.evaluation.effects import (
    Effect,
    always_valid,
    balance_test,
    e_value,
    mean_difference,
    mean_effect,
    sample_ratio,
    standardised_differences,
)


def test_a_difference_by_hand() -> None:
    """Treated 3, 5, controls 1, 1, 4: 4 − 2 = 2; error² = 2/2 + 3/3 = 2; 1.96 x 1.4142 = 2.772."""
    found = mean_difference([3, 5, 1, 1, 4], [True, True, False, False, False])
    assert (found.value, found.n) == (2.0, 5)
    assert found.low == pytest.approx(2 - 2.7718, abs=1e-4)
    assert mean_effect([0.0, 2.0]).error == pytest.approx(1.0)


def test_half_of_the_interval_covers_at_its_level() -> None:
    """A9: of 2,000 trials without an effect 95 % [93.5, 96.5] of the intervals hold 0."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        treated = rng.random(200) < 0.4
        found = mean_difference(rng.random(200) < 0.3, treated)
        inside += found.low <= 0 <= found.high
    assert 0.935 < inside / 2000 < 0.965


def test_an_interval_that_may_be_peeked_at_holds_through_the_whole_trial() -> None:
    """A9: looked at every 100 customers up to 4,000, 95 % of the trials never exclude 0; the plain interval does."""
    rng = np.random.default_rng(1)
    plain = valid = 0
    for _ in range(400):
        y = rng.normal(size=4000)
        looks = np.arange(100, 4001, 100)
        means, errors = np.cumsum(y)[looks - 1] / looks, 1 / np.sqrt(looks)
        plain += bool((np.abs(means) > 1.96 * errors).any())
        ends = [always_valid(Effect(m, 0, 0, s, int(n))) for m, s, n in zip(means, errors, looks, strict=True)]
        valid += any(low > 0 or high < 0 for low, high in ends)
    assert plain / 400 > 0.2
    assert valid / 400 <= 0.05


def test_arm_sizes_that_do_not_fit_the_plan_are_seen() -> None:
    """A9: 5,300 of 10,000 for a plan of one half has z = 6; 5,050 has z = 1."""
    treated = np.arange(10_000) < 5300
    assert sample_ratio(treated, 0.5) < 1e-8
    assert sample_ratio(np.arange(10_000) < 5050, 0.5) == pytest.approx(0.3173, abs=1e-3)
    with pytest.raises(DataError, match="planned share"):
        sample_ratio(treated, 1.0)


def test_balance_is_rejected_at_its_level_and_where_it_is_broken() -> None:
    """A9: over 300 fair draws p-values are spread evenly; one column tied to the arm is seen."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(500, 6))
    p = np.array([balance_test(X, rng.random(500) < 0.3, 0.3) for _ in range(300)])
    assert 0.4 < p.mean() < 0.6
    assert (p < 0.05).mean() < 0.1
    assert balance_test(X, rng.random(500) < 1 / (1 + np.exp(-X[:, 0])), 0.5) < 1e-6
    assert balance_test(np.ones((500, 1)), rng.random(500) < 0.3, 0.3) == 1.0


def test_differences_in_standard_deviations() -> None:
    """Means 2 and 1, both variances 1: 1; a column that is the arm itself: infinite."""
    X = np.array([[1, 1, 0], [3, 1, 0], [0, 0, 0], [2, 0, 0]], dtype=float)
    found = standardised_differences(X, [True, True, False, False])
    assert found.tolist() == [1.0, np.inf, 0.0]


def test_the_e_value_of_the_paper() -> None:
    """VanderWeele & Ding: a risk ratio of 3.9 has 7.26, and so has its inverse."""
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9))
