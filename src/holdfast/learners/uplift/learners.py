"""S, T, X, doubly robust, and the default: shallow doubly robust trees averaged with two logistic regressions.

All of them answer the same question: by how much does the offer change the expected outcome of this customer. One offer
against one control; several offers are several learners.

References
----------
Künzel, Sekhon, Bickel & Yu (2019), Metalearners for estimating heterogeneous treatment effects, PNAS 116 (S, T, X).
Kennedy (2023), Towards optimal doubly robust estimation of heterogeneous causal effects, EJS 17 (DR).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from holdfast.errors import ModelError
from holdfast.learners.uplift.bases import Base, Linear, Trees
from holdfast.learners.uplift.design import Design, as_frame

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FOLDS = 5
LEAST_ARM = 50
"""Customers that each arm needs before anything is learnt of single customers."""
CLIP = 0.02
"""Propensities are kept this far from 0 and 1."""


@dataclass(frozen=True)
class _Trial:
    """One trial as arrays."""

    X: pd.DataFrame
    treated: Flags
    y: Floats
    propensity: Floats
    binary: bool

    def part(self, rows: npt.NDArray[np.intp]) -> "_Trial":
        return _Trial(
            self.X.iloc[rows].reset_index(drop=True), self.treated[rows], self.y[rows], self.propensity[rows],
            self.binary,
        )  # fmt: skip


class UpliftLearner(ABC):
    """What every uplift learner offers.

    Parameters
    ----------
    seed : int
        Of folds and trees.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.design: Design | None = None

    def fit(self, X: Any, treated: Any, y: Any, propensity: Any = None) -> "UpliftLearner":
        """Learn from one trial.

        Parameters
        ----------
        X : DataFrame or array, shape (n, k)
            Features known before the treatment; numbers and categories, missing allowed.
        treated : array of bool, shape (n,)
        y : array, shape (n,)
            The outcome: 0/1, or money.
        propensity : array or float, optional
            Probability of having been treated; default: the share treated, as in a trial with one rate.

        Raises
        ------
        ModelError
            When an arm has fewer than 50 customers, or an outcome is missing.
        """
        trial = _trial(as_frame(X), treated, y, propensity)
        self.design = Design.of(trial.X)
        self._fit(trial, self.design)
        return self

    def effect(self, X: Any) -> Floats:
        """Expected change of the outcome by the offer, in outcome units, (n,)."""
        if self.design is None:
            raise ModelError("effect: the learner has not been fitted; call fit first")
        return self._effect(as_frame(X), self.design)

    @abstractmethod
    def _fit(self, trial: _Trial, design: Design) -> None: ...

    @abstractmethod
    def _effect(self, X: pd.DataFrame, design: Design) -> Floats: ...


class SLearner(UpliftLearner):
    """One boosted model with the treatment as a feature, asked with and without it."""

    def _fit(self, trial: _Trial, design: Design) -> None:
        X = np.column_stack([design.trees(trial.X), trial.treated])
        self.model = Trees(trial.binary, [*design.types, "q"], seed=self.seed).fit(X, trial.y)

    def _effect(self, X: pd.DataFrame, design: Design) -> Floats:
        known = design.trees(X)
        with_, without = (self.model.predict(np.column_stack([known, np.full(len(X), arm)])) for arm in (1.0, 0.0))
        return with_ - without


class TLearner(UpliftLearner):
    """One model per arm: shrunken logistic (ridge for money) regressions, or boosted trees.

    Parameters
    ----------
    seed : int
    linear : bool
        Which of the two.
    """

    def __init__(self, seed: int = 0, linear: bool = True) -> None:
        super().__init__(seed)
        self.linear = linear

    def _fit(self, trial: _Trial, design: Design) -> None:
        self.models = {arm: _outcome(trial, design, trial.treated == arm, self.linear, self.seed)
                       for arm in (True, False)}  # fmt: skip

    def _effect(self, X: pd.DataFrame, design: Design) -> Floats:
        known = design.linear(X) if self.linear else design.trees(X)
        return self.models[True].predict(known) - self.models[False].predict(known)


