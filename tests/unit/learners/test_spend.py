import numpy as np
import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.learners.spend import SpendRegressor


def world(n: int = 4000, seed: int = 2) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Features, money, and its true expectation."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n), rng.gamma(2, 30, n)
    shop = rng.choice(["north", "south"], n)
    chance = 1 / (1 + np.exp(-a))
    level = 3 + 0.5 * np.log1p(b) + 0.7 * (shop == "south")
    money = np.where(rng.random(n) < chance, np.exp(level + rng.normal(0, 0.5, n)), 0.0)
    frame = pd.DataFrame({"a": a, "b": np.where(rng.random(n) < 0.1, np.nan, b), "shop": shop})
    return frame, money, chance * np.exp(level + 0.125)


def test_chance_and_amount_are_found_apart() -> None:
    X, money, truth = world()
    model = SpendRegressor(seed=1).fit(X.iloc[:3000], money[:3000])
    found = model.predict(X.iloc[3000:])
    assert np.corrcoef(np.log(found), np.log(truth[3000:]))[0, 1] > 0.9
    assert found.sum() == pytest.approx(truth[3000:].sum(), rel=0.1)
    assert np.corrcoef(model.chance(X.iloc[3000:]), X["a"].iloc[3000:])[0, 1] > 0.9


def test_the_training_total_is_right() -> None:
    X, money, _ = world()
    model = SpendRegressor(seed=1).fit(X, money)
    some = money > 0
    assert model.amount(X[some]).sum() == pytest.approx(np.minimum(money[some], model.cut_).sum(), rel=1e-6)


def test_same_input_same_output_and_arguments_stay() -> None:
    X, money, _ = world(800)
    kept = X.copy()
    first, second = (SpendRegressor(seed=3).fit(X, money).predict(X) for _ in range(2))
    assert (first == second).all()
    pd.testing.assert_frame_equal(X, kept)


@pytest.mark.parametrize(
    "money", [np.zeros(200), np.full(200, 12.0), np.r_[np.zeros(180), np.full(20, 9.0)], -np.ones(200)]
)
def test_extreme_worlds_give_finite_money(money: np.ndarray) -> None:
    X, _, _ = world(200)
    found = SpendRegressor().fit(X, money).predict(X)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.mean() == pytest.approx(np.maximum(money, 0).mean(), rel=0.35, abs=1e-9)


def test_what_cannot_be_fitted_is_refused() -> None:
    X, money, _ = world(100)
    with pytest.raises(DataError, match="finite"):
        SpendRegressor().fit(X, np.where(money > 0, np.inf, 0))
    with pytest.raises(DataError, match="0 rows"):
        SpendRegressor().fit(X.iloc[:0], money[:0])
