"""One page of figures for one model at one cutoff.

Everything returned is plain Python (floats, lists, strings), ready for JSON. What cannot be measured is
None, and `not_measured` says why.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from holdfast.evaluation import bootstrap, calibration, profit, ranking, recalibration
from holdfast.evaluation.comparison import Fold, compare, compare_mean, mean_intervals
from holdfast.evaluation.profit import Campaign, Spend
from holdfast.evaluation.rows import (
    FloatArray,
    Ids,
    IntArray,
    Rows,
    as_codes,
    as_money,
    as_pair,
    list_length,
    number,
    same_length,
    share_of,
    sort_rows,
)
from holdfast.evaluation.summary import HIGHER_IS_BETTER, IDEAL, stability, summarise
from holdfast.evaluation.weighted import Panel, Plan

__all__ = [
    "HIGHER_IS_BETTER", "IDEAL", "NOTE", "Campaign", "Fold", "Spend", "compare", "compare_mean", "evaluate",
    "mean_intervals", "stability", "summarise",
]  # fmt: skip

NOTE = (
    "95 % intervals, clustered by customer, conditional on the fitted models and on these periods; "
    "ECE's is centred on the estimate"
)


def evaluate(
    y: ArrayLike,
    p: ArrayLike,
    customer: Ids,
    *,
    seed: int,
    n_boot: int = 1000,
    list_share: float = 0.1,
    k: int | None = None,
    campaign: Campaign | None = None,
    value: ArrayLike | None = None,
    spend: Spend | None = None,
    probability: bool = True,
) -> dict[str, Any]:
    """Every figure of one model at one cutoff, with intervals.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (0/1) and probability of leaving.
    customer : array of shape (n,)
        Customer ids: clusters of the bootstrap, and tie breakers at the list's edge.
    seed : int
        Seed of the resamples and of the ECE floor.
    n_boot : int
        Resamples; 0 leaves the bootstrap intervals out.
    list_share : float
        List length as a share of the cohort.
    k : int, optional
        List length in customers; overrides `list_share`.
    campaign : Campaign, optional
        What MPC and EMPC suppose.
    value : array of shape (n,), optional
        Money lost when the customer leaves, for the profit at the budget.
    spend : Spend, optional
        Budget, cost and assumed effect; needed with `value`.
    probability : bool
        False for a score that is not a probability (days since the last order): only its ranking is judged.

    Returns
    -------
    dict
        Figures as floats or None, `intervals: {figure: [low, high] or None}`, `not_measured: {figure: reason}`.

    Raises
    ------
    DataError
        For labels other than 0/1, scores that are missing or no probabilities, unequal lengths.

    Examples
    --------
    >>> page = evaluate([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.7], list("abcd"), seed=1, n_boot=200)
    >>> page["auroc"], page["n"], page["base_rate"]
    (0.75, 4, 0.5)
    """
    labels, scores = as_pair(y, p, probability=probability)
    codes, customers = as_codes(customer)
    same_length(label=labels, customer=codes)
    money = as_money(value, len(labels), spend=spend is not None)
    n, share = len(labels), share_of(k, list_share, len(labels))
    plan = Plan(share, probability, campaign or Campaign(), spend if value is not None else None)
    # everything below sees the canonical order, so that no sum depends on how the rows came
    rows = sort_rows(labels, scores, codes)
    ordered = None if money is None else money[rows.order]
    figures = _point_figures(rows.y, rows.p, rows.code, plan, ordered)
    out: dict[str, Any] = {name: number(figure) for name, figure in figures.items()}
    spans: dict[str, list[float] | None] = {}
    reasons = _reasons(rows.y, probability)
    if probability:
        _add_calibration(out, spans, reasons, rows, seed)
    if n and n_boot > 0:
        drawn = bootstrap.resample([Panel(rows, plan, ordered)], customers, n_boot=n_boot, seed=seed)[0]
        usable = {name: figure for name, figure in figures.items() if np.isfinite(figure)}
        spans |= {name: span.as_list() for name, span in bootstrap.intervals(drawn, usable).items()}
    if spans.get("ece") is not None:
        spans["ece_excess"] = [bound - out["ece_floor"] for bound in spans["ece"] or []]
    reasons |= {f"{name} interval": "too few resamples hold both classes" for name, span in spans.items() if not span}
    out |= {"n": n, "customers": customers, "list_length": list_length(n, share) if n else 0}
    return out | {"intervals": spans, "intervals_are": NOTE, "n_boot": n_boot, "not_measured": reasons}


def _point_figures(
    y: FloatArray, p: FloatArray, codes: IntArray, plan: Plan, value: FloatArray | None
) -> dict[str, float]:
    n = len(y)
    k = list_length(n, plan.list_share) if n else 0
    probable = plan.probability and n > 0
    single = n == 0 or y.min() == y.max()
    nan = float("nan")

    def two(figure: Callable[[], float], possible: bool = True) -> float:
        return figure() if possible and not single else nan

    return {
        "base_rate": float(y.mean()) if n else nan,
        "auroc": two(lambda: ranking.auroc(y, p)),
        "average_precision": two(lambda: ranking.average_precision(y, p)),
        "log_loss": calibration.log_loss(y, p) if probable else nan,
        "brier": calibration.brier(y, p) if probable else nan,
        "brier_skill": two(lambda: calibration.brier_skill(y, p), probable),
        "ece": calibration.ece(y, p) if probable else nan,
        "top_decile_lift": two(lambda: ranking.top_decile_lift(y, p, codes)),
        "precision_at_list": ranking.precision_at(y, p, codes, k) if n else nan,
        "recall_at_list": two(lambda: ranking.recall_at(y, p, codes, k)),
        "mpc": profit.mpc(y, p, plan.campaign) if n else nan,
        "empc": profit.empc(y, p, plan.campaign) if n else nan,
    } | _budget_figure(y, p, codes, plan, value)


def _budget_figure(
    y: FloatArray, p: FloatArray, codes: IntArray, plan: Plan, value: FloatArray | None
) -> dict[str, float]:
    if value is None or plan.spend is None:
        return {}
    if not plan.probability:
        return {"profit_at_budget": float("nan")}
    bought = profit.profit_at_budget(y, p, value, codes, plan.spend)
    return {
        "profit_at_budget": bought.modelled,
        "profit_promised": bought.promised,
        "contacted": float(bought.contacted),
    }


def _add_calibration(
    out: dict[str, Any], spans: dict[str, list[float] | None], reasons: dict[str, str], rows: Rows, seed: int
) -> None:
    """Add ECE's floor and the recalibration line, which bring their own intervals."""
    floor = calibration.ece_floor(rows.p, seed=seed)
    fit = recalibration.recalibrate(rows.y, rows.p, rows.code)
    found = {
        "ece_floor": (floor.mean, (floor.low, floor.high)),
        "calibration_slope": (fit.slope, fit.slope_interval),
        "calibration_intercept": (fit.intercept, fit.intercept_interval),
        "calibration_in_the_large": (fit.in_the_large, fit.in_the_large_interval),
    }
    for name, (figure, span) in found.items():
        out[name] = number(figure)
        if out[name] is not None:
            spans[name] = list(span)
        elif fit.reason is not None:
            reasons.setdefault(name, fit.reason)
    out["ece_excess"] = None if out["ece_floor"] is None else out["ece"] - out["ece_floor"]


def _reasons(y: FloatArray, probability: bool) -> dict[str, str]:
    """Why figures are missing."""
    needs_p = ["log_loss", "brier", "brier_skill", "ece", "ece_floor", "ece_excess", *IDEAL]
    if not len(y):
        names = ["base_rate", "precision_at_list", "mpc", "empc", "auroc", "average_precision", "top_decile_lift"]
        return dict.fromkeys([*names, "recall_at_list", *needs_p], "no customers in the cohort")
    reasons = {}
    if y.min() == y.max():
        word = "nobody left" if y[0] == 0 else "everybody left"
        names = ["auroc", "average_precision", "brier_skill", "top_decile_lift", "recall_at_list"]
        reasons = dict.fromkeys(names, f"only one class of labels: {word}")
    if not probability:
        reasons |= dict.fromkeys(needs_p, "the score is not a probability")
    return reasons
