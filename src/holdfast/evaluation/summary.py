"""Figures over cutoffs: mean, worst, trend; and how much scores and list move between two of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import DataError
from holdfast.evaluation.rows import FloatArray, as_floats, list_length

HIGHER_IS_BETTER: Mapping[str, bool] = {
    "auroc": True,
    "average_precision": True,
    "log_loss": False,
    "brier": False,
    "brier_skill": True,
    "ece": False,
    "ece_excess": False,
    "top_decile_lift": True,
    "precision_at_list": True,
    "recall_at_list": True,
    "mpc": True,
    "empc": True,
    "profit_at_budget": True,
}
"""Direction of every figure that has one."""
IDEAL: Mapping[str, float] = {"calibration_slope": 1.0, "calibration_intercept": 0.0, "calibration_in_the_large": 0.0}
"""Figures whose best value lies in the middle; the worst is the farthest from it."""


def summarise(per_cutoff: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean, worst and trend of every figure over cutoffs, oldest first.

    `trend` is the least-squares slope per cutoff. A figure that was not measured at a cutoff is skipped
    there; counts and figures without a direction have no `worst`.

    Parameters
    ----------
    per_cutoff : sequence of dict
        What `evaluate` returned, oldest cutoff first.

    Returns
    -------
    dict
        `{"mean": {...}, "worst": {...}, "trend": {...}}`.

    Examples
    --------
    >>> summarise([{"auroc": 0.7, "brier": 0.2}, {"auroc": 0.6, "brier": 0.3}])["worst"]
    {'auroc': 0.6, 'brier': 0.3}
    """
    names = dict.fromkeys(name for page in per_cutoff for name, value in page.items() if _is_number(value))
    names.pop("n_boot", None)
    out: dict[str, dict[str, float]] = {"mean": {}, "worst": {}, "trend": {}}
    for name in names:
        known = [(i, float(page[name])) for i, page in enumerate(per_cutoff) if _is_number(page.get(name))]
        values = np.array([value for _, value in known])
        out["mean"][name] = float(values.mean())
        if name in HIGHER_IS_BETTER:
            out["worst"][name] = float(values.min() if HIGHER_IS_BETTER[name] else values.max())
        elif name in IDEAL:
            out["worst"][name] = float(values[np.argmax(np.abs(values - IDEAL[name]))])
        if len(known) > 1:
            steps = np.array([i for i, _ in known], dtype=float)
            steps -= steps.mean()
            out["trend"][name] = float((steps * values).sum() / (steps**2).sum())
    return out


def stability(earlier: pd.Series, later: pd.Series, list_share: float = 0.1) -> dict[str, Any]:
    """How much scores and list move from one cutoff to the next, for the customers who stand at both.

    Parameters
    ----------
    earlier, later : Series
        Scores, indexed by customer id, each customer once.
    list_share : float
        Length of the list as a share of the customers in both.

    Returns
    -------
    dict
        `customers` (in both), `rank_correlation` (Spearman), `list_overlap` (share of the earlier list that
        is on the later one) and `list_overlap_by_chance`; None with a reason under `not_measured`.

    Examples
    --------
    >>> moved = stability(pd.Series({"a": 0.9, "b": 0.5, "c": 0.1}), pd.Series({"c": 0.2, "b": 0.6, "a": 0.8}))
    >>> moved["customers"], moved["rank_correlation"], moved["list_overlap"]
    (3, 1.0, 1.0)
    """
    for scores in (earlier, later):
        if not scores.index.is_unique:
            raise DataError("stability: a customer has several scores at one cutoff, expected one each")
    both = earlier.index.intersection(later.index).sort_values()
    out: dict[str, Any] = {"customers": len(both), "rank_correlation": None, "list_overlap": None}
    out |= {"list_overlap_by_chance": None, "not_measured": {}}
    if len(both) < 2:
        out["not_measured"] = dict.fromkeys(("rank_correlation", "list_overlap"), "fewer than two customers in both")
        return out
    before = as_floats(earlier.loc[both].to_numpy(), "earlier score")
    after = as_floats(later.loc[both].to_numpy(), "later score")
    length = list_length(len(both), list_share)
    # `both` is sorted, so a stable sort breaks ties by customer id
    listed = [set(np.argsort(-scores, kind="stable")[:length].tolist()) for scores in (before, after)]
    out |= {"list_overlap": len(listed[0] & listed[1]) / length, "list_overlap_by_chance": length / len(both)}
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        out["not_measured"] = {"rank_correlation": "all scores are equal at one of the cutoffs"}
    else:
        ranks = [as_floats(pd.Series(scores).rank(), "rank") for scores in (before, after)]
        out["rank_correlation"] = _correlation(ranks[0], ranks[1])
    return out


def _correlation(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()), -1.0, 1.0))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))
