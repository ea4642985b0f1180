"""The average effect of a trial and the checks that a trial has to pass before its effect is believed."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from scipy.stats import chi2

from holdfast.errors import DataError

Floats = npt.NDArray[np.float64]

SUSPECT = 0.001
"""P-value below which arm sizes or balance do not fit a random draw; one in a thousand sound trials falls below it."""
TUNED = 1000
"""Customers for whom the always-valid interval is narrowest."""


@dataclass(frozen=True)
class Effect:
    """An average with its interval.

    Parameters
    ----------
    value, low, high, error : float
    n : int
    """

    value: float
    low: float
    high: float
    error: float
    n: int


def mean_effect(pseudo: ArrayLike, level: float = 0.95) -> Effect:
    """Average of doubly robust scores, with a normal interval.

    Parameters
    ----------
    pseudo : array, shape (n,)
        One score of the effect per customer; their mean is the AIPW estimate, which under randomisation is the
        difference of the arms adjusted by what was known before (CUPED, Deng et al. 2013, is its linear case).
    level : float
        Coverage.

    Examples
    --------
    >>> mean_effect([1.0, 3.0]).value
    2.0
    """
    scores = np.asarray(pseudo, dtype=np.float64)
    if not len(scores):
        return Effect(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    error = float(scores.std(ddof=1) / np.sqrt(len(scores))) if len(scores) > 1 else float("inf")
    return _interval(float(scores.mean()), error, len(scores), level)


def mean_difference(y: ArrayLike, treated: ArrayLike, weight: ArrayLike | None = None, level: float = 0.95) -> Effect:
    """Difference of the arms' weighted means, unequal variances allowed.

    Raises
    ------
    DataError
        When an arm is empty.

    Examples
    --------
    >>> mean_difference([1, 1, 0, 1], [True, True, False, False]).value
    0.5
    """
    outcome, arm = np.asarray(y, dtype=np.float64), np.asarray(treated).astype(bool)
    if arm.all() or not arm.any():
        raise DataError("effect: only one arm; expected treated and controls")
    w = np.ones(len(outcome)) if weight is None else np.asarray(weight, dtype=np.float64)
    (one, var_one), (none, var_none) = (_weighted_mean(outcome[rows], w[rows]) for rows in (arm, ~arm))
    return _interval(one - none, float(np.sqrt(var_one + var_none)), len(outcome), level)


def _weighted_mean(y: Floats, w: Floats) -> tuple[float, float]:
    mean = float(w @ y / w.sum())
    few = len(y) / max(len(y) - 1, 1)
    return mean, float((w**2) @ (y - mean) ** 2 / w.sum() ** 2 * few)


def _interval(value: float, error: float, n: int, level: float) -> Effect:
    z = NormalDist().inv_cdf(0.5 + level / 2)
    return Effect(value, value - z * error, value + z * error, error, n)


def always_valid(effect: Effect, level: float = 0.95) -> tuple[float, float]:
    """Ends of an interval that may be looked at as often as one likes while the trial runs.

    Robbins' normal mixture as an asymptotic confidence sequence: half-width
    ``error · sqrt((1 + 1 / (n r)) log((n r + 1) / alpha²))`` with r such that it is narrowest at 1,000 customers.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Time-uniform central limit theory, Annals of Statistics 52.

    Examples
    --------
    >>> low, high = always_valid(Effect(0.0, -1.96, 1.96, 1.0, 1000))
    >>> low < -1.96 and high > 1.96
    True
    """
    alpha = 1 - level
    rate = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / TUNED
    inside = max(effect.n, 1) * rate
    width = effect.error * float(np.sqrt((1 + 1 / inside) * np.log((inside + 1) / alpha**2)))
    return effect.value - width, effect.value + width


def sample_ratio(treated: ArrayLike, planned: ArrayLike) -> float:
    """P-value of the sample-ratio test: do the arms have the sizes that were planned.

    Parameters
    ----------
    treated : array of bool, shape (n,)
    planned : array or float
        Probability of having been treated.

    Examples
    --------
    >>> sample_ratio([True] * 60 + [False] * 40, 0.5) < 0.05
    True
    """
    arm = np.asarray(treated).astype(bool)
    e = np.broadcast_to(np.asarray(planned, dtype=np.float64), arm.shape)
    variance = float((e * (1 - e)).sum())
    if variance <= 0:
        raise DataError("sample ratio: a planned share of 0 or 1; expected shares between them")
    return float(chi2.sf((arm.sum() - e.sum()) ** 2 / variance, 1))


def balance_test(X: ArrayLike, treated: ArrayLike, propensity: ArrayLike) -> float:
    """P-value of the score test that the features say nothing about the arm beyond the propensity.

    Parameters
    ----------
    X : array, shape (n, k)
        Features known before the treatment, without gaps.
    treated, propensity : array, shape (n,)

    Returns
    -------
    float
        1 where there is no feature that varies.
    """
    arm = np.asarray(treated, dtype=np.float64)
    e = np.broadcast_to(np.asarray(propensity, dtype=np.float64), arm.shape)
    design = np.asarray(X, dtype=np.float64)
    design = design - np.average(design, axis=0, weights=e * (1 - e)) if design.size else design
    design = design[:, design.std(axis=0) > 1e-12] if design.size else design
    if not design.size:
        return 1.0
    # the arms' sizes are another question: see `sample_ratio`
    residual = (arm - e) - (arm - e).mean()
    score = design.T @ residual
    variance = design.T @ ((e * (1 - e))[:, None] * design)
    rank = int(np.linalg.matrix_rank(variance))
    return float(chi2.sf(score @ np.linalg.pinv(variance) @ score, rank)) if rank else 1.0


def standardised_differences(X: ArrayLike, treated: ArrayLike, weight: ArrayLike | None = None) -> Floats:
    """Differences of the arms' means over their pooled standard deviation, (k,).

    Infinite where the arms differ and nothing varies within them, 0 where nothing varies at all.
    """
    design, arm = np.asarray(X, dtype=np.float64), np.asarray(treated).astype(bool)
    w = np.ones(len(arm)) if weight is None else np.asarray(weight, dtype=np.float64)
    means = [np.average(design[rows], axis=0, weights=w[rows]) for rows in (arm, ~arm)]
    spread = np.sqrt((design[arm].var(axis=0) + design[~arm].var(axis=0)) / 2)
    apart = means[0] - means[1]
    nothing = np.where(np.abs(apart) > 1e-12, np.copysign(np.inf, apart), 0.0)
    apart = np.divide(apart, spread, out=nothing, where=spread > 1e-12)
    return np.asarray(apart, dtype=np.float64)


def e_value(risk_ratio: float) -> float:
    """How strongly an unseen cause would have to be tied to treatment and outcome, as a risk ratio, to explain all.

    References
    ----------
    VanderWeele & Ding (2017), Sensitivity analysis in observational research: introducing the E-value.

    Examples
    --------
    >>> round(e_value(2.0), 3), e_value(1.0)
    (3.414, 1.0)
    """
    ratio = 1 / risk_ratio if 0 < risk_ratio < 1 else risk_ratio
    return float(ratio + np.sqrt(ratio * (ratio - 1)))
