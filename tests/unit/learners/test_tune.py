import itertools
import logging

import numpy as np
import optuna
import pandas as pd
import pytest

from holdfast.learners import tune as tuning
from holdfast.learners.blend import BlendClassifier
from holdfast.learners.capacity import settings_of
from holdfast.learners.folds import random_folds
from holdfast.learners.tune import PARAMS, RECIPE, gain_and_error, suggest, tune


def world(seed=0, cutoffs=4, n=150):
    rng = np.random.default_rng(seed)
    days = np.repeat(pd.date_range("2024-01-01", periods=cutoffs, freq="60D").to_numpy(), n)
    X = pd.DataFrame(rng.normal(size=(len(days), 6)), columns=[f"x{k}" for k in range(6)])
    y = (X["x0"] * X["x1"] + 0.5 * X["x2"] + rng.logistic(size=len(days)) > 0).to_numpy().astype(int)
    return X, y, days


@pytest.fixture(scope="module")
def result():
    return tune(*world(), horizon_days=60, trials=3, timeout_s=300, seed=5)


def test_the_result_tells_the_whole_search(result):
    assert result.n_complete == 3
    assert not result.cut_short
    assert list(result.trials.columns) == ["number", "value", *PARAMS, "state", "seconds"]
    assert result.trials["number"].tolist() == [0, 1, 2]
    assert result.best_value == result.trials["value"].min()
    assert result.improved == (set(result.best_params) == set(PARAMS))


def test_the_same_seed_gives_the_same_trials_whatever_the_threads(result):
    again = tune(*world(), horizon_days=60, trials=3, timeout_s=300, seed=5, threads=3)
    pd.testing.assert_frame_equal(again.trials.drop(columns="seconds"), result.trials.drop(columns="seconds"))
    assert (again.best_params, again.default_value) == (result.best_params, result.default_value)
    other = tune(*world(), horizon_days=60, trials=1, timeout_s=300, seed=6)
    assert other.trials["C"][0] != result.trials["C"][0]


def test_the_default_value_is_the_mean_log_loss_of_the_step_on_the_folds(result):
    X, y, days = world()
    losses = []
    for valid_at in np.unique(days)[1:]:
        train, valid = days < valid_at, days == valid_at
        model = BlendClassifier(seed=5, **settings_of(result.capacity, len(X)))
        p = model.fit(X[train], y[train], served=X[valid]).predict_proba(X[valid])[:, 1]
        losses.append(-np.mean(np.where(y[valid] == 1, np.log(p), np.log(1 - p))))
    assert result.default_value == pytest.approx(np.mean(losses), rel=1e-12)


def fake_losses(monkeypatch, default, tuned):
    """Replace the fits by given fold losses, to judge the decision alone."""
    monkeypatch.setattr(tuning, "_climb", lambda search: ("default", "not climbed"))
    told = {True: tuned, False: default}
    monkeypatch.setattr(
        tuning._Search, "losses", lambda self, params: [np.full(2, loss) for loss in told[bool(params)]]
    )


def test_tuned_settings_are_kept_only_beyond_one_standard_error(monkeypatch):
    default = [0.60, 0.60, 0.60]
    # Savings .03, .00, .00: mean .010, sd .0173, error .0173/sqrt(3) = .010: not more than one error.
    fake_losses(monkeypatch, default, [0.57, 0.60, 0.60])
    close = tune(*world(), horizon_days=60, trials=2, seed=0)
    assert not close.improved
    assert close.best_params == {}
    assert close.best_value < close.default_value
    # Savings .03, .02, .02: mean .023, sd .0058, error .0033.
    fake_losses(monkeypatch, default, [0.57, 0.58, 0.58])
    clear = tune(*world(), horizon_days=60, trials=2, seed=0)
    assert clear.improved
    assert set(clear.best_params) == set(PARAMS)
    # Worse everywhere.
    fake_losses(monkeypatch, default, [0.61, 0.61, 0.61])
    assert not tune(*world(), horizon_days=60, trials=2, seed=0).improved


def test_best_params_are_settings_of_the_blend(monkeypatch):
    fake_losses(monkeypatch, [0.6, 0.6, 0.6], [0.5, 0.5, 0.5])
    best = tune(*world(), horizon_days=60, trials=1, seed=0).best_params
    X, y, _ = world(cutoffs=1)
    BlendClassifier(**best).fit(X, y)


def test_gain_and_error_by_hand():
    # Savings 0.02 and 0.04: mean 0.03, sd 0.01414, over sqrt(2) = 0.01.
    assert gain_and_error([0.5, 0.5], [0.48, 0.46]) == pytest.approx((0.03, 0.01))


def test_no_trials_keeps_the_step_of_the_ladder():
    result = tune(*world(), horizon_days=60, trials=0)
    assert (result.improved, result.n_complete, result.cut_short) == (False, 0, False)
    assert result.best_params == settings_of(result.capacity, len(world()[0]))
    assert len(result.trials) == 0
    assert "log loss on the folds" in result.reason


class Ladder:
    """A search whose losses are known: one value per step, the same spread of rows in three folds."""

    n_rows = 5000

    def __init__(self, **losses: float) -> None:
        self.known = {repr(settings_of(step, self.n_rows)): loss for step, loss in losses.items()}
        self.asked = 0

    def losses(self, settings: dict) -> list:
        self.asked += 1
        noise = np.random.default_rng(0).normal(0, 0.05, (3, 400))
        noise -= noise.mean(axis=1, keepdims=True)
        return [self.known[repr(settings)] + fold for fold in noise]


