"""The chapter "Why they leave and what it costs": tables and sentences out of the exit ledger."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from holdfast.reporting.words import CLASS_WORDS, count, day, figure, listing, measured, percent, rough_money

CLASSES = ("price", "product", "service", "market", "technology", "political", "unknown")
SOURCES = ("stated", "predicted", "indicated")


def shares(exits: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Share of leavers per class: past leavers as stated and as predicted, expected ones as the model points."""
    rows = pd.DataFrame(exits.get("distribution") or [], columns=["source", "split", "segment", "reason", "share"])
    whole = rows[rows["split"] == "all"]
    return {
        source: dict(zip(part["reason"], part["share"].astype(float), strict=True))
        for source in SOURCES
        if len(part := whole[whole["source"] == source]) and (part["reason"] != "unknown").any()
    }


def chapter(exits: Mapping[str, Any] | None, currency: str) -> dict[str, Any]:
    """Everything that the chapter prints; empty without a ledger.

    Parameters
    ----------
    exits : mapping or None
        `ledger` (`exit_ledger.json`), and rows of `distribution`, `fix_list`, `rates` (newest period, everybody) and
        `alerts`.
    currency : str
        ISO code.

    Returns
    -------
    dict
        `cost, why, spend, alerts` (sentences), `classes` (rows of the table), `fixes` (rows), `not_measured`.
    """
    if not exits:
        return {}
    ledger = exits["ledger"]
    return {
        "cost": _cost(ledger, exits.get("rates") or {}, currency),
        "classes": _classes(exits, ledger),
        "why": _why(ledger),
        "alerts": _alerts(exits.get("alerts") or (), ledger),
        "spend": _spend(ledger, currency),
        "fixes": [_fix(row) for row in exits.get("fix_list") or ()],
        "not_measured": _not_measured(ledger),
    }


def _cost(ledger: Mapping[str, Any], rate: Mapping[str, Any], currency: str) -> list[str]:
    lost, clients = count(ledger["lost"]), count(ledger["clients"])
    ends = [percent(rate[name], 1) for name in ("low", "high") if measured(rate.get(name))]
    between = f" (between {' and '.join(ends)})" if len(ends) == 2 else ""
    told = [
        f"In the period from {day(ledger['period'])}, {lost} of {clients} clients were lost: "
        f"{percent(ledger['churn_rate'], 1)}{between}. Who joined within the period is not in it."
    ]
    if not isinstance(ledger.get("profit_lost"), str):
        told.append(
            f"In the year before they had brought {rough_money(ledger['revenue_lost'], currency)} of revenue and "
            f"{rough_money(ledger['profit_lost'], currency)} of margin. A spend that kept all of them would pay only "
            "below that; one that keeps a share of them, below that share of it."
        )
    referred = ledger.get("profit_lost_with_referrals")
    if isinstance(referred, Mapping) and measured(referred.get("group")):
        group = rough_money(referred["group"], currency)
        told.append(f"Together with those whom they had brought it was {group}, each counted once.")
    back = ledger.get("return_of_the_silent")
    if isinstance(back, Mapping):
        told.append(f"Of the silent, {percent(back['rate'])} came back later without being won back.")
    return told


