"""Uplift curves and what is read off them: Qini, AUUC, uplift at k, the slope of the best linear predictor.

Definitions. Customers are ranked by predicted uplift; equal scores are one step. With the treated and the controls
among the first share s of the ranking: the *Qini curve* is ``(Y_t − Y_c N_t / N_c) / N`` where N counts all treated;
*q* is the area between it and the straight line to its end. The *uplift curve* is ``s (mean_t − mean_c)``; *AUUC* is
the area under it, half the average effect where the ranking is random. Nothing is divided by the average effect, whose
sign may be negative. *qn* is q over the q of a ranking that knows the outcomes, for 0/1 outcomes, as in scikit-uplift.

References
----------
Radcliffe (2007), Using control groups to target on predicted lift, Direct Marketing Analytics Journal 1.
Chernozhukov, Demirer, Duflo & Fernández-Val (2018), Generic machine learning inference on heterogeneous treatment
effects: the best linear predictor.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike

from holdfast.errors import DataError

Floats = npt.NDArray[np.float64]

POWER = 2.8
"""Standard errors that 80 % power at a two-sided 5 % takes: 1.96 + .84."""
LEAST_SHARE = 0.25
"""Heterogeneity counts as measurable when a trial would see that this share of the customers is not moved at all."""


@dataclass(frozen=True)
class Ranked:
    """A trial in the order of a score: sums of each step, best first.

    Parameters
    ----------
    n_treated, n_control : ndarray, shape (steps,)
        Weight of each arm in the step.
    y_treated, y_control : ndarray, shape (steps,)
        Weighted outcomes.
    """

    n_treated: Floats
    n_control: Floats
    y_treated: Floats
    y_control: Floats

    def curve(self) -> pd.DataFrame:
        """`share, gain, uplift, random`: the Qini curve, the uplift curve, and the line, from 0 to everybody."""
        nt, nc, yt, yc = (np.r_[0.0, np.cumsum(part)] for part in
                          (self.n_treated, self.n_control, self.y_treated, self.y_control))  # fmt: skip
        share = (nt + nc) / (nt[-1] + nc[-1])
        ratio = np.divide(nt, nc, out=np.zeros_like(nt), where=nc > 0)
        gain = (yt - yc * ratio) / nt[-1]
        both = (nt > 0) & (nc > 0)
        treated, control = (np.divide(y, n, out=np.zeros_like(n), where=both) for y, n in ((yt, nt), (yc, nc)))
        return pd.DataFrame(
            {"share": share, "gain": gain, "uplift": share * (treated - control), "random": share * gain[-1]}
        )

    def q(self) -> float:
        """Area between the Qini curve and the line to its end."""
        found = self.curve()
        return float(np.trapezoid(found["gain"] - found["random"], found["share"]))

    def auuc(self) -> float:
        """Area under the uplift curve."""
        found = self.curve()
        return float(np.trapezoid(found["uplift"], found["share"]))

    def at(self, share: float) -> float:
        """Difference of the arms' means among the first share; a step that it cuts counts in part."""
        n = self.n_treated + self.n_control
        left = np.clip((share * n.sum() - (np.cumsum(n) - n)) / np.where(n > 0, n, 1.0), 0.0, 1.0)
        nt, nc = float(left @ self.n_treated), float(left @ self.n_control)
        if nt <= 0 or nc <= 0:
            return float("nan")
        return float(left @ self.y_treated) / nt - float(left @ self.y_control) / nc


