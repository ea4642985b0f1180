import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import gamma

from holdfast.btyd.gamma_gamma import GammaGamma, _likelihood, fit_gamma_gamma

MODEL = GammaGamma(6.25, 3.74, 15.44, 0.0, True, 100, 0.0)


def world(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scale = rng.gamma(3.74, 1 / 15.44, n)
    count = rng.integers(1, 6, n).astype(float)
    return rng.gamma(6.25 * count, 1 / scale) / count, count


@pytest.mark.parametrize(("mean", "n"), [(30.0, 1.0), (12.0, 4.0), (200.0, 2.0)])
def test_likelihood_and_expectation_equal_the_integral_over_customers(mean: float, n: float) -> None:
    def density(v: float) -> float:
        # the mean of n purchases of shape p and rate v is Gamma(pn, vn)
        return gamma.pdf(mean, 6.25 * n, scale=1 / (v * n)) * gamma.pdf(v, 3.74, scale=1 / 15.44)

    total = quad(density, 0, 20, limit=400)[0]
    value, _ = _likelihood(6.25, 3.74, 15.44, np.array([mean]), np.array([n]))
    assert value == pytest.approx(np.log(total), rel=1e-7)
    expected = quad(lambda v: 6.25 / v * density(v), 1e-9, 20, limit=400)[0] / total
    assert MODEL.expected_spend(np.array([mean]), np.array([n]))[0] == pytest.approx(expected, rel=1e-6)


def test_the_gradient_is_the_derivative() -> None:
    z, n = world(50)
    at = np.array([2.0, 3.0, 20.0])
    _, slopes = _likelihood(*at, z, n)
    for k in range(3):
        up, down = at.copy(), at.copy()
        up[k], down[k] = at[k] * (1 + 1e-6), at[k] * (1 - 1e-6)
        numeric = (_likelihood(*up, z, n)[0] - _likelihood(*down, z, n)[0]) / (2e-6 * at[k])
        assert slopes[k] == pytest.approx(numeric, rel=1e-4)


def test_the_fit_finds_the_world_it_came_from_in_any_currency_and_order() -> None:
    z, n = world(20_000)
    found = fit_gamma_gamma(z, n)
    assert found.converged
    assert [found.p, found.q, found.gamma] == pytest.approx([6.25, 3.74, 15.44], rel=0.12)
    mixed = np.random.default_rng(2).permutation(len(z))
    assert fit_gamma_gamma(z[mixed], n[mixed]) == found
    pence = fit_gamma_gamma(z * 100, n)
    assert pence.gamma == pytest.approx(found.gamma * 100, rel=1e-4)
    assert pence.log_likelihood == pytest.approx(found.log_likelihood - len(z) * np.log(100), rel=1e-6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(mean=st.floats(0.01, 1e5), n=st.integers(1, 500))
def test_expected_spend_lies_between_own_mean_and_the_population_and_nears_the_own(mean: float, n: int) -> None:
    population = 6.25 * 15.44 / 2.74
    found = MODEL.expected_spend(np.array([mean] * 2), np.array([n, 1e9]))
    low, high = sorted((mean, population))
    assert low - 1e-9 * high <= found[0] <= high + 1e-9 * high
    assert found[1] == pytest.approx(mean, rel=1e-6, abs=1e-6)


def test_without_purchases_it_is_the_population_and_where_that_is_not_finite_unknown() -> None:
    assert MODEL.expected_spend(np.array([np.nan]), np.array([0.0]))[0] == pytest.approx(6.25 * 15.44 / 2.74)
    wild = GammaGamma(2.0, 0.9, 5.0, 0.0, True, 100, 0.0)
    assert np.isnan(wild.expected_spend(np.array([0.0]), np.array([0.0]))[0])


def test_too_few_customers_are_not_fitted_and_unusable_ones_are_left_out() -> None:
    z, n = world(40)
    assert fit_gamma_gamma(z[:29], n[:29]) is None
    odd = np.concatenate([z, [np.nan, 0.0, -3.0, np.inf, 5.0]])
    assert fit_gamma_gamma(odd, np.concatenate([n, [1, 1, 1, 1, 0]])).n == 40
