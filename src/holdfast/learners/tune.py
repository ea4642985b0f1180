"""Tuning: the step of the capacity ladder that forward folds allow, then seeded trials kept only if they beat it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd
from optuna.trial import Trial, TrialState

from holdfast.learners.blend import BlendClassifier
from holdfast.learners.boosting import auto_min_child_weight
from holdfast.learners.capacity import DEFAULT, STIFF, SUPPLE, settings_of
from holdfast.learners.folds import Fold, forward_folds, usable_folds

PARAMS = (
    "n_trees", "learning_rate", "max_depth", "min_child_weight", "reg_lambda", "colsample", "subsample", "C", "weight",
)  # fmt: skip
"""What is tuned, in the order of the trials table's columns."""
MOST_ROWS = 30_000
"""Rows of a fold's training and of its validation that the ladder looks at."""

RECIPE = {name: BlendClassifier().get_params()[name] for name in PARAMS} | {"min_child_weight": 100.0}
"""The defaults as a point of the search space."""

STARTUP_TRIALS = 4
"""Points drawn at random (the recipe counts) before the sampler learns from them."""


@dataclass(frozen=True)
class TuneResult:
    """What tuning found.

    Parameters
    ----------
    best_params : dict
        Settings for `BlendClassifier(**best_params)`; empty means the defaults stand.
    capacity : str
        Step of the ladder (`capacity`) that the trials had to beat.
    trials : DataFrame
        One row per trial: `number, value, <params>, state, seconds`.
    improved : bool
        Whether the best trial beat that step by more than one standard error: the larger of that over the folds and
        that over their rows. With a single fold no trials are run.
    default_value, best_value : float or None
        Mean log loss over the folds, of the step and of the best trial; None where nothing was measured.
    cut_short : bool
        Whether the time limit ended the search.
    n_complete : int
        Trials that counted.
    reason : str
        One sentence on the decision.
    """

    best_params: dict[str, Any]
    capacity: str
    trials: pd.DataFrame
    improved: bool
    default_value: float | None
    best_value: float | None
    cut_short: bool
    n_complete: int
    reason: str


def tune(
    X: pd.DataFrame,
    y: npt.ArrayLike,
    cutoff: npt.ArrayLike | None,
    *,
    horizon_days: int,
    lead_days: int = 0,
    trials: int = 20,
    timeout_s: float = 120.0,
    seed: int = 0,
    threads: int = 1,
    folds: Sequence[Fold] | None = None,
) -> TuneResult:
    """Search settings of the blend by seeded TPE, one trial after the other.

    Parameters
    ----------
    X : DataFrame of shape (n, n_features)
        Features only.
    y : array of shape (n,)
        0 or 1.
    cutoff : array of shape (n,) or None
        Training cutoff of each row; None only together with `folds`.
    horizon_days, lead_days : int
        Timing of the task, in days.
    trials : int
        Number of trials; with 0 the step of the ladder stands.
    timeout_s : float
        The search stops before the first trial that would start later than this, in seconds.
    seed : int
        Seed of the sampler and of the fits.
    threads : int
        Folds of one trial fitted side by side; the result does not depend on it.
    folds : sequence of (train, valid), optional
        Row positions; by default `forward_folds` of the cutoffs.

    Returns
    -------
    TuneResult
    """
    target = np.asarray(y)
    if folds is None:
        given = np.empty(0) if cutoff is None else cutoff
        folds = forward_folds(given, horizon_days=horizon_days, lead_days=lead_days)
    usable = usable_folds(folds, target)
    if not usable:
        reason = "no validation fold with both classes: the defaults stand"
        return TuneResult({}, DEFAULT, _table([]), False, None, None, False, 0, reason)
    began = time.monotonic()
    step, climbed = _climb(_Search(X, target, _thinned(usable), seed, threads))
    settings = settings_of(step, len(X))
    if trials <= 0:
        reason = f"capacity {step} ({climbed}); no trials were asked for"
        return TuneResult(settings, step, _table([]), False, None, None, False, 0, reason)
    if len(usable) == 1:
        # the best of many on one period is often only that period's: on CDNOW it cost .005 AUROC later
        reason = f"capacity {step} ({climbed}); one validation period cannot tell a better setting from a lucky one: " \
                 "no trials were run"  # fmt: skip
        return TuneResult(settings, step, _table([]), False, None, None, False, 0, reason)
    with _quiet():
        found = _Search(X, target, usable, seed, threads).run(trials, timeout_s - (time.monotonic() - began), step)
    return replace(found, reason=f"capacity {step} ({climbed}); {found.reason}")