class XLearner(UpliftLearner):
    """Imputed effects of each arm from the other arm's model, weighted by the propensity."""

    def _fit(self, trial: _Trial, design: Design) -> None:
        known, t = design.trees(trial.X), trial.treated
        treated, control = (_outcome(trial, design, t == arm, False, self.seed) for arm in (True, False))
        self.of_treated = Trees(False, design.types, seed=self.seed).fit(
            known[t], trial.y[t] - control.predict(known[t])
        )
        self.of_control = Trees(False, design.types, seed=self.seed).fit(
            known[~t], treated.predict(known[~t]) - trial.y[~t]
        )
        self.share = float(trial.propensity.mean())

    def _effect(self, X: pd.DataFrame, design: Design) -> Floats:
        known = design.trees(X)
        return self.share * self.of_control.predict(known) + (1 - self.share) * self.of_treated.predict(known)


class DoublyRobust(UpliftLearner):
    """Shallow trees on doubly robust pseudo-outcomes, drawn to the average effect as far as folds say.

    Parameters
    ----------
    seed : int
    depth, trees : int
        Of the last stage.
    shrink : bool
        Draw to the average effect by the out-of-fold slope, clipped to [0, 1].

    Attributes
    ----------
    average, slope : float
        The average effect, and the share of the deviations from it that is kept.
    """

    def __init__(self, seed: int = 0, depth: int = 2, trees: int = 40, shrink: bool = True) -> None:
        super().__init__(seed)
        self.depth, self.trees, self.shrink = depth, trees, shrink

    def _fit(self, trial: _Trial, design: Design) -> None:
        pseudo = pseudo_outcomes(trial.X, trial.treated, trial.y, trial.propensity, seed=self.seed)
        known = design.trees(trial.X)
        self.average = float(pseudo.mean())
        self.slope = 1.0
        if self.shrink:
            unseen = np.empty(len(pseudo))
            for train, test in _folds(trial.treated, trial.y, self.seed + 1):
                unseen[test] = self._stage(design, len(train)).fit(known[train], pseudo[train]).predict(known[test])
            spread = float(unseen.var())
            slope = float(np.cov(unseen, pseudo, ddof=0)[0, 1]) / spread if spread > 0 else 0.0
            self.slope = float(np.clip(slope, 0.0, 1.0))
        self.model = self._stage(design, len(pseudo)).fit(known, pseudo)
        self.middle = float(self.model.predict(known).mean())

    def _stage(self, design: Design, n: int) -> Trees:
        return Trees(False, design.types, trees=self.trees, depth=self.depth, least=0.02, seed=self.seed)

    def _effect(self, X: pd.DataFrame, design: Design) -> Floats:
        return self.average + self.slope * (self.model.predict(design.trees(X)) - self.middle)


class DefaultUplift(UpliftLearner):
    """The average of `DoublyRobust` and the linear `TLearner`: neither alone is ever far better."""

    def _fit(self, trial: _Trial, design: Design) -> None:
        self.parts: tuple[UpliftLearner, ...] = (DoublyRobust(self.seed), TLearner(self.seed))
        for one in self.parts:
            one.design = design
            one._fit(trial, design)

    def _effect(self, X: pd.DataFrame, design: Design) -> Floats:
        return np.asarray(np.mean([one._effect(X, design) for one in self.parts], axis=0), dtype=np.float64)


LEARNERS: dict[str, type[UpliftLearner]] = {
    "default": DefaultUplift, "dr": DoublyRobust, "t": TLearner, "s": SLearner, "x": XLearner,
}  # fmt: skip


