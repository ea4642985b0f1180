"""The win-back list: who to win back, with what, by whom and until when (domain B1 to B4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.targeting.holdout import draw_holdout, draws
from holdfast.targeting.suppression import (
    CAP,
    GLOBAL,
    NEGATIVE,
    NO_CHANNEL,
    NO_CONSENT,
    NOT_INFLUENCEABLE,
    NOT_PROFITABLE,
)

PLAN_REASONS: Mapping[str, tuple[str, ...]] = {
    "product quality": ("product",), "service attitude": ("service",), "price": ("price",),
    "competition": ("price", "product", "technology"),
}  # fmt: skip
"""The four reasons of a win-back plan and the classes they may mean; several classes are ambiguous (B1)."""

NO_MEASURE = "no measure for this reason"
NOT_READY = "not ready: no owner or date"
PAUSED = "refused: pause"
ABSENT = "not measured"
PAUSE_DAYS = 180
"""Days for which a refusal is left alone."""

GOALS = {"planned": "contacted", "contacted": "answered", "refused": "reason known", "returned": "bought again"}
"""The next stage from each status."""
ACTIONS = {
    "planned": "contact with the measure for the reason",
    "contacted": "ask for the answer",
    "refused": "do not press: ask for the reason, come back after the pause",
    "returned": "welcome back; watch the next purchase",
}
COLUMNS = (
    "rank", "customer_id", "lost_since", "exit_reason", "reason_source", "measure", "p_return", "second_clv",
    "expected_profit", "owner", "start", "due", "stage_goal", "status", "channel", "arm", "suppressed_because",
    "reason_prob", "plan_reason", "cost", "second_clv_low", "second_clv_high", "assumed_extra_profit", "ready",
    "overdue", "action",
)  # fmt: skip
"""The contract's columns, and after them our own."""


@dataclass(frozen=True)
class WinbackMeasure:
    """What the firm does for a reason.

    Parameters
    ----------
    reason, measure : str
    owner : str or None
    cost : float
        Money per customer contacted.
    save_rate : float or None
        Assumed share of those who would stay away whom it brings back.
    start_days, due_days : int
        From the scoring date.
    """

    reason: str
    measure: str
    owner: str | None
    cost: float
    save_rate: float | None
    start_days: int
    due_days: int


def plan_class(word: str) -> tuple[str | None, bool]:
    """Class of a win-back reason, and whether it is ambiguous: then none is forced (B1).

    Examples
    --------
    >>> plan_class("Service attitude"), plan_class("competition"), plan_class("weather")
    (('service', False), (None, True), (None, True))
    """
    classes = PLAN_REASONS.get(word.strip().lower(), ())
    return (classes[0], False) if len(classes) == 1 else (None, True)


def plan_reason(exit_class: str) -> str:
    """The plan's word for an exit class; `competition?` where the class is only a part of it, `none` where none fits.

    Examples
    --------
    >>> plan_reason("product"), plan_reason("technology"), plan_reason("market")
    ('product quality', 'competition?', 'none')
    """
    for word, classes in PLAN_REASONS.items():
        if classes == (exit_class,):
            return word
    return "competition?" if exit_class in PLAN_REASONS["competition"] else "none"


def winback_list(
    customers: pd.DataFrame, measures: Sequence[WinbackMeasure], at: date, *, seed: int, holdout: float
) -> pd.DataFrame:
    """Rank the lost customers and give everybody a measure, a channel, an arm and a next step.

    Parameters
    ----------
    customers : DataFrame
        One row per lost customer: `customer_id, lost_since, exit_reason, reason_source, reason_prob, p_return,
        second_clv, second_clv_low, second_clv_high, status, status_at, status_owner, channel, permitted` (bool),
        `influenceable` (bool), `capped` (bool), `global_holdout` (bool).
    measures : sequence of WinbackMeasure
        The first of a reason counts.
    at : date
        The scoring date.
    seed : int
    holdout : float
        Share of the ready ones who are left alone, so that the win-back can be judged (A9).

    Returns
    -------
    DataFrame
        `COLUMNS`, best first: those to be contacted or held out by expected profit, then all others.

    Notes
    -----
    `expected_profit` is p_return x second_clv − cost (B2): it ranks, and it counts those who would come back anyway.
    `assumed_extra_profit` is save_rate x (1 − p_return) x second_clv − cost: what the contact adds if the measure's
    save rate holds. Only the holdout can tell.
    """
    by_reason = {one.reason: one for one in reversed(list(measures))}
    frame = customers.reset_index(drop=True)

    def chosen(name: str) -> "pd.Series[Any]":
        return (
            frame["exit_reason"].map({reason: getattr(one, name) for reason, one in by_reason.items()}).astype(object)
        )

    first = pd.Timestamp(at)
    frame = frame.assign(
        measure=chosen("measure"), cost=chosen("cost").astype(float).fillna(0.0),
        owner=chosen("owner").where(chosen("owner").notna(), frame["status_owner"]),
        start=first + pd.to_timedelta(chosen("start_days").astype(float), unit="D"),
        due=first + pd.to_timedelta(chosen("due_days").astype(float), unit="D"),
        plan_reason=frame["exit_reason"].map(plan_reason),
    )  # fmt: skip
    worth = frame["p_return"] * frame["second_clv"]
    rate = chosen("save_rate").astype(float)
    frame = frame.assign(
        expected_profit=worth - frame["cost"],
        assumed_extra_profit=rate * (1 - frame["p_return"]) * frame["second_clv"] - frame["cost"],
        stage_goal=frame["status"].map(GOALS).fillna(GOALS["planned"]), action=frame["status"].map(ACTIONS),
        ready=frame["measure"].notna() & frame["owner"].notna() & frame["due"].notna(),
    )  # fmt: skip
    frame["action"] = frame["action"].fillna(ACTIONS["planned"])
    age = (pd.Timestamp(at) - pd.to_datetime(frame["status_at"])).dt.days
    allowed = chosen("due_days").astype(float)
    frame["overdue"] = frame["status"].isin(("planned", "contacted")) & (age > allowed)
    frame["suppressed_because"] = _because(frame, age)
    frame = frame.assign(arm=_arms(frame, at, seed, holdout))
    taken = frame["arm"] != "none"
    order = frame.assign(taken=taken, profit=frame["expected_profit"].fillna(-np.inf)).sort_values(
        ["taken", "profit", "customer_id"], ascending=[False, False, True], kind="stable"
    )
    order["rank"] = np.arange(1, len(order) + 1)
    return order.reset_index(drop=True)[list(COLUMNS)]


