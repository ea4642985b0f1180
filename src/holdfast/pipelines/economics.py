"""Stage economics: concentration, cost of winning and keeping, tiers, price response, payback (C2 to C6, C8, C9)."""

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.pipelines.domain import main_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.reporting import plots_list, style
from holdfast.value.concentration import concentration, lorenz_curve
from holdfast.value.firm import cost_ratio, payback, rate_interval
from holdfast.value.sensitivity import LEAST_ARM, interaction, price_response
from holdfast.value.tiers import care, potential, potential_tier, value_tier
from holdfast.windows import shift

YEAR = 365
RESPONSE_DAYS = 60
PAYBACK_DAYS = 30
MOST_PERIODS = 24
REGULAR = 4
"""Purchase days in the year before a trial from which a participant counts as loyal."""
PURPOSES = {"acquisition": ("acquisition",), "retention": ("retention", "programme")}
SHOWN = 100
ADVICE = {
    "responds": "they respond to price offers in these trials",
    "does not respond": "no useful response in these trials: do not spend discounts on them",
    "not clear": "these trials are too small to say; hold some out and pool the rounds",
    "not measurable": "too few of them in these trials",
}
"""What the trials say about price offers to loyal customers (C8)."""


def run_economics(context: Context, task: str) -> None:
    """Write `tiers.parquet`, `economics.json` and the Lorenz chart."""
    config, histories = context.config, open_histories(context)
    main = main_task(config).name
    plan = Plan.from_dict(context.workspace.read_json(f"plan/{main}.json"))
    known = histories.upto(plan.score)
    tiers = _tiers(context, plan.score)
    rows = _spend(known, plan.score)
    financial = [one.name for one in config.offers if one.bond == "financial"]
    facts = {
        "at": str(plan.score),
        "concentration": _concentration(rows, config.economics.margin),
        "cost_of_winning_and_keeping": winning_and_keeping(known, plan.score),
        "referrals": referrals(known, plan.score),
        "tiers": tiers["value_tier"].value_counts().sort_index().to_dict() if "value_tier" in tiers.columns else
        "not measured: no lifetime value",
        "price_response": price_trials(known, plan.score, financial),
        "payback": programmes(known, plan.score, config.economics.margin),
    }  # fmt: skip
    context.workspace.write_frame("tiers.parquet", tiers)
    context.workspace.write_json("economics.json", facts)
    curve = pd.DataFrame() if rows is None else lorenz_curve(rows["revenue"])
    if len(curve):
        kept = np.unique(np.linspace(0, len(curve) - 1, SHOWN).astype(int))
        points = curve.iloc[kept]
        figure = plots_list.lorenz(points["share_of_customers"].tolist(), points["share_of_margin"].tolist())
        with context.workspace.aside("lorenz.png") as target:
            style.save_png(figure, target)


def _tiers(context: Context, at: date) -> pd.DataFrame:
    """Value tier, potential tier and care of everybody with a value at the scoring date (C5)."""
    value = context.workspace.read_frame("value.parquet")[["customer_id", "clv"]]
    features = context.workspace.read_frame("features.parquet")
    needed = ["customer_id", "spend_365d", "tenure_days"]
    found = value.assign(value_tier=value_tier(value["clv"].astype(float)))
    if not set(needed) <= set(features.columns):
        return found
    now = features.loc[features["cutoff"] == pd.Timestamp(at), needed]
    joined = found.merge(now, on="customer_id", how="left")
    room = potential(joined["spend_365d"].astype(float), joined["tenure_days"].astype(float))
    tier = potential_tier(room)
    return found.assign(potential=room, potential_tier=tier, care=care(joined["value_tier"], tier))


def _spend(known: Histories, at: date) -> pd.DataFrame | None:
    """Revenue of each customer in the last year; None without purchases."""
    if not {"at", "amount"} <= set(known.columns("purchases")):
        return None
    with known.connect() as connection:
        rows: pd.DataFrame = connection.execute(f"""
            SELECT customer_id, CAST(sum(amount) AS DOUBLE) AS revenue FROM purchases
            WHERE "at" >= TIMESTAMP '{shift(at, -YEAR)}' GROUP BY 1 ORDER BY 1""").df()
    return rows


def _concentration(rows: pd.DataFrame | None, margin: float) -> dict[str, float] | str:
    if rows is None:
        return "not measured: no dated purchases"
    return concentration(rows["revenue"].to_numpy(float) * margin)


