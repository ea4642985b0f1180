"""Stage exits: churn rates, leavers by class, profit lost and at risk, justified spend, and what to repair (A2–A8)."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.exits.distribution import UNKNOWN, leaver_distribution
from holdfast.exits.ledger import justified_spend, net_benefit
from holdfast.exits.measures import Measure, fix_list
from holdfast.exits.rate import churn_rate
from holdfast.histories.histories import Histories
from holdfast.params import Config
from holdfast.pipelines.domain import main_task, make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.reporting import plots_list, style
from holdfast.tasks.task import GivenTask, Task, return_rate
from holdfast.windows import Span, label_window, shift

MOST_PERIODS = 24
YEAR = 365
MONTHS = 12
TIERS = ("low", "middle", "high")
SPLITS = ("region", "segment", "kind")
SHOWN_POINTS = 200


def run_exits(context: Context, task: str) -> None:
    """Write the folder `exits/`."""
    histories, config = open_histories(context), context.config
    question = make_task(config, main_task(config).name)
    plan = Plan.from_dict(context.workspace.read_json(f"plan/{question.name}.json"))
    rows = _rows(histories, question, plan, config.economics.monthly_revenue)
    if histories.has("exits"):
        rows = rows.assign(stated=_stated(histories, config, rows, question.span))
    listed = context.workspace.read_frame("lists/retention.parquet")
    lost = _profit_lost(rows, config, plan.start)
    newest: dict[str, Any] = {str(key): value for key, value in lost.iloc[-1].to_dict().items()}
    curve = net_benefit(listed["expected_profit"] + listed["cost"], listed["cost"], listed["customer_id"])
    distribution = _distribution(context, rows, listed)
    fixes = fix_list(
        _measures(config), clients=int(newest["clients"]), leavers=_latest(distribution, newest),
        profit_per_leaver=newest["profit_per_leaver"],
    )  # fmt: skip
    with context.workspace.aside("exits") as folder:
        folder.mkdir(parents=True)
        frames = {
            "churn_rate": churn_rate(rows, _groups(histories, rows)), "leaver_distribution": distribution,
            "profit_lost": lost, "justified_spend": _thin(curve), "fix_list": fixes,
        }  # fmt: skip
        for name, frame in frames.items():
            frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        shares = distribution[(distribution["source"] == "indicated") & (distribution["split"] == "all")]
        style.save_png(plots_list.leavers(dict(zip(shares["reason"], shares["share"], strict=True))),
                       folder / "leaver_distribution.png")  # fmt: skip
        best = justified_spend(curve)
        style.save_png(plots_list.profit_curve(_points(curve, int(best["length"])), config.economics.currency),
                       folder / "justified_spend.png")  # fmt: skip
    context.workspace.write_json(
        "exits/exit_ledger.json", _ledger(histories, question, plan, rows, listed, newest, best)
    )


def _rows(histories: Histories, question: Task, plan: Plan, monthly: str | None) -> pd.DataFrame:
    """One row per customer and period: who was there when it began, who was lost in it, revenue of the year before."""
    if isinstance(question, GivenTask):
        labels = question.labels(histories, [plan.score])
    else:
        whole = replace(question, span=Span(question.span.lookback, 0, question.span.horizon))
        labels = whole.labels(histories, _periods(whole, plan))
    leaves = 0 if question.kind == "repeat" else 1
    rows = labels.rename(columns={"cutoff": "period"}).assign(lost=(labels["label"] == leaves).astype(int))
    kept = rows[["customer_id", "period", "lost"]]
    return kept.merge(_revenue(histories, kept, monthly), on=["customer_id", "period"], how="left")


def _periods(question: Task, plan: Plan) -> list[Any]:
    """Beginnings of periods of one horizon each, the newest complete one last; they do not overlap."""
    first = shift(plan.start, question.span.lookback)
    found = [shift(plan.end, -question.span.horizon * k) for k in range(1, MOST_PERIODS + 1)]
    return sorted(at for at in found if at >= first) or [plan.test[-1]]


def _revenue(histories: Histories, rows: pd.DataFrame, monthly: str | None) -> pd.DataFrame:
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


def _stated(histories: Histories, config: Config, rows: pd.DataFrame, span: Span) -> "pd.Series[str]":
    """The class of the newest reason that the customer of each row stated about that exit; missing where none fits.

    A dated reason belongs to a period when it was stated within its lookback or in it. Words that the config does not
    map count as not known.
    """
    known = histories.frame("exits")
    if "stated_reason" not in known.columns:
        return pd.Series(pd.NA, index=rows.index, dtype=object)
    known = known.assign(stated=known["stated_reason"].map(config.exits.class_of()))
    joined = rows[["customer_id", "period"]].reset_index().merge(known, on="customer_id", how="inner")
    if "at" in known.columns:
        begins = joined["period"] - pd.Timedelta(days=span.lookback)
        ends = joined["period"] + pd.Timedelta(days=span.horizon)
        joined = joined.loc[(joined["at"] >= begins) & (joined["at"] < ends)].sort_values("at", kind="stable")
    return joined.drop_duplicates("index", keep="last").set_index("index")["stated"].reindex(rows.index)


def _groups(histories: Histories, rows: pd.DataFrame) -> dict[str, "pd.Series[str]"]:
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


def _distribution(context: Context, rows: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Leavers by class: stated ones of past periods, and the expected ones that the model points at."""
    parts = []
    if "stated" in rows.columns:
        gone = rows.loc[rows["lost"] == 1].assign(reason=lambda frame: frame["stated"])
        parts.append(leaver_distribution(gone).assign(source="stated", split="all", segment="all"))
        for split, name in (("period", "period"), ("value_tier", "tier")):
            words = gone[name].dt.strftime("%Y-%m-%d") if name == "period" else gone[name].astype(str)
            part = leaver_distribution(gone.assign(**{name: words}), [name])
            parts.append(part.rename(columns={name: "segment"}).assign(source="stated", split=split))
    drivers = context.workspace.read_frame(f"drivers/{main_task(context.config).name}.parquet")
    pointed = drivers.set_index("customer_id")["reason_indicated"]
    expected = listed.assign(reason=listed["customer_id"].map(pointed).to_numpy(), weight=listed["p_churn"])
    parts.append(leaver_distribution(expected).assign(source="indicated", split="all", segment="all"))
    columns = ["source", "split", "segment", "reason", "leavers", "share"]
    return pd.concat(parts, ignore_index=True)[columns]


def _latest(distribution: pd.DataFrame, newest: dict[str, Any]) -> dict[str, float]:
    """Leavers of each class in the newest period: as stated, else the lost spread as the model points."""
    stated = distribution[(distribution["source"] == "stated") & (distribution["split"] == "period")]
    stated = stated[stated["segment"] == f"{newest['period']:%Y-%m-%d}"]
    if len(stated) and stated.loc[stated["reason"] != UNKNOWN, "leavers"].sum() > 0:
        return dict(zip(stated["reason"], stated["leavers"], strict=True))
    pointed = distribution[distribution["source"] == "indicated"]
    return dict(zip(pointed["reason"], pointed["share"] * float(newest["lost"]), strict=True))


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
