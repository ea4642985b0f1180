"""What one offer to one customer costs and brings, for every customer and every offer at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.targeting.money import UNITS, cost_units
from holdfast.targeting.offers import Offer

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """Figures of every customer (row) and offer (column), if that offer were made.

    Attributes
    ----------
    uplift : ndarray
        Fall of the churn probability.
    cost : ndarray of int
        Expected cost in units of `money.UNITS`.
    profit, low, high : ndarray
        Expected profit in money, and with the low and high ends of `loss_if_silent`.
    """

    uplift: Floats
    cost: NDArray[np.int64]
    profit: Floats
    low: Floats
    high: Floats


def uplift(p_churn: Floats, offer: Offer) -> Floats:
    """Fall of the churn probability that the offer brings (contract, "Effect of an offer").

    `of: leavers`: that share of the would-be leavers stays, `effect x p_churn`. `of: contacted`: points
    among all contacted, never more than `p_churn`. A harmful offer cannot push churn above one.

    Examples
    --------
    >>> uplift(np.array([0.02, 0.4]), Offer("a", effect_assumed=0.05, effect_of="contacted")).tolist()
    [0.02, 0.05]
    >>> uplift(np.array([0.02, 0.4]), Offer("a", effect_assumed=0.05)).tolist()
    [0.001, 0.020000000000000004]
    """
    points = np.minimum(offer.effect_assumed, p_churn)
    raw = offer.effect_assumed * p_churn if offer.effect_of == "leavers" else points
    bounded: Floats = np.maximum(raw, p_churn - 1.0)
    return bounded


def expected_cost(p_churn: Floats, offer: Offer) -> Floats:
    """Expected cost of one contact: ``contact + (a_stay (1 - p) + a_leave p) incentive``.

    `p` is the churn probability *without* the offer, so a saved leaver counts once, as a would-be leaver
    and at the leavers' rate. With one rate for both the formula is the contract's
    ``contact_cost + accept x incentive_cost``. What goes to would-be stayers is the subsidy.

    Examples
    --------
    >>> offer = Offer("a", contact_cost=0.2, incentive_cost=10.0, accept_stayers=0.3, accept_leavers=0.3)
    >>> expected_cost(np.array([0.0, 0.5]), offer).tolist()
    [3.2, 3.2]
    """
    redeemed = offer.accept_stayers * (1.0 - p_churn) + offer.accept_leavers * p_churn
    return offer.contact_cost + redeemed * offer.incentive_cost


def worth(p_churn: Floats, loss: Floats, low: Floats, high: Floats, offers: Sequence[Offer]) -> Worth:
    """Figures of all offers for all customers: ``profit = uplift x loss_if_silent - cost``.

    Parameters
    ----------
    p_churn, loss, low, high : ndarray, shape (n,)
        Churn probability; profit lost when the customer falls silent, with its interval (NaN: not known).
    offers : sequence of Offer

    Returns
    -------
    Worth
        Arrays of shape (n, offers). The low and high profits carry the uncertainty of the loss only, not
        that of the effect.
    """
    shape = (len(p_churn), len(offers))
    gain, cost = np.empty(shape), np.empty(shape, dtype=np.int64)
    for column, offer in enumerate(offers):
        gain[:, column] = uplift(p_churn, offer)
        cost[:, column] = cost_units(expected_cost(p_churn, offer))
    money = cost / UNITS
    ends = [gain * end[:, None] - money for end in (low, high)]
    return Worth(gain, cost, gain * loss[:, None] - money, np.minimum(*ends), np.maximum(*ends))
