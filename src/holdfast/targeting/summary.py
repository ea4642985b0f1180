"""What the list comes to, in figures and in sentences."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from holdfast.targeting.eligibility import names, parse
from holdfast.targeting.holdout import HoldoutSize, smallest_detectable_effect
from holdfast.targeting.money import UNITS, cost_units
from holdfast.targeting.offers import Offer
from holdfast.targeting.policy import Policy
from holdfast.targeting.suppression import BUDGET, CAPACITY, NOT_RECORDED, ORDER


def summarise(
    frame: pd.DataFrame,
    people: pd.DataFrame,
    offers: Sequence[Offer],
    policy: Policy,
    size: HoldoutSize,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Sum up a list.

    Returns
    -------
    dict
        `n_considered, n_treated, n_holdout, budget, contact_cap_days, contact_cap_max, expected_cost,
        worst_case_cost, expected_profit, low, high` (sums over the treated), `profit_held_out` (what the holdout
        gives up), `holdout_share, by_offer, by_suppression, churn_rate_expected, effect_expected,
        smallest_detectable_effect` (shares, None without two arms), `round_can_answer, effect_source, notes`
        (sentences).
    """
    treated, held = frame[frame["arm"] == "treat"], frame[frame["arm"] == "holdout"]
    selected = frame[frame["arm"] != "none"]
    rate, effect = _mean(selected["p_churn"]), _mean(selected["expected_uplift"])
    detectable = math.inf if rate is None else smallest_detectable_effect(len(treated), len(held), rate, policy.power)
    by_offer = {offer.name: _of_offer(treated, held, offer) for offer in offers}
    figures: dict[str, Any] = {
        "n_considered": len(frame),
        "n_treated": len(treated),
        "n_holdout": len(held),
        "budget": policy.budget,
        "contact_cap_days": policy.contact_cap_days,
        "contact_cap_max": policy.contact_cap_max,
        "expected_cost": _money(treated["cost"]),
        "worst_case_cost": round(math.fsum(row["worst_case_cost"] for row in by_offer.values()), 4),
        "expected_profit": _sum(treated["expected_profit"]),
        "low": _sum(treated["profit_low"]),
        "high": _sum(treated["profit_high"]),
        "profit_held_out": _sum(held["expected_profit"]),
        "holdout_share": len(held) / len(selected) if len(selected) else 0.0,
        "by_offer": by_offer,
        "by_suppression": _by_suppression(frame),
        "churn_rate_expected": rate,
        "effect_expected": effect,
        "smallest_detectable_effect": detectable if math.isfinite(detectable) else None,
        "round_can_answer": effect is not None and detectable <= effect,
        "effect_source": _effect_statement(offers),
    }
    sentences = [_headline(figures), figures["effect_source"], _band(figures), _holdout(figures, policy, size)]
    sentences += [*notes, *_caveats(frame, people, offers, policy, figures)]
    return figures | {"notes": [sentence for sentence in sentences if sentence]}


def _money(cost: "pd.Series[float]") -> float:
    return int(cost_units(np.asarray(cost, dtype=np.float64)).sum()) / UNITS


def _sum(column: "pd.Series[float]") -> float | None:
    """Exact sum; None where some row is not measured, 0 for no rows."""
    return None if bool(column.isna().any()) else math.fsum(column.to_list())


def _mean(column: "pd.Series[float]") -> float | None:
    return math.fsum(column.to_list()) / len(column) if len(column) else None


def _of_offer(treated: pd.DataFrame, held: pd.DataFrame, offer: Offer) -> dict[str, Any]:
    mine = treated[treated["planned_offer"] == offer.name]
    return {
        "n_treated": len(mine),
        "n_holdout": int((held["planned_offer"] == offer.name).sum()),
        "capacity": offer.capacity,
        "expected_cost": _money(mine["cost"]),
        "worst_case_cost": round(len(mine) * offer.worst_case, 4),
        "expected_profit": _sum(mine["expected_profit"]),
        "effect": offer.effect_assumed,
        "effect_of": offer.effect_of,
        "effect_source": offer.effect_source,
    }


