"""`holdfast winback`: plan and list for customers already lost, out of a finished run (domain B)."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.evaluation.calibration import brier
from holdfast.evaluation.ranking import auroc
from holdfast.histories.histories import Histories
from holdfast.pipelines.act import consent, last_contacts, require_finished, stated_reasons
from holdfast.pipelines.domain import main_task, make_offers, make_policy, make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.lost import lost_at, relation, returns_of
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.targeting.export import safe_cells
from holdfast.targeting.holdout import in_global_holdout
from holdfast.targeting.reasons import best_reason
from holdfast.targeting.winback import WinbackMeasure, funnel, winback_list, winback_plan
from holdfast.tasks.task import GivenTask, Task
from holdfast.value.returning import LEAST_RETURNS, SecondValue, fit_returns, fit_second_value
from holdfast.windows import days_between, shift

LEAST_HORIZON = 30
HORIZONS = 3
"""Horizons that the history has to hold: to learn from, to count second lifetimes in, and to judge on."""
MOST_DATES = 8
STEP = 30
YEAR = 365.0

MEANINGS = {
    "rank": "1 is best: those to be contacted or held out by expected profit, then all others",
    "lost_since": "last sign of life, or the end of the last contract; empty for a snapshot",
    "p_return": "probability of coming back within the horizon without being won back",
    "second_clv": "margin of past returners in the horizon after their return, by tier of spend",
    "expected_profit": "p_return x second_clv - cost: it ranks, and counts those who would come back anyway",
    "assumed_extra_profit": "save_rate x (1 - p_return) x second_clv - cost: what the contact adds if the rate holds",
    "ready": "measure, owner and date are there",
    "overdue": "the stage began longer ago than the measure's due days",
    "arm": "treat, holdout (left alone by chance, so that the win-back can be judged) or none",
    "suppressed_because": "first rule that keeps the customer off the list",
}


@dataclass(frozen=True)
class Learnt:
    """What past returns taught: probabilities, second value, and figures with their reasons."""

    horizon: int | None
    p_return: Any
    second: SecondValue | None
    figures: dict[str, Any]


def winback(context: Context) -> dict[str, Any]:
    """Write `lists/winback.*`; nothing of the run is changed.

    Returns
    -------
    dict
        Counts, funnel and figures, as `lists/winback.json` holds them.

    Raises
    ------
    DataError
        When no run has finished in the folder.
    """
    require_finished(context)
    context = replace(context, cutoff=date.fromisoformat(context.workspace.read_json("run.json")["cutoff"]))
    with context.workspace.locked():
        return _winback(context)


def _winback(context: Context) -> dict[str, Any]:
    config, workspace = context.config, context.workspace
    question = make_task(config, main_task(config).name)
    plan = Plan.from_dict(workspace.read_json(f"plan/{question.name}.json"))
    histories = open_histories(context).upto(plan.score)
    customers = lost_at(histories, question, plan.score)
    learnt = learn(histories, question, plan, config.economics.value_horizon, config.economics.margin)
    customers = _valued(customers, learnt, config.economics.discount_rate)
    customers = _described(context, customers, histories, plan.score)
    measures = [
        WinbackMeasure(one.reason, one.measure, one.owner, one.cost, one.save_rate, one.start, one.due)
        for one in config.measures
    ]
    policy = make_policy(config)
    kept_out = in_global_holdout(customers["customer_id"].astype(str).tolist(), policy.global_holdout or 0.0)
    customers = customers.assign(global_holdout=kept_out)
    listed = winback_list(customers, measures, plan.score, seed=policy.seed, holdout=policy.holdout)
    facts = _facts(listed, histories, learnt, plan.score, bool(measures))
    workspace.write_frame("lists/winback.parquet", listed)
    workspace.write_frame("lists/winback.csv", safe_cells(listed))
    workspace.write_frame("lists/winback_plan.csv", winback_plan(listed))
    workspace.write_frame("lists/winback_dictionary.csv", pd.DataFrame(
        {"column": list(listed.columns), "meaning": [MEANINGS.get(name, "") for name in listed.columns]}))  # fmt: skip
    workspace.write_json("lists/winback.json", facts)
    return facts


def learn(histories: Histories, question: Task, plan: Plan, horizon: int, margin: float) -> Learnt:
    """Probability of return and second value from customers lost at past dates, judged on the newest of them."""
    if isinstance(question, GivenTask):
        return Learnt(None, None, None, {"returns": "not measured: a snapshot has no times"})
    if relation(histories, question) is None:
        return Learnt(None, None, None, {"returns": "not measured: no dated purchases, and no contracts with a price"})
    # nobody can have been silent for a lookback before two of them have passed
    first = shift(plan.start, 2 * max(question.span.lookback, LEAST_HORIZON))
    room = max(days_between(first, plan.score), 0) // HORIZONS
    used = min(horizon, room)
    if used < LEAST_HORIZON:
        days = days_between(plan.start, plan.score)
        why = f"not measured: {days} days of history leave no {HORIZONS} horizons of {LEAST_HORIZON} days"
        return Learnt(None, None, None, {"returns": why})
    dates = [shift(plan.score, -used - STEP * k) for k in range(MOST_DATES)]
    dates = sorted(at for at in dates if at >= first)
    parts = [returns_of(histories, question, at, used, margin) for at in dates]
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        return Learnt(used, None, None, {"returns": "not measured: nobody was lost at a past date"})
    model = fit_returns(rows, rows["returned"])
    figures: dict[str, Any] = {
        "horizon_days": used, "wanted_days": horizon, "past_dates": [str(at) for at in dates],
        "returns": {"lost": model.n, "returned": model.n_returned, "rate": model.base,
                    "model": "logistic" if model.pipeline is not None else "share of all: too few returns"},
        "backtest": backtest(histories, question, plan, used, margin, first),
    }  # fmt: skip
    # a second lifetime is counted over a whole horizon: only returns that far back can be
    whole = [at for k in range(MOST_DATES) if (at := shift(plan.score, -2 * used - STEP * k)) >= first]
    back = pd.concat([returns_of(histories, question, at, used, margin) for at in whole], ignore_index=True)
    back = back[back["returned"]].sort_values(["customer_id", "cutoff"], kind="stable")
    back = back.drop_duplicates(["customer_id", "returned_at"])
    second = None
    if len(back) >= LEAST_RETURNS:
        second = fit_second_value(back["spend_per_day"], back["margin_after"])
        figures["second_value"] = {"returners": len(back), "mean": float(back["margin_after"].mean()),
                                   "by_tier": second.mean.tolist()}  # fmt: skip
    else:
        figures["second_value"] = f"not measured: {len(back)} past returners; {LEAST_RETURNS} are needed"
    return Learnt(used, model, second, figures)


def backtest(
    histories: Histories, question: Task, plan: Plan, horizon: int, margin: float, first: date
) -> dict[str, Any] | str:
    """Learnt before a past date, judged on who was lost then: AUROC, Brier beside the base rate, and the level."""
    at = shift(plan.score, -horizon)
    earlier = [day for k in range(MOST_DATES) if (day := shift(at, -horizon - STEP * k)) >= first]
    known = replace(histories, end=at).upto(at)
    past = [returns_of(known, question, day, horizon, margin) for day in earlier]
    train = pd.concat(past, ignore_index=True) if past else pd.DataFrame()
    test = returns_of(histories, question, at, horizon, margin)
    if not len(train) or not train["returned"].any() or test["returned"].nunique() < 2:
        return "not measured: the history holds no earlier horizon in which somebody came back"
    model = fit_returns(train, train["returned"])
    p, y = model.predict(test), test["returned"].to_numpy(float)
    return {
        "at": str(at), "lost": len(test), "returned": float(y.mean()), "predicted": float(p.mean()),
        "auroc": auroc(y, p), "brier": brier(y, p), "brier_base_rate": brier(y, np.full(len(y), model.base)),
    }  # fmt: skip


def _valued(customers: pd.DataFrame, learnt: Learnt, discount: float) -> pd.DataFrame:
    """Probability of return and second value of each lost customer; missing where not measured."""
    nothing = np.full(len(customers), np.nan)
    p = nothing if learnt.p_return is None else learnt.p_return.predict(customers)
    if learnt.second is None or learnt.horizon is None:
        return customers.assign(p_return=p, second_clv=nothing, second_clv_low=nothing, second_clv_high=nothing)
    # the return comes on average half a horizon from now, its margin half a horizon later
    factor = (1 + discount) ** (-learnt.horizon / YEAR)
    mean, low, high = (factor * part for part in learnt.second.predict(customers["spend_per_day"]))
    return customers.assign(p_return=p, second_clv=mean, second_clv_low=low, second_clv_high=high)


def _described(context: Context, customers: pd.DataFrame, known: Histories, at: date) -> pd.DataFrame:
    """Reason, status, permitted channel, contact cap of each lost customer."""
    config = context.config
    frame = customers
    offers = make_offers(config)
    wanted = [name for offer in offers for name in offer.channels]
    stated = stated_reasons(known, config.exits)
    if stated is None:
        stated = pd.DataFrame({"customer_id": [], "reason_stated": [], "influenceable": []}, dtype=object)
    reasons = context.workspace.read_frame("reasons.parquet").sort_values("cutoff", kind="stable")
    reasons = reasons.drop_duplicates("customer_id", keep="last")
    named = ["customer_id", "reason_predicted", "reason_predicted_prob"]
    frame = frame.merge(stated, on="customer_id", how="left").merge(reasons[named], on="customer_id", how="left")
    best = best_reason(frame.assign(reason_indicated=None, reason_indicated_strength=np.nan))
    frame = frame.join(best)
    moved = (frame["exit_reason"] == "market") & frame["influenceable"].isna()
    said = frame["influenceable"].astype("boolean").fillna(True).astype(bool)
    frame = frame.assign(influenceable=said & ~moved)
    granted = consent(known, wanted)
    frame = frame.merge(granted, on="customer_id", how="left") if granted is not None else frame
    channels = frame["consent_channels"].fillna("") if granted is not None else pd.Series("*", index=frame.index)
    frame = frame.assign(permitted=channels != "", channel=channels.map(lambda text: _channel(text, wanted)))
    contacts = last_contacts(known, at, config.targeting.contact_cap.per)
    if contacts is not None:
        frame = frame.merge(contacts[["customer_id", "contacts_in_cap"]], on="customer_id", how="left")
    recent = (
        frame["contacts_in_cap"].fillna(0) if "contacts_in_cap" in frame.columns else pd.Series(0, index=frame.index)
    )
    return _with_status(frame.assign(capped=recent >= config.targeting.contact_cap.max), known)


def _channel(permitted: str, wanted: list[str]) -> str | None:
    """The first of the firm's channels that is permitted, else the first permitted one."""
    granted = [part for part in permitted.split("|") if part]
    if "*" in granted:
        return wanted[0] if wanted else ""
    return next((name for name in wanted if name.lower() in granted), granted[0] if granted else None)


