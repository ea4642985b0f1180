"""How good probabilities of ordered classes are."""

import numpy as np
from numpy.typing import ArrayLike

from holdfast.errors import DataError


def ranked_probability_score(classes: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of the cumulated forecast from the cumulated truth, summed over the thresholds.

    A miss by two classes costs more than a miss by one; with two classes it is the Brier score.

    Parameters
    ----------
    classes : array of shape (n,)
        True class, 0 to k − 1, in order.
    probabilities : array of shape (n, k)
        Rows adding to one.

    Returns
    -------
    float
        Zero is perfect.

    Raises
    ------
    DataError
        When the shapes do not fit or a row does not add to one.

    References
    ----------
    Epstein (1969), A scoring system for probability forecasts of ranked categories, J. Applied Meteorology 8.

    Examples
    --------
    >>> ranked_probability_score([0, 2], [[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]])  # (0 + (.5² + .5²)) / 2
    0.25
    """
    truth, forecast = np.asarray(classes, dtype=np.intp), np.asarray(probabilities, dtype=np.float64)
    if forecast.ndim != 2 or len(truth) != len(forecast) or not len(truth):
        raise DataError(f"classes {truth.shape} and probabilities {forecast.shape}: expected (n,) and (n, k), n > 0")
    if not np.allclose(forecast.sum(axis=1), 1.0, atol=1e-6):
        raise DataError("probabilities of the classes: expected rows that add to one")
    reached = np.cumsum(forecast, axis=1)[:, :-1]
    came = truth[:, None] <= np.arange(forecast.shape[1] - 1)
    return float(np.square(reached - came).sum(axis=1).mean())
