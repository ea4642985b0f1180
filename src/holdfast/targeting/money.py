"""Money in whole units of 1/10 000, so that a budget holds to the last penny.

The schema stores money as DECIMAL(18,4); the same grain here makes every sum an exact integer sum. Costs
are rounded up and the budget down: rounding can only leave money over.
"""

import math

import numpy as np
from numpy.typing import NDArray

UNITS = 10_000
NO_LIMIT = 2**62
_SLACK = 1e-6  # of one unit: 3.2 * 10_000 is 32000.000000000004 in binary and must not become 32001


def cost_units(amount: NDArray[np.float64]) -> NDArray[np.int64]:
    """Costs in whole units, rounded up.

    Examples
    --------
    >>> cost_units(np.array([3.2, 0.00001])).tolist()
    [32000, 1]
    """
    return np.ceil(amount * UNITS - _SLACK).astype(np.int64)


def budget_units(amount: float | None) -> int:
    """A budget in whole units, rounded down; None is no limit.

    Examples
    --------
    >>> budget_units(5000.0), budget_units(0.00019)
    (50000000, 1)
    """
    return NO_LIMIT if amount is None else math.floor(amount * UNITS + _SLACK)
