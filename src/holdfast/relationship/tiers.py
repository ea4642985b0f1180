"""Ordinal loyalty tiers from the probabilities of their thresholds."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike

TIERS = ("silent", "repeat", "loyal")
"""No sign of life in the horizon; some, but in fewer periods than loyalty asks; in as many or more."""


def tier_probabilities(p_any: ArrayLike, p_loyal: ArrayLike) -> pd.DataFrame:
    """Probabilities of the three tiers from those of reaching the second and the third.

    Each threshold has a model of its own; the differences of neighbouring thresholds are the tiers (Frank & Hall,
    2001, A simple approach to ordinal classification, ECML). Whoever is loyal has bought, so the lower threshold is
    held at or above the upper one.

    Parameters
    ----------
    p_any : array of shape (n,)
        Probability of a sign of life in the horizon.
    p_loyal : array of shape (n,)
        Probability of one in as many periods as loyalty asks.

    Returns
    -------
    DataFrame
        `p_tier_silent, p_tier_repeat, p_tier_loyal`, adding to one, and `loyalty_tier`: the first tier at which the
        probability of at most that tier reaches one half.

    Examples
    --------
    >>> found = tier_probabilities([0.75], [0.5])
    >>> found["p_tier_repeat"].tolist(), found["loyalty_tier"].tolist()
    ([0.25], ['repeat'])
    """
    loyal: npt.NDArray[np.float64] = np.asarray(p_loyal, dtype=np.float64)
    reached = np.maximum(np.asarray(p_any, dtype=np.float64), loyal)
    parts = np.column_stack([1 - reached, reached - loyal, loyal])
    frame = pd.DataFrame(parts, columns=[f"p_tier_{name}" for name in TIERS])
    median = np.select([1 - reached >= 0.5, 1 - loyal >= 0.5], TIERS[:2], TIERS[2])
    return frame.assign(loyalty_tier=median)
