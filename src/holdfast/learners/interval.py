"""How sure a score is: a 90 % range from the misses of past cutoffs and from how far the two members disagree.

Seen one by one, a customer leaves or stays, and no interval says more than the probability itself. What can be told
from the past is by how much a whole cutoff's scores sat too high or too low; what can be told from the model is how
far its members, which see the customer in different ways, are apart. `low` and `high` move the score by both on the
logit scale. Coverage is measured on the test cutoffs (`evaluation.coverage`).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm, t

from holdfast.learners.calibrate import shift_to_rate

COVERAGE = 0.9
PRIOR_SD = 0.2
"""Level error, in logits, to expect before a cutoff of this firm was closed: the usual one (docs/accuracy.md)."""
SNAPSHOT_SD = 0.05
"""The same where test rows are a random part of the same table."""
PRIOR_WEIGHT = 3.0
"""Cutoffs that the expectation counts for."""


def level_sd(
    y_by_cutoff: Sequence[npt.ArrayLike],
    logit_by_cutoff: Sequence[npt.ArrayLike],
    prior_sd: float = PRIOR_SD,
    prior_weight: float = PRIOR_WEIGHT,
) -> float:
    """Standard deviation, in logits, of the level error to expect at a next cutoff.

    For each closed cutoff the calibration intercept a (slope held at 1) and its sampling variance v = 1/sum p(1-p)
    are found; the larger of a² and v counts, since scores are not corrected for a bias. The mean over the k cutoffs
    and the expectation, which counts like `prior_weight` of them, is widened by t(k + prior_weight)/z at 90 %: a range
    of ±1.645 sd then covers about 90 % of next cutoffs. Without a closed cutoff the expectation alone speaks.

    Parameters
    ----------
    y_by_cutoff : sequence of arrays
        Labels 0/1 of each closed cutoff.
    logit_by_cutoff : sequence of arrays
        Log odds of the same rows, from models fitted before that cutoff.
    prior_sd, prior_weight : float
        Expected level error in logits, and how many cutoffs it counts for (above 0).

    Examples
    --------
    >>> round(level_sd([], [], prior_sd=0.2, prior_weight=3), 3)  # .2 x t(3) / z = .2 x 2.353 / 1.645
    0.286
    """
    pairs = [
        (np.asarray(y, dtype=np.float64), np.asarray(margin, dtype=np.float64))
        for y, margin in zip(y_by_cutoff, logit_by_cutoff, strict=True)
    ]
    fits = [calibration_offset(y, margin) for y, margin in pairs if len(np.unique(y)) == 2]
    missed = sum(max(offset**2, variance) for offset, variance in fits)
    count = len(fits) + prior_weight
    upper = (1 + COVERAGE) / 2
    return float(np.sqrt((prior_weight * prior_sd**2 + missed) / count) * t.ppf(upper, count) / norm.ppf(upper))


def calibration_offset(y: npt.NDArray[np.float64], margin: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Intercept a of the logistic recalibration `margin + a`, and its sampling variance.

    Maximum likelihood makes the mean of `sigmoid(margin + a)` equal the mean of y; needs both classes.
    """
    offset = shift_to_rate(margin, float(y.mean()))
    p = expit(margin + offset)
    return offset, float(1 / np.sum(p * (1 - p)))


def interval(
    score: npt.ArrayLike, sd: npt.ArrayLike, z: float = 1.645
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Range of each score when it is off by up to `z * sd` logits; one sd for all, or one for each.

    Examples
    --------
    >>> low, high = interval([0.5], 0.1)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.459], [0.541])
    """
    with np.errstate(divide="ignore"):
        margin = logit(np.asarray(score, dtype=np.float64))
    reach = z * np.asarray(sd, dtype=np.float64)
    return expit(margin - reach), expit(margin + reach)