def pseudo_outcomes(X: Any, treated: Any, y: Any, propensity: Any = None, *, seed: int = 0) -> Floats:
    """Doubly robust scores of each customer's effect, with nuisances that have not seen the customer.

    Their mean is the AIPW estimate of the average effect, their standard deviation over the root of n its error.

    Parameters
    ----------
    X, treated, y, propensity
        As in `UpliftLearner.fit`.
    seed : int
        Of the five folds.

    Notes
    -----
    ``mu1 − mu0 + t (y − mu1) / e − (1 − t) (y − mu0) / (1 − e)`` (Robins, Rotnitzky & Zhao 1994), with shrunken linear
    outcome models per arm: right on average whatever they miss as long as e is known.
    """
    trial = _trial(as_frame(X), treated, y, propensity)
    one, none = np.empty(len(trial.y)), np.empty(len(trial.y))
    for train, test in _folds(trial.treated, trial.y, seed):
        seen = trial.part(train)
        design = Design.of(seen.X)
        known = design.linear(trial.X.iloc[test])
        one[test] = _outcome(seen, design, seen.treated, True, seed).predict(known)
        none[test] = _outcome(seen, design, ~seen.treated, True, seed).predict(known)
    e, t = np.clip(trial.propensity, CLIP, 1 - CLIP), trial.treated
    return one - none + np.where(t, (trial.y - one) / e, -(trial.y - none) / (1 - e))


def assignment_model(X: Any, treated: Any, *, seed: int = 0) -> Floats:
    """Probability of having been treated, for campaigns that were not randomised; each row from folds without it.

    Parameters
    ----------
    X, treated
        As in `UpliftLearner.fit`.
    seed : int
        Of the five folds.
    """
    trial = _trial(as_frame(X), treated, np.asarray(treated, dtype=np.float64), None)
    found = np.empty(len(trial.y))
    for train, test in _folds(trial.treated, trial.y, seed):
        seen = trial.part(train)
        design = Design.of(seen.X)
        model = Linear(True, strength=1.0).fit(design.linear(seen.X), seen.y)
        found[test] = model.predict(design.linear(trial.X.iloc[test]))
    return np.clip(found, CLIP / 2, 1 - CLIP / 2)


def _outcome(trial: _Trial, design: Design, rows: Flags, linear: bool, seed: int) -> Base:
    part = trial.X[rows]
    if linear:
        return Linear(trial.binary).fit(design.linear(part), trial.y[rows])
    return Trees(trial.binary, design.types, seed=seed).fit(design.trees(part), trial.y[rows])


def _folds(treated: Flags, y: Floats, seed: int) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Folds with the same arms, and of a 0/1 outcome the same share of ones where there are enough."""
    strata = treated.astype(int)
    if set(np.unique(y)) <= {0.0, 1.0}:
        finer = strata * 2 + y.astype(int)
        if np.bincount(finer, minlength=4)[np.unique(finer)].min() >= FOLDS:
            strata = finer
    return list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(strata, strata))


def _trial(X: pd.DataFrame, treated: Any, y: Any, propensity: Any) -> _Trial:
    arm, outcome = np.asarray(treated).astype(bool), np.asarray(y, dtype=np.float64)
    n = (int(arm.sum()), int((~arm).sum()))
    if not len(X) == len(arm) == len(outcome):
        raise ModelError(f"uplift: {len(X)} rows of features, {len(arm)} arms, {len(outcome)} outcomes; expected equal")
    if min(n) < LEAST_ARM:
        raise ModelError(f"uplift: {n[0]} treated and {n[1]} controls; expected at least {LEAST_ARM} in each arm")
    if not np.isfinite(outcome).all():
        raise ModelError(f"uplift: {int((~np.isfinite(outcome)).sum())} outcomes are missing; expected numbers")
    share = arm.mean() if propensity is None else propensity
    e = np.broadcast_to(np.asarray(share, dtype=np.float64), arm.shape)
    if not ((e > 0) & (e < 1)).all():
        raise ModelError("uplift: a propensity is not between 0 and 1: such a customer had no chance of the other arm")
    return _Trial(X.reset_index(drop=True), arm, outcome, e.copy(), set(np.unique(outcome)) <= {0.0, 1.0})