def winning_and_keeping(known: Histories, at: date) -> dict[str, Any] | str:
    """Acquisition cost per customer won over retention cost per customer kept, in the last year (C3)."""
    if not {"at", "purpose", "amount"} <= set(known.columns("costs")):
        return "not measured: no table of costs"
    if not {"at", "amount"} <= set(known.columns("purchases")):
        return "not measured: no dated purchases to count customers by"
    since = pd.Timestamp(shift(at, -YEAR))
    costs = known.frame("costs")
    costs = costs[costs["at"] >= since]
    spent = {
        name: float(costs.loc[costs["purpose"].str.lower().isin(words), "amount"].astype(float).sum())
        for name, words in PURPOSES.items()
    }
    days = known.frame("purchases")
    days = days[days["amount"] > 0].groupby("customer_id")["at"].agg(["min", "max"])
    joiners = int((days["min"] >= since).sum())
    before = days[days["min"] < since]
    kept = int((before["max"] >= since).sum())
    found = cost_ratio(spent["acquisition"], joiners, spent["retention"], kept)
    if found is None:
        if not joiners or not kept:
            return f"not measured: {joiners} customers won and {kept} kept in the last year"
        missing = "acquisition" if spent["acquisition"] <= 0 else "retention"
        return f"not measured: no costs with the purpose {missing} in the last year"
    return {
        "per_customer_won": found.per_joiner, "per_customer_kept": found.per_kept, "ratio": found.ratio,
        "won": joiners, "kept": kept, **{f"{name}_cost": money for name, money in spent.items()},
    }  # fmt: skip


