"""Discrete-time hazards: laws of the curves, and worlds with a known hazard recovered."""

import numpy as np
import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.learners.hazard import Curves, DiscreteHazard


def world(n: int, seed: int, daily: float = 0.004, effect: float = 1.0, seen: float = 360.0):
    """Exponential ends whose rate goes with a feature; a quarter of the ends are of another cause."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"risk": rng.normal(size=n).astype(np.float32), "noise": rng.normal(size=n).astype(np.float32)})
    days = rng.exponential(1 / (daily * np.exp(effect * X["risk"].to_numpy(float))))
    cause = np.where(days < seen, np.where(rng.random(n) < 0.25, "involuntary", "churn"), None)
    return X, np.minimum(days, seen), cause


@pytest.fixture(scope="module")
def fitted() -> tuple[DiscreteHazard, Curves, pd.DataFrame]:
    X, days, cause = world(4000, 1)
    model = DiscreteHazard(seed=3).fit(X, days, cause, np.zeros(len(X)), np.full(len(X), "2024-01-01"))
    fresh, _, _ = world(2000, 2)
    return model, model.predict(fresh, np.zeros(len(fresh)), ["2024-01-01"] * len(fresh)), fresh


def test_survival_starts_at_one_and_falls(fitted):
    _, curves, _ = fitted
    assert (curves.survival[:, 0] == 1).all()
    assert (np.diff(curves.survival, axis=1) <= 0).all()
    assert ((curves.survival >= 0) & (curves.survival <= 1)).all()


def test_what_has_ended_and_what_is_there_add_to_one(fitted):
    _, curves, _ = fitted
    ended = sum(curves.incidence.values())
    np.testing.assert_allclose(ended + curves.survival[:, 1:], 1.0, atol=1e-12)
    assert all((np.diff(part, axis=1) >= 0).all() for part in curves.incidence.values())


def test_a_known_hazard_is_recovered(fitted):
    _, curves, fresh = fitted
    # S(t | x) = exp(−.004 t e^x)
    for t in (60, 180, 330):
        true = np.exp(-0.004 * t * np.exp(fresh["risk"].to_numpy(float)))
        assert abs(curves.at(t).mean() - true.mean()) < 0.02
        assert np.corrcoef(curves.at(t), true)[0, 1] > 0.95


def test_competing_exits_are_told_apart(fitted):
    model, curves, _ = fitted
    assert model.causes_ == ("churn", "involuntary")
    last = {name: part[:, -1].mean() for name, part in curves.incidence.items()}
    assert last["involuntary"] / sum(last.values()) == pytest.approx(0.25, abs=0.04)


def test_remaining_days_is_the_area_under_the_curve():
    # two periods of 30 days: (1 + .5) / 2 · 30 + (.5 + .25) / 2 · 30 = 33.75
    curves = Curves(np.array([[1.0, 0.5, 0.25]]), {}, 30)
    assert curves.remaining_days().tolist() == [33.75]
    assert curves.at(15).tolist() == [0.75]
    assert curves.at(900).tolist() == [0.25]


def test_a_rare_cause_has_one_hazard_for_everybody():
    X, days, cause = world(1500, 4)
    cause = np.where(pd.isna(cause), None, "churn")
    rare = np.flatnonzero(~pd.isna(cause) & (days >= 30))[:3]
    cause[rare] = "death"
    model = DiscreteHazard(seed=3).fit(X, days, cause, np.zeros(1500), np.full(1500, "2024-01-01"))
    assert model.causes_ == ("churn", "death")
    assert isinstance(model.models_["death"], float)
    found = model.predict(X.head(5), np.zeros(5), ["2024-01-01"] * 5)
    assert np.ptp(found.incidence["death"][:, 0]) == 0


def test_same_in_same_out():
    X, days, cause = world(600, 5)
    one, two = (
        DiscreteHazard(seed=3).fit(X, days, cause, np.zeros(600), np.full(600, "2024-01-01")).predict(
            X, np.zeros(600), ["2024-01-01"] * 600) for _ in range(2)
    )  # fmt: skip
    np.testing.assert_array_equal(one.survival, two.survival)


@pytest.mark.parametrize(("days", "cause"), [(5.0, None), (400.0, None)])
def test_nobody_watched_or_nobody_gone_is_refused(days, cause):
    X = pd.DataFrame({"x": [0.0, 1.0]})
    with pytest.raises(DataError, match="hazard"):
        DiscreteHazard().fit(X, [days] * 2, [cause] * 2, [0.0] * 2, ["2024-01-01"] * 2)
