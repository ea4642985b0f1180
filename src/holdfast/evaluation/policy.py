"""What a rule of who gets which offer would have earned, read off a trial in which offers were drawn at random."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from holdfast.errors import DataError
from holdfast.evaluation.effects import Effect, mean_effect

Floats = npt.NDArray[np.float64]


def policy_scores(
    profit: ArrayLike, given: ArrayLike, wanted: ArrayLike, chance: ArrayLike, expected: ArrayLike | None = None
) -> Floats:
    """A score per customer whose mean estimates the profit of a policy, by inverse propensity or doubly robust.

    Parameters
    ----------
    profit : array, shape (n,)
        What the customer brought, less the cost of what was given, in money.
    given, wanted : array, shape (n,)
        The arm that was drawn, and the arm that the policy wants.
    chance : array or float, shape (n,)
        Probability with which the wanted arm was drawn.
    expected : array, optional
        Profit expected under the wanted arm, from a model that has not seen the customer: makes the scores doubly
        robust (Dudík, Langford & Li 2011). Without it they are those of Horvitz and Thompson, self-normalised.

    Raises
    ------
    DataError
        When lengths differ or a wanted arm had no chance.

    Examples
    --------
    Two of four got what the policy wants, at a chance of one half: (10 / .5 + 6 / .5) / 4 = 8.

    >>> policy_scores([10, 2, 6, 4], ["a", "b", "a", "b"], ["a"] * 4, 0.5).mean()
    np.float64(8.0)
    """
    money, chosen = np.asarray(profit, dtype=np.float64), np.asarray(wanted)
    taken = np.asarray(given) == chosen
    e = np.broadcast_to(np.asarray(chance, dtype=np.float64), money.shape)
    if not money.shape == taken.shape == chosen.shape:
        raise DataError(f"policy: {money.shape} profits, {taken.shape} arms; expected equal")
    if (e <= 0).any() or (e > 1).any():
        raise DataError("policy: a wanted arm had no chance of being drawn; expected chances above 0, at most 1")
    weight = np.where(taken, 1 / e, 0.0)
    if expected is None:
        if not taken.any():
            raise DataError("policy: nobody got what the policy wants; its profit cannot be read off this trial")
        # the mean stays that of the weighted, the deviations are those around it
        mean = float(weight @ money / weight.sum())
        return mean + weight * (money - mean) * len(money) / float(weight.sum())
    base = np.asarray(expected, dtype=np.float64)
    return np.asarray(base + weight * (money - base), dtype=np.float64)


@dataclass(frozen=True)
class Choice:
    """Which of two policies to ship, and the figures of the choice.

    Parameters
    ----------
    personal : bool
        Whether the personal policy is worth its complication.
    difference : Effect
        Profit per customer of the personal policy less that of the simple one.
    """

    personal: bool
    difference: Effect


def choose_policy(personal: ArrayLike, simple: ArrayLike) -> Choice:
    """Ship the personal policy only if the lower bound of the paired difference is above nought.

    Parameters
    ----------
    personal, simple : array, shape (n,)
        `policy_scores` of the two on the same customers, whom neither was fitted on.

    Examples
    --------
    >>> choose_policy([2.0, 2.1, 1.9], [1.0, 1.0, 1.0]).personal
    True
    """
    found = mean_effect(np.asarray(personal, dtype=np.float64) - np.asarray(simple, dtype=np.float64))
    return Choice(found.low > 0, found)
