"""What the page says: sentences and tables, ready for the template."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from holdfast.reporting.data import ReportData
from holdfast.reporting.exit_chapter import chapter
from holdfast.reporting.pictures import treated_sums
from holdfast.reporting.sentences import (
    assumptions,
    classes,
    example,
    families,
    headline,
    leaving,
    loyalty,
    people,
    selection,
    sensitivity,
    silent,
    value_words,
)
from holdfast.reporting.words import (
    BASELINE_WORDS,
    count,
    day,
    figure,
    measured,
    money,
    percent,
    readable,
    rough_money,
    span,
)

BANDS = (
    (0.8, 1.01, "80% and more"),
    (0.6, 0.8, "60 to 80%"),
    (0.4, 0.6, "40 to 60%"),
    (0.2, 0.4, "20 to 40%"),
    (0.0, 0.2, "below 20%"),
)

STATES = {
    "enough": "enough history", "short": "two purchase days", "one_purchase": "one purchase day",
    "snapshot": "one row, no history", "lost": "already lost",
}  # fmt: skip

METRICS = (
    ("auroc", "Ranking (AUROC)", "Take one leaver and one stayer at random: how often the leaver has the higher "
     "risk. 0.5 is guessing, 1 is perfect."),
    ("average_precision", "Average precision", "How clean the top of the ranking is; read it against the share who "
     "left."),
    ("top_decile_lift", "Lift of the top tenth", "How many times more leavers the riskiest tenth holds than a random "
     "tenth."),
    ("brier", "Brier score", "Mean squared error of the probabilities; smaller is better."),
    ("ece", "Calibration error", "Mean distance between forecast and truth in 20 groups; even a perfect model shows "
     "the floor, not 0."),
    ("calibration_slope", "Calibration slope", "1 is right; below 1 the forecasts are too extreme, above 1 too timid."),
)  # fmt: skip

SUPPRESSION_WORDS = {
    "budget": "would pay, but beyond the budget", "capacity": "would pay, but the offer's capacity is used up",
    "not profitable": "no offer is expected to pay", "global holdout": "never contacted (standing control group)",
}  # fmt: skip

_NO_LIST = {
    "n_treated": 0, "n_holdout": 0, "expected_cost": None, "budget": None, "worst_case_cost": None,
    "round_can_answer": None,
}  # fmt: skip
_TWO_DIGITS = frozenset({"top_decile_lift", "calibration_slope"})
_COMPARED = ("auroc", "average_precision", "top_decile_lift", "brier", "ece")


def page(data: ReportData, listed: pd.DataFrame) -> dict[str, Any]:
    """Build everything the template prints except the pictures.

    Parameters
    ----------
    data : ReportData
        What to say.
    listed : pandas.DataFrame
        The list without ids.

    Returns
    -------
    dict
        Names of the template's variables.
    """
    cutoffs = sorted(data.metrics.get("cutoffs") or (), key=lambda one: str(one["cutoff"]))
    return {
        "source": data.source,
        "scored_at": data.scored_at,
        "simulated": data.simulated,
        "headline": headline(data, listed),
        "cards": _cards(data, listed),
        "assumed": assumptions(data, listed),
        "n_outside": data.n_outside,
        "n_customers": len(listed),
        "leaving": leaving(data),
        "bands": bands(listed),
        "states": _states(listed),
        "families": families(data.drivers),
        "classes": classes(listed),
        "example": example(data, listed),
        "exits": chapter(data.exits, data.currency),
        "offers": _offers(data.summary),
        "suppressed": _suppressed(data.summary),
        "summary": {**_NO_LIST, **data.summary},
        "notes": _notes(data.summary),
        "sums": treated_sums(listed),
        "value": value_words(data),
        "cutoffs": [_cutoff(one) for one in cutoffs],
        "metric_words": [(title, words) for _, title, words in METRICS],
        "baselines": baselines(data.metrics),
        "sensitivity": sensitivity(data.metrics, data.currency),
        "selection": selection(data.metrics, data.currency),
        "silent": silent(cutoffs),
        "random_split": data.kind == "given",
        "loyalty": loyalty(data.loyalty, data.relationship),
        "caveats": list(data.caveats),
        "not_measured": dict(data.not_measured),
        "provenance": dict(data.provenance),
        "versions": dict(data.versions),
    }


def bands(listed: pd.DataFrame) -> list[dict[str, Any]]:
    """Split the customers by risk: how many, how many expected to leave, profit at risk, on the list."""
    rows = []
    for low, high, label in BANDS:
        part = listed[(listed["p_churn"] >= low) & (listed["p_churn"] < high)]
        risk = part["profit_at_risk"]
        rows.append(
            {
                "label": label,
                "n": len(part),
                "leavers": float(part["p_churn"].sum()),
                "at_risk": float(risk.sum()) if risk.notna().any() else (0.0 if part.empty else None),
                "treat": int((part["arm"] == "treat").sum()),
                "holdout": int((part["arm"] == "holdout").sum()),
            }
        )
    return rows


def baselines(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Set the model's mean figures beside those of every baseline; the model comes first, then by AUROC."""
    mean, rivals = metrics.get("mean") or {}, metrics.get("baselines_mean") or {}
    if not mean:
        return []
    rows = [_rival("holdfast", mean, None, own=True)]
    paired = metrics.get("paired_mean") or {}
    ordered = sorted(rivals, key=lambda name: (-(rivals[name].get("auroc") or 0.0), name))
    for name in ordered:
        gain = _difference(mean.get("auroc"), rivals[name].get("auroc"))
        bounds = (paired.get(name) or {}).get("auroc") or {}
        row = _rival(BASELINE_WORDS.get(name, readable(name)), rivals[name], gain, own=False)
        rows.append({**row, "gain_span": span([bounds.get("low"), bounds.get("high")]), "won": _won(metrics, name)})
    return rows