def _classes(exits: Mapping[str, Any], ledger: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = shares(exits)
    risk = ledger.get("profit_at_risk_by_reason")
    money_of = risk if isinstance(risk, Mapping) else {}
    return [
        {"label": CLASS_WORDS.get(name, name), "risk": money_of.get(name, 0.0) if money_of else None}
        | {source: found[source].get(name, 0.0) if source in found else None for source in SOURCES}
        for name in CLASSES
    ]


def _why(ledger: Mapping[str, Any]) -> list[str]:
    reasons = ledger["reasons"]
    stated, predicted, agreement = reasons["stated"], reasons["predicted"], reasons["agreement"]
    told = []
    if isinstance(stated, Mapping):
        told.append(
            f"{count(stated['mapped'])} of {count(stated['statements'])} recorded leavers stated a reason that the "
            "config maps onto the six classes."
        )
        if stated["unmapped"]:
            top = [f"“{word}” ({count(n)})" for word, n in list(stated["unmapped"].items())[:5]]
            told.append(f"Not mapped yet: {listing(top)}; `exits.reasons` in the config takes them.")
    if isinstance(predicted, Mapping):
        most = percent(max(predicted["classes"].values()))
        told.append(
            f"The classifier that learnt from them names a class for {percent(predicted['coverage'])} of the leavers "
            f"and is right for {_share(predicted['accuracy_claimed'])} of these (cross-validated; always naming the "
            f"commonest class would be right for {most}). Elsewhere it says that the evidence is thin."
        )
    both = agreement.get("stated_indicated") or {}
    if measured(both.get("kappa")):
        told.append(
            "What the churn model points at agrees with what leavers stated with a kappa of "
            f"{figure(both['kappa'], 2)} (0 is chance, 1 is full agreement; {count(both['n'])} leavers): read it as a "
            "pointer, not as a cause."
        )
    return told


def _share(value: Any) -> str:
    return percent(value) if measured(value) else "an unknown share"


def _alerts(rows: Sequence[Mapping[str, Any]], ledger: Mapping[str, Any]) -> list[str]:
    rising = [row for row in rows if row["alert"]]
    told = []
    for row in rising:
        label, (low, high) = CLASS_WORDS.get(row["reason"], row["reason"]), (row["ratio_low"], row["ratio_high"])
        told.append(
            f"Leavers for the reason “{label}” are rising: {count(row['leavers'])} in the newest period, "
            f"{figure(row['ratio'], 1)} times the usual rate (between {figure(low, 1)} and {figure(high, 1)})."
        )
    if rows and not rising:
        told.append(f"No class that the firm can influence is rising beyond chance ({ledger['false_alarms']}).")
    if not rows:
        told.append(
            "Whether a class is rising is not measured: that takes reasons, stated or predicted, in three periods or "
            "more."
        )
    return told


def _spend(ledger: Mapping[str, Any], currency: str) -> list[str]:
    best = ledger["justified_spend"]
    if not best["length"]:
        return ["At the present offers no contact is expected to pay: the largest justified spend is nil."]
    spend, most = (rough_money(best[name], currency) for name in ("spend", "break_even_spend"))
    return [
        f"The net benefit is largest with {count(best['length'])} customers contacted for {spend}; it would be used up "
        f"at {most} ({count(best['break_even_length'])} customers), the largest spend that is justified. Effects are "
        "assumed unless the list says measured."
    ]


def _fix(row: Mapping[str, Any]) -> dict[str, Any]:
    known = measured(row.get("avoidable_low"))
    return {
        "reason": CLASS_WORDS.get(row["reason"], row["reason"]), "measure": row["measure"], "owner": row["owner"],
        "cost": row["cost"], "saved": row["profit_saved"] if measured(row.get("profit_saved")) else None,
        "avoidable": f"{figure(row['avoidable_low'], 1)} to {figure(row['avoidable_high'], 1)}" if known else None,
        "decision": row["decision"],
    }  # fmt: skip


def _not_measured(ledger: Mapping[str, Any]) -> dict[str, str]:
    reasons = ledger["reasons"]
    named = {
        "stated reasons": reasons["stated"], "predicted reasons": reasons["predicted"],
        "profit lost with the leavers": ledger.get("profit_lost"),
        "profit lost with referrals": ledger.get("profit_lost_with_referrals"),
        "profit at risk by reason": ledger.get("profit_at_risk_by_reason"),
        "survival by cohort": ledger.get("survival"),
    }  # fmt: skip
    prefix = "not measured: "
    return {
        name: str(value).removeprefix(prefix)
        for name, value in named.items()
        if isinstance(value, str) and value.startswith(prefix)
    }
