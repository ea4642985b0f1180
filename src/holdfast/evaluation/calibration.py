"""How far probabilities can be taken at their word: losses, ECE beside its floor, the calibration curve."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from holdfast.evaluation.rows import FloatArray, IntArray, as_pair, as_scores, tie_ranges

BINS = 20
"""Equal-mass bins of the expected calibration error."""
EPSILON = float(np.finfo(np.float64).eps)
"""Probabilities are held this far from 0 and 1 in the log loss, as scikit-learn does."""
_Z95 = 1.959963984540054


def log_losses(y: FloatArray, p: FloatArray) -> FloatArray:
    """Minus log likelihood of each row, in nats."""
    held = np.clip(p, EPSILON, 1 - EPSILON)
    return -np.where(y == 1, np.log(held), np.log1p(-held))


def log_loss(y: ArrayLike, p: ArrayLike) -> float:
    """Mean minus log likelihood, in nats per customer.

    Examples
    --------
    >>> round(log_loss([1, 0], [0.5, 0.5]), 6)
    0.693147
    """
    labels, scores = as_pair(y, p, probability=True)
    return float(log_losses(labels, scores).mean()) if len(labels) else float("nan")


def brier(y: ArrayLike, p: ArrayLike) -> float:
    """Mean squared distance between probability and outcome.

    Examples
    --------
    >>> round(brier([1, 0], [0.8, 0.4]), 3)  # (0.04 + 0.16) / 2
    0.1
    """
    labels, scores = as_pair(y, p, probability=True)
    return float(((scores - labels) ** 2).mean()) if len(labels) else float("nan")


def brier_skill(y: ArrayLike, p: ArrayLike) -> float:
    """One minus Brier over the Brier of always saying this cutoff's own churn rate.

    The reference knows the rate of the very period it is judged on, so it is a hard one: a model with the
    wrong level can fall below zero. NaN when only one class is present.

    Examples
    --------
    >>> brier_skill([1, 0], [1.0, 0.0]), brier_skill([1, 0], [0.5, 0.5])
    (1.0, 0.0)
    """
    labels, scores = as_pair(y, p, probability=True)
    rate = labels.mean() if len(labels) else 0.0
    reference = rate * (1 - rate)
    return float(1 - brier(labels, scores) / reference) if reference > 0 else float("nan")


def equal_mass_bins(sorted_scores: FloatArray, bins: int = BINS) -> IntArray:
    """Bin number of each row of a sorted array: equal mass, equal scores together (by their middle row).

    Examples
    --------
    >>> equal_mass_bins(np.array([0.9, 0.7, 0.5, 0.1]), bins=2).tolist()
    [0, 0, 1, 1]
    >>> equal_mass_bins(np.array([0.9, 0.5, 0.5, 0.5]), bins=2).tolist()
    [0, 1, 1, 1]
    """
    start, end = tie_ranges(sorted_scores)
    return ((start + end) * bins // (2 * max(len(sorted_scores), 1))).astype(np.intp)


def ece(y: ArrayLike, p: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: |mean outcome - mean probability| over equal-mass bins, weighted by size.

    Never read it without `ece_floor`: on few rows a perfectly calibrated model shows a large one.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (0/1) and probability.
    bins : int
        Number of bins with equally many customers; customers of equal score share one.

    Examples
    --------
    >>> round(ece([1, 1, 0, 0], [0.9, 0.7, 0.3, 0.3], bins=2), 3)  # (2 x .2 + 2 x .3) / 4
    0.25
    """
    labels, scores = as_pair(y, p, probability=True)
    if not len(labels):
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    gaps = np.bincount(equal_mass_bins(scores[order], bins), weights=(labels - scores)[order], minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


@dataclass(frozen=True)
class EceFloor:
    """The ECE of a perfectly calibrated model with these probabilities: mean and central 95 % range."""

    mean: float
    low: float
    high: float


def ece_floor(p: ArrayLike, *, seed: int, simulations: int = 200, bins: int = BINS) -> EceFloor:
    """Simulate outcomes that follow the probabilities exactly, and measure the ECE that chance alone makes.

    Parameters
    ----------
    p : array of shape (n,)
        Probabilities of the customers at one cutoff.
    seed : int
        Seed of the outcomes; the order of rows does not matter.
    simulations : int
        Number of simulated sets of outcomes.

    Examples
    --------
    >>> floor = ece_floor(np.full(3000, 0.1), seed=1, bins=1)  # E|N(0, .09/3000)| = .8 x .0055
    >>> 0.003 < floor.mean < 0.006
    True
    """
    scores = -np.sort(-as_scores(p, probability=True))
    n = len(scores)
    if n == 0:
        return EceFloor(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    firsts = _bin_starts(equal_mass_bins(scores, bins))
    values = np.empty(simulations)
    for i in range(simulations):
        gaps = np.add.reduceat((rng.random(n) < scores) - scores, firsts)
        values[i] = np.abs(gaps).sum() / n
    low, high = np.quantile(values, [0.025, 0.975])
    return EceFloor(float(values.mean()), float(low), float(high))


def calibration_curve(y: ArrayLike, p: ArrayLike, bins: int = BINS) -> pd.DataFrame:
    """Mean probability, observed rate and its 95 % Wilson interval per equal-mass bin, lowest first.

    Returns
    -------
    DataFrame
        Columns `predicted, observed, low, high, customers`; bins emptied by ties are left out.

    Examples
    --------
    >>> calibration_curve([0, 1, 1, 1], [0.2, 0.4, 0.6, 0.8], bins=2)[["predicted", "observed"]].values.tolist()
    [[0.30000000000000004, 0.5], [0.7, 1.0]]
    """
    labels, scores = as_pair(y, p, probability=True)
    order = np.argsort(scores, kind="stable")
    bin_of = equal_mass_bins(scores[order], bins)
    size = np.bincount(bin_of, minlength=bins).astype(float)
    full = size > 0
    size = size[full]
    predicted = np.bincount(bin_of, weights=scores[order], minlength=bins)[full] / size
    observed = np.bincount(bin_of, weights=labels[order], minlength=bins)[full] / size
    centre = (observed + _Z95**2 / (2 * size)) / (1 + _Z95**2 / size)
    half = _Z95 * np.sqrt(observed * (1 - observed) / size + _Z95**2 / (4 * size**2)) / (1 + _Z95**2 / size)
    frame = {"predicted": predicted, "observed": observed, "low": centre - half, "high": centre + half}
    return pd.DataFrame({**frame, "customers": size.astype(np.int64)})


def _bin_starts(bin_of: IntArray) -> IntArray:
    """First row of each non-empty bin; `bin_of` never falls."""
    return np.flatnonzero(np.r_[True, bin_of[1:] != bin_of[:-1]]).astype(np.intp)
