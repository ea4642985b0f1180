"""Which customer gets which offer under one budget and the offers' capacities.

Several offers per customer and one budget make a multiple-choice knapsack. It is solved greedily by
*marginal density* (Sinha & Zoltners, "The Multiple-Choice Knapsack Problem", Operations Research 27(3),
1979): always the step with the most expected profit per unit of expected cost, where a step either gives
an offer to a customer or moves him to a better and dearer one. When the budget does not bind, everybody
ends with the offer of the largest expected profit. When it binds, picking each customer's most profitable
offer first would spend the money on few dear offers; density is what a scarce budget should buy. What
does not fit is passed over and cheaper choices further down are still tried.

Laws. Never over the budget or a capacity. Nothing that fits and pays is left out. Without capacities a
larger budget never lowers the total expected profit: steps come in falling order of density, so up to the
first step `b` that only the larger budget can pay, both walks agree; what the smaller one buys after that
costs less than `b` at no higher density, hence brings less. A dearer offer never lengthens the list while
the budget does not bind (the set of customers who pay only shrinks). Under a binding budget no rule that
maximises profit can promise that: a dearer offer may send one large spender home and let two small ones in.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.targeting.money import NO_LIMIT

Step = tuple[float, float, int, int]
"""(-density, -profit gained, row, offer): the heap's order, ties broken by row."""


@dataclass(frozen=True)
class Allocation:
    """Result of one walk.

    Attributes
    ----------
    choice : ndarray of int, shape (n,)
        Column of the offer given, -1 for none.
    left : int
        Budget not spent, in cost units.
    room : tuple of int
        Capacity not used, per offer.
    """

    choice: NDArray[np.int64]
    left: int
    room: tuple[int, ...]


def allocate(
    profit: NDArray[np.float64],
    cost: NDArray[np.int64],
    budget: int,
    capacity: Sequence[int | None],
    free: NDArray[np.bool_] | None = None,
) -> Allocation:
    """Give out offers, densest step first.

    Parameters
    ----------
    profit : ndarray, shape (n, offers)
        Expected profit; anything not above zero (or NaN) is no choice. Rows in the order in which ties
        are to be broken.
    cost : ndarray of int, shape (n, offers)
        Expected cost in whole units, zero or more.
    budget : int
        In the same units.
    capacity : sequence of int or None
        Per offer; None is no limit.
    free : ndarray of bool, shape (n,), optional
        Rows that are held out: they have to fit like everybody else, so that they stay comparable, but
        use up neither budget nor capacity.

    Returns
    -------
    Allocation

    Examples
    --------
    >>> allocate(np.array([[9.0], [5.0], [2.0]]), np.array([[3], [1], [1]]), 4, [None]).choice.tolist()
    [0, 0, -1]
    """
    walk = _Walk(profit, cost, budget, capacity, free)
    walk.run(walk.first_steps())
    while walk.run(walk.waiting()):
        pass
    return Allocation(np.array(walk.choice, dtype=np.int64), walk.left, tuple(walk.room))


def why_left_out(profit: NDArray[np.float64], cost: NDArray[np.int64], allocation: Allocation) -> NDArray[np.object_]:
    """For rows without an offer that had one to choose: `budget` or `capacity`; "" for all others.

    `budget` when some paying offer had room left but not the money, `capacity` when all were full.
    """
    pays = (profit > 0) & (allocation.choice < 0)[:, None]
    roomy = pays & (np.array(allocation.room, dtype=np.int64) > 0)[None, :]
    reason = np.full(len(profit), "", dtype=object)
    reason[pays.any(axis=1)] = "capacity"
    reason[roomy.any(axis=1)] = "budget"
    return reason


class _Walk:
    """The state of one walk: who has what, what is left."""

    def __init__(
        self,
        profit: NDArray[np.float64],
        cost: NDArray[np.int64],
        budget: int,
        capacity: Sequence[int | None],
        free: NDArray[np.bool_] | None,
    ) -> None:
        n = len(profit)
        self.left = budget
        self.room = [NO_LIMIT if limit is None else limit for limit in capacity]
        self.choice = [-1] * n
        self._pays = (profit > 0).any(axis=1) if profit.size else np.zeros(n, dtype=bool)
        self._matrix = profit, cost
        self._profit: list[list[float]] = profit.tolist()
        self._cost: list[list[int]] = cost.tolist()
        self._free: list[bool] = [False] * n if free is None else free.tolist()

    def first_steps(self) -> list[Step]:
        """The densest affordable step of every row that has one, vectorised over rows."""
        profit, cost = self._matrix
        best = np.full(len(profit), -1, dtype=np.int64)
        density, gain = np.full(len(profit), -np.inf), np.full(len(profit), -np.inf)
        for offer in range(profit.shape[1]):
            value, price = profit[:, offer], cost[:, offer]
            open_ = (value > 0) & (price <= self.left) & (self.room[offer] > 0)
            slope = np.full(len(profit), np.inf)
            np.divide(value, price, out=slope, where=price > 0)
            better = open_ & ((slope > density) | ((slope == density) & (value > gain)))
            best[better], density[better], gain[better] = offer, slope[better], value[better]
        rows = np.flatnonzero(best >= 0)
        return list(
            zip((-density[rows]).tolist(), (-gain[rows]).tolist(), rows.tolist(), best[rows].tolist(), strict=True)
        )

    def waiting(self) -> list[Step]:
        """Steps of rows still without an offer, for room that an upgrade gave back."""
        steps = (self._step(row) for row in np.flatnonzero(self._pays).tolist() if self.choice[row] < 0)
        return [step for step in steps if step is not None]

    def run(self, heap: list[Step]) -> bool:
        """Take steps from the heap until it is empty; whether there was any."""
        some = bool(heap)
        heapq.heapify(heap)
        while heap:
            _, _, row, offer = heapq.heappop(heap)
            if self._fits(row, offer):
                self._take(row, offer)
            follow_up = self._step(row)
            if follow_up is not None:
                heapq.heappush(heap, follow_up)
        return some

    def _now(self, row: int) -> tuple[float, int]:
        at = self.choice[row]
        return (0.0, 0) if at < 0 else (self._profit[row][at], self._cost[row][at])

    def _fits(self, row: int, offer: int) -> bool:
        return self.room[offer] > 0 and self._cost[row][offer] - self._now(row)[1] <= self.left

    def _take(self, row: int, offer: int) -> None:
        if not self._free[row]:
            self.left -= self._cost[row][offer] - self._now(row)[1]
            self.room[offer] -= 1
            if self.choice[row] >= 0:
                self.room[self.choice[row]] += 1
        self.choice[row] = offer

    def _step(self, row: int) -> Step | None:
        """The densest step open to a row from where it stands, or None."""
        has, paid = self._now(row)
        best: Step | None = None
        for offer, value in enumerate(self._profit[row]):
            gain, price = value - has, self._cost[row][offer] - paid
            # From an offer already held, only a dearer one can be the next vertex of the profit hull.
            if not gain > 0 or (price <= 0 and self.choice[row] >= 0) or not self._fits(row, offer):
                continue
            step = (-gain / price if price > 0 else -np.inf, -gain, row, offer)
            best = step if best is None else min(best, step)
        return best