@dataclass(frozen=True)
class Trial:
    """Outcomes of a trial beside one predicted uplift, ready to be ranked again and again.

    Parameters
    ----------
    step : ndarray of int, shape (n,)
        Place of each customer's score, best 0.
    treated : ndarray of bool
    y, weight : ndarray
    """

    step: npt.NDArray[np.intp]
    treated: npt.NDArray[np.bool_]
    y: Floats
    weight: Floats

    @classmethod
    def of(cls, y: ArrayLike, treated: ArrayLike, score: ArrayLike, propensity: ArrayLike | None = None) -> "Trial":
        """Rank a trial.

        Parameters
        ----------
        y, treated, score : array, shape (n,)
            Outcome, arm, predicted uplift.
        propensity : array, optional
            Probability of having been treated: rows weigh 1/e and 1/(1 − e). Without it all weigh the same.

        Raises
        ------
        DataError
            When lengths differ, something is missing, or an arm is empty.
        """
        outcome, s = np.asarray(y, dtype=np.float64), np.asarray(score, dtype=np.float64)
        arm = np.asarray(treated).astype(bool)
        if not outcome.shape == arm.shape == s.shape or outcome.ndim != 1:
            raise DataError(f"uplift: outcomes {outcome.shape}, arms {arm.shape}, scores {s.shape}; expected equal")
        if not np.isfinite(outcome).all() or not np.isfinite(s).all():
            raise DataError("uplift: an outcome or a score is missing; expected numbers")
        if arm.all() or not arm.any():
            raise DataError("uplift: only one arm; expected treated and controls")
        weight = np.ones(len(s))
        if propensity is not None:
            e = np.broadcast_to(np.asarray(propensity, dtype=np.float64), s.shape)
            weight = np.where(arm, 1 / e, 1 / (1 - e))
        _, step = np.unique(-s, return_inverse=True)
        return cls(step.astype(np.intp), arm, outcome, weight)

    def ranked(self, times: Floats | None = None) -> Ranked:
        """Sums by step; `times` says how often each row counts."""
        w = self.weight if times is None else self.weight * times
        steps, t = int(self.step.max()) + 1, self.treated
        parts = [np.bincount(self.step[rows], weights=value[rows], minlength=steps)
                 for value in (w, w * self.y) for rows in (t, ~t)]  # fmt: skip
        return Ranked(*(np.asarray(part, dtype=np.float64) for part in parts))

    def resample(self, rng: np.random.Generator) -> Floats:
        """How often each row counts in one bootstrap within the arms."""
        times = np.zeros(len(self.y))
        for arm in (True, False):
            rows = np.flatnonzero(self.treated == arm)
            times[rows] = np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows))
        return times


def qini(y: ArrayLike, treated: ArrayLike, score: ArrayLike, propensity: ArrayLike | None = None) -> float:
    """The area q between the Qini curve and the random line, in outcome units per treated customer.

    Examples
    --------
    Two treated and two controls; the score puts the pair with an effect first. The curve goes 0, 1/2, 1/2 over shares
    0, 1/2, 1: area 3/8, the line's area 1/4.

    >>> qini([1, 0, 1, 1], [True, False, True, False], [2, 2, 1, 1])
    0.125
    """
    return Trial.of(y, treated, score, propensity).ranked().q()


def auuc(y: ArrayLike, treated: ArrayLike, score: ArrayLike, propensity: ArrayLike | None = None) -> float:
    """The area under the uplift curve ``s (mean_t − mean_c)``; half the average effect for a random score.

    Examples
    --------
    >>> auuc([1, 0, 1, 1], [True, False, True, False], [2, 2, 1, 1])
    0.375
    """
    return Trial.of(y, treated, score, propensity).ranked().auuc()


def uplift_at(
    y: ArrayLike, treated: ArrayLike, score: ArrayLike, share: float, propensity: ArrayLike | None = None
) -> float:
    """Effect among the share of customers with the highest predicted uplift.

    Examples
    --------
    >>> uplift_at([1, 0, 1, 1], [True, False, True, False], [2, 2, 1, 1], 0.5)
    1.0
    """
    if not 0 < share <= 1:
        raise DataError(f"uplift_at: share {share}; expected above 0 and at most 1")
    return Trial.of(y, treated, score, propensity).ranked().at(share)


def qini_normalised(y: ArrayLike, treated: ArrayLike, score: ArrayLike) -> float:
    """Q over the q of a ranking by the outcomes themselves, for 0/1 outcomes (scikit-uplift's `qini_auc_score`)."""
    outcome, arm = np.asarray(y, dtype=np.float64), np.asarray(treated).astype(bool)
    if not set(np.unique(outcome)) <= {0.0, 1.0}:
        raise DataError("qini_normalised: came outcomes other than 0 and 1; use q for money")
    best = qini(outcome, arm, np.where(arm, outcome, -outcome))
    return qini(outcome, arm, score) / best if best > 0 else float("nan")


@dataclass(frozen=True)
class Slope:
    """Slope of the best linear predictor of the effect on the score, with its error; 1 where the score is right."""

    slope: float
    error: float

    @property
    def z(self) -> float:
        """Slope over its error; 0 where there is none."""
        return self.slope / self.error if self.error > 0 else 0.0


