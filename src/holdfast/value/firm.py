"""The firm's own economics: what a customer costs to win and to keep, and when a programme has paid (C3, C4, C9)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from holdfast.errors import DataError


@dataclass(frozen=True)
class CostRatio:
    """Cost of winning a customer over that of keeping one (C3).

    Parameters
    ----------
    per_joiner, per_kept : float
        Money per customer won, and per customer kept.
    ratio : float
        The first over the second.
    """

    per_joiner: float
    per_kept: float
    ratio: float


def cost_ratio(acquisition: float, joiners: int, retention: float, kept: int) -> CostRatio | None:
    """Acquisition cost over retention cost from the ledger; None where either cannot be said.

    Parameters
    ----------
    acquisition, retention : float
        Money spent on either in the period.
    joiners, kept : int
        Customers won, and customers of the beginning who are still there.

    Examples
    --------
    >>> cost_ratio(6000, 10, 10_000, 100)
    CostRatio(per_joiner=600.0, per_kept=100.0, ratio=6.0)
    >>> cost_ratio(0, 10, 10_000, 100) is None
    True
    """
    if acquisition <= 0 or joiners <= 0 or retention <= 0 or kept <= 0:
        return None
    won, stayed = acquisition / joiners, retention / kept
    return CostRatio(won, stayed, won / stayed)


def rate_interval(events: int, years: float, level: float = 0.95) -> tuple[float, float, float]:
    """Events per customer-year, and Garwood's exact Poisson interval.

    References
    ----------
    Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28.

    Examples
    --------
    >>> [round(value, 3) for value in rate_interval(10, 100.0)]
    [0.1, 0.048, 0.184]
    """
    if years <= 0:
        raise DataError(f"rate: {years} customer-years; expected more than none")
    tail = (1 - level) / 2
    low = chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    high = chi2.ppf(1 - tail, 2 * events + 2) / 2
    return events / years, float(low) / years, float(high) / years


def payback(cost: ArrayLike, gain: ArrayLike) -> pd.DataFrame:
    """Cash flow of a programme by period, and when what it gained has paid what it cost (C9).

    Parameters
    ----------
    cost, gain : array of shape (k,)
        Money out and money in of each period, oldest first.

    Returns
    -------
    DataFrame
        `period, cost, gain, balance, paid_back`: the balance so far, and whether it is zero or more from here to the
        end.

    Examples
    --------
    >>> payback([100, 0, 0], [40, 40, 40])["balance"].tolist()
    [-60.0, -20.0, 20.0]
    """
    out, came = np.asarray(cost, dtype=float), np.asarray(gain, dtype=float)
    if out.shape != came.shape or out.ndim != 1:
        raise DataError(
            f"payback: cost of shape {out.shape}, gain of shape {came.shape}; expected one list each, equally long"
        )
    balance = np.cumsum(came - out)
    stays = np.flip(np.minimum.accumulate(np.flip(balance))) >= 0
    return pd.DataFrame(
        {"period": np.arange(len(out)), "cost": out, "gain": came, "balance": balance, "paid_back": stays}
    )
