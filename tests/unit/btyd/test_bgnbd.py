"""BG/NBD against integrals over the two mixing distributions, done numerically."""

import numpy as np
import pytest
from scipy.special import roots_genlaguerre, roots_jacobi

from holdfast.btyd.bgnbd import BgNbd, fit_bgnbd, log_likelihood

MODELS = [
    BgNbd(0.243, 4.414, 0.793, 2.426, 0.0, True, 100),
    BgNbd(1.7, 11.0, 1.0, 3.0, 0.0, True, 100),
    BgNbd(0.9, 6.0, 2.5, 1.2, 0.0, True, 100),
]
PEOPLE = np.array([(0, 0, 200), (1, 60, 200), (4, 150, 210), (9, 205, 207), (3, 20, 270)], dtype=float)


def mixed(model: BgNbd, value) -> float:
    """E[value(lambda, p)] under lambda ~ Gamma(r, alpha), p ~ Beta(a, b), by Gauss quadrature."""
    z, wz = roots_genlaguerre(120, model.r - 1)
    u, wu = roots_jacobi(60, model.b - 1, model.a - 1)
    rate, p = np.meshgrid(z / model.alpha, (1 + u) / 2)
    weights = np.outer(wu / wu.sum(), wz / wz.sum())
    return float(np.sum(weights * value(rate, p)))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("person", PEOPLE.tolist())
def test_formulas_equal_the_integrals(model: BgNbd, person: list[float]) -> None:
    x, last, age = person
    t, h = age / 7, 60 / 7

    def alive(rate, p):
        return (1 - p) ** x * rate**x * np.exp(-rate * t)

    def dead(rate, p):
        return p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * last / 7) if x else 0 * rate

    total = mixed(model, lambda rate, p: alive(rate, p) + dead(rate, p))
    one = [np.array([value]) for value in person]
    assert model.p_alive(*one)[0] == pytest.approx(mixed(model, alive) / total, rel=1e-6)
    silent = mixed(model, lambda rate, p: alive(rate, p) * np.exp(-rate * h) + dead(rate, p)) / total
    assert model.p_no_purchase(*one, 60)[0] == pytest.approx(silent, rel=1e-6)
    bought = mixed(model, lambda rate, p: alive(rate, p) * (1 - np.exp(-rate * p * h)) / p) / total
    assert model.expected_purchases(*one, 60)[0] == pytest.approx(bought, rel=2e-5)
    parameters = np.array([model.r, model.alpha, model.a, model.b])
    found = log_likelihood(parameters, np.array([[x, last / 7, t]]), np.ones(1))
    assert found == pytest.approx(np.log(total), rel=1e-6)


def test_nobody_dies_before_the_first_repeat() -> None:
    assert MODELS[0].p_alive(np.zeros(2), np.zeros(2), np.array([1.0, 900.0])).tolist() == [1, 1]


def test_frequent_buyers_do_not_overflow() -> None:
    x, last, age = np.array([2000.0, 5000.0]), np.array([30.0, 700.0]), np.array([30.0, 720.0])
    for model in MODELS:
        expected = model.expected_purchases(x, last, age, 365)
        assert np.isfinite(expected).all()
        assert (expected > 0).all()
        assert ((model.p_no_purchase(x, last, age, 365) >= 0) & (model.p_alive(x, last, age) <= 1)).all()


def test_expected_purchases_are_smooth_where_a_is_one() -> None:
    arguments = (np.array([3.0]), np.array([100.0]), np.array([150.0]), 60)
    near = [
        BgNbd(0.5, 5, a, 2.5, 0, True, 99).expected_purchases(*arguments)[0]
        for a in (1 - 1e-4, 1 - 1e-8, 1, 1 + 1e-7, 1 + 1e-4)
    ]
    assert near == pytest.approx([near[0]] * 5, rel=1e-3)
    assert near[0] > 0.1


def sample(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customers of a BG/NBD world with r 0.8, alpha 6 weeks, a 0.9, b 2.5."""
    rng = np.random.default_rng(seed)
    age = rng.integers(150, 270, n).astype(float)
    rate, drop = rng.gamma(0.8, 1 / 6, n) / 7, rng.beta(0.9, 2.5, n)
    rows = []
    for own_rate, own_drop, end in zip(rate, drop, age, strict=True):
        x, moment, last = 0, rng.exponential(1 / own_rate), 0.0
        while moment < end:
            x, last = x + 1, moment
            if rng.random() < own_drop:
                break
            moment += rng.exponential(1 / own_rate)
        rows.append((x, np.floor(last), end))
    return tuple(np.array(rows, dtype=float).T)


def test_the_fit_ignores_the_order_of_customers_to_the_last_bit() -> None:
    x, last, age = sample(3)
    mixed_up = np.random.default_rng(1).permutation(len(x))
    first = fit_bgnbd(x, last, age)
    assert first is not None
    assert first.converged
    assert fit_bgnbd(x[mixed_up], last[mixed_up], age[mixed_up]) == first


def test_the_fit_finds_the_world_it_came_from() -> None:
    x, last, age = sample(5, 4000)
    found = fit_bgnbd(x, last, age, penalty=0)
    assert [found.r, found.alpha, found.a, found.b] == pytest.approx([0.8, 6.0, 0.9, 2.5], rel=0.3)
    # at the optimum the likelihood is at least that of the truth
    truth = log_likelihood(np.array([0.8, 6.0, 0.9, 2.5]), np.column_stack([x, last / 7, age / 7]), np.ones(len(x)))
    assert found.log_likelihood >= truth


def test_no_fit_on_few_customers_or_without_a_repeat() -> None:
    x, last, age = sample(3, 29)
    assert fit_bgnbd(x, last, age) is None
    assert fit_bgnbd(np.zeros(100), np.zeros(100), np.full(100, 50.0)) is None
