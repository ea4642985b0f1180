"""The guarded seasonal shift: move the level of all scores only where the year before has earned it.

A calibrator fitted on the last slice makes things worse almost everywhere, because the base rate drifts with the
season (accuracy.md, "Calibration under drift"). So the blend stays raw, unless in at least three closed slices the
churn rate one year before foretold the rate clearly better than the pooled mean did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit

from holdfast.errors import DataError

MIN_SLICES = 3
MAX_ERROR_RATIO = 0.8


@dataclass(frozen=True)
class Slice:
    """The outcome of one closed cutoff.

    Parameters
    ----------
    cutoff : date
        The cutoff; its label window must be complete at the date that the shift serves.
    churn_rate : float
        Share of label 1 in the cohort.
    year_ago_rate : float or None
        The same share 365 days earlier, None where the history does not reach.
    pooled_rate : float or None
        The mean rate that a model serving this cutoff had in its training set; None: the mean of the other slices.
    n : int or None
        Cohort size; keeps rates of 0 and 1 finite on the logit scale.
    """

    cutoff: date
    churn_rate: float
    year_ago_rate: float | None = None
    pooled_rate: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class LevelShift:
    """The decision: `shift` in logits (0 when not applied), and why.

    `year_ago_error` and `pooled_error` are mean absolute errors of the logit rate over the compared slices.
    """

    shift: float
    applied: bool
    reason: str
    n_slices: int = 0
    year_ago_error: float | None = None
    pooled_error: float | None = None


def level_shift(
    history: Sequence[Slice],
    logits: npt.ArrayLike,
    year_ago_rate: float | None,
    *,
    min_slices: int = MIN_SLICES,
    max_ratio: float = MAX_ERROR_RATIO,
) -> LevelShift:
    """Decide on the seasonal shift for a set of scores.

    Parameters
    ----------
    history : sequence of Slice
        Closed slices known at the scoring date.
    logits : array of shape (n,)
        Raw log odds of the customers to be scored.
    year_ago_rate : float or None
        Churn rate of the cohort 365 days before the scoring date.
    min_slices : int
        Closed slices with a year-ago rate that are needed.
    max_ratio : float
        Year-ago error must stay under this share of the pooled mean's error.

    Returns
    -------
    LevelShift

    Examples
    --------
    >>> past = [Slice(date(2024, m, 1), r, r) for m, r in ((1, 0.2), (3, 0.5), (5, 0.3))]
    >>> decision = level_shift(past, [0.0, 0.0], 0.25)
    >>> decision.applied, round(float(expit(decision.shift)), 4)
    (True, 0.25)
    >>> level_shift(past[:2], [0.0, 0.0], 0.25).reason
    'raw level kept: 2 closed slices know the rate one year before, 3 are needed'
    """
    if year_ago_rate is None:
        return LevelShift(0.0, False, "raw level kept: the history does not reach back one year from the scoring date")
    compared = [item for item in history if item.year_ago_rate is not None]
    if len(compared) < max(min_slices, 2):
        known = f"{len(compared)} closed slices know the rate one year before, {min_slices} are needed"
        return LevelShift(0.0, False, f"raw level kept: {known}", len(compared))
    year_ago, pooled = level_errors(history)
    figures = f"the rate one year before missed by {year_ago:.3f} logits, the pooled mean by {pooled:.3f}"
    if not year_ago < max_ratio * pooled:
        reason = f"raw level kept: over {len(compared)} slices {figures}; under {max_ratio:g} of it was needed"
        return LevelShift(0.0, False, reason, len(compared), year_ago, pooled)
    shift = shift_to_rate(logits, _inside(year_ago_rate, None))
    reason = f"level moved to the rate one year before, {year_ago_rate:.3f}: over {len(compared)} slices {figures}"
    return LevelShift(shift, True, reason, len(compared), year_ago, pooled)


def level_errors(history: Sequence[Slice]) -> tuple[float, float]:
    """Mean absolute error of the logit rate: of the rate one year before, and of the pooled mean.

    Slices without a year-ago rate enter only the pooled mean of the others. Needs at least two slices.
    """
    compared = [k for k, item in enumerate(history) if item.year_ago_rate is not None]
    actual = np.array([_logit_rate(history[k].churn_rate, history[k].n) for k in compared])
    year_ago = np.array([_logit_rate(history[k].year_ago_rate or 0.0, history[k].n) for k in compared])
    pooled = np.array([_logit_rate(_pooled(history, k), history[k].n) for k in compared])
    return float(np.mean(np.abs(actual - year_ago))), float(np.mean(np.abs(actual - pooled)))


def shift_to_rate(logits: npt.ArrayLike, rate: float) -> float:
    """The one shift for which the mean of `sigmoid(logits + shift)` is `rate`.

    Raises
    ------
    DataError
        Without a row, or for a rate outside (0, 1).

    Examples
    --------
    >>> round(shift_to_rate([1.0, 1.0, 1.0], 0.5), 6)
    -1.0
    """
    margin = np.asarray(logits, dtype=np.float64)
    if not len(margin) or not 0 < rate < 1:
        raise DataError(f"level shift: {len(margin)} scores and target rate {rate}: expected rows and a rate in (0, 1)")
    goal = float(logit(rate))
    # With this shift at the least every sigmoid is at most the rate, with the greatest at least.
    low, high = goal - float(margin.max()), goal - float(margin.min())
    if high - low < 1e-12:
        return low
    return float(brentq(lambda shift: float(expit(margin + shift).mean()) - rate, low - 1e-9, high + 1e-9, xtol=1e-12))


def _pooled(history: Sequence[Slice], position: int) -> float:
    own = history[position].pooled_rate
    if own is not None:
        return own
    return float(np.mean([item.churn_rate for k, item in enumerate(history) if k != position]))


def _logit_rate(rate: float, n: int | None) -> float:
    return float(logit(_inside(rate, n)))


def _inside(rate: float, n: int | None) -> float:
    """Keep a rate off 0 and 1: half a customer each way where n is known."""
    edge = 1e-4 if n is None else 0.5 / (n + 1)
    return min(max(rate, edge), 1 - edge)
