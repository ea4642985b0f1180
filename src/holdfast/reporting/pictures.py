"""The report's pictures, each with the sentence that stands for it where it cannot be seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from holdfast.reporting import plots, plots_list, style
from holdfast.reporting.curves import list_curve
from holdfast.reporting.data import ReportData
from holdfast.reporting.exit_chapter import shares
from holdfast.reporting.words import CLASS_WORDS, FAMILY_WORDS, count, day, figure, measured, money, percent, readable

_SUMMED = {"at_risk": "profit_at_risk", "cost": "cost", "profit": "expected_profit"}


@dataclass(frozen=True)
class Picture:
    """A figure and what it shows in words."""

    figure: Figure
    words: str


def inline(data: ReportData, listed: pd.DataFrame) -> dict[str, Markup]:
    """Draw every picture that the data allow as inline SVG, by name."""
    # The markup is our own; the texts inside were escaped when it was drawn.
    return {
        name: Markup(style.svg(picture.figure, name, picture.words)) for name, picture in draw(data, listed).items()
    }


def files(data: ReportData, listed: pd.DataFrame, folder: Path) -> list[Path]:
    """Write every picture as PNG."""
    drawn = draw(data, listed)
    return [style.save_png(drawn[name].figure, folder / f"{name}.png") for name in sorted(drawn)]


def draw(data: ReportData, listed: pd.DataFrame) -> dict[str, Picture]:
    """Draw the pictures that the data allow.

    Returns
    -------
    dict of str to Picture
        Some of `scores, drivers, leavers, reasons, worth, profit, history, roc, gain, calibration`.
    """
    drawn: dict[str, Picture] = {}
    if len(listed):
        drawn["scores"] = _scores(listed)
        drawn["leavers"] = _leavers(listed)
    by_source = shares(data.exits or {})
    if by_source:
        drawn["reasons"] = _reasons(by_source)
    if len(data.drivers):
        drawn["drivers"] = _drivers(data)
    drawn |= _money(data, listed)
    if data.metrics.get("cutoffs"):
        drawn["history"] = _history(data)
    return drawn | _curves(data)


def leaver_shares(listed: pd.DataFrame) -> dict[str, float]:
    """Share of expected leavers per exit class, weighting each customer by the risk; shares add to 1.

    Reads `reason_indicated` where it is there, else the best supported `exit_reason`.

    Examples
    --------
    >>> leaver_shares(pd.DataFrame({"p_churn": [0.75, 0.25], "exit_reason": ["price", None]}))
    {'price': 0.75, 'unknown': 0.25}
    """
    column = "reason_indicated" if "reason_indicated" in listed.columns else "exit_reason"
    named = listed[column].astype(object).where(listed[column].notna(), "unknown").replace("", "unknown")
    weight = listed["p_churn"].groupby(named.to_numpy()).sum()
    total = float(weight.sum())
    return {str(name): float(value) / total for name, value in weight.items()} if total > 0 else {}


def treated_sums(listed: pd.DataFrame) -> dict[str, float]:
    """Sum what the customers to be contacted put at stake: `at_risk, saved, cost, profit` (money).

    What is saved is the expected profit before costs.
    """
    treated = listed[listed["arm"] == "treat"]
    sums = {key: _total(treated[column]) for key, column in _SUMMED.items()}
    return {**sums, "saved": sums["profit"] + sums["cost"]}


def mean_of(cutoffs: Any, key: str) -> float | None:
    """Mean of a figure over the cutoffs where it was measured."""
    known = [float(one[key]) for one in cutoffs if measured(one.get(key))]
    return sum(known) / len(known) if known else None


def _scores(listed: pd.DataFrame) -> Picture:
    risk = listed["p_churn"]
    words = f"Histogram of the risk of {count(len(listed))} customers; half lie below {percent(risk.median())}."
    return Picture(plots.scores(risk.tolist()), words)


def _leavers(listed: pd.DataFrame) -> Picture:
    shares = leaver_shares(listed)
    parts = [f"{CLASS_WORDS.get(name, name)} {percent(share)}" for name, share in _largest(shares)]
    return Picture(plots_list.leavers(shares), f"Expected leavers by indicated class: {', '.join(parts)}.")


def _reasons(by_source: Mapping[str, Mapping[str, float]]) -> Picture:
    parts = []
    for source, found in by_source.items():
        told = [f"{CLASS_WORDS.get(name, name)} {percent(share)}" for name, share in _largest(dict(found))]
        parts.append(f"{source}: {', '.join(told)}")
    return Picture(plots_list.leavers_by_source(by_source), f"Leavers by class. {'; '.join(parts)}.")


def _drivers(data: ReportData) -> Picture:
    families = data.drivers.groupby("family")["mean_abs"].sum()
    parts = [FAMILY_WORDS.get(str(name), readable(str(name))) for name, _ in _largest(families.to_dict())[:3]]
    return Picture(plots_list.drivers(data.drivers, data.words), f"What moves the scores most: {', '.join(parts)}.")


def _money(data: ReportData, listed: pd.DataFrame) -> dict[str, Picture]:
    sums, curve = treated_sums(listed), list_curve(listed)
    drawn: dict[str, Picture] = {}
    if bool((listed["arm"] == "treat").any()) and all(measured(value) for value in sums.values()):
        amounts = {name: money(value, data.currency) for name, value in sums.items()}
        words = f"Of {amounts['at_risk']} at risk {amounts['saved']} are expected to be saved for {amounts['cost']}."
        drawn["worth"] = Picture(plots_list.worth(sums["at_risk"], sums["saved"], sums["cost"], data.currency), words)
    if len(curve["x"]) > 1:
        words = f"Expected profit by number of customers contacted; the list holds {count(curve['chosen'])}."
        drawn["profit"] = Picture(plots_list.profit_curve(curve, data.currency), words)
    return drawn


def _history(data: ReportData) -> Picture:
    cutoffs = sorted(data.metrics["cutoffs"], key=lambda one: str(one["cutoff"]))
    parts = [f"{day(one['cutoff'])}: {figure(one.get('auroc'))}" for one in cutoffs]
    names = sorted({name for one in cutoffs for name in (one.get("baselines") or {})} - {"base_rate"})
    return Picture(plots.history(cutoffs, names), f"AUROC at each test cutoff. {'; '.join(parts)}.")


def _curves(data: ReportData) -> dict[str, Picture]:
    drawn: dict[str, Picture] = {}
    cutoffs = data.metrics.get("cutoffs") or ()
    if data.curves.get("roc"):
        drawn["roc"] = Picture(
            plots.roc(data.curves["roc"]), "ROC curves of the test cutoffs beside the diagonal of guessing."
        )
    if data.curves.get("gain"):
        newest: Mapping[str, Any] = data.curves["gain"][-1]
        tenth = float(np.interp(0.1, newest["x"], newest["y"]))
        drawn["gain"] = Picture(
            plots.gain(data.curves["gain"]), f"The riskiest tenth holds {percent(tenth)} of all leavers."
        )
    if data.curves.get("calibration"):
        ece, floor = mean_of(cutoffs, "ece"), mean_of(cutoffs, "ece_floor")
        words = f"Predicted against observed shares of leavers; mean error {figure(ece)}, floor {figure(floor)}."
        drawn["calibration"] = Picture(plots.calibration(data.curves["calibration"], ece=ece, floor=floor), words)
    return drawn


def _total(column: "pd.Series[Any]") -> float:
    return float(pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan).sum())


def _largest(values: Mapping[Any, float]) -> list[tuple[str, float]]:
    return sorted(((str(name), value) for name, value in values.items()), key=lambda pair: (-pair[1], pair[0]))
