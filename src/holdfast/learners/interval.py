"""How sure is the *level* of a score: a 90 % range from the misses of past test cutoffs.

Seen one by one, a customer leaves or stays, and no interval says more than the probability itself. What can be
told from the past is by how much a whole cutoff's scores sat too high or too low. `low` and `high` move the
score by that much on the logit scale. They do not cover the uncertainty of the ranking.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm, t

from holdfast.errors import DataError
from holdfast.learners.calibrate import shift_to_rate

COVERAGE = 0.9


def level_sd(y_by_cutoff: Sequence[npt.ArrayLike], logit_by_cutoff: Sequence[npt.ArrayLike]) -> float:
    """Standard deviation, in logits, of the level error to expect at a next cutoff.

    For each test cutoff the calibration intercept a (slope held at 1) and its sampling variance v = 1/sum p(1-p)
    are found. The variance is the greater of the mean a² (bias counts: scores are not corrected for it) and the
    mean v. Few cutoffs tell little, so with k of them the result is widened by t(k)/z at 90 %: a range of
    ±1.645 sd then covers about 90 % of next cutoffs. One cutoff cannot show variation: its v alone is used.

    Parameters
    ----------
    y_by_cutoff : sequence of arrays
        Labels 0/1 of each test cutoff.
    logit_by_cutoff : sequence of arrays
        Log odds of the same rows, from models fitted before that cutoff.

    Raises
    ------
    DataError
        When no cutoff has both classes.

    Examples
    --------
    >>> y = [0, 1] * 200
    >>> round(level_sd([y], [[0.0] * 400]), 3)  # 1 / sqrt(400 x 0.25)
    0.1
    """
    pairs = [
        (np.asarray(y, dtype=np.float64), np.asarray(margin, dtype=np.float64))
        for y, margin in zip(y_by_cutoff, logit_by_cutoff, strict=True)
    ]
    fits = [calibration_offset(y, margin) for y, margin in pairs if len(np.unique(y)) == 2]
    if not fits:
        raise DataError("score interval: no test cutoff with both leavers and stayers; at least one is needed")
    offsets, variances = np.array(fits).T
    sampling = float(variances.mean())
    if len(fits) == 1:
        return float(np.sqrt(sampling))
    between = float(np.mean(offsets**2))
    upper = (1 + COVERAGE) / 2
    return float(np.sqrt(max(between, sampling)) * t.ppf(upper, len(fits)) / norm.ppf(upper))


def calibration_offset(y: npt.NDArray[np.float64], margin: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Intercept a of the logistic recalibration `margin + a`, and its sampling variance.

    Maximum likelihood makes the mean of `sigmoid(margin + a)` equal the mean of y; needs both classes.
    """
    offset = shift_to_rate(margin, float(y.mean()))
    p = expit(margin + offset)
    return offset, float(1 / np.sum(p * (1 - p)))


def interval(
    score: npt.ArrayLike, sd: float, z: float = 1.645
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Range of each score when its level is off by up to `z * sd` logits.

    Examples
    --------
    >>> low, high = interval([0.5], 0.1)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.459], [0.541])
    """
    with np.errstate(divide="ignore"):
        margin = logit(np.asarray(score, dtype=np.float64))
    return expit(margin - z * sd), expit(margin + z * sd)
