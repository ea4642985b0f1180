"""Stage exits: churn rates, leavers by class, profit lost and at risk, justified spend, and what to repair (A2–A8)."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.evaluation.cohorts import cohort_survival
from holdfast.exits.agreement import confusion
from holdfast.exits.alerts import FALSE_ALARMS, alerts
from holdfast.exits.distribution import UNKNOWN, leaver_distribution
from holdfast.exits.ledger import group_profit, justified_spend, net_benefit
from holdfast.exits.measures import Measure, fix_list
from holdfast.exits.rate import churn_rate
from holdfast.histories.histories import Histories
from holdfast.params import Config
from holdfast.pipelines.domain import main_task, make_task
from holdfast.pipelines.exit_rows import YEAR, groups_of, lifetimes, period_rows, with_reasons
from holdfast.pipelines.graph import Context
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.pipelines.reasons import PAIRS, paired
from holdfast.reporting import plots_list, style
from holdfast.schema import EXIT_CLASSES
from holdfast.tasks.task import GivenTask, Task, return_rate
from holdfast.windows import label_window

SHOWN_POINTS = 200
SAVE_RATES = (0.05, 0.1, 0.2, 0.5, 1.0)
AGE_STEP = 30
NOT_CONTROLLABLE = ("market",)
"""Classes that the firm cannot influence: who has moved away is not kept by an offer (A8)."""
INFLUENCEABLE = tuple(name for name in EXIT_CLASSES if name not in NOT_CONTROLLABLE)


def run_exits(context: Context, task: str) -> None:
    """Write the folder `exits/`."""
    histories, config = open_histories(context), context.config
    question = make_task(config, main_task(config).name)
    plan = Plan.from_dict(context.workspace.read_json(f"plan/{question.name}.json"))
    reasons, facts = context.workspace.read_frame("reasons.parquet"), context.workspace.read_json("reasons.json")
    rows = period_rows(histories, question, plan, config.economics.monthly_revenue)
    rows = with_reasons(rows, histories.upto(plan.score), config, reasons, question.span)
    listed = context.workspace.read_frame("lists/retention.parquet")
    lost = _profit_lost(rows, config, plan.start)
    newest: dict[str, Any] = {str(key): value for key, value in lost.iloc[-1].to_dict().items()}
    curve = net_benefit(listed["expected_profit"] + listed["cost"], listed["cost"], listed["customer_id"])
    distribution = _distribution(rows, listed, reasons)
    source, by_class = _latest(distribution, newest)
    fixes = fix_list(
        _measures(config), clients=int(newest["clients"]), leavers=by_class,
        profit_per_leaver=newest["profit_per_leaver"],
    )  # fmt: skip
    rising = _alerts(distribution, lost)
    lived = lifetimes(histories, question, plan)
    best = justified_spend(curve)
    with context.workspace.aside("exits") as folder:
        folder.mkdir(parents=True)
        frames = {
            "churn_rate": churn_rate(rows, groups_of(histories, rows)), "leaver_distribution": distribution,
            "profit_lost": lost, "justified_spend": _thin(curve),
            "fix_list": fixes.assign(leavers_from=source, controllable=~fixes["reason"].isin(NOT_CONTROLLABLE)),
            "alerts": rising, "agreement": _agreement(reasons),
        }  # fmt: skip
        if lived is not None and len(lived):
            ages = np.arange(0, lived["days"].max() + AGE_STEP, AGE_STEP)
            frames["survival_by_cohort"] = cohort_survival(
                lived["cohort"], lived["days"], lived["ended"], ages.tolist()
            )
        for name, frame in frames.items():
            frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        shown = _shown(distribution)
        style.save_png(plots_list.leavers(dict(zip(shown["reason"], shown["share"], strict=True))),
                       folder / "leaver_distribution.png")  # fmt: skip
        style.save_png(plots_list.profit_curve(_points(curve, int(best["length"])), config.economics.currency),
                       folder / "justified_spend.png")  # fmt: skip
    ledger = _ledger(histories, question, plan, rows, listed, newest, best)
    ledger |= {
        "profit_lost_with_referrals": _with_referrals(histories, rows, newest, config.economics.margin),
        "reasons": {"stated": facts["stated"], "predicted": facts["predicted"], "agreement": facts["agreement"]},
        "leavers_by_class": {"source": source, "counts": by_class},
        "profit_at_risk_by_reason": _risk_by_reason(listed),
        "alerts": [row["reason"] for row in rising.to_dict("records") if row["alert"]],
        "false_alarms": f"{FALSE_ALARMS:.0%} per look where nothing has changed, all classes together",
        "survival": "exits/survival_by_cohort.csv" if lived is not None else
        "not measured: a snapshot has no times" if isinstance(question, GivenTask) else
        "not measured: no dated purchases or contracts",
    }  # fmt: skip
    context.workspace.write_json("exits/exit_ledger.json", ledger)


def _profit_lost(rows: pd.DataFrame, config: Config, start: date) -> pd.DataFrame:
    """Clients, leavers and what they brought in the year before, per period (A5)."""
    gone = rows.loc[rows["lost"] == 1]
    found = rows.groupby("period")["lost"].agg(clients="size", lost="sum").reset_index()
    revenue = gone.groupby("period")["revenue"].sum(min_count=1).reindex(found["period"]).to_numpy()
    found["revenue_lost"] = np.round(revenue, 2)
    found["profit_lost"] = np.round(revenue * config.economics.margin, 2)
    found["profit_per_leaver"] = found["profit_lost"] / found["lost"].where(found["lost"] > 0)
    seen = (found["period"] - pd.Timestamp(start)).dt.days.clip(upper=YEAR)
    seen = seen.where(seen > 0, YEAR)  # a snapshot: twelve months of what is paid
    return found.assign(revenue_days=seen, basis="revenue of the days before the period (at most a year), times margin")


def _distribution(rows: pd.DataFrame, listed: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    """Leavers by class, three ways kept apart: as stated, as predicted, and the expected ones the model points at."""
    parts = []
    for source in ("stated", "predicted"):
        if source not in rows.columns:
            continue
        gone = rows.loc[rows["lost"] == 1]
        gone = gone.assign(reason=gone[source])
        parts.append(leaver_distribution(gone).assign(source=source, split="all", segment="all"))
        for split, name in (("period", "period"), ("value_tier", "tier")):
            words = gone[name].dt.strftime("%Y-%m-%d") if name == "period" else gone[name].astype(str)
            part = leaver_distribution(gone.assign(**{name: words}), [name])
            parts.append(part.rename(columns={name: "segment"}).assign(source=source, split=split))
    scored = reasons[reasons["part"] == "score"].set_index("customer_id")
    for source in ("predicted", "indicated"):
        if source == "predicted" and "predicted" not in rows.columns:
            continue
        pointed = listed["customer_id"].map(scored[f"reason_{source}"]).to_numpy()
        expected = leaver_distribution(listed.assign(reason=pointed, weight=listed["p_churn"]))
        split = "all" if source == "indicated" else "expected"
        parts.append(expected.assign(source=source, split=split, segment="all"))
    columns = ["source", "split", "segment", "reason", "leavers", "share"]
    return pd.concat(parts, ignore_index=True)[columns]


def _shown(distribution: pd.DataFrame) -> pd.DataFrame:
    """The chart: past leavers as they stated, else the expected ones as the model points."""
    whole = distribution[distribution["split"] == "all"]
    for source in ("stated", "indicated"):
        found = whole[whole["source"] == source]
        if found.loc[found["reason"] != UNKNOWN, "leavers"].sum() > 0:
            return found
    return whole[whole["source"] == "indicated"]


def _latest(distribution: pd.DataFrame, newest: dict[str, Any]) -> tuple[str, dict[str, float]]:
    """Leavers of each class in the newest period: as stated, else as predicted, else spread as the model points."""
    for source in ("stated", "predicted"):
        found = distribution[(distribution["source"] == source) & (distribution["split"] == "period")]
        found = found[found["segment"] == f"{newest['period']:%Y-%m-%d}"]
        if len(found) and found.loc[found["reason"] != UNKNOWN, "leavers"].sum() > 0:
            return source, dict(zip(found["reason"], found["leavers"], strict=True))
    pointed = distribution[distribution["source"] == "indicated"]
    return "indicated", dict(zip(pointed["reason"], pointed["share"] * float(newest["lost"]), strict=True))


def _alerts(distribution: pd.DataFrame, lost: pd.DataFrame) -> pd.DataFrame:
    """Influenceable classes that rise in the newest period, as stated, else as predicted (A8)."""
    clients = dict(zip(lost["period"].dt.strftime("%Y-%m-%d"), lost["clients"], strict=True))
    for source in ("stated", "predicted"):
        found = distribution[(distribution["source"] == source) & (distribution["split"] == "period")]
        if found.loc[found["reason"] != UNKNOWN, "leavers"].sum() > 0:
            counts = pd.DataFrame(
                [(at, name) for at in clients for name in EXIT_CLASSES], columns=["segment", "reason"]
            ).merge(found[["segment", "reason", "leavers"]], on=["segment", "reason"], how="left")
            counts = counts.assign(leavers=counts["leavers"].fillna(0), clients=counts["segment"].map(clients))
            return alerts(counts.rename(columns={"segment": "period"}), INFLUENCEABLE).assign(source=source)
    return alerts(pd.DataFrame(columns=["period", "reason", "leavers", "clients"]), INFLUENCEABLE).assign(source="")


def _agreement(reasons: pd.DataFrame) -> pd.DataFrame:
    """Counts of every pair of classes, for each two of the three columns."""
    parts = [confusion(*paired(reasons, a, b)).assign(pair=f"{a} / {b}") for a, b in PAIRS]
    return pd.concat(parts, ignore_index=True)[["pair", "first", "second", "n"]]


def _risk_by_reason(listed: pd.DataFrame) -> dict[str, float] | str:
    """Profit at risk of everybody scored, by the best supported reason."""
    if not listed["profit_at_risk"].notna().any():
        return "not measured: no loss per customer"
    named = listed["exit_reason"].where(listed["exit_reason"].isin(EXIT_CLASSES), UNKNOWN)
    return {str(name): float(value) for name, value in listed.groupby(named)["profit_at_risk"].sum().items()}


def break_even(profit: float | None, clients: int) -> list[dict[str, float]] | str:
    """What may be spent at each save rate: on all clients, and per client, since nobody knows who would leave (A6)."""
    if profit is None:
        return "not measured: no profit lost"
    return [
        {"save_rate": rate, "spend_below": rate * profit, "per_client_below": rate * profit / max(clients, 1)}
        for rate in SAVE_RATES
    ]


def _with_referrals(
    histories: Histories, rows: pd.DataFrame, newest: dict[str, Any], margin: float
) -> dict[str, float] | str:
    """What the leavers of the newest period and those whom they had brought earned in the year before, once each."""
    if not histories.has("referrals"):
        return "not measured: no referrals table"
    if not rows["revenue"].notna().any():
        return "not measured: no revenue per customer"
    at = pd.Timestamp(newest["period"])
    period = rows[rows["period"] == at].set_index("customer_id")
    made = histories.frame("referrals")
    made = made[made["at"] < at].sort_values(["at", "referrer_id"], kind="stable").drop_duplicates("referred_id")
    found = group_profit(
        period["revenue"] * margin, made.set_index("referred_id")["referrer_id"], period.index[period["lost"] == 1]
    )
    return {"members": round(found.members, 2), "overlap": round(found.overlap, 2), "group": round(found.group, 2)}


def _measures(config: Config) -> list[Measure]:
    return [Measure(one.reason, one.measure, one.owner, one.cost, one.save_rate) for one in config.measures]


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    """At most `SHOWN_POINTS` lengths, both ends and the best one among them."""
    kept = np.unique(
        np.r_[np.linspace(0, len(curve) - 1, SHOWN_POINTS).astype(int), int(curve["net"].to_numpy().argmax())]
    )
    return curve.iloc[kept].round(2)


def _points(curve: pd.DataFrame, chosen: int) -> dict[str, Any]:
    thin = _thin(curve)
    return {"x": thin["length"].astype(int).tolist(), "profit": thin["net"].tolist(), "chosen": chosen}


def _ledger(
    histories: Histories, question: Task, plan: Plan, rows: pd.DataFrame, listed: pd.DataFrame, newest: dict[str, Any],
    best: dict[str, float],
) -> dict[str, Any]:  # fmt: skip
    """What the newest period cost, what is at risk now, and what may be spent."""
    returned = [] if isinstance(question, GivenTask) else [
        (silent, back) for at, (silent, back) in return_rate(histories, question, plan.test).items()
        if label_window(at, question.span).end < plan.end and silent
    ]  # fmt: skip
    silent, back = (sum(column) for column in zip(*returned, strict=True)) if returned else (0, 0)
    at_risk = listed["profit_at_risk"]
    money = {key: None if pd.isna(newest[key]) else float(newest[key]) for key in ("revenue_lost", "profit_lost")}
    why = {} if money["profit_lost"] is not None else {
        "profit_lost": "not measured: no purchases with amounts, and no monthly revenue named in economics"
    }  # fmt: skip
    return {
        "period": str(pd.Timestamp(newest["period"]).date()),
        "clients": int(newest["clients"]), "lost": int(newest["lost"]),
        "churn_rate": float(newest["lost"]) / max(float(newest["clients"]), 1.0), **money, **why,
        "periods": int(rows["period"].nunique()),
        "break_even_by_save_rate": break_even(money["profit_lost"], int(newest["clients"])),
        "break_even": {"spend_below": money["profit_lost"],
                       "words": "a spend that keeps all of them pays only below this; one that keeps the share s of "
                                "them pays only below s times this"},
        "return_of_the_silent": {"silent": silent, "returned": back, "rate": back / silent} if silent else
        "not measured: the data end with the newest label window, or the task is not about silence",
        "profit_at_risk": float(at_risk.sum()) if at_risk.notna().any() else "not measured: no loss per customer",
        "justified_spend": best,
        "silent_is_not_gone": "those counted as lost were silent; the share that came back later stands under "
        "return_of_the_silent" if question.kind in ("silence", "lapse") else "",
        "note": "effects of offers are assumed unless the list says measured; profit at risk is risk times "
                "loss_if_silent, never times a lifetime value that already holds the risk",
    }  # fmt: skip
