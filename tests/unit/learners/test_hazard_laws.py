"""Discrete-time hazards: laws of any sample, counts worked by hand, and worlds whose hazard goes with time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.learners import hazard
from holdfast.learners.hazard import Curves, DiscreteHazard

DAY = "2024-01-01"


def fit(days, cause, X=None, tenure=0.0, cutoff=DAY, **settings) -> DiscreteHazard:
    n = len(days)
    X = pd.DataFrame({"x": np.zeros(n)}) if X is None else X
    return DiscreteHazard(**settings).fit(X, days, cause, np.broadcast_to(tenure, n), np.broadcast_to(cutoff, n))


def predict(model: DiscreteHazard, X: pd.DataFrame, tenure=0.0, cutoff=DAY, periods=None) -> Curves:
    n = len(X)
    return model.predict(X, np.broadcast_to(tenure, n), np.broadcast_to(cutoff, n), periods)


def leave(rng: np.random.Generator, rate, seen: float, cause: str = "churn"):
    """Days and cause of customers with an exponential end, watched for some days."""
    days = rng.exponential(1 / np.asarray(rate))
    return np.minimum(days, seen), np.where(days < seen, cause, None)


def test_few_ends_are_counted_by_hand() -> None:
    # forty watched for two periods of 30 days: four churn on day 10, three die on day 40
    days = np.array([10.0] * 4 + [40.0] * 3 + [60.0] * 33)
    cause = np.array(["churn"] * 4 + ["death"] * 3 + [None] * 33, dtype=object)
    model = fit(days, cause)
    # periods at risk: 4 x 1 + 36 x 2 = 76
    assert model.models_ == {"churn": 4 / 76, "death": 3 / 76}
    found = predict(model, pd.DataFrame({"x": [0.0]}))
    # there after each period: 69/76 and (69/76)^2
    np.testing.assert_allclose(found.survival, [[1, 69 / 76, (69 / 76) ** 2]])
    np.testing.assert_allclose(found.incidence["churn"], [[4 / 76, 4 / 76 * (1 + 69 / 76)]])
    np.testing.assert_allclose(found.incidence["death"], [[3 / 76, 3 / 76 * (1 + 69 / 76)]])
    # mean of beginning and end of each period, times 30 days
    assert found.remaining_days()[0] == pytest.approx(30 * (0.5 + 69 / 76 + 0.5 * (69 / 76) ** 2))


ends = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from([None, "churn", "involuntary", "other"])), min_size=1, max_size=29
)


@settings(max_examples=60, deadline=None)
@given(rows=ends, period=st.sampled_from([7, 30]), most=st.integers(1, 12))
def test_laws_of_any_sample(rows, period, most) -> None:
    rows = [*rows, (0, "churn"), (400, None)]
    days, cause = np.array([day for day, _ in rows], float), np.array([word for _, word in rows], dtype=object)
    model = fit(days, cause, period_days=period, periods=most)
    found = predict(model, pd.DataFrame({"x": np.zeros(3)}))
    assert found.survival.shape[1] - 1 == model.periods_ <= most
    assert (found.survival[:, 0] == 1).all()
    assert ((found.survival >= 0) & (found.survival <= 1)).all()
    assert (np.diff(found.survival, axis=1) <= 0).all()
    np.testing.assert_allclose(sum(found.incidence.values()) + found.survival[:, 1:], 1, atol=1e-12)
    assert set(found.incidence) <= {str(word) for _, word in rows if word}
    assert 0 < found.remaining_days()[0] <= model.periods_ * period
    short = predict(model, pd.DataFrame({"x": np.zeros(3)}), periods=1)
    np.testing.assert_array_equal(short.survival, found.survival[:, :2])


@settings(max_examples=40, deadline=None)
@given(more=st.integers(1, 20), there=st.integers(21, 60))
def test_more_ends_leave_less(more, there) -> None:
    def last(gone: int) -> float:
        days = np.array([10.0] * gone + [60.0] * there)
        model = fit(days, np.array(["churn"] * gone + [None] * there, dtype=object))
        return float(predict(model, pd.DataFrame({"x": [0.0]})).survival[0, -1])

    assert last(more + 1) < last(more)


def test_the_curve_between_and_beyond_the_periods() -> None:
    curves = Curves(np.array([[1.0, 0.6, 0.3]]), {}, 30)
    # a third of the way from .6 to .3
    assert curves.at(40)[0] == pytest.approx(0.5)
    assert [curves.at(day)[0] for day in (0, 30, 60, 5000)] == [1.0, 0.6, 0.3, 0.3]
    assert curves.at(-3)[0] == 1.0


@pytest.fixture(scope="module")
def risky() -> tuple[DiscreteHazard, DiscreteHazard]:
    """The same customers in a world and in one in which everybody leaves twice as fast."""
    rng = np.random.default_rng(8)
    X = pd.DataFrame({"risk": rng.normal(size=2500)})
    once, twice = (fit(*leave(rng, f * 0.002 * np.exp(X["risk"]), 300), X) for f in (1, 2))
    return once, twice


def test_more_hazard_less_survival(risky) -> None:
    X = pd.DataFrame({"risk": [-1.5, 0.0, 1.5]})
    once, twice = (predict(model, X).survival[:, 1:] for model in risky)
    assert (np.diff(once, axis=0) < 0).all(), "those at more risk stay less, at every time"
    assert (twice < once).all()


def test_a_hazard_that_falls_with_tenure_is_recovered() -> None:
    rng = np.random.default_rng(3)
    n = 3000
    tenure = rng.choice([30.0, 800.0], n)
    X = pd.DataFrame({"noise": rng.normal(size=n)})
    model = fit(*leave(rng, np.where(tenure < 400, 0.006, 0.001), 180), X, tenure)
    # S(150) = exp(-.006 x 150) = .407 for the new, exp(-.001 x 150) = .861 for the old
    new, old = (predict(model, X.head(500), days).at(150).mean() for days in (30.0, 800.0))
    assert new == pytest.approx(np.exp(-0.9), abs=0.05)
    assert old == pytest.approx(np.exp(-0.15), abs=0.05)


def test_a_season_is_read_from_the_date_of_the_period() -> None:
    rng = np.random.default_rng(4)
    n = 6000
    cutoff = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 24, n) * 30, unit="D")
    winter = pd.Series(cutoff).dt.month.isin([11, 12, 1, 2]).to_numpy()
    X = pd.DataFrame({"noise": rng.normal(size=n)})
    model = DiscreteHazard().fit(X, *leave(rng, np.where(winter, 0.02, 0.002), 30), np.zeros(n), cutoff)
    assert model.seasonal_
    # one period: exp(-.02 x 30) = .549 in winter, exp(-.002 x 30) = .942 in summer
    cold, warm = (predict(model, X.head(300), cutoff=day).survival[:, 1].mean() for day in ("2024-01-05", "2024-07-05"))
    assert cold == pytest.approx(np.exp(-0.6), abs=0.06)
    assert warm == pytest.approx(np.exp(-0.06), abs=0.03)
    assert not fit(np.full(20, 10.0), ["churn"] * 20).seasonal_, "one month of data knows no season"


def test_thinned_periods_leave_the_level_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    X = pd.DataFrame({"risk": rng.normal(size=2500)})
    days, cause = leave(rng, 0.001 * np.exp(0.5 * X["risk"]), 360)
    whole = predict(fit(days, cause, X), X)
    monkeypatch.setattr(hazard, "MOST_ROWS", 5000)
    model = fit(days, cause, X)
    assert model.offset_ < np.log(0.5), "most quiet periods were left out"
    thin = predict(model, X)
    assert thin.survival[:, -1].mean() == pytest.approx(whole.survival[:, -1].mean(), abs=0.02)


def test_a_sample_in_another_order_has_the_same_counts() -> None:
    rng = np.random.default_rng(6)
    days = rng.integers(1, 200, 60).astype(float)
    cause = np.where(rng.random(60) < 0.4, "churn", None)
    turned = rng.permutation(60)
    assert fit(days, cause).models_ == fit(days[turned], cause[turned]).models_


def test_a_watch_that_ends_inside_a_period_does_not_raise_the_hazard() -> None:
    # constant hazard, everybody watched for 75 days: in the third period only ends are seen, until day 75
    days, cause = leave(np.random.default_rng(7), np.full(3000, 1 / 250), 75)
    found = predict(fit(days, cause), pd.DataFrame({"x": np.zeros(10)}))
    assert found.at(60).mean() == pytest.approx(np.exp(-60 / 250), abs=0.02)
    if found.survival.shape[1] > 3:
        assert found.at(90).mean() == pytest.approx(np.exp(-90 / 250), abs=0.03)
