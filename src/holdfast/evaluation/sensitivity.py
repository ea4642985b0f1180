"""How much the profit figures hang on what is only supposed: cost, acceptance and value, each off by half."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from holdfast.evaluation.profit import Campaign, Spend, empc, mpc, profit_at_budget
from holdfast.evaluation.rows import Ids

FACTORS = (0.5, 1.5)
INPUTS = ("cost", "acceptance", "value")
MOST_ACCEPT = 0.99
"""Largest mean acceptance that a scaled campaign may suppose."""


def profit_sensitivity(
    y: ArrayLike,
    p: ArrayLike,
    customer: Ids,
    *,
    campaign: Campaign | None = None,
    value: ArrayLike | None = None,
    spend: Spend | None = None,
) -> list[dict[str, Any]]:
    """MPC, EMPC and the profit at the budget with one input at a time off by half.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (1 = leaves) and probability.
    customer : array of shape (n,)
        Customer ids; they break ties.
    campaign : Campaign, optional
        What MPC and EMPC suppose: contact and incentive cost, mean acceptance, one value for all.
    value : array of shape (n,), optional
        Money lost when a customer leaves, for the profit at the budget.
    spend : Spend, optional
        Cost of a contact, share of would-be leavers who accept and stay, and budget; needed with `value`.

    Returns
    -------
    list of dict
        `input` (`as configured`, `cost`, `acceptance`, `value`), `factor`, `mpc`, `empc` (money per customer of the
        cohort), and with a spend `profit_at_budget` and `contacted`. The budget stays the same throughout.

    Examples
    --------
    >>> rows = profit_sensitivity([0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9], np.arange(8))
    >>> [(row["input"], row["factor"], round(row["mpc"], 3)) for row in rows[:2]]  # (4 x 58 - 3 x 5.5) / 8
    [('as configured', 1.0, 23.875), ('cost', 0.5, 26.938)]
    """
    base = campaign or Campaign()
    cases = [("as configured", 1.0), *((name, factor) for name in INPUTS for factor in FACTORS)]
    rows = []
    for name, factor in cases:
        scaled = _campaign(base, name, factor)
        row: dict[str, Any] = {"input": name, "factor": factor, "mpc": mpc(y, p, scaled), "empc": empc(y, p, scaled)}
        if spend is not None and value is not None:
            worth = np.asarray(value, dtype=np.float64) * (factor if name == "value" else 1.0)
            bought = profit_at_budget(y, p, worth, customer, _spend(spend, name, factor))
            row |= {"profit_at_budget": bought.modelled, "contacted": bought.contacted}
        rows.append(row)
    return rows


def mean_sensitivity(cutoffs: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of several cutoffs, averaged figure by figure.

    Examples
    --------
    >>> one = [{"input": "cost", "factor": 0.5, "mpc": 1.0}]
    >>> mean_sensitivity([one, [{"input": "cost", "factor": 0.5, "mpc": 2.0}]])
    [{'input': 'cost', 'factor': 0.5, 'mpc': 1.5}]
    """
    return [
        {
            key: value if key in ("input", "factor") else float(np.mean([row[key] for row in same]))
            for key, value in same[0].items()
        }
        for same in zip(*cutoffs, strict=True)
    ]


def _campaign(base: Campaign, name: str, factor: float) -> Campaign:
    if name == "cost":
        return replace(base, contact_cost=base.contact_cost * factor, incentive_cost=base.incentive_cost * factor)
    if name == "value":
        return replace(base, clv=base.clv * factor)
    if name == "acceptance":
        # the same certainty about it (alpha + beta), another mean
        certainty, mean = base.alpha + base.beta, min(base.accept_rate * factor, MOST_ACCEPT)
        return replace(base, alpha=certainty * mean, beta=certainty * (1 - mean))
    return base


def _spend(base: Spend, name: str, factor: float) -> Spend:
    if name == "cost":
        return replace(base, cost=base.cost * factor)
    return replace(base, save_rate=min(base.save_rate * factor, 1.0)) if name == "acceptance" else base
