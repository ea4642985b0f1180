"""Logistic recalibration: the slope and level by which logits would have to be moved to fit the outcomes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from holdfast.evaluation.rows import FloatArray, Ids, IntArray, as_codes, as_pair, same_length

LOGIT_LIMIT = 20.0
"""Logits beyond this (a probability of 2e-9) are held there."""
_EPSILON = float(np.finfo(np.float64).eps)
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Recalibration:
    """The logistic regression of outcome on logit(probability); a calibrated model has intercept 0, slope 1.

    `in_the_large` is the intercept with the slope held at 1: the error of the level alone, in logits.
    Intervals are 95 %, from standard errors clustered by customer. `reason` is set where nothing could
    be estimated; the numbers are NaN then.
    """

    intercept: float
    slope: float
    in_the_large: float
    intercept_interval: tuple[float, float]
    slope_interval: tuple[float, float]
    in_the_large_interval: tuple[float, float]
    reason: str | None = None


def recalibrate(y: ArrayLike, p: ArrayLike, customer: Ids) -> Recalibration:
    """Cox's logistic recalibration by Newton's method.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (0/1) and probability.
    customer : array of shape (n,)
        Customer ids: the clusters of the sandwich variance.

    Returns
    -------
    Recalibration

    References
    ----------
    Cox (1958), Two further applications of a model for binary regression, Biometrika 45.
    Van Calster et al. (2016), A calibration hierarchy for risk models, J Clin Epidemiol 74.

    Examples
    --------
    >>> p = np.repeat([0.2, 0.8], 5)
    >>> fit = recalibrate([1, 0, 0, 0, 0, 1, 1, 1, 1, 0], p, np.arange(10))
    >>> abs(round(fit.intercept, 6)), round(fit.slope, 6)  # one in five of the first half, four of the second
    (0.0, 1.0)
    """
    labels, scores = as_pair(y, p, probability=True)
    codes, count = as_codes(customer)
    same_length(label=labels, customer=codes)
    if not len(labels) or labels.min() == labels.max():
        return _unfitted("only one class of labels")
    held = np.clip(scores, _EPSILON, 1 - _EPSILON)
    logits = np.clip(np.log(held) - np.log1p(-held), -LOGIT_LIMIT, LOGIT_LIMIT)
    # sums must not depend on the order in which rows came
    order = np.lexsort((labels, codes, logits))
    labels, logits, codes = labels[order], logits[order], codes[order]
    level = _newton(np.ones((len(labels), 1)), labels, logits)
    if level is None:
        return _unfitted("the level of the scores is too far from the labels to be fitted")
    level_se = _clustered_errors(np.ones((len(labels), 1)), labels, logits, level, codes, count)
    large, large_interval = float(level[0]), _interval(level[0], level_se[0])
    if np.ptp(logits) < 1e-9:
        return _unfitted("all scores are equal, so a slope has no meaning", large, large_interval)
    # a centred, scaled logit keeps Newton's steps well conditioned
    centre, scale = float(logits.mean()), float(logits.std())
    x = np.column_stack([np.ones(len(labels)), (logits - centre) / scale])
    beta = _newton(x, labels, np.zeros(len(labels)))
    if beta is None:
        return _unfitted("the scores separate the labels, so the slope is infinite", large, large_interval)
    back = np.array([[1.0, -centre / scale], [0.0, 1.0 / scale]])
    intercept, slope = back[0, 0] * beta[0] + back[0, 1] * beta[1], back[1, 1] * beta[1]
    errors = _clustered_errors(x, labels, np.zeros(len(labels)), beta, codes, count, back)
    return Recalibration(
        float(intercept),
        float(slope),
        large,
        _interval(intercept, errors[0]),
        _interval(slope, errors[1]),
        large_interval,
    )


def _newton(x: FloatArray, y: FloatArray, offset: FloatArray, steps: int = 60) -> FloatArray | None:
    """Logistic regression by Newton's method; None when it does not settle (separation)."""
    beta: FloatArray = np.zeros(x.shape[1])
    for _ in range(steps):
        mean = expit(offset + np.einsum("ij,j->i", x, beta))
        information = _information(x, mean)
        if np.linalg.det(information) <= 1e-10:
            return None
        step = np.linalg.solve(information, np.einsum("ij,i->j", x, y - mean))
        # a long step on a flat likelihood overshoots: five logits at once is as far as trust goes
        beta = beta + step * min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < 1e-10:
            return beta
    return None


def _information(x: FloatArray, mean: FloatArray) -> FloatArray:
    # einsum, not @: a threaded BLAS sums in an order that depends on the number of threads
    information: FloatArray = np.einsum("ij,i,ik->jk", x, mean * (1 - mean), x)
    return information


def _clustered_errors(
    x: FloatArray,
    y: FloatArray,
    offset: FloatArray,
    beta: FloatArray,
    codes: IntArray,
    count: int,
    back: FloatArray | None = None,
) -> FloatArray:
    """Standard errors from the sandwich variance clustered by customer, mapped back through `back`."""
    mean = expit(offset + np.einsum("ij,j->i", x, beta))
    bread = np.linalg.inv(_information(x, mean))
    scores = np.column_stack([np.bincount(codes, weights=column * (y - mean), minlength=count) for column in x.T])
    meat = np.einsum("ij,ik->jk", scores, scores) * (count / max(count - 1, 1))
    variance = bread @ meat @ bread
    if back is not None:
        variance = back @ variance @ back.T
    errors: FloatArray = np.sqrt(np.diag(variance))
    return errors


def _interval(value: float, error: float) -> tuple[float, float]:
    return float(value - _Z95 * error), float(value + _Z95 * error)


def _unfitted(
    reason: str, large: float = float("nan"), large_interval: tuple[float, float] = (float("nan"), float("nan"))
) -> Recalibration:
    nan = float("nan")
    return Recalibration(nan, nan, large, (nan, nan), (nan, nan), large_interval, reason)