def referrals(known: Histories, at: date) -> dict[str, Any] | str:
    """Referrals per customer-year by those who stayed and by those who were lost, in the last year (C4)."""
    if "at" not in known.columns("referrals"):
        return "not measured: no table of referrals"
    if "at" not in known.columns("purchases"):
        return "not measured: no dated purchases to tell who stayed"
    since, half = pd.Timestamp(shift(at, -YEAR)), pd.Timestamp(shift(at, -YEAR // 2))
    days = known.frame("purchases")
    days = days[days["amount"] > 0].groupby("customer_id")["at"].agg(["min", "max"])
    there = days[days["min"] < since]
    made = known.frame("referrals")
    counts = made[made["at"] >= since].groupby("referrer_id").size()
    groups = {"retained": there.index[there["max"] >= half], "lost": there.index[there["max"] < half]}
    found: dict[str, Any] = {}
    for name, ids in groups.items():
        if not len(ids):
            found[name] = "not measured: nobody"
            continue
        rate, low, high = rate_interval(int(counts.reindex(ids).sum()), float(len(ids)))
        found[name] = {"customers": len(ids), "per_customer_year": rate, "low": low, "high": high}
    return found


def price_trials(known: Histories, at: date, offers: list[str]) -> dict[str, Any] | str:
    """Response to price offers by loyalty tier, from campaigns with a control (C8)."""
    if not {"at", "arm", "offer"} <= set(known.columns("campaigns")):
        return "not measured: no table of campaigns"
    if "at" not in known.columns("purchases"):
        return "not measured: no dated purchases to read the response from"
    rows = known.frame("campaigns")
    tried = rows[rows["offer"].isin(offers) & (rows["at"] < pd.Timestamp(shift(at, -RESPONSE_DAYS)))]
    both = tried.groupby("offer")["arm"].nunique()
    tried = tried[tried["offer"].isin(both.index[both == 2])]
    if tried.empty:
        return f"not measured: no price offer with a control group {RESPONSE_DAYS} days before the scoring date"
    with known.connect() as connection:
        connection.register("tried", tried[["customer_id", "offer", "arm", "at"]].astype({"customer_id": object}))
        trial = connection.execute(f"""
            SELECT t.customer_id, t.offer, t.arm = 'treated' AS treated,
                   CAST(count(p."at") FILTER (p."at" >= t."at" AND p."at" < t."at" + INTERVAL {RESPONSE_DAYS} DAY) > 0
                        AS INTEGER) AS bought,
                   count(DISTINCT CAST(p."at" AS DATE)) FILTER (p."at" < t."at"
                        AND p."at" >= t."at" - INTERVAL {YEAR} DAY) AS days_before
            FROM tried t LEFT JOIN (SELECT * FROM purchases WHERE amount > 0) p ON p.customer_id = t.customer_id
            GROUP BY t.customer_id, t.offer, t.arm, t."at" ORDER BY t.customer_id, t.offer, t."at" """).df()
    trial = trial.assign(tier=np.where(trial["days_before"] >= REGULAR, "loyal", "other"))
    found = price_response(trial)
    loyal = dict(zip(found["tier"], found["verdict"], strict=True)).get("loyal", "not measurable")
    return {
        "offers": sorted(tried["offer"].unique()), "by_tier": found.to_dict("records"),
        "interaction": interaction(trial) or f"not measured: fewer than {LEAST_ARM} customers in an arm",
        "loyal_customers": ADVICE[loyal],
    }  # fmt: skip


def programmes(known: Histories, at: date, margin: float) -> dict[str, Any] | str:
    """Cash flow of each programme with a control group: what treated customers brought beyond the control (C9)."""
    if not {"at", "arm", "offer"} <= set(known.columns("campaigns")):
        return "not measured: no table of campaigns"
    if not {"at", "amount"} <= set(known.columns("purchases")):
        return "not measured: no dated purchases to read the gain from"
    rows = known.frame("campaigns")
    costs = known.frame("costs") if {"at", "offer", "amount"} <= set(known.columns("costs")) else None
    found: dict[str, Any] = {}
    for offer, part in rows.groupby("offer", sort=True):
        arms = part["arm"].value_counts()
        if not {"treated", "control"} <= set(arms.index):
            found[str(offer)] = "not measured: no control group"
            continue
        gain = gain_by_period(known, part, at, margin)
        if gain is None:
            found[str(offer)] = f"not measured: the newest participants have been in it for under {PAYBACK_DAYS} days"
            continue
        spent = _own_cost(part, costs, str(offer))
        table = payback(np.r_[spent, np.zeros(len(gain) - 1)], gain)
        paid = table.index[table["paid_back"]]
        found[str(offer)] = {
            "treated": int(arms["treated"]), "control": int(arms["control"]), "cost": spent,
            "period_days": PAYBACK_DAYS, "balance": table["balance"].round(2).tolist(),
            "paid_back_after_periods": int(paid[0]) + 1 if len(paid) else None,
        }  # fmt: skip
    return found or "not measured: no campaign before the scoring date"


def gain_by_period(known: Histories, part: pd.DataFrame, at: date, margin: float) -> npt.NDArray[np.float64] | None:
    """Margin per treated customer beyond the control's, times the treated, by period since each one's own start.

    Only periods that lie before the date for every participant count; None where there is none.

    Parameters
    ----------
    known : Histories
    part : DataFrame
        `customer_id, arm, at` of one offer; of several waves a customer's first counts.
    at : date
        Nothing at or after it is read.
    margin : float
        Of revenue.
    """
    arms = part.sort_values("at", kind="stable").drop_duplicates("customer_id")[["customer_id", "arm", "at"]]
    arms = arms.rename(columns={"at": "begun"})
    periods = min((pd.Timestamp(at) - arms["begun"].max()).days // PAYBACK_DAYS, MOST_PERIODS)
    if periods < 1:
        return None
    bought = known.upto(at).frame("purchases")[["customer_id", "at", "amount"]]
    rows = bought.merge(arms, on="customer_id")
    rows = rows[rows["at"] >= rows["begun"]]
    rows = rows.assign(period=(rows["at"] - rows["begun"]).dt.days // PAYBACK_DAYS)
    sums = rows[rows["period"] < periods].groupby(["arm", "period"])["amount"].sum().astype(float)
    n = arms["arm"].value_counts()
    mean = {name: sums.get(name, pd.Series(dtype=float)).reindex(range(periods), fill_value=0.0) / n[name]
            for name in ("treated", "control")}  # fmt: skip
    more: pd.Series[float] = (mean["treated"] - mean["control"]) * float(n["treated"]) * margin
    return np.asarray(more, dtype=np.float64)


def _own_cost(part: pd.DataFrame, costs: pd.DataFrame | None, offer: str) -> float:
    """What the ledger names for the offer, else the costs of its contacts."""
    if costs is not None and (costs["offer"] == offer).any():
        return float(costs.loc[costs["offer"] == offer, "amount"].astype(float).sum())
    treated = part[part["arm"] == "treated"]
    return float(treated["cost"].astype(float).sum()) if "cost" in treated.columns else 0.0
