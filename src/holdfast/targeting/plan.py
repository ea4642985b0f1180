"""One round: from the worth of every offer to a plan with two arms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.targeting.allocation import Allocation, allocate, why_left_out
from holdfast.targeting.economics import Worth
from holdfast.targeting.holdout import HoldoutSize, draw_holdout, holdout_size, wanted
from holdfast.targeting.money import NO_LIMIT

_REFILLS = 5


@dataclass(frozen=True)
class Plan:
    """Who gets what.

    Attributes
    ----------
    choice : ndarray of int, shape (n,)
        Column of the planned offer, -1 for none.
    held : ndarray of bool, shape (n,)
        Planned, but held out.
    left_out : ndarray of object, shape (n,)
        `budget`, `capacity` or "".
    size : HoldoutSize
        The share that was aimed at.
    """

    choice: NDArray[np.int64]
    held: NDArray[np.bool_]
    left_out: NDArray[np.object_]
    size: HoldoutSize

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Planned and not held out."""
        return (self.choice >= 0) & ~self.held


def plan_round(
    value: Worth,
    p_churn: NDArray[np.float64],
    luck: NDArray[np.float64],
    budget: int,
    capacity: Sequence[int | None],
    least: float,
    power: float,
) -> Plan:
    """Select under the budget, draw the holdout from the selected, and spend what it frees.

    The holdout costs nothing, so a selection paid in full would leave its share of the budget unspent.
    Therefore (1) a first selection gives the holdout's size, (2) a selection with budget and capacity
    widened by that share gives the pool from which the holdout is drawn, stratified by score, and (3) the
    pool is walked again under the true budget, where the held out must fit like everybody else but use
    nothing. Arms are fixed by the hash before money is counted, so they stay comparable;
    the few who are moved into the holdout afterwards, to keep its promised share, are the next of the same draw.

    Parameters
    ----------
    value : Worth
        Profit not above zero (or -inf) where an offer must not be made.
    p_churn, luck : ndarray, shape (n,)
        Score, and the seeded draw of each customer.
    budget : int
        In cost units.
    capacity : sequence of int or None
        Per offer.
    least, power : float
        Smallest holdout share; wanted power.
    """
    first = allocate(value.profit, value.cost, budget, capacity)
    size = _size(first.choice, value, p_churn, least, power)
    pool = _pool(value, budget, capacity, size.share, first)
    rows = np.flatnonzero(pool >= 0)
    held = np.zeros(len(p_churn), dtype=bool)
    held[rows] = draw_holdout(p_churn[rows], luck[rows], size.share)
    inside = np.where((pool >= 0)[:, None], value.profit, -np.inf)
    final = allocate(inside, value.cost, budget, capacity, free=held)
    choice, settled = _settle(final.choice, held, luck, size.share)
    for _ in range(_REFILLS):
        if not (settled & ~held).any():
            break
        # Somebody was moved into the holdout, which gave money back: walk the pool once more.
        held = held | settled
        final = allocate(inside, value.cost, budget, capacity, free=held)
        choice, settled = _settle(final.choice, held, luck, size.share)
    left_out = why_left_out(value.profit, value.cost, Allocation(choice, final.left, final.room))
    return Plan(choice, settled, left_out, size)


def _size(
    choice: NDArray[np.int64], value: Worth, p_churn: NDArray[np.float64], least: float, power: float
) -> HoldoutSize:
    rows = np.flatnonzero(choice >= 0)
    if not len(rows):
        return HoldoutSize(least, False)
    effect = float(value.uplift[rows, choice[rows]].mean())
    return holdout_size(len(rows), float(p_churn[rows].mean()), effect, least, power)


def _pool(
    value: Worth, budget: int, capacity: Sequence[int | None], share: float, first: Allocation
) -> NDArray[np.int64]:
    """The selection with room for the holdout, a little wide so that chance leaves no money over."""
    selected = int((first.choice >= 0).sum())
    if not selected:
        return first.choice
    factor = (1.0 + 1.0 / math.sqrt(selected)) / (1.0 - share)
    wide = NO_LIMIT if budget >= NO_LIMIT else math.ceil(budget * factor)
    room = [None if limit is None else math.ceil(limit * factor) for limit in capacity]  # zero stays zero
    affordable = np.where(value.cost <= budget, value.profit, -np.inf)
    return allocate(affordable, value.cost, wide, room).choice


def _settle(
    choice: NDArray[np.int64], held: NDArray[np.bool_], luck: NDArray[np.float64], share: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """After the last walk: no fewer held out than promised, never more than half; by the draw again."""
    held = held & (choice >= 0)
    n, have = int((choice >= 0).sum()), int(held.sum())
    need = wanted(n, share)
    if have < need:
        treated = np.flatnonzero((choice >= 0) & ~held)
        held[treated[np.argsort(luck[treated], kind="stable")[: need - have]]] = True
    elif have > n - have:
        # Dropping one held out shrinks n as well, so the arms are level when have == n - have.
        rows = np.flatnonzero(held)
        extra = rows[np.argsort(luck[rows], kind="stable")[n - have :]]
        choice, held = choice.copy(), held.copy()
        choice[extra], held[extra] = -1, False
    return choice, held
