"""Value of a contract: monthly margin for as long as the customer is expected to stay.

`sum over periods of margin x S(k) x (1 + r)^(-t_k / 365)`, with S(k) the expected share of period k in force. Beyond
the periods that the survival model saw, its last hazards go on: a customer who stays with probability q per period
and pays m is worth m q / (1 + r - q) more periods at rate r, the textbook's geometric case.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MONTH_DAYS = 365 / 12
LAST_PERIODS = 6
"""Periods whose mean hazard goes on beyond the modelled ones."""


@dataclass(frozen=True)
class ContractValue:
    """Money per customer, shape (n,) each.

    Parameters
    ----------
    within, beyond : ndarray
        Discounted margin within the value horizon, and after it until the end of the lifetime.
    loss : ndarray
        Discounted margin within the horizon of those who stay through the label window, less that of those who
        leave in its middle.
    """

    within: Floats
    beyond: Floats
    loss: Floats


def extended(survival: Floats, periods: int) -> Floats:
    """Survival at the end of `periods` periods: the given ones, then the mean of the last hazards goes on.

    Parameters
    ----------
    survival : ndarray of shape (n, k + 1)
        First column 1.
    periods : int
        Wanted number of periods.

    Examples
    --------
    >>> extended(np.array([[1.0, 0.9]]), 3).round(3).tolist()
    [[1.0, 0.9, 0.81, 0.729]]
    """
    seen = survival.shape[1] - 1
    if periods <= seen:
        return survival[:, : periods + 1]
    first = max(seen - LAST_PERIODS, 0)
    before = np.maximum(survival[:, first], 1e-12)
    stay = np.clip(survival[:, seen] / before, 1e-12, 1.0) ** (1 / max(seen - first, 1))
    more = survival[:, [seen]] * stay[:, None] ** np.arange(1, periods - seen + 1)
    return np.hstack([survival, more])


def contract_value(
    survival: Floats, monthly_margin: Floats, *, period_days: int, horizon_days: int, end_days: int,
    window_days: int, discount_rate: float,
) -> ContractValue:  # fmt: skip
    """Value of what a customer pays each month.

    Parameters
    ----------
    survival : ndarray of shape (n, k + 1)
        Probability of being there at the end of each period.
    monthly_margin : ndarray of shape (n,)
        Margin of the contracts in force, money per month.
    period_days, horizon_days, end_days, window_days : int
        Length of a period; value horizon; end of the lifetime; end of the label window, all in days from now.
    discount_rate : float
        Per year.

    Examples
    --------
    >>> stays = np.ones((1, 13))
    >>> found = contract_value(stays, np.array([10.0]), period_days=30, horizon_days=365, end_days=730, window_days=30,
    ...                        discount_rate=0.0)
    >>> found.within.round(6).tolist(), found.beyond.round(6).tolist()  # twelve months of 10 and twelve more
    ([120.0], [120.0])
    >>> found.loss.round(3).tolist()  # less what the one who leaves on day 15 paid: 10 x 15 / 30.4167
    [115.068]
    """
    end = max(end_days, horizon_days, window_days)
    count = -(-end // period_days)
    curve = extended(survival, count)
    there = (curve[:, 1:] + curve[:, :-1]) / 2
    start = np.arange(count) * period_days
    paid = monthly_margin[:, None] / MONTH_DAYS * (1 + discount_rate) ** (-(start + period_days / 2) / 365)

    def days(upto: float) -> Floats:
        """Days of each period that lie before a day."""
        return np.asarray(np.clip(upto - start, 0, period_days), dtype=np.float64)

    inside = days(horizon_days)
    window = min(window_days, count * period_days)
    gate = _at(curve, window / period_days)
    stays = np.minimum(there / np.maximum(gate[:, None], 1e-12), 1.0)
    before = np.minimum(days(window), inside)
    staying = paid * (before + (inside - before) * stays)
    leaving = paid * np.minimum(days(window / 2), inside)
    return ContractValue(
        (paid * there * inside).sum(axis=1),
        (paid * there * (days(end) - inside)).sum(axis=1),
        (staying - leaving).sum(axis=1),
    )


def _at(curve: Floats, place: float) -> Floats:
    """Survival at a place between periods."""
    left = min(int(place), curve.shape[1] - 1)
    right = min(left + 1, curve.shape[1] - 1)
    return np.asarray(curve[:, left] + (place - left) * (curve[:, right] - curve[:, left]))
