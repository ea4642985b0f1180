"""Repair before mailing: which measure against which cause pays (domain A8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from holdfast.exits.ledger import pays
from holdfast.exits.rate import wilson


@dataclass(frozen=True)
class Measure:
    """What the firm can do about a cause.

    Parameters
    ----------
    reason : str
        One of the six classes.
    measure : str
    owner : str or None
    cost : float
        Money per client whom the measure reaches; a repair reaches all of them.
    save_rate : float or None
        Assumed share of the leavers of this class whom it keeps.
    """

    reason: str
    measure: str
    owner: str | None
    cost: float
    save_rate: float | None


def fix_list(
    measures: Sequence[Measure], *, clients: int, leavers: dict[str, float], profit_per_leaver: float | None
) -> pd.DataFrame:
    """Cause, measure, owner, cost, exits avoidable as a range, and go or no-go.

    Parameters
    ----------
    measures : sequence of Measure
    clients : int
        Clients whom a measure reaches.
    leavers : dict of str to float
        Leavers of each class in a period (`unknown` among them); a measure counts on its own class only.
    profit_per_leaver : float or None
        Money that a leaver would have brought; None when not measured.

    Returns
    -------
    DataFrame
        `reason, measure, owner, leavers, cost, save_rate, avoidable, avoidable_low, avoidable_high, profit_saved,
        break_even_cost, decision`: the range is Wilson's interval of the class's share of clients times the save
        rate. `go` when the cost is below what is saved, `no-go` when it is not, `undecided` when the save rate or the
        profit is not known. Sorted by what remains after the cost.

    Examples
    --------
    >>> repair = Measure("service", "call back within a day", "care", 49.99, 1.0)
    >>> found = fix_list([repair], clients=6600, leavers={"service": 330}, profit_per_leaver=1000)
    >>> found["cost"].tolist(), found["profit_saved"].tolist(), found["decision"].tolist()
    ([329934.0], [330000.0], ['go'])
    """
    rows = [_row(one, clients, leavers.get(one.reason, 0.0), profit_per_leaver) for one in measures]
    columns = ["reason", "measure", "owner", "leavers", "cost", "save_rate", "avoidable", "avoidable_low",
               "avoidable_high", "profit_saved", "break_even_cost", "decision"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    order = (frame["profit_saved"] - frame["cost"]).astype(float)
    return frame.iloc[order.argsort(kind="stable")[::-1]].reset_index(drop=True) if len(frame) else frame


def _row(one: Measure, clients: int, lost: float, profit: float | None) -> dict[str, Any]:
    cost = round(one.cost * clients, 6)
    low, high = (float(end[0]) * clients for end in wilson([lost], [clients]))
    rate = one.save_rate
    known = rate is not None and profit is not None
    saved = round(lost * (rate or 0.0) * (profit or 0.0), 6) if known else None
    decision = "undecided" if saved is None else ("go" if pays(cost, saved) else "no-go")
    return {
        "reason": one.reason, "measure": one.measure, "owner": one.owner or "missing", "leavers": lost, "cost": cost,
        "save_rate": rate, "avoidable": None if rate is None else lost * rate,
        "avoidable_low": None if rate is None else low * rate, "avoidable_high": None if rate is None else high * rate,
        "profit_saved": saved, "break_even_cost": saved, "decision": decision,
    }  # fmt: skip
