"""Contracts over time: survival curves of the scored customers, how they did on a holdout, and what they are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import DataError
from holdfast.evaluation.survival import judge_survival
from holdfast.histories.histories import Histories
from holdfast.learners.hazard import Curves, DiscreteHazard, Floats
from holdfast.params.sections import EconomicsSection
from holdfast.pipelines.features import feature_set
from holdfast.pipelines.graph import Context
from holdfast.pipelines.plan import Plan
from holdfast.tasks.task import ContractEndTask
from holdfast.value.choice import Judged, judge
from holdfast.value.contract import ContractValue, contract_value
from holdfast.value.lifetime import lifetime_days
from holdfast.windows import days_between, shift

PERIOD_DAYS = 30
SHOWN_DAYS = (30, 60, 90, 180, 365, 730)
MOST_CUTOFFS = 12
LEAST_SPACING = 60
METHOD = "contract price x survival"


@dataclass(frozen=True)
class ContractFuture:
    """Everything known of the time ahead of the scored customers.

    Parameters
    ----------
    table : DataFrame
        `customer_id, cutoff, survival_30d …, expected_remaining_days, restricted_to_days, incidence_<cause>`.
    value : ContractValue or None
        None where contracts have no price.
    told : dict
        Holdout figures, and why something was not measured.
    judged : Judged or None
        Backtest of the value.
    """

    table: pd.DataFrame
    value: ContractValue | None
    told: dict[str, Any]
    judged: Judged | None


def contract_future(
    context: Context, question: ContractEndTask, histories: Histories, plan: Plan, ids: "pd.Series[str]"
) -> ContractFuture:
    """Fit the hazards on what was known at the scoring date, and once more at an older date to judge them."""
    economics, seed = context.config.economics, context.config.seed
    judged_at = _holdout(plan)
    wanted = feature_set(histories, question)
    cutoffs = {at: _walked(plan.start, at, question) for at in (plan.score, judged_at)}
    every = sorted({c for found in cutoffs.values() for c in found} | {plan.score, judged_at})
    matrix = wanted.compute(histories, every).frame
    names = [feature.name for feature in wanted.features]
    told, judged = _judged(histories, question, matrix, names, cutoffs[judged_at], judged_at, plan.end, economics, seed)
    known = histories.upto(plan.score)
    model = _fit(known, question, matrix, names, cutoffs[plan.score], plan.score, seed)
    rows = _rows(ids, matrix, plan.score)
    curves = model.predict(rows[names], _tenure(rows), [plan.score] * len(rows))
    told |= {"causes": list(model.causes_), "period_days": PERIOD_DAYS, "restricted_to_days": _reach(curves)}
    value = _value(known, rows, curves, question, plan, economics)
    return ContractFuture(_table(rows, curves), value, told, judged)


def _holdout(plan: Plan) -> date:
    """Date at which the curves are put back in time: a third of the history, at most a year, is left to see."""
    seen = min(365, days_between(plan.start, plan.end) // 3)
    return min(plan.test[0], shift(plan.end, -seen))


def _walked(start: date, at: date, question: ContractEndTask) -> list[date]:
    spacing = max(question.span.horizon, LEAST_SPACING)
    oldest = shift(start, max(question.span.lookback, PERIOD_DAYS))
    found = [shift(at, -spacing * k) for k in range(1, MOST_CUTOFFS + 1)]
    return sorted(c for c in found if c >= oldest)


def _fit(
    known: Histories, question: ContractEndTask, matrix: pd.DataFrame, names: Sequence[str], cutoffs: Sequence[date],
    at: date, seed: int,
) -> DiscreteHazard:  # fmt: skip
    if not cutoffs:
        raise DataError(f"survival: no cutoff with {LEAST_SPACING} days of outcomes lies before {at}")
    exits = question.exits(known, cutoffs, at).merge(matrix, on=["customer_id", "cutoff"], how="inner")
    return DiscreteHazard(PERIOD_DAYS, seed=seed).fit(
        exits[list(names)], exits["duration_days"], exits["cause"], _tenure(exits), exits["cutoff"]
    )


def _rows(ids: "pd.Series[str]", matrix: pd.DataFrame, at: date) -> pd.DataFrame:
    rows = matrix.loc[matrix["cutoff"] == pd.Timestamp(at)]
    return pd.DataFrame({"customer_id": ids.astype("str")}).merge(rows, on="customer_id", how="left")


def _tenure(rows: pd.DataFrame) -> Floats:
    return np.asarray(np.nan_to_num(rows["contract_days"].to_numpy(np.float64)))


def _reach(curves: Curves) -> int:
    return int(curves.survival.shape[1] - 1) * curves.period_days


def _table(rows: pd.DataFrame, curves: Curves) -> pd.DataFrame:
    reach = _reach(curves)
    columns: dict[str, Any] = {"customer_id": rows["customer_id"], "cutoff": rows["cutoff"]}
    for days in SHOWN_DAYS:
        columns[f"survival_{days}d"] = curves.at(days) if days <= reach else np.nan
    columns |= {"expected_remaining_days": curves.remaining_days(), "restricted_to_days": reach}
    columns |= {f"incidence_{name}": found[:, -1] for name, found in curves.incidence.items()}
    return pd.DataFrame(columns)


def _judged(
    histories: Histories, question: ContractEndTask, matrix: pd.DataFrame, names: Sequence[str],
    cutoffs: Sequence[date], at: date, end: date, economics: EconomicsSection, seed: int,
) -> tuple[dict[str, Any], Judged | None]:  # fmt: skip
    """Curves as they would have been at a test cutoff, beside what came until the data end."""
    try:
        model = _fit(histories.upto(at), question, matrix, names, cutoffs, at, seed)
    except DataError as error:
        return {"holdout": f"not measured: {error}"}, None
    came = question.exits(histories, [at], end)
    rows = _rows(came["customer_id"], matrix, at)
    curves = model.predict(rows[list(names)], _tenure(rows), [at] * len(rows))
    times = [t for t in range(PERIOD_DAYS, days_between(at, end) + 1, PERIOD_DAYS) if t <= _reach(curves)]
    survival = np.column_stack([curves.at(t) for t in times]) if times else np.ones((len(rows), 0))
    found = judge_survival(survival, times, came["duration_days"].to_numpy(), came["cause"].notna().to_numpy())
    price = _monthly(histories.upto(at), rows["customer_id"], at)
    judged = None
    if price is not None and times:
        margin, seen = price * economics.margin, times[-1]
        expected = contract_value(
            curves.survival, margin, period_days=PERIOD_DAYS, horizon_days=seen, end_days=seen,
            window_days=PERIOD_DAYS, discount_rate=0.0,
        ).within  # fmt: skip
        actual = margin / (365 / 12) * np.minimum(came["duration_days"].to_numpy(np.float64), seen)
        priced = np.isfinite(margin)  # who has no price has no value to be judged
        if priced.any():
            judged = judge({METHOD: expected[priced]}, actual[priced], {"monthly price": margin[priced]}, seed=seed)
    return {"holdout": found | {"at": str(at), "n": len(rows), "n_ended": int(came["cause"].notna().sum())}}, judged


def _monthly(known: Histories, ids: "pd.Series[str]", at: date) -> Floats | None:
    """Price per month of the contracts in force at a date, shape of `ids`; None where no price is given."""
    if "price" not in known.columns("contracts"):
        return None
    rows = known.frame("contracts")
    ended = rows["ended_at"] if "ended_at" in rows.columns else pd.Series(pd.NaT, index=rows.index)
    active = rows.loc[(rows["started_at"] < pd.Timestamp(at)) & ~(ended < pd.Timestamp(at))]
    total = active["price"].astype("float64").groupby(active["customer_id"].astype("str")).sum(min_count=1)
    return np.asarray(total.reindex(ids.astype("str")).to_numpy(np.float64))


def _value(
    known: Histories, rows: pd.DataFrame, curves: Curves, question: ContractEndTask, plan: Plan,
    economics: EconomicsSection,
) -> ContractValue | None:  # fmt: skip
    price = _monthly(known, rows["customer_id"], plan.score)
    if price is None:
        return None
    return contract_value(
        curves.survival, price * economics.margin, period_days=PERIOD_DAYS, horizon_days=economics.value_horizon,
        end_days=lifetime_days(economics.value_horizon, days_between(plan.start, plan.score)),
        window_days=question.span.lead + question.span.horizon, discount_rate=economics.discount_rate,
    )  # fmt: skip