def best_linear_predictor(
    y: ArrayLike, treated: ArrayLike, score: ArrayLike, propensity: ArrayLike | None = None
) -> Slope:
    """How much of the predicted differences in uplift is there.

    Least squares of y on 1, score, t − e and (t − e)(score − mean), weighted by 1 / (e (1 − e)), with errors that hold
    under unequal variances (HC1).

    Returns
    -------
    Slope
        0 with error 0 for a constant score.
    """
    outcome, s = np.asarray(y, dtype=np.float64), np.asarray(score, dtype=np.float64)
    arm = np.asarray(treated).astype(bool)
    e = np.broadcast_to(np.asarray(arm.mean() if propensity is None else propensity, dtype=np.float64), s.shape)
    spread = float(s.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(s).max(initial=0.0))):
        return Slope(0.0, 0.0)
    unit = (s - s.mean()) / spread
    X = np.column_stack([np.ones(len(s)), unit, arm - e, (arm - e) * unit])
    w = 1 / (e * (1 - e))
    inverse = np.linalg.pinv(X.T @ (w[:, None] * X))
    beta = inverse @ (X.T @ (w * outcome))
    residual = (w * (outcome - X @ beta))[:, None] * X
    covariance = inverse @ (residual.T @ residual) @ inverse * len(s) / max(len(s) - X.shape[1], 1)
    return Slope(float(beta[3]) / spread, float(np.sqrt(covariance[3, 3])) / spread)


@dataclass(frozen=True)
class Judged:
    """A held-out judgement of one predicted uplift.

    Parameters
    ----------
    q, low, high : float
        Qini and its bootstrap interval.
    error : float
        Standard deviation of the bootstraps.
    slope : Slope
    verdict : str
        `found`, `not found` or `not measurable`.
    detectable : float
        Smallest q that would have been found with 80 % power.
    """

    q: float
    low: float
    high: float
    error: float
    slope: Slope
    verdict: str
    detectable: float


def judge_uplift(
    y: ArrayLike, treated: ArrayLike, score: ArrayLike, propensity: ArrayLike | None = None, *, seed: int = 0,
    resamples: int = 500,
) -> Judged:  # fmt: skip
    """Is there heterogeneity, judged on customers whom the learner has not seen.

    *Found* needs both: the lower bound of q above 0, and a slope of the best linear predictor 1.96 errors above 0.
    Otherwise *not found* where the trial would, with 80 % power, have seen that a quarter of the customers is not moved
    at all (q = effect / 8), and *not measurable* where it would not.

    Parameters
    ----------
    y, treated, score, propensity
        As in `Trial.of`; the learner must have been fixed beforehand and fitted on other customers.
    seed, resamples : int
        Of the bootstrap within the arms.
    """
    trial, rng = Trial.of(y, treated, score, propensity), np.random.default_rng(seed)
    found = np.array([trial.ranked(trial.resample(rng)).q() for _ in range(resamples)])
    low, high = (float(end) for end in np.quantile(found, [0.025, 0.975]))
    q, error = trial.ranked().q(), float(found.std(ddof=1))
    slope = best_linear_predictor(y, treated, score, propensity)
    if low > 0 and slope.z > 1.96:
        verdict = "found"
    else:
        verdict = "not found" if POWER * error <= LEAST_SHARE / 2 * _largest_effect(trial) else "not measurable"
    return Judged(q, low, high, error, slope, verdict, POWER * error)


def _largest_effect(trial: Trial) -> float:
    """The end of the average effect's interval that is further from nought."""
    arms = [(trial.y[rows], trial.weight[rows]) for rows in (trial.treated, ~trial.treated)]
    (mean_t, var_t), (mean_c, var_c) = (_mean(value, weight) for value, weight in arms)
    return float(abs(mean_t - mean_c) + 1.96 * np.sqrt(var_t + var_c))


def _mean(y: Floats, weight: Floats) -> tuple[float, float]:
    total = weight.sum()
    mean = float(weight @ y / total)
    return mean, float((weight**2) @ (y - mean) ** 2 / total**2)


def curve(y: Any, treated: Any, score: Any, propensity: Any = None) -> pd.DataFrame:
    """Points of the curves: `share, gain, uplift, random` (see the module)."""
    return Trial.of(y, treated, score, propensity).ranked().curve()
