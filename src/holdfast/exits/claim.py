"""When a class of leavers may be claimed, and when the honest answer is `unknown` (domain A3)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import DataError
from holdfast.exits.distribution import UNKNOWN

Floats = npt.NDArray[np.float64]

LIKELY = 0.5
"""Least probability of a class that is claimed: it is more likely than all others together."""
EVIDENCE = 2.0
"""Least factor by which the evidence has to raise the odds of the class above its share among all leavers."""


def claim(
    probability: Floats, prior: Floats, classes: Sequence[str], allowed: npt.NDArray[np.bool_] | None = None
) -> pd.DataFrame:
    """The claimed class of each row, or `unknown`.

    A class is claimed when it is more likely than not *and* what is known of the customer raised its odds at least
    twofold: without evidence the likeliest class is just the commonest, and naming it would say nothing about the
    customer.

    Parameters
    ----------
    probability : array of shape (n, n_classes)
        Calibrated probabilities.
    prior : array of shape (n_classes,)
        Shares of the classes among leavers.
    classes : sequence of str
    allowed : bool array of shape (n, n_classes), optional
        Where a class may be claimed at all: technology and political need direct evidence.

    Returns
    -------
    DataFrame
        `reason, prob`: the claimed class and its probability; `unknown` and the probability of the likeliest class
        where none is claimed.

    Raises
    ------
    DataError
        When the shapes do not belong together.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
    >>> claim(p, np.array([0.8, 0.2]), ["price", "service"])["reason"].tolist()
    ['price', 'unknown', 'service']
    """
    if probability.ndim != 2 or probability.shape[1] != len(classes) or len(prior) != len(classes):
        raise DataError(f"claim: probabilities {probability.shape}, prior {len(prior)}, classes {len(classes)}")
    if not len(probability):
        return pd.DataFrame({"reason": pd.Series(dtype=object), "prob": pd.Series(dtype=float)})
    best = probability.argmax(axis=1)
    rows = np.arange(len(best))
    p = probability[rows, best]
    gain = _odds(p) / _odds(np.asarray(prior, dtype=float)[best])
    claimed = (p >= LIKELY) & (gain >= EVIDENCE)
    if allowed is not None:
        claimed &= allowed[rows, best]
    names = np.array([*classes, UNKNOWN], dtype=object)
    return pd.DataFrame({"reason": np.where(claimed, names[best], UNKNOWN), "prob": p})


def _odds(p: Floats) -> Floats:
    clipped = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(clipped / (1 - clipped))