def _by_suppression(frame: pd.DataFrame) -> dict[str, int]:
    counts = frame["suppressed_because"].value_counts()
    return {reason: int(counts[reason]) for reason in ORDER if reason in counts.index}


def _effect_statement(offers: Sequence[Offer]) -> str:
    assumed = [offer.name for offer in offers if offer.effect_source == "assumed"]
    observed = [offer.name for offer in offers if offer.effect_source == "observed"]
    if not offers:
        return "No offers are configured, so nobody is selected: add `offers:` to the config."
    parts = []
    if assumed:
        parts.append(f"The effect of {', '.join(assumed)} is assumed, not measured: the profit is modelled.")
    if observed:
        parts.append(f"The effect of {', '.join(observed)} is observed without a trial and may be biased.")
    return " ".join(parts) or "All effects are measured against a control group."


def _headline(s: dict[str, Any]) -> str:
    of = "no budget limit" if s["budget"] is None else f"a budget of {s['budget']:,.2f}"
    return (
        f"{s['n_treated']:,} of {s['n_considered']:,} customers are to be treated and {s['n_holdout']:,} are held out; "
        f"expected cost {s['expected_cost']:,.2f} under {of}, at worst {s['worst_case_cost']:,.2f} if every incentive "
        "is redeemed."
    )


def _band(s: dict[str, Any]) -> str:
    if not s["n_treated"]:
        return ""
    profit = f"Expected profit {s['expected_profit']:,.2f}"
    if s["low"] is None or s["high"] is None:
        return f"{profit}; no interval, because that of the loss is not measured."
    return (
        f"{profit}, from {s['low']:,.2f} to {s['high']:,.2f} if the value at risk is "
        "at its low or high end for all at once; the uncertainty of the effect is not in this range."
    )


def _holdout(s: dict[str, Any], policy: Policy, size: HoldoutSize) -> str:
    if not s["n_treated"]:
        return ""
    if s["smallest_detectable_effect"] is None:
        return "Nobody is held out, so this round cannot answer whether the offers work."
    seen, effect = 100 * s["smallest_detectable_effect"], 100 * s["effect_expected"]
    head = f"With {s['n_holdout']:,} held out the smallest effect this round can show is {seen:.2f} points of churn"
    if s["round_can_answer"]:
        return f"{head}; {effect:.2f} are expected, so it can answer at {policy.power:.0%} power."
    why = "" if size.answers else " Not even a holdout of one half could, so it is kept at its smallest share."
    return f"{head}, but {effect:.2f} are expected: this round alone cannot answer; pool several rounds.{why}"


def _caveats(
    frame: pd.DataFrame, people: pd.DataFrame, offers: Sequence[Offer], policy: Policy, s: dict[str, Any]
) -> list[str]:
    notes = []
    if len(frame) and (frame["consent_basis"] == NOT_RECORDED).all():
        notes.append("Consent is not recorded (no consents table): export asks who asserts it.")
    if len(frame) and bool(people["open_complaint"].isna().all()):
        notes.append("Complaints are not recorded: open faults could not be checked before making offers.")
    if policy.contact_cap_max is not None and len(frame) and bool(people["contacts_30d"].isna().all()):
        notes.append("Contacts are not recorded: the contact cap could not be checked.")
    for offer in offers:
        asked = sorted(names(parse(offer.eligible, offer.name))) if offer.eligible and len(people) else []
        unknown = [name for name in asked if name in people.columns and bool(people[name].isna().all())]
        if unknown:
            notes.append(
                f"Nobody is eligible for {offer.name}: its condition asks for {', '.join(unknown)}, not measured here."
            )
    beyond = s["by_suppression"].get(BUDGET, 0)
    if beyond:
        notes.append(f"{beyond:,} more customers would pay but are beyond the budget.")
    full = s["by_suppression"].get(CAPACITY, 0)
    if full:
        notes.append(f"{full:,} more customers would pay but the offers' capacity is used up.")
    if offers and len(frame) and not s["n_treated"] and s["by_suppression"]:
        reason = max(s["by_suppression"], key=lambda name: (s["by_suppression"][name], name))
        count = s["by_suppression"][reason]
        notes.append(f"Nobody is treated; the most frequent reason: {reason} ({count:,} customers).")
    return notes
