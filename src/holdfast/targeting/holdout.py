"""Who is held out, how many, and what that can answer.

The draw is a hash of customer, seed and cutoff: it depends on no other customer and on no row order. The
size comes from the two-proportion z test: with base rate p, the smallest effect that n treated and m held
out can show at a two-sided 5 % level is ``(z_.975 + z_power) sqrt(p (1 - p) (1/n + 1/m))``.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
STRATA = 5
_GLOBAL = "holdfast: global holdout"


@dataclass(frozen=True)
class HoldoutSize:
    """Share to hold out, and whether that round can answer at the wanted power."""

    share: float
    answers: bool


def draws(customer_ids: Sequence[str], salt: str) -> NDArray[np.float64]:
    """A number in [0, 1) for each customer, fixed by id and salt.

    Examples
    --------
    >>> bool((draws(["a", "b"], "7") == draws(["b", "a"], "7")[::-1]).all())
    True
    """
    head = salt.encode() + b"\x1f"
    whole = [int.from_bytes(hashlib.sha256(head + name.encode()).digest()[:7], "big") for name in customer_ids]
    return np.array(whole, dtype=np.float64) / 2.0**56


def in_global_holdout(customer_ids: Sequence[str], share: float) -> NDArray[np.bool_]:
    """Who is never treated: the same customers in every round, with every seed; a larger share adds some."""
    return draws(customer_ids, _GLOBAL) < share


def smallest_detectable_effect(n_treated: int, n_holdout: int, rate: float, power: float = 0.8) -> float:
    """Smallest difference of churn rates (as a share) that the round can show; infinite without two arms.

    Examples
    --------
    >>> round(smallest_detectable_effect(900, 100, 0.5), 3), round(smallest_detectable_effect(500, 500, 0.5), 3)
    (0.148, 0.089)
    """
    if n_treated < 1 or n_holdout < 1:
        return math.inf
    return _z(power) * math.sqrt(rate * (1.0 - rate) * (1.0 / n_treated + 1.0 / n_holdout))


def holdout_size(n_selected: int, rate: float, effect: float, least: float, power: float = 0.8) -> HoldoutSize:
    """Share of the selected to hold out: what the power needs, at least `least`, at most one half.

    When even one half could not show the effect, holding out more than `least` would cost profit and
    still answer nothing: the share stays `least` and `answers` is False (rounds can be pooled).

    Parameters
    ----------
    n_selected : int
        Treated and held out together.
    rate, effect : float
        Churn rate without treatment and its expected fall, as shares.
    least : float
        Smallest share wanted.
    power : float
        Chance of seeing the effect.

    Examples
    --------
    >>> holdout_size(100, 0.5, 0.01, 0.1)
    HoldoutSize(share=0.1, answers=False)
    >>> round(holdout_size(1000, 0.5, 0.0886, 0.1).share, 2)
    0.49
    """
    if n_selected < 2 or effect == 0.0:
        return HoldoutSize(least, False)
    # share (1 - share) >= need, from the formula of the smallest detectable effect
    need = rate * (1.0 - rate) * (_z(power) / effect) ** 2 / n_selected
    if need > 0.25:
        return HoldoutSize(least, False)
    return HoldoutSize(max(least, (1.0 - math.sqrt(1.0 - 4.0 * need)) / 2.0), True)


def wanted(n_selected: int, share: float) -> int:
    """Number to hold out of `n_selected`: rounded up, never more than half."""
    return min(math.ceil(n_selected * share - 1e-9), n_selected // 2)


def draw_holdout(p_churn: NDArray[np.float64], luck: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Draw the holdout at random within fifths of the score.

    Parameters
    ----------
    p_churn : ndarray, shape (n,)
        Score; rows in the order in which ties are broken.
    luck : ndarray, shape (n,)
        `draws` of the same rows: the smallest in each fifth are held out.
    share : float
        Of all rows; the fifths get their parts, rounded by chance.

    Returns
    -------
    ndarray of bool, shape (n,)
        `wanted(n, share)` of them True.
    """
    n = len(p_churn)
    total = wanted(n, share)
    place = np.empty(n, dtype=np.int64)
    place[np.argsort(p_churn, kind="stable")] = np.arange(n)
    stratum = place * STRATA // max(n, 1)
    sizes = np.bincount(stratum, minlength=STRATA)
    # Rounding with a random start gives every customer the same chance; rounding by largest remainder
    # would favour the same fifths in every round.
    start = float(luck.sum() % 1.0) * (1.0 - 1e-6)
    ends = np.floor(np.cumsum(sizes) * total / max(n, 1) + start + 1e-9)
    quota = np.diff(ends, prepend=0.0).astype(np.int64)
    held = np.zeros(n, dtype=bool)
    order = np.argsort(luck, kind="stable")
    for number in range(STRATA):
        held[order[stratum[order] == number][: quota[number]]] = True
    return held


def _z(power: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1.0 - LEVEL / 2.0) + normal.inv_cdf(power)
