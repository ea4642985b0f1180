"""Uplift learners: what is planted is found, what is not there is not, and small trials are refused."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from holdfast.errors import ModelError
from holdfast.learners.uplift import LEARNERS, DefaultUplift, Design, DoublyRobust
from holdfast.learners.uplift.learners import assignment_model, pseudo_outcomes


def trial(
    n: int = 6000, share: float = 0.5, spread: float = 0.3, seed: int = 0, money: bool = False
) -> tuple[pd.DataFrame, npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Effect .15 on average, and `spread` between customers with and without an app."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({
        "age": rng.normal(45, 12, n), "spend": rng.gamma(2, 30, n), "plan": rng.choice(["a", "b", "c"], n),
        "app": rng.random(n) < 0.5,
    })  # fmt: skip
    X.loc[rng.random(n) < 0.1, "age"] = np.nan
    effect = 0.15 + spread * (X["app"].to_numpy() - 0.5)
    treated = rng.random(n) < share
    base = 0.3 + 0.1 * (X["plan"] == "b").to_numpy()
    y = (rng.random(n) < base + effect * treated).astype(float)
    return X, treated, y * 20 if money else y, effect * (20 if money else 1)


@pytest.mark.parametrize("name", list(LEARNERS))
def test_a_planted_difference_is_found(name: str) -> None:
    """A9: each learner tells those whom the offer moves by .30 from those whom it moves not at all."""
    X, treated, y, _ = trial()
    unseen, *_, effect = trial(seed=1)
    found = LEARNERS[name]().fit(X, treated, y).effect(unseen)
    assert np.corrcoef(found, effect)[0, 1] > 0.6
    assert found.mean() == pytest.approx(0.15, abs=0.04)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_default_is_right_on_average_and_in_its_spread(share: float) -> None:
    """A9: with half or a tenth treated the mean is right and the slope of effect on prediction is near one."""
    X, treated, y, _ = trial(20_000, share)
    unseen, *_, effect = trial(20_000, seed=1)
    found = DefaultUplift().fit(X, treated, y).effect(unseen)
    assert found.mean() == pytest.approx(effect.mean(), abs=0.03)
    assert 0.75 < np.polyfit(found, effect, 1)[0] < 1.4


def test_a_constant_effect_is_drawn_to_the_average() -> None:
    """A9: where nothing differs the shrunken learner spreads less than a fifth of the average effect."""
    spreads = []
    for seed in range(4):
        X, treated, y, _ = trial(4000, spread=0.0, seed=seed)
        spreads.append(DoublyRobust().fit(X, treated, y).effect(X).std())
    assert np.mean(spreads) < 0.03


def test_money_is_learnt_in_money() -> None:
    X, treated, y, effect = trial(money=True)
    found = DefaultUplift().fit(X, treated, y).effect(X)
    assert found.mean() == pytest.approx(3.0, abs=0.8)
    assert np.corrcoef(found, effect)[0, 1] > 0.6


def test_doubly_robust_scores_average_to_the_effect_under_any_known_propensity() -> None:
    """A9: assignment tied to the app, known: the mean of the scores is the effect, the raw difference is not."""
    X, _, _, _ = trial(20_000)
    rng = np.random.default_rng(9)
    app = X["app"].to_numpy()
    e = np.where(app, 0.8, 0.2)
    treated = rng.random(len(X)) < e
    y = (rng.random(len(X)) < 0.2 + 0.3 * app + 0.1 * treated).astype(float)
    scores = pseudo_outcomes(X, treated, y, e)
    assert scores.mean() == pytest.approx(0.1, abs=3 * scores.std() / np.sqrt(len(X)))
    assert y[treated].mean() - y[~treated].mean() > 0.2
    assert np.corrcoef(assignment_model(X, treated), e)[0, 1] > 0.95


def test_same_in_same_out() -> None:
    X, treated, y, _ = trial(1000)
    first, second = (DefaultUplift(3).fit(X, treated, y).effect(X) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_what_cannot_be_learnt_from_is_refused() -> None:
    X, treated, y, _ = trial(1000)
    with pytest.raises(ModelError, match="at least 50 in each arm"):
        DefaultUplift().fit(X, np.arange(1000) < 20, y)
    with pytest.raises(ModelError, match="outcomes are missing"):
        DefaultUplift().fit(X, treated, np.where(np.arange(1000) < 3, np.nan, y))
    with pytest.raises(ModelError, match="propensity is not between"):
        DefaultUplift().fit(X, treated, y, 1.0)
    with pytest.raises(ModelError, match="fit first"):
        DefaultUplift().effect(X)


def test_the_linear_matrix_has_flags_and_common_levels() -> None:
    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0], "plan": ["a", "b", "a"]})
    design = Design.of(frame)
    assert design.linear_names == ["x", "x missing", "plan = a", "plan = b"]
    assert design.linear(frame)[:, 1:].tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    other = pd.DataFrame({"x": [2.0], "plan": ["new"]})
    assert design.linear(other)[0, 2:].tolist() == [0.0, 0.0]