def _because(frame: pd.DataFrame, age: "pd.Series[Any]") -> "pd.Series[str]":
    """The first rule that keeps a customer off the list; empty for those who pass."""
    rules = [
        (frame["global_holdout"], GLOBAL),
        (~frame["influenceable"], NOT_INFLUENCEABLE),
        (~frame["permitted"], NO_CONSENT),
        (frame["channel"].isna(), NO_CHANNEL),
        (frame["capped"], CAP),
        ((frame["status"] == "refused") & (age < PAUSE_DAYS), PAUSED),
        (frame["second_clv"].isna() | frame["p_return"].isna(), ABSENT),
        (frame["second_clv"] < 0, NEGATIVE),
        (frame["measure"].isna(), NO_MEASURE),
        (~frame["ready"], NOT_READY),
        (frame["expected_profit"] <= 0, NOT_PROFITABLE),
    ]
    conditions = [rule.to_numpy(bool) for rule, _ in rules]
    return pd.Series(np.select(conditions, [word for _, word in rules], ""), index=frame.index)


def _arms(frame: pd.DataFrame, at: date, seed: int, holdout: float) -> "pd.Series[str]":
    """Treat or hold out those who pass, at random within fifths of the probability of return."""
    passing = frame.index[frame["suppressed_because"] == ""]
    ordered = frame.loc[passing].sort_values("customer_id", kind="stable")
    luck = draws(ordered["customer_id"].astype(str).tolist(), f"winback {seed} {at}")
    held = draw_holdout(ordered["p_return"].to_numpy(float), luck, holdout)
    arm = pd.Series("none", index=frame.index)
    arm.loc[ordered.index] = np.where(held, "holdout", "treat")
    return arm


def winback_plan(listed: pd.DataFrame) -> pd.DataFrame:
    """The plan: one row per reason, with who is ready and what is expected (B2).

    Parameters
    ----------
    listed : DataFrame
        What `winback_list` gives.

    Returns
    -------
    DataFrame
        `exit_reason, plan_reason, measure, owner, start, due, stage_goal, customers, treat, holdout, not_ready,
        overdue, expected_profit`: the money of those to be contacted, sorted by it.
    """
    rows = []
    for reason, part in listed.groupby("exit_reason", sort=True):
        first, treat = part.iloc[0], part[part["arm"] == "treat"]
        rows.append({
            "exit_reason": reason, "plan_reason": first["plan_reason"], "measure": first["measure"],
            "owner": first["owner"], "start": first["start"], "due": first["due"],
            "stage_goal": "; ".join(sorted(set(treat["stage_goal"]))), "customers": len(part), "treat": len(treat),
            "holdout": int((part["arm"] == "holdout").sum()), "not_ready": int((~part["ready"]).sum()),
            "overdue": int(part["overdue"].sum()), "expected_profit": float(treat["expected_profit"].sum()),
        })  # fmt: skip
    columns = ["exit_reason", "plan_reason", "measure", "owner", "start", "due", "stage_goal", "customers", "treat",
               "holdout", "not_ready", "overdue", "expected_profit"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(
        ["expected_profit", "exit_reason"], ascending=[False, True], kind="stable", ignore_index=True
    )


def funnel(statuses: pd.DataFrame) -> dict[str, int]:
    """How many customers got as far as each stage: planned, contacted, then refused or returned (B4).

    Parameters
    ----------
    statuses : DataFrame
        `customer_id, status`, every row of the win-back history.

    Examples
    --------
    >>> funnel(pd.DataFrame({"customer_id": ["a", "a", "b"], "status": ["planned", "contacted", "planned"]}))
    {'planned': 2, 'contacted': 1, 'refused': 0, 'returned': 0}
    """
    known = statuses.assign(status=statuses["status"].astype(str).str.strip().str.lower())
    return {name: int(known.loc[known["status"] == name, "customer_id"].nunique())
            for name in ("planned", "contacted", "refused", "returned")}  # fmt: skip