def _with_status(frame: pd.DataFrame, known: Histories) -> pd.DataFrame:
    """The newest status since the customer was lost, read back from the win-back table; without one it is planned."""
    if "at" not in known.columns("winback"):
        never = pd.Series(pd.NaT, index=frame.index)
        return frame.assign(status="planned", status_at=never, status_owner=None)
    rows = known.frame("winback")
    rows = rows.assign(owner=rows["owner"] if "owner" in rows.columns else None)
    rows = rows.merge(frame[["customer_id", "lost_since"]], on="customer_id", how="inner")
    rows = rows[~(rows["at"] < rows["lost_since"])].sort_values(["at", "status"], kind="stable")
    newest = rows.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    owner = rows.dropna(subset=["owner"]).drop_duplicates("customer_id", keep="last").set_index("customer_id")["owner"]
    status = frame["customer_id"].map(newest["status"].astype(str).str.strip().str.lower())
    return frame.assign(
        status=status.fillna("planned"), status_at=frame["customer_id"].map(newest["at"]),
        status_owner=frame["customer_id"].map(owner),
    )  # fmt: skip


def _facts(listed: pd.DataFrame, known: Histories, learnt: Learnt, at: date, measures: bool) -> dict[str, Any]:
    """Counts, funnel and figures of the list."""
    notes = [
        "p_return is the return without being won back: expected_profit counts those who would come back anyway",
        "assumed_extra_profit rests on the measures' save rates, which are assumed; the holdout measures them",
    ]
    if not measures:
        notes.append("no `measures` in the config: no row has an owner or a date, so none is ready")
    steps = known.frame("winback") if "at" in known.columns("winback") else None
    return {
        "at": str(at), "lost": len(listed), "treat": int((listed["arm"] == "treat").sum()),
        "holdout": int((listed["arm"] == "holdout").sum()),
        "ready": int(listed["ready"].sum()), "not_ready": int((~listed["ready"]).sum()),
        "overdue": int(listed["overdue"].sum()),
        "suppressed": listed.loc[listed["suppressed_because"] != "", "suppressed_because"].value_counts().sort_index()
        .to_dict(),
        "funnel": "not measured: no winback table" if steps is None else funnel(steps),
        "consent_basis": "granted" if known.has("consents") else "not recorded",
        **learnt.figures, "notes": notes,
    }  # fmt: skip
