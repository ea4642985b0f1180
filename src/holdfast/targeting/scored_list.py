"""The retention list: who is worth a contact, with what, who is held out, and why all others are not."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.targeting.customers import prepare
from holdfast.targeting.dictionary import LIST_COLUMNS
from holdfast.targeting.economics import Worth, worth
from holdfast.targeting.holdout import draws, in_global_holdout
from holdfast.targeting.money import UNITS, budget_units
from holdfast.targeting.offers import Offer, require_distinct
from holdfast.targeting.plan import Plan, plan_round
from holdfast.targeting.policy import Policy
from holdfast.targeting.reasons import best_reason, gate_note
from holdfast.targeting.summary import summarise
from holdfast.targeting.suppression import GLOBAL, NOT_PROFITABLE, Admission, admit

LOSSES = ("loss_if_silent", "loss_low", "loss_high")


@dataclass(frozen=True)
class ScoredList:
    """The list and what it comes to.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per customer considered, columns `dictionary.LIST_COLUMNS`, best first.
    summary : dict
        Plain numbers, texts, lists and dicts (fit for JSON); see `summary.summarise`.
    """

    frame: pd.DataFrame
    summary: dict[str, Any]


def build_list(
    customers: pd.DataFrame,
    offers: Sequence[Offer],
    policy: Policy,
    *,
    model_version: str | None = None,
    run_id: str | None = None,
) -> ScoredList:
    """Choose customer x offer x channel under budget, capacity, contact cap and consent.

    For every customer each admissible offer is priced (`economics.worth`); those that pay compete for the
    budget by expected profit per unit of expected cost (`allocation.allocate`), because density is what a
    scarce budget should buy. The list is then *shown* by expected profit, the figure a reader cares for;
    ties are broken by `customer_id`. A holdout is drawn from the selected (`plan.plan_round`).

    Parameters
    ----------
    customers : pandas.DataFrame
        One row per scored customer; see `customers.prepare`. Money in `loss_*` is multiplied by
        `policy.margin`.
    offers : sequence of Offer
        Order matters only for exact ties.
    policy : Policy
        Budget, holdout, caps, seed.
    model_version, run_id : str, optional
        Written into every row where `customers` has no such column of its own.

    Returns
    -------
    ScoredList
        The same bytes for the same customers in any row order.

    Raises
    ------
    DataError
        For customers that cannot be used.
    ConfigError
        For two offers of one name, or an `eligible` that cannot be evaluated.

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": list("abcd"), "cutoff": pd.Timestamp("2024-01-01"),
    ...     "p_churn": [0.5, 0.4, 0.3, 0.0], "loss_if_silent": [100.0, 100.0, 100.0, 100.0]})
    >>> done = build_list(people, [Offer("call", contact_cost=1.0, effect_assumed=0.1)], Policy(budget=10.0))
    >>> sorted(zip(done.frame["customer_id"], done.frame["arm"]))[3]
    ('d', 'none')
    >>> done.summary["n_treated"] + done.summary["n_holdout"]
    3
    """
    require_distinct(offers)
    people = _in_profit(prepare(customers), policy.margin)
    best = best_reason(people)
    people = people.assign(profit_at_risk=people["p_churn"] * people["loss_if_silent"], **_columns(best))
    admission = admit(people, best, offers, policy)
    p = people["p_churn"].to_numpy(float)
    loss, low, high = (people[name].to_numpy(float) for name in LOSSES)
    value = worth(p, loss, low, high, offers)
    because, kept = _paying(people, admission, value, policy)
    value = Worth(value.uplift, value.cost, np.where(kept, value.profit, -np.inf), value.low, value.high)
    luck = draws(people["customer_id"].tolist(), f"{policy.seed}|{_round_of(people)}")
    plan = plan_round(
        value, p, luck, budget_units(policy.budget), [o.capacity for o in offers], policy.holdout, policy.power
    )
    because = np.where(because == "", plan.left_out, because)
    frame = _frame(people, offers, admission, value, plan, because, model_version, run_id)
    notes = [note for note in (gate_note(best, offers, policy.gate_by_indicated),) if note]
    return ScoredList(frame, summarise(frame, people, offers, policy, plan.size, notes))


def _in_profit(people: pd.DataFrame, margin: float) -> pd.DataFrame:
    return people.assign(**{name: people[name] * margin for name in LOSSES})


def _columns(frame: pd.DataFrame) -> dict[str, Any]:
    return {str(name): frame[name] for name in frame.columns}


def _round_of(people: pd.DataFrame) -> str:
    """The cutoff in the draw's salt: a new round draws anew, the same round never does."""
    return str(people["cutoff"].max()) if len(people) else ""


