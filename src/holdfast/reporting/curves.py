"""Points of the curves that the plots draw, from predictions and from the list; no customer is left in them."""

from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import DataError
from holdfast.evaluation.calibration import calibration_curve
from holdfast.evaluation.ranking import lift_curve, roc_curve


def curves(predictions: pd.DataFrame, bins: int = 10) -> dict[str, list[dict[str, Any]]]:
    """Compute ROC, gain and calibration curves at each test cutoff.

    Parameters
    ----------
    predictions : pandas.DataFrame
        `predictions/<task>.parquet`: `customer_id, cutoff, part, score, label`.
    bins : int
        Equal-mass bins of the calibration curve.

    Returns
    -------
    dict
        ``roc`` and ``gain``: per cutoff `cutoff, x, y`; ``calibration``: `cutoff, predicted, observed, low, high,
        customers`. Cutoffs with a single outcome are left out. Fit for JSON.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": list("abcd"), "cutoff": pd.Timestamp("2011-06-01"), "part": "test",
    ...                       "score": [0.9, 0.6, 0.4, 0.1], "label": [1.0, 0.0, 1.0, 0.0]})
    >>> curves(frame)["roc"][0]["y"]
    [0.0, 0.5, 0.5, 1.0, 1.0]
    """
    if absent := {"customer_id", "cutoff", "part", "score", "label"} - set(predictions.columns):
        raise DataError(f"curves: predictions lack the column {min(absent)}")
    test = predictions[(predictions["part"] == "test") & predictions["label"].notna()]
    drawn: dict[str, list[dict[str, Any]]] = {"roc": [], "gain": [], "calibration": []}
    for cutoff, rows in test.groupby("cutoff", sort=True):
        y, p = rows["label"].to_numpy(float), rows["score"].to_numpy(float)
        if y.min() == y.max():
            continue
        when = str(cutoff)[:10]
        for name, (x, height) in (("roc", roc_curve(y, p)), ("gain", _gain(y, p, rows["customer_id"].to_numpy()))):
            drawn[name].append({"cutoff": when, "x": _listed(x), "y": _listed(height)})
        table = calibration_curve(y, p, bins)
        drawn["calibration"].append({"cutoff": when, **{name: _listed(table[name]) for name in table.columns}})
    return drawn


def list_curve(listed: pd.DataFrame, points: int = 120) -> dict[str, Any]:
    """Cumulative modelled profit of contacting ever more customers, best first.

    Parameters
    ----------
    listed : pandas.DataFrame
        Rows of `lists/retention.parquet`; those without a planned offer are left out.
    points : int
        At most so many points.

    Returns
    -------
    dict
        `x` (customers contacted), `cost` and `profit` (money, cumulative), `chosen` (customers on the list to be
        contacted). Empty lists when nothing can be offered.

    Notes
    -----
    The list comes first, then the others, both by expected profit. The holdout is not contacted and left out.
    """
    rows = listed[listed["expected_profit"].notna() & listed["cost"].notna() & listed["arm"].ne("holdout")]
    chosen = rows["arm"].eq("treat")
    order = np.lexsort((-rows["expected_profit"].to_numpy(float), ~chosen.to_numpy(bool)))
    profit = np.r_[0.0, np.cumsum(rows["expected_profit"].to_numpy(float)[order])]
    cost = np.r_[0.0, np.cumsum(rows["cost"].to_numpy(float)[order])]
    n_chosen = int(chosen.sum())
    kept = np.unique(np.r_[np.linspace(0, len(rows), min(points, len(rows) + 1)).astype(int), n_chosen])
    if rows.empty:
        kept = kept[:0]
    return {"x": kept.tolist(), "cost": _listed(cost[kept]), "profit": _listed(profit[kept]), "chosen": n_chosen}


def _gain(y: Any, p: Any, customers: Any) -> tuple[Any, Any]:
    """Share of all leavers found among the riskiest share of customers."""
    share, lift = lift_curve(y, p, customers)
    return np.r_[0.0, share], np.r_[0.0, share * lift]


def _listed(values: Any) -> list[float]:
    return [round(float(value), 6) for value in values]