@pytest.mark.parametrize(
    ("losses", "expected", "asked"),
    [
        ({"default": 0.60, "rich": 0.61, "stiff": 0.62}, "default", 3),
        ({"default": 0.60, "rich": 0.61, "stiff": 0.59}, "stiff", 3),
        ({"default": 0.60, "rich": 0.58, "supple": 0.59}, "rich", 3),
        ({"default": 0.60, "rich": 0.58, "supple": 0.55, "bold": 0.56}, "supple", 4),
        ({"default": 0.60, "rich": 0.58, "supple": 0.55, "bold": 0.50}, "bold", 4),
    ],
)
def test_the_ladder_is_climbed_while_it_helps(losses: dict, expected: str, asked: int):
    ladder = Ladder(**losses)
    step, figures = tuning._climb(ladder)
    assert (step, ladder.asked) == (expected, asked)
    assert all(f"{name} {loss:.2f}" in figures for name, loss in losses.items())


def test_a_gain_within_its_error_keeps_the_default(monkeypatch):
    ladder = Ladder(default=0.600, rich=0.599, supple=0.61)
    even = ladder.losses
    # every other row swings by half: savings of .001 on average with a standard error of .5/sqrt(1200) = .014
    swing = np.tile([0.25, -0.25], 200)
    signs = itertools.cycle([1, -1])
    monkeypatch.setattr(
        ladder, "losses", lambda settings: [fold + sign * swing for sign in [next(signs)] for fold in even(settings)]
    )
    assert tuning._climb(ladder)[0] == "default"


def test_a_table_that_names_the_leavers_gets_a_bold_model_and_noise_none():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(size=(1500, 4)), columns=list("abcd"))
    steps = {}
    for name, y in (
        ("rule", ((X["a"] * 4).astype(int) + (X["b"] * 4).astype(int)) % 2),
        ("noise", pd.Series(rng.integers(0, 2, len(X)))),
    ):
        steps[name] = tune(X, y, None, horizon_days=1, trials=0, folds=random_folds(y, seed=0)).capacity
    assert steps["rule"] == "bold"
    assert steps["noise"] in {"default", "stiff"}


def test_without_a_fold_the_defaults_stand_with_a_reason():
    result = tune(*world(cutoffs=1), horizon_days=60, trials=5)
    assert (result.best_params, result.n_complete) == ({}, 0)
    assert "no validation fold" in result.reason


def test_a_single_fold_runs_no_trials_and_says_why():
    result = tune(*world(cutoffs=2), horizon_days=60, trials=3)
    assert (result.n_complete, result.improved) == (0, False)
    assert "one validation period" in result.reason
    assert result.best_params == settings_of(result.capacity, len(world(cutoffs=2)[0]))


def test_a_snapshot_is_tuned_on_given_folds():
    X, y, _ = world(cutoffs=2)
    result = tune(X, y, None, horizon_days=60, trials=1, folds=random_folds(y, seed=0))
    assert result.n_complete == 1
    assert tune(X, y, None, horizon_days=60, trials=1).n_complete == 0


def test_the_time_limit_stops_between_trials_and_is_told(monkeypatch):
    fake_losses(monkeypatch, [0.6, 0.6, 0.6], [0.5, 0.5, 0.5])
    clock = itertools.count(step=10)
    monkeypatch.setattr(tuning.time, "monotonic", lambda: float(next(clock)))
    # The clock reads 0 and 10 around the ladder, 20 at the start: 35 s are left. Each trial reads it three times
    # (10 s each): starts at 30 and 60, that is after 10 and 40 s; the second is too late for 35 s but not for 45.
    result = tune(*world(), horizon_days=60, trials=10, timeout_s=55)
    assert (result.n_complete, result.cut_short) == (2, True)


def test_no_time_at_all_keeps_the_defaults():
    result = tune(*world(n=60), horizon_days=60, trials=5, timeout_s=0)
    assert (result.n_complete, result.cut_short) == (0, True)
    assert result.best_params == settings_of(result.capacity, len(world(n=60)[0]))
    assert result.default_value is not None


def test_optuna_is_silent_and_its_logging_left_as_it_was(monkeypatch, caplog, capsys):
    fake_losses(monkeypatch, [0.6, 0.6, 0.6], [0.5, 0.5, 0.5])
    before = optuna.logging.get_verbosity()
    with caplog.at_level(logging.INFO):
        tune(*world(), horizon_days=60, trials=1)
    assert optuna.logging.get_verbosity() == before
    assert caplog.text == ""
    assert capsys.readouterr().err == ""


def test_the_leaf_size_scales_with_the_rows():
    def drawn(n_rows):
        trial = optuna.trial.FixedTrial(
            {"n_trees": 300, "learning_rate": 0.025, "max_depth": 4, "min_child_weight": 100.0, "reg_lambda": 20.0}
            | {"colsample": 0.25, "subsample": 0.6, "C": 0.01, "weight": 0.5}
        )
        return suggest(trial, n_rows)

    # The recipe itself is a point of the space.
    assert drawn(20_000)["min_child_weight"] == 100.0
    assert drawn(5_000)["min_child_weight"] == pytest.approx(30.0)
    recipe = BlendClassifier().get_params()
    assert all(drawn(20_000)[name] == recipe[name] for name in PARAMS if name != "min_child_weight")


def test_the_search_knows_the_recipe_before_the_first_trial(monkeypatch):
    told = []
    monkeypatch.setattr(
        tuning, "suggest", lambda trial, n_rows: told.append(suggest(trial, n_rows)) or {"C": told[-1]["C"]}
    )
    fake_losses(monkeypatch, [0.6, 0.6, 0.6], [0.7, 0.7, 0.7])
    tune(*world(), horizon_days=60, trials=2)
    assert len(told) == 3
    assert told[0] | {"min_child_weight": 100.0} == RECIPE
    assert told[1] != told[0]
