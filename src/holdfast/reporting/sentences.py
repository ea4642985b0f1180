"""The report's sentences: what a manager reads first."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from holdfast.drivers.words import AGAINST, NOTHING_MORE
from holdfast.reporting.data import ReportData
from holdfast.reporting.pictures import leaver_shares, mean_of, treated_sums
from holdfast.reporting.words import (
    CLASS_WORDS,
    FAMILY_WORDS,
    count,
    day,
    figure,
    in_ten,
    listing,
    measured,
    money,
    percent,
    readable,
    rough_money,
    span,
)

LEAVING = {
    "silence": "buy nothing", "lapse": "fall silent for longer than their own rhythm allows",
    "contract_end": "end their contract", "given": "leave", "decline": "cut their spending",
}  # fmt: skip


def headline(data: ReportData, listed: pd.DataFrame) -> list[str]:
    """Say in sentences who is likely to leave, what is at risk, and what the list is expected to earn.

    Returns
    -------
    list of str
        The first sentence is the title of the page.
    """
    expected, at_risk = float(listed["p_churn"].sum()), float(listed["profit_at_risk"].sum())
    first = f"About {people(expected)} of {count(len(listed))} active customers are likely to {leaving(data)}."
    known = bool(listed["profit_at_risk"].notna().any())
    worth = f"The profit at risk with them is {rough_money(at_risk, data.currency)}."
    second = worth if known else "What they are worth is not measured."
    return [first, second, _promise(data, listed)]


def assumptions(data: ReportData, listed: pd.DataFrame) -> str:
    """Spell out the assumed effects the list rests on; empty when none is assumed."""
    if not condition(data, listed):
        return ""
    same: dict[str, list[str]] = {}
    for name, one in (data.summary.get("by_offer") or {}).items():
        if one.get("effect_source", "assumed") == "assumed" and one.get("n_treated") and measured(one.get("effect")):
            same.setdefault(f"{percent(one['effect'], 1)} of the {_base(one)} stay", []).append(str(name))
    return "; ".join(f"{listing(names)}: {effect}" for effect, names in same.items())


def example(data: ReportData, listed: pd.DataFrame) -> list[str]:
    """Tell one row of the list in full sentences; the label is made up and no id is known here."""
    treated = listed[(listed["arm"] == "treat") & listed["reason_1"].map(_raises).astype(bool)]
    if treated.empty:
        return []
    row = treated.iloc[len(treated) // 4]
    reasons = [str(row[name]) for name in ("reason_1", "reason_2", "reason_3") if _raises(row[name])]
    risk = float(row["p_churn"])
    told = [
        f"Of customers whose history looks like that of customer A (a made-up name), {in_ten(risk)} are expected to "
        f"{leaving(data)}: the risk is {percent(risk)}.",
        f"What raises the score most: {_numbered(reasons)}.",
        f"A customer like this who falls silent costs {money(row['loss_if_silent'], data.currency)} of margin.",
    ]
    by = f" by {row['channel']}" if isinstance(row["channel"], str) and row["channel"] else ""
    source = row["effect_source"] if isinstance(row["effect_source"], str) else "assumed"
    told.append(
        f"The list plans the offer “{row['planned_offer']}”{by}. "
        f"It is expected to cost {money(row['cost'], data.currency)}, "
        f"to raise the chance of staying by {100 * float(row['expected_uplift']):.1f} points ({source}), and to earn "
        f"{money(row['expected_profit'], data.currency)} after costs."
    )
    return told


def _raises(reason: Any) -> bool:
    """Whether a reason names something that raises the score."""
    return isinstance(reason, str) and reason not in ("", NOTHING_MORE) and not reason.startswith(AGAINST)


def families(drivers: pd.DataFrame) -> list[str]:
    """Name the three strongest kinds of evidence with their share of all influence on the score."""
    if drivers.empty:
        return []
    sums = drivers.groupby("family")["mean_abs"].sum().sort_values(ascending=False, kind="stable")
    total = max(float(sums.sum()), 1e-12)
    top = [(str(name), float(value) / total) for name, value in sums.head(3).items()]
    return [f"{FAMILY_WORDS.get(name, readable(name))} ({percent(share)})" for name, share in top]


def classes(listed: pd.DataFrame) -> list[str]:
    """Name the three most frequent exit classes with their share of expected leavers; none when all are unknown."""
    shares = leaver_shares(listed)
    named = [(name, share) for name, share in shares.items() if name != "unknown"]
    named.sort(key=lambda pair: (-pair[1], pair[0]))
    return [f"{CLASS_WORDS.get(name, name)} ({percent(share)})" for name, share in named[:3]]


def value_words(data: ReportData) -> list[str]:
    """Say how the loss was estimated and how it did on a later period."""
    value, told = data.value, []
    if value.get("note"):
        told.append(f"{str(value['note'])[0].upper()}{str(value['note'])[1:]}.")
    used, wanted = value.get("horizon_days"), value.get("wanted_days")
    if used:
        told.append(f"The loss is the margin of the active minus that of the silent over {used} days.")
    if used and wanted and used < wanted:
        told.append(
            f"The history is too short for {wanted} days; nothing is extrapolated, so the loss is on the low side."
        )
    if measured(value.get("ratio")):
        bounds = span([value.get("low"), value.get("high")], 2)
        between = f" (90% interval {bounds})" if bounds else ""
        told.append(
            f"On a later period the predicted loss was {figure(value['ratio'], 2)} times the actual one{between}."
        )
    if measured(value.get("top_20_share")):
        told.append(f"The best 20% of customers bring {percent(value['top_20_share'])} of the margin (measured here).")
    return [*told, *_lifetime(value)]


def _lifetime(value: Mapping[str, Any]) -> list[str]:
    """Say what the lifetime value is, and how its method did on a later period beside RFM."""
    told = (
        []
        if not value.get("clv_method")
        else [
            f"The lifetime value ({value['clv_method']}) counts margin over {value['clv_days']} days and, less surely, "
            f"until day {value['clv_end']}; it already holds the chance that the customer is gone."
        ]
    )
    if measured(value.get("clv_ratio")) and measured(value.get("clv_rank")):
        ranks = f"by {figure(value['clv_rank'], 2)} (Spearman)"
        if measured(value.get("rfm_rank")):
            ranks += f", RFM's by {figure(value['rfm_rank'], 2)}"
        told.append(
            f"On a later period it predicted {figure(value['clv_ratio'], 2)} times the margin that came; its ranking "
            f"agreed with what came {ranks}, and its first tenth held {percent(value['clv_top'])} of the margin."
        )
    if measured(value.get("survival_brier")):
        told.append(
            f"Survival curves put back to {value['survival_at']} told leavers from stayers with an AUC of "
            f"{figure(value['survival_auc'], 2)}; their squared error was {figure(value['survival_brier'], 3)} beside "
            f"{figure(value['survival_brier_km'], 3)} of one curve for all."
        )
    return told


def silent(cutoffs: Sequence[Mapping[str, Any]]) -> str:
    """Say how many of the silent came back; empty when that was not measured."""
    back = mean_of(cutoffs, "return_rate")
    if back is None:
        return ""
    return f"Of those who fell silent at the test dates {percent(back)} came back by themselves before the data end."


def loyalty(metrics: Mapping[str, Any] | None, relationship: Mapping[str, Any] | None = None) -> str:
    """Sum up the loyalty model, its tiers and what holds the customers; empty without one."""
    mean = (metrics or {}).get("mean") or {}
    if not measured(mean.get("auroc")):
        return ""
    auroc, brier = figure(mean["auroc"]), figure(mean.get("brier"))
    told = f"The loyalty model ranks with a mean AUROC of {auroc} and a Brier score of {brier} at its own test dates."
    mean = (relationship or {}).get("mean") or {}
    if measured(mean.get("rps")):
        told += (
            f" Its three tiers score {figure(mean['rps'])} (ranked probability score, smaller is better; "
            f"{figure(mean['rps_base_rates'])} if everybody had the same chances)."
        )
    kinds: Mapping[str, int] = (relationship or {}).get("attachment") or {}
    named = [f"{count(n)} {kind}" for kind, n in kinds.items() if kind not in ("not measured", "uncertain")]
    if named:
        told += f" What holds the customers: {listing(named)}."
    elif kinds.get("not measured"):
        told += " Loyal, captive or habitual is not measured: neither commitment nor recommendation is on record."
    return told


def sensitivity(metrics: Mapping[str, Any], currency: str) -> str:
    """Say how far the modelled profit moves when cost, acceptance or value are off by half."""
    rows = [row for row in metrics.get("sensitivity") or () if measured(row.get("profit_at_budget"))]
    if not rows:
        return ""
    base, *others = rows
    worst, best = (pick(others, key=lambda row: row["profit_at_budget"]) for pick in (min, max))
    ends = [f"{rough_money(row['profit_at_budget'], currency)} ({row['input']} × {row['factor']:g})"
            for row in (worst, best)]  # fmt: skip
    return (
        f"At the test dates the budget would have earned {rough_money(base['profit_at_budget'], currency)} on average, "
        f"under the effects assumed; with cost, acceptance or value off by half, between {ends[0]} and {ends[1]}."
    )


def selection(metrics: Mapping[str, Any], currency: str) -> str:
    """Say whether the rule that lets a newer model take over would have picked well."""
    found = metrics.get("selection_rule") or {}
    if not found.get("n"):
        return ""
    profit = found.get("metric") == "profit_at_budget"
    lost, always, never = (
        rough_money(found[name], currency) if profit else f"{found[name]:.4f} average precision"
        for name in ("regret", "regret_always", "regret_never")
    )
    return (
        f"Replayed at {found['n']} past date{'s'[: found['n'] > 1]}, the rule that lets a newer model take over picked "
        f"the better one at {found['right']}; against the better choice it lost {lost} on average (always renewing: "
        f"{always}; never: {never})."
    )


def leaving(data: ReportData) -> str:
    """Say what leaving means here and within which days."""
    if data.kind == "given":
        return LEAVING["given"]
    days = data.metrics.get("horizon_days")
    lead = data.metrics.get("lead_days") or 0
    since = f"from {day(pd.Timestamp(data.scored_at) + pd.Timedelta(days=lead))}" if days else ""
    window = f" in the {days} days {since}" if days else ""
    return f"{LEAVING.get(data.kind, 'leave')}{window}"


def people(expected: float) -> str:
    """Write an expected number of people: it is an estimate, so above 1,000 in tens."""
    return count(round(expected, -1) if expected >= 1000 else expected)


def condition(data: ReportData, listed: pd.DataFrame) -> str:
    """Say on which condition the promise stands: assumed effects."""
    sources = set(listed.loc[listed["arm"] == "treat", "effect_source"].dropna())
    return ", if the offers work as well as assumed" if "assumed" in sources else ""


def _promise(data: ReportData, listed: pd.DataFrame) -> str:
    summary, sums = data.summary, treated_sums(listed)
    if not summary.get("n_treated"):
        return "At these settings no offer is expected to pay, so nobody is to be contacted."
    budget, cost = summary.get("budget"), money(summary["expected_cost"], data.currency)
    within = "" if budget is None else f" from a budget of {money(budget, data.currency)}"
    profit = summary.get("expected_profit", sums["profit"])
    first = f"Contacting {count(summary['n_treated'])} customers for {cost}{within}"
    if not measured(profit):
        return f"{first} is planned; what that earns is not measured."
    return f"{first} is expected to earn {rough_money(profit, data.currency)} after costs{condition(data, listed)}."


def _base(offer: Mapping[str, Any]) -> str:
    return "contacted" if offer.get("effect_of") == "contacted" else "would-be leavers among the contacted"


def _numbered(reasons: Sequence[str]) -> str:
    if len(reasons) == 1:
        return reasons[0]
    return "; ".join(f"({place}) {text}" for place, text in enumerate(reasons, 1))
