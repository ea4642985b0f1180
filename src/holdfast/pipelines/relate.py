"""Stage relate: where every customer stands, scheme by scheme, and the figures of the whole firm (D1 to D12, E10)."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.evaluation.survival import kaplan_meier
from holdfast.histories.histories import Histories
from holdfast.pipelines.domain import main_task, make_task, task_names
from holdfast.pipelines.graph import Context
from holdfast.pipelines.loyalty import LOYALTY, loyalty
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.relationship import (
    SCHEMES,
    TIER,
    Facts,
    cronbach_alpha,
    gather,
    one_employee,
    relationship_quality,
    signals,
    transition_matrix,
)
from holdfast.tasks.task import GivenTask
from holdfast.windows import shift

DAY_SECONDS = 86_400
REPEATS = 2
ITEMS = ("trust", "commitment", "satisfaction")
NO_COMPLAINTS = "not measured: no table of complaints"


def run_relate(context: Context, task: str) -> None:
    """Write `relationship.parquet`, a row per customer at the scoring date, and `relationship.json`."""
    config, histories = context.config, open_histories(context)
    question = make_task(config, main_task(config).name)
    plan = Plan.from_dict(context.workspace.read_json(f"plan/{question.name}.json"))
    facts = gather(histories, plan.score)
    table = standing(facts)
    figures: dict[str, Any] = {}
    if LOYALTY in task_names(config):
        tiers, figures = loyalty(context)
        table = table.merge(tiers.drop(columns="cutoff"), on="customer_id", how="left")
    days = None if isinstance(question, GivenTask) else question.span.horizon
    context.workspace.write_frame("relationship.parquet", table)
    context.workspace.write_json("relationship.json", figures | firm(histories, facts, table, days))


def standing(facts: Facts) -> pd.DataFrame:
    """Every scheme with evidence and strategy, and the signals, a row per customer."""
    parts = [scheme.place(facts) for scheme in SCHEMES]
    more = pd.DataFrame({"one_employee": one_employee(facts), "relationship_score": relationship_quality(facts)})
    whole = pd.concat([*parts, more, signals(facts)], axis=1)
    whole.insert(0, "cutoff", pd.Timestamp(facts.at))
    return whole.rename_axis("customer_id").reset_index()


def firm(histories: Histories, facts: Facts, table: pd.DataFrame, horizon: int | None) -> dict[str, Any]:
    """Counts per level, reliability, transitions, complaints and the scorecard."""
    missing = {scheme.name: f"no {scheme.wanted}" for scheme in SCHEMES if not scheme.measured(facts)}
    return {
        "levels": {scheme.name: table[scheme.name].value_counts().reindex(scheme.levels, fill_value=0).to_dict()
                   for scheme in SCHEMES if scheme.name not in missing},
        "schemes_not_measured": missing,
        "one_employee": int(table["one_employee"].sum()),
        "cronbach_alpha": _alpha(facts),
        "tier_transitions": transitions(histories, facts, table, horizon),
        "complaints": complaint_times(histories, facts.at),
        "scorecard": scorecard(histories, facts),
    }  # fmt: skip


def _alpha(facts: Facts) -> dict[str, Any] | str:
    asked = [name for name in ITEMS if facts.has(name)]
    if len(asked) < 2:
        return "not measured: no table of surveys with at least two of trust, commitment and satisfaction"
    answers = facts.frame[asked].dropna()
    alpha = cronbach_alpha(answers)
    return {"items": asked, "respondents": len(answers), "alpha": None if np.isnan(alpha) else alpha}


def transitions(histories: Histories, facts: Facts, table: pd.DataFrame, horizon: int | None) -> Any:
    """Tiers one horizon before the scoring date against tiers now (D5)."""
    if horizon is None or not TIER.measured(facts):
        return f"not measured: no {TIER.wanted}" if horizon is not None else "not measured: a snapshot has no times"
    earlier = gather(histories, shift(facts.at, -horizon))
    if not len(earlier.frame):
        return "not measured: no history one horizon before the scoring date"
    # who had neither bought nor signed by then had no tier to move from
    began = (earlier.count("purchase_days") > 0) | (earlier.count("contracts_all") > 0)
    before = TIER.place(earlier)[TIER.name].where(began)
    matrix = transition_matrix(before, table.set_index("customer_id")[TIER.name], TIER.levels)
    return {"days": horizon, "rows": {str(name): row.to_dict() for name, row in matrix.iterrows()}}


def complaint_times(histories: Histories, at: date) -> dict[str, Any] | str:
    """Median days to answer and to solve a complaint, open cases censored at the cutoff (D10).

    The medians are those of the Kaplan-Meier curve; None where more than half are still open.
    """
    known = histories.upto(at)
    if "at" not in known.columns("complaints"):
        return NO_COMPLAINTS
    rows = known.frame("complaints")
    found: dict[str, Any] = {"n": len(rows)}
    for name, column in (("answer", "responded_at"), ("solution", "resolved_at"), ("follow_up", "followed_up_at")):
        if column not in rows.columns:
            found[name] = f"not measured: complaints have no {column}"
        elif len(rows):
            closed = rows[column].notna()
            days = (rows[column].fillna(pd.Timestamp(at)) - rows["at"]).dt.total_seconds() / DAY_SECONDS
            curve = kaplan_meier(days.clip(lower=0), closed)
            reached = curve.times[curve.values <= 0.5]
            found[name] = {"median_days": float(reached[0]) if len(reached) else None, "done": int(closed.sum()),
                           "open": int((~closed).sum())}  # fmt: skip
    if "topic" in rows.columns:
        top = rows.groupby("topic").size().sort_index().sort_values(ascending=False, kind="stable").head(10)
        found["topics"] = {str(name): int(n) for name, n in top.items()}
        again = rows.groupby(["customer_id", "topic"]).size() > 1
        found["repeated_causes"] = int(again.sum())
    return found


def scorecard(histories: Histories, facts: Facts) -> dict[str, Any]:
    """The four elements and service quality, in totals that add up to the raw tables (E10)."""
    frame = facts.frame
    found: dict[str, Any] = {"customers": len(frame)}
    if facts.has("satisfaction"):
        answers = frame["satisfaction"].dropna()
        repeat = facts.count("purchase_days") >= REPEATS
        found["satisfaction"] = {
            "answers": len(answers), "mean": None if answers.empty else float(answers.mean()),
            "mean_of_repeat_customers": _mean(frame.loc[repeat, "satisfaction"]),
            "mean_of_new_customers": _mean(frame.loc[~repeat, "satisfaction"]),
        }  # fmt: skip
    else:
        found["satisfaction"] = "not measured: no table of surveys with satisfaction"
    if facts.has("purchase_days"):
        buyers = int((frame["purchase_days"] > 0).sum())
        again = int((frame["purchase_days"] >= REPEATS).sum())
        active = int((frame["purchase_days_year"] > 0).sum())
        found["loyalty"] = {"buyers": buyers, "repeat_buyers": again, "repeat_rate": again / max(buyers, 1)}
        found["retention"] = {"buyers": buyers, "active_in_a_year": active, "share": active / max(buyers, 1)}
        with histories.upto(facts.at).connect() as connection:
            ((revenue,),) = connection.execute("SELECT CAST(sum(amount) AS DOUBLE) FROM purchases").fetchall()
        found["profit"] = {"revenue": revenue}
    else:
        found |= dict.fromkeys(("loyalty", "retention", "profit"), "not measured: no dated purchases")
    complaints = NO_COMPLAINTS if not facts.has("complaints_all") else {
        "complaints": int(frame["complaints_all"].sum()), "open": int(frame["open_complaints"].sum()),
    }  # fmt: skip
    return found | {"service": complaints}


def _mean(answers: "pd.Series[float]") -> float | None:
    return None if answers.dropna().empty else float(answers.mean())
