"""Who was there when each period began, who was lost in it, and what is known of why (A2, A3)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.params import Config
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.stated import known_exits, stated_at
from holdfast.tasks.task import ContractEndTask, GivenTask, Task
from holdfast.windows import Span, shift

MOST_PERIODS = 24
YEAR = 365
MONTHS = 12
TIERS = ("low", "middle", "high")
SPLITS = ("region", "segment", "kind")


def period_rows(histories: Histories, question: Task, plan: Plan, monthly: str | None) -> pd.DataFrame:
    """One row per customer and period: who was there when it began, who was lost in it, revenue of the year before."""
    if isinstance(question, GivenTask):
        labels = question.labels(histories, [plan.score])
    else:
        whole = replace(question, span=Span(question.span.lookback, 0, question.span.horizon))
        labels = whole.labels(histories, _periods(whole, plan))
    leaves = 0 if question.kind == "repeat" else 1
    rows = labels.rename(columns={"cutoff": "period"}).assign(lost=(labels["label"] == leaves).astype(int))
    kept = rows[["customer_id", "period", "lost"]]
    return kept.merge(revenue_of(histories, kept, monthly), on=["customer_id", "period"], how="left")


def _periods(question: Task, plan: Plan) -> list[Any]:
    """Beginnings of periods of one horizon each, the newest complete one last; they do not overlap."""
    first = shift(plan.start, question.span.lookback)
    found = [shift(plan.end, -question.span.horizon * k) for k in range(1, MOST_PERIODS + 1)]
    return sorted(at for at in found if at >= first) or [plan.test[-1]]


def revenue_of(histories: Histories, rows: pd.DataFrame, monthly: str | None) -> pd.DataFrame:
    """Net revenue of the 365 days before each period (of a snapshot: twelve months of what is paid), and its tier."""
    keys = rows[["customer_id", "period"]]
    if monthly is not None and monthly in histories.columns("customers"):
        paid = histories.frame("customers").drop_duplicates("customer_id").set_index("customer_id")[monthly]
        revenue = pd.to_numeric(keys["customer_id"].map(paid), errors="coerce") * MONTHS
        return _tiered(keys.assign(revenue=revenue))
    if not {"at", "amount"} <= set(histories.columns("purchases")):
        return keys.assign(revenue=np.nan, tier=pd.Series(pd.NA, index=keys.index, dtype=object))
    with histories.connect() as connection:
        connection.register("asked", keys.assign(customer_id=keys["customer_id"].astype(object)))
        found = connection.execute(f"""
            SELECT a.customer_id, a.period, CAST(sum(p.amount) AS DOUBLE) AS revenue
            FROM asked a JOIN purchases p ON p.customer_id = a.customer_id AND p."at" < a.period
             AND p."at" >= a.period - INTERVAL {YEAR} DAY GROUP BY ALL""").df()
    return _tiered(keys.merge(found, on=["customer_id", "period"], how="left").fillna({"revenue": 0.0}))


def _tiered(frame: pd.DataFrame) -> pd.DataFrame:
    """Thirds of the customers of each period by revenue."""
    rank = frame.groupby("period")["revenue"].rank(pct=True, method="average")
    tier = np.select([rank <= 1 / 3, rank <= 2 / 3, rank > 2 / 3], TIERS, "missing")
    return frame.assign(tier=tier)


def groups_of(histories: Histories, rows: pd.DataFrame) -> dict[str, "pd.Series[str]"]:
    """Value tier, the customers' own groups, and the quarter of the first purchase."""
    groups: dict[str, pd.Series[str]] = {}
    if rows["tier"].notna().any():
        groups["value_tier"] = rows["tier"]
    if histories.has("customers"):
        people = histories.frame("customers").drop_duplicates("customer_id").set_index("customer_id")
        groups |= {name: rows["customer_id"].map(people[name]) for name in SPLITS if name in people.columns}
    if "at" in histories.columns("purchases"):
        with histories.connect() as connection:
            first = connection.execute(
                'SELECT customer_id, min("at") AS first FROM purchases WHERE amount > 0 GROUP BY 1'
            ).df().set_index("customer_id")["first"]  # fmt: skip
        groups["cohort"] = rows["customer_id"].map(first).dt.to_period("Q").astype(str)
    return groups


def lifetimes(histories: Histories, question: Task, plan: Plan) -> pd.DataFrame | None:
    """Days from joining to the end of each relationship, for survival by cohort: `cohort, days, ended`.

    Contracts end when they end for a reason that counts as churn; other ends and contracts in force are censored. A
    buyer has ended when silent for longer than the lookback at the end of the data: then the last sign of life is the
    end; all others were seen to go on until one lookback before the end. None for a snapshot.
    """
    if isinstance(question, GivenTask):
        return None
    end = pd.Timestamp(plan.end)
    if isinstance(question, ContractEndTask):
        rows = histories.upto(plan.end).frame("contracts")
        ended_at = rows["ended_at"] if "ended_at" in rows.columns else pd.Series(pd.NaT, index=rows.index)
        reason = rows["end_reason"] if "end_reason" in rows.columns else pd.Series(None, index=rows.index)
        joined, last = rows["started_at"], ended_at.fillna(end)
        ended = ended_at.notna() & ~reason.isin(question.not_churn)
    elif "at" in histories.columns("purchases"):
        with histories.upto(plan.end).connect() as connection:
            rows = connection.execute(
                'SELECT customer_id, min("at") AS first, max("at") AS last FROM purchases WHERE amount > 0 '
                "GROUP BY customer_id ORDER BY customer_id"
            ).df()
        watched = end - pd.Timedelta(days=question.span.lookback)
        rows = rows[rows["first"] < watched]
        joined, ended = rows["first"], rows["last"] < watched
        last = rows["last"].where(ended, watched)
    else:
        return None
    days = (last - joined).dt.total_seconds() / 86_400
    cohort = joined.dt.to_period("Q").astype(str)
    found = pd.DataFrame({"cohort": cohort, "days": days, "ended": ended.astype(bool)})
    return found[found["days"] >= 0].reset_index(drop=True)


def with_reasons(
    rows: pd.DataFrame, histories: Histories, config: Config, reasons: pd.DataFrame, span: Span
) -> pd.DataFrame:
    """Add `stated` and `predicted` to the rows of those who were lost; columns are left out where nothing is known."""
    known = known_exits(histories, config.exits)
    if known is None:
        return rows
    found = rows.assign(stated=stated_at(rows, known, span.lookback, span.horizon, "period")["stated"])
    leavers = reasons.loc[reasons["part"] == "leaver", ["customer_id", "cutoff", "reason_predicted"]]
    if not (leavers["reason_predicted"] != "unknown").any():
        return found
    near = pd.merge_asof(
        found[["customer_id", "period"]].reset_index().sort_values(["period", "customer_id"], kind="stable"),
        leavers.sort_values(["cutoff", "customer_id"], kind="stable"), left_on="period", right_on="cutoff",
        by="customer_id", direction="nearest", tolerance=pd.Timedelta(days=max(span.lookback + span.horizon, 1)),
    ).set_index("index")  # fmt: skip
    return found.assign(predicted=near["reason_predicted"].reindex(found.index))