def _paying(
    people: pd.DataFrame, admission: Admission, value: Worth, policy: Policy
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Reasons with the two that follow from profit and the global holdout, and the choices left."""
    because = admission.because.copy()
    kept = admission.admissible & (value.profit > 0)
    because[(because == "") & ~kept.any(axis=1)] = NOT_PROFITABLE
    never = in_global_holdout(people["customer_id"].tolist(), policy.global_holdout)
    because[(because == "") & never] = GLOBAL
    return because, kept & (because == "")[:, None]


def _frame(
    people: pd.DataFrame,
    offers: Sequence[Offer],
    admission: Admission,
    value: Worth,
    plan: Plan,
    because: NDArray[np.object_],
    model_version: str | None,
    run_id: str | None,
) -> pd.DataFrame:
    n, planned = len(people), plan.choice >= 0
    at = (np.arange(n), np.maximum(plan.choice, 0))

    def text(table: list[str] | NDArray[np.object_]) -> "pd.Series[str]":
        cells = [(x or None) if keep else None for x, keep in zip(table, planned, strict=True)]
        return pd.Series(cells, dtype="string")

    def number(table: NDArray[Any]) -> NDArray[np.float64]:
        return np.where(planned, table[at], np.nan) if len(offers) else np.full(n, np.nan)

    def of_offer(field: str) -> list[str]:
        return [str(getattr(offers[k], field)) if k >= 0 else "" for k in plan.choice.tolist()]

    new = pd.Series(planned, dtype="boolean") & ~people["was_on_last_list"]
    made = people.assign(
        planned_offer=text(of_offer("name")),
        channel=text(admission.channel[at] if len(offers) else np.full(n, None, dtype=object)),
        cost=number(value.cost / UNITS),
        expected_uplift=number(value.uplift),
        effect_source=text(of_offer("effect_source")),
        expected_profit=number(value.profit),
        profit_low=number(value.low),
        profit_high=number(value.high),
        arm=pd.Series(np.where(plan.treated, "treat", np.where(planned, "holdout", "none")), dtype="string"),
        suppressed_because=pd.Series([x or None for x in because], dtype="string"),
        consent_basis=pd.Series([admission.consent_basis] * n, dtype="string"),
        contacts_30d=people["contacts_30d"].astype("Float64").round().astype("Int64"),
        is_new_on_list=new.where(people["was_on_last_list"].notna(), pd.NA),
        model_version=people["model_version"].fillna(model_version or ""),
        run_id=people["run_id"].fillna(run_id or ""),
    )
    return _ranked(made)


def _ranked(made: pd.DataFrame) -> pd.DataFrame:
    order = np.lexsort(
        (
            np.arange(len(made)),
            -made["profit_at_risk"].fillna(-np.inf).to_numpy(float),
            -made["expected_profit"].fillna(-np.inf).to_numpy(float),
            (made["arm"] == "none").to_numpy(bool),
        )
    )
    frame = made.iloc[order].reset_index(drop=True)
    frame = frame.assign(rank=np.arange(1, len(frame) + 1))
    frame = frame.assign(list_id=_fingerprint(frame))
    texts = [name for name in LIST_COLUMNS if pd.api.types.is_string_dtype(frame[name].dtype)]
    return frame[list(LIST_COLUMNS)].astype(dict.fromkeys(texts, "string"))


def _fingerprint(frame: pd.DataFrame) -> str:
    """Short hash of who gets what at which price; the run that wrote it is not part of the content."""
    what = ["rank", "customer_id", "cutoff", "p_churn", "planned_offer", "channel", "cost", "expected_profit", "arm"]
    text = frame[[*what, "suppressed_because", "consent_basis"]].to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:12]
