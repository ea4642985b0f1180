"""Lifetime value from counts and dates of purchases: BG/NBD for how often and how long, gamma-gamma for how much.

The discounted sum of purchases between two moments is `integral of d(t) dE(t)`, with E(t) the expected purchases
until t and d(t) = (1 + r)^(-t/365). Integrated by parts it needs E alone:
`d(e) E(e) - d(s) E(s) + ln(1 + r)/365 x integral of E(t) d(t) dt`, and E is so smooth that eight Gauss-Legendre nodes
are exact to many digits.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.btyd.bgnbd import BgNbd
from holdfast.btyd.gamma_gamma import GammaGamma

Floats = npt.NDArray[np.float64]

MOST_BEYOND = 5 * 365
"""Days after the value horizon at which the value of loyalty ends at the latest."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def discounted_purchases(
    model: BgNbd, x: Floats, t_x: Floats, age: Floats, start: float, end: float, rate: float
) -> Floats:
    """Expected purchases in `[start, end)` days from now, each worth (1 + rate)^(-t/365), shape (n,).

    Parameters
    ----------
    model : BgNbd
        Fitted model.
    x, t_x, age : ndarray of shape (n,)
        As in `BgNbd.p_alive`.
    start, end : float
        Days from now.
    rate : float
        Per year.

    Examples
    --------
    >>> model = BgNbd(0.24, 4.41, 0.79, 2.43, 0.0, True, 100)
    >>> who = (np.array([3.0]), np.array([200.0]), np.array([250.0]))
    >>> plain = model.expected_purchases(*who, 365)
    >>> bool(np.isclose(discounted_purchases(model, *who, 0, 365, 0.0), plain)[0])
    True
    >>> bool(0.93 < (discounted_purchases(model, *who, 0, 365, 0.1) / plain)[0] < 0.97)
    True
    """
    rows, back = np.unique(np.column_stack([x, t_x, age]), axis=0, return_inverse=True)
    who = (rows[:, 0], rows[:, 1], rows[:, 2])

    def expected(day: float) -> Floats:
        return model.expected_purchases(*who, day) if day > 0 else np.zeros(len(rows))

    def discount(day: float) -> float:
        return float((1 + rate) ** (-day / 365))

    half, middle = (end - start) / 2, (end + start) / 2
    inner = np.zeros(len(rows))
    if rate:
        for node, weight in zip(_NODES, _WEIGHTS, strict=True):
            day = float(middle + half * node)
            inner += weight * half * discount(day) * expected(day)
    total = discount(end) * expected(end) - discount(start) * expected(start) + np.log1p(rate) / 365 * inner
    return np.asarray(total[back.ravel()])


def lifetime_days(horizon_days: int, history_days: int) -> int:
    """Where the value of loyalty ends: at most five years beyond the horizon, or twice the history that was seen.

    How soon customers drop out can hardly be learnt from a short history, and an endless life would be read into it.

    Examples
    --------
    >>> lifetime_days(365, 373), lifetime_days(365, 3000)
    (1111, 2190)
    """
    return horizon_days + min(MOST_BEYOND, 2 * history_days)


@dataclass(frozen=True)
class PurchaseValue:
    """What BG/NBD and gamma-gamma expect of each customer, money and purchase days, shape (n,) each.

    Parameters
    ----------
    within : ndarray
        Discounted margin within the value horizon.
    beyond : ndarray
        Discounted margin after it, until the end of the lifetime.
    observed : ndarray
        Undiscounted margin over the days that a backtest can see.
    orders : ndarray
        Purchase days within the value horizon.
    """

    within: Floats
    beyond: Floats
    observed: Floats
    orders: Floats


def purchase_value(
    orders: BgNbd,
    spend: GammaGamma,
    x: Floats,
    t_x: Floats,
    age: Floats,
    mean_spend: Floats,
    *,
    margin: float,
    horizon_days: int,
    observed_days: int,
    discount_rate: float,
    end_days: int,
) -> PurchaseValue:
    """Value of purchases within and beyond the horizon.

    Parameters
    ----------
    orders, spend : fitted models
    x, t_x, age : ndarray of shape (n,)
        Repeat purchase days, and the days from the first purchase to the last one and to now.
    mean_spend : ndarray of shape (n,)
        Mean spend of a purchase day, money.
    margin : float
        Share of spend that is margin, after returns.
    horizon_days, observed_days, end_days : int
        Value horizon; days of the backtest; end of the lifetime (`lifetime_days`).
    discount_rate : float
        Per year.
    """
    each = spend.expected_spend(mean_spend, x + 1) * margin
    within = discounted_purchases(orders, x, t_x, age, 0, horizon_days, discount_rate)
    beyond = discounted_purchases(orders, x, t_x, age, horizon_days, max(end_days, horizon_days), discount_rate)
    return PurchaseValue(
        within * each,
        beyond * each,
        orders.expected_purchases(x, t_x, age, observed_days) * each,
        orders.expected_purchases(x, t_x, age, horizon_days),
    )