def _cards(data: ReportData, listed: pd.DataFrame) -> list[dict[str, str]]:
    expected, at_risk = float(listed["p_churn"].sum()), listed["profit_at_risk"]
    summary, currency = data.summary, data.currency
    share = percent(expected / len(listed)) if len(listed) else "none"
    risk = rough_money(at_risk.sum(), currency) if at_risk.notna().any() else "not measured"
    cost = f"expected cost {money(summary.get('expected_cost'), currency)}"
    profit = rough_money(summary.get("expected_profit"), currency)
    cards = (
        ("Active customers", count(len(listed)), f"scored on {day(data.scored_at)}"),
        ("Likely to leave", people(expected), f"{share} of them"),
        ("Profit at risk", risk, "risk × loss, summed"),
        ("To be contacted", count(summary.get("n_treated", 0)), cost),
        ("Expected profit", profit, _reach(summary, currency)),
    )
    return [{"title": title, "figure": text, "note": note} for title, text, note in cards]


def _reach(summary: Mapping[str, Any], currency: str) -> str:
    low, high = summary.get("low"), summary.get("high")
    if not measured(low) or not measured(high) or not summary.get("n_treated"):
        return "after costs"
    return f"{rough_money(low, currency)} to {rough_money(high, currency)} as the loss is low or high"


def _states(listed: pd.DataFrame) -> list[dict[str, Any]]:
    rows = [
        {"label": STATES.get(str(state), readable(str(state))), "n": len(part), "leavers": float(part.sum())}
        for state, part in listed.groupby(listed["history_state"].astype(str), sort=True)["p_churn"]
    ]
    return sorted(rows, key=lambda row: (-row["n"], row["label"]))


def _offers(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = [{"name": name, **one} for name, one in (summary.get("by_offer") or {}).items()]
    return sorted(rows, key=lambda row: (-(row.get("expected_profit") or 0.0), row["name"]))


def _suppressed(summary: Mapping[str, Any]) -> list[tuple[str, int]]:
    counts: Mapping[str, int] = summary.get("by_suppression") or {}
    told = [(SUPPRESSION_WORDS.get(reason, reason), n) for reason, n in counts.items()]
    return sorted(told, key=lambda pair: (-pair[1], pair[0]))


def _notes(summary: Mapping[str, Any]) -> list[str]:
    """List the sentences of the list's summary that the page does not say in its own way."""
    said = str(summary.get("effect_source"))
    counts = f"{summary.get('n_treated', 0):,} of {summary.get('n_considered', 0):,}"
    return [str(note) for note in summary.get("notes") or () if note != said and not str(note).startswith(counts)]


def _cutoff(one: Mapping[str, Any]) -> dict[str, Any]:
    spans = one.get("intervals") or {}
    figures = []
    for key, _, _ in METRICS:
        digits = _digits(key)
        floor = figure(one.get("ece_floor")) if key == "ece" and measured(one.get("ece_floor")) else ""
        figures.append({"text": _dash(one.get(key), digits), "span": span(spans.get(key), digits), "floor": floor})
    return {
        "cutoff": day(one["cutoff"]),
        "n": one.get("n"),
        "rate": one.get("base_rate"),
        "returned": one.get("return_rate"),
        "figures": figures,
    }


def _rival(name: str, figures: Mapping[str, Any], gain: float | None, *, own: bool) -> dict[str, Any]:
    shown = [_dash(figures.get(key), _digits(key)) for key in _COMPARED]
    difference = "" if gain is None else f"{'+' if gain >= 0 else ''}{figure(gain)}"
    return {"name": name, "own": own, "figures": shown, "gain": difference, "gain_span": "", "won": ""}


def _won(metrics: Mapping[str, Any], name: str) -> str:
    """Count the cutoffs at which the whole paired interval lies above 0."""
    pairs = [((one.get("paired") or {}).get(name) or {}).get("auroc") or {} for one in metrics.get("cutoffs") or ()]
    known = [pair["low"] for pair in pairs if measured(pair.get("low"))]
    return f"{sum(low > 0 for low in known)} of {len(known)}" if known else ""


def _difference(one: Any, other: Any) -> float | None:
    return float(one) - float(other) if measured(one) and measured(other) else None


def _dash(value: Any, digits: int) -> str:
    return figure(value, digits) if measured(value) else "–"


def _digits(metric: str) -> int:
    return 2 if metric in _TWO_DIGITS else 3