def _thinned(folds: Sequence[Fold]) -> list[Fold]:
    """Evenly fewer rows where a fold has very many."""
    return [(train[:: -(-len(train) // MOST_ROWS)], valid[:: -(-len(valid) // MOST_ROWS)]) for train, valid in folds]


def _climb(search: "_Search") -> tuple[str, str]:
    """Best step of the ladder, and the figures that decided."""
    base = search.losses(settings_of(DEFAULT, search.n_rows))
    tried = {DEFAULT: base}
    best = DEFAULT
    for step in SUPPLE:
        tried[step] = search.losses(settings_of(step, search.n_rows))
        if _mean(tried[step]) >= _mean(tried[best]):
            break
        best = step
    if best == DEFAULT:
        tried[STIFF] = search.losses(settings_of(STIFF, search.n_rows))
        best = min((DEFAULT, STIFF), key=lambda step: _mean(tried[step]))
    gain, error = _gain(base, tried[best])
    figures = ", ".join(f"{step} {_mean(found):.5f}" for step, found in tried.items())
    return (best if gain > error else DEFAULT), f"log loss on the folds: {figures}"


def _gain(base: "Losses", other: "Losses") -> tuple[float, float]:
    """Mean loss saved, and the larger of its standard errors over folds and over rows."""
    over_rows = gain_and_error(np.concatenate(base), np.concatenate(other))[1]
    means = [[fold.mean() for fold in found] for found in (base, other)]
    over_folds = gain_and_error(*means)[1] if len(base) > 1 else 0.0
    return _mean(base) - _mean(other), max(over_rows, over_folds)


Losses = list[npt.NDArray[np.float64]]
"""Log loss of every validation row, one array per fold."""


@dataclass(frozen=True)
class _Search:
    """One search: the data, the folds and the seed it runs with."""

    X: pd.DataFrame
    y: npt.NDArray[Any]
    folds: list[Fold]
    seed: int
    threads: int

    @property
    def n_rows(self) -> int:
        """Training rows of the largest fold."""
        return max(len(train) for train, _ in self.folds)

    def run(self, trials: int, timeout_s: float, step: str) -> TuneResult:
        """Trials around a step of the ladder, which they have to beat."""
        start = time.monotonic()
        settings = settings_of(step, len(self.X))
        base = self.losses(settings)
        study = self._study(settings, _mean(base))
        rows: list[dict[str, Any]] = []
        losses: list[Losses] = []
        while len(rows) < trials and time.monotonic() - start < timeout_s:
            began = time.monotonic()
            trial = study.ask()
            params = suggest(trial, len(self.X))
            losses.append(self.losses(params))
            value = _mean(losses[-1])
            study.tell(trial, value, state=TrialState.COMPLETE)
            seconds = time.monotonic() - began
            rows.append({"number": len(rows), "value": value, **params, "state": "complete", "seconds": seconds})
        return _decide(rows, losses, base, settings, step, cut_short=len(rows) < trials)

    def _study(self, settings: Mapping[str, Any], value: float) -> optuna.Study:
        """A study that already knows the step of the ladder, so that few trials search near it."""
        sampler = optuna.samplers.TPESampler(seed=self.seed, n_startup_trials=STARTUP_TRIALS)
        study = optuna.create_study(direction="minimize", sampler=sampler)
        known = RECIPE | {name: found for name, found in settings.items() if name in PARAMS}
        if "min_child_weight" in settings:
            known["min_child_weight"] = settings["min_child_weight"] / auto_min_child_weight(len(self.X)) * 100
        study.enqueue_trial(known)
        recipe = study.ask()
        suggest(recipe, len(self.X))
        study.tell(recipe, value)
        return study

    def losses(self, params: Mapping[str, Any]) -> Losses:
        with ThreadPoolExecutor(max_workers=max(1, min(self.threads, len(self.folds)))) as pool:
            return list(pool.map(lambda fold: self._loss(fold, params), self.folds))

    def _loss(self, fold: Fold, params: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        train, valid = fold
        model = BlendClassifier(**params, seed=self.seed)
        model.fit(self.X.iloc[train], self.y[train], served=self.X.iloc[valid])
        margin = model.decision_function(self.X.iloc[valid])
        positive = (self.y[valid] == model.classes_[1]).astype(np.float64)
        return np.asarray(np.logaddexp(0.0, margin) - positive * margin)


def suggest(trial: Trial, n_rows: int) -> dict[str, Any]:
    """Draw settings; the leaf size is scaled to the number of rows as the recipe's own."""
    scale = auto_min_child_weight(n_rows) / 100
    return {
        "n_trees": trial.suggest_int("n_trees", 150, 800, step=50),
        "learning_rate": trial.suggest_float("learning_rate", 0.015, 0.06, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 7),
        "min_child_weight": scale * trial.suggest_float("min_child_weight", 1.0, 300.0, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 1.0, 60.0, log=True),
        "colsample": trial.suggest_float("colsample", 0.15, 0.7),
        "subsample": trial.suggest_float("subsample", 0.5, 0.9),
        "C": trial.suggest_float("C", 0.002, 1.0, log=True),
        "weight": trial.suggest_float("weight", 0.3, 0.95),
    }


def _decide(
    rows: list[dict[str, Any]],
    losses: list[Losses],
    default: Losses,
    settings: dict[str, Any],
    step: str,
    *,
    cut_short: bool,
) -> TuneResult:
    base = _mean(default)
    if not rows:
        reason = "the time limit came before the first trial"
        return TuneResult(settings, step, _table([]), False, base, None, cut_short, 0, reason)
    best = int(np.argmin([row["value"] for row in rows]))
    gain, error = _gain(default, losses[best])
    improved = gain > error
    params = {name: rows[best][name] for name in PARAMS} if improved else settings
    verdict = "kept" if improved else "not more: it stands"
    side = "below" if gain >= 0 else "above"
    figures = f"log loss {abs(gain):.5f} {side} it, standard error {error:.5f}"
    reason = f"best of {len(rows)} trials: {figures}: {verdict}"
    return TuneResult(params, step, _table(rows), improved, base, rows[best]["value"], cut_short, len(rows), reason)


def gain_and_error(default: npt.ArrayLike, tuned: npt.ArrayLike) -> tuple[float, float]:
    """Mean loss saved against the defaults, over folds or over rows, and its standard error.

    Examples
    --------
    >>> gain, error = gain_and_error([0.60, 0.62, 0.61], [0.59, 0.60, 0.60])
    >>> round(gain, 5), round(error, 5)
    (0.01333, 0.00333)
    """
    saved = np.asarray(default, dtype=np.float64) - np.asarray(tuned, dtype=np.float64)
    return float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved)))


def _mean(losses: Losses) -> float:
    """Mean over the folds of each fold's mean loss."""
    return float(np.mean([fold.mean() for fold in losses]))


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["number", "value", *PARAMS, "state", "seconds"])


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna while the search runs, and leave its logging as it was."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
