"""Pictures of the list: what it is worth and what the scores rest on. No picture knows a customer."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from holdfast.reporting import style
from holdfast.reporting.words import CLASS_WORDS, FAMILY_WORDS, currency_sign, money, percent, readable


def profit_curve(points: Mapping[str, Any], currency: str = "GBP") -> Figure:
    """Draw modelled profit against the number of customers contacted (`x, profit, chosen`), the list marked."""
    figure, (axes,) = style.new_figure(3.2)
    x, profit, chosen = points["x"], points["profit"], points["chosen"]
    axes.plot(x, profit, color=style.BLUE, linewidth=2)
    axes.spines["bottom"].set_visible(False)
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    if chosen in x:
        height = profit[x.index(chosen)]
        axes.plot([chosen], [height], color=style.ORANGE, marker="o", markersize=7)
        right = chosen > 0.6 * max(x[-1], 1)
        axes.annotate(
            f"this list: {chosen:,} customers, {money(height, currency)}", (chosen, height), textcoords="offset points",
            xytext=(-8 if right else 10, -16), ha="right" if right else "left", color=style.INK, fontsize=9,
        )  # fmt: skip
    style.as_count(axes.xaxis)
    style.as_count(axes.yaxis, currency_sign(currency))
    style.titled(axes, "customers contacted, best first", "expected profit after costs, effects as configured")
    axes.set_xlim(0, 1.02 * max(x[-1], 1))
    low, high = min(0.0, *profit), max(0.0, *profit)
    axes.set_ylim(low - (0.08 * (high - low) if low < 0 else 0.0), high + 0.12 * max(high - low, 1e-9))
    return figure


def drivers(ranking: pd.DataFrame, words: Mapping[str, str] | None = None, top: int = 10) -> Figure:
    """Draw what moves the scores: families (left) and the strongest single features (right).

    Parameters
    ----------
    ranking : pandas.DataFrame
        `drivers/<task>_global.csv`: `feature, family, mean_abs` (log odds).
    words : mapping or None
        Readable names of features; else made from the column name.
    top : int
        How many features.
    """
    names = words or {}
    families = ranking.groupby("family")["mean_abs"].sum().sort_values(ascending=False, kind="stable").head(8)
    single = ranking.sort_values(["mean_abs", "feature"], ascending=[False, True], kind="stable").head(top)
    figure, (left, right) = style.new_figure(0.27 * max(len(single), len(families)) + 0.8, columns=2, width=8.6)
    share = families / max(float(ranking["mean_abs"].sum()), 1e-12)
    _bars(
        left, [FAMILY_WORDS.get(str(name), readable(str(name))) for name in families.index], share.tolist(), style.BLUE
    )
    style.as_percent(left.xaxis)
    style.titled(left, y="kind of evidence, share of all influence")
    labels = [names.get(name, readable(name)) for name in single["feature"]]
    _bars(right, labels, single["mean_abs"].tolist(), style.SKY)
    style.titled(right, y="single figures, in log odds")
    return figure


def leavers(shares: Mapping[str, float]) -> Figure:
    """Draw the share of expected leavers per exit class that the model points at; `unknown` stays grey and last."""
    ordered = sorted((name for name in shares if name != "unknown"), key=lambda name: (-shares[name], name))
    ordered += ["unknown"] if "unknown" in shares else []
    figure, (axes,) = style.new_figure(0.33 * len(ordered) + 0.7, width=6.4)
    colours = [style.GREY if name == "unknown" else style.ORANGE for name in ordered]
    _bars(axes, [CLASS_WORDS.get(name, name) for name in ordered], [shares[name] for name in ordered], colours, percent)
    style.as_percent(axes.xaxis)
    axes.set_xlim(0, max(1.18 * max(shares.values(), default=0), 0.1))
    style.titled(axes, y="share of expected leavers")
    return figure


def lorenz(customers: Sequence[float], money_share: Sequence[float]) -> Figure:
    """Draw the share of revenue that the best customers bring, beside equal shares (C2)."""
    figure, (axes,) = style.new_figure(3.6, width=4.6)
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.9)
    axes.plot(customers, money_share, color=style.BLUE, linewidth=1.8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    style.as_percent(axes.xaxis)
    style.as_percent(axes.yaxis)
    axes.set_xlabel("best customers")
    style.titled(axes, y="share of the revenue of a year")
    return figure


SOURCE_WORDS = {
    "stated": "stated by past leavers", "predicted": "predicted for past leavers",
    "indicated": "indicated for expected leavers",
}  # fmt: skip


def leavers_by_source(by_source: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the share of leavers per class, a bar per source, the sources side by side and never added up.

    Parameters
    ----------
    by_source : mapping of str to mapping of str to float
        Shares per class of `stated`, `predicted`, `indicated`, as far as they are known.
    """
    names = [name for name in CLASS_WORDS if any(name in found for found in by_source.values())]
    figure, (axes,) = style.new_figure(0.24 * len(names) * len(by_source) + 1.0, width=6.8)
    height = 0.8 / len(by_source)
    for place, (source, colour) in enumerate(zip(by_source, (style.BLUE, style.SKY, style.ORANGE), strict=False)):
        values = [by_source[source].get(name, 0.0) for name in names]
        at = [row + (place - (len(by_source) - 1) / 2) * height for row in range(len(names))]
        axes.barh(at, values, height=0.9 * height, color=colour, label=SOURCE_WORDS.get(source, source))
        for y, value in zip(at, values, strict=True):
            axes.annotate(percent(value), (value, y), xytext=(4, 0), textcoords="offset points", va="center",
                          fontsize=7.5, color=style.INK)  # fmt: skip
    axes.set_yticks(range(len(names)), [CLASS_WORDS[name] for name in names])
    axes.invert_yaxis()
    style.as_percent(axes.xaxis)
    axes.set_xlim(0, 1.15 * max(max(found.values(), default=0.0) for found in by_source.values()) or 0.1)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="upper right", frameon=False, fontsize=8)
    style.titled(axes, y="share of leavers")
    return figure


def worth(at_risk: float, saved: float, cost: float, currency: str = "GBP") -> Figure:
    """Draw what the list is worth: the profit at risk, the part it is expected to save, its cost and what remains.

    Parameters
    ----------
    at_risk : float
        Profit at risk with the customers to be contacted, money.
    saved : float
        Part of it that the offers are expected to save.
    cost : float
        Expected cost of the list.
    currency : str
        ISO code.
    """
    figure = Figure(figsize=(style.WIDTH, 3.0), facecolor=style.PAPER, layout="constrained")
    top, below = figure.subplots(2, 1, height_ratios=[1, 3])
    for axes in (top, below):
        style.plain(axes)
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks([])
    top.barh([0], [at_risk], color=style.GRID, height=0.6)
    top.barh([0], [saved], color=style.GREEN, height=0.6)
    top.set_yticks([0], ["at risk on the list"])
    top.set_xlim(0, 1.28 * max(at_risk, 1e-9))
    of = f" ({percent(saved / at_risk, 1)} expected to be saved)" if at_risk > 0 else ""
    top.annotate(
        f"{money(at_risk, currency)}{of}",
        (at_risk, 0),
        xytext=(-6, 0),
        textcoords="offset points",
        va="center",
        ha="right",
        fontsize=9,
        color=style.INK,
    )
    left = saved - cost
    steps = [
        ("expected to be saved", 0.0, saved, style.GREEN),
        ("less cost of the list", min(saved, left), cost, style.ORANGE),
        ("expected profit", min(0.0, left), abs(left), style.BLUE),
    ]
    for place, (_, start, length, colour) in enumerate(steps):
        below.barh([-place], [length], left=[start], color=colour, height=0.6)
    for place, (value, end) in enumerate([(saved, saved), (-cost, saved), (left, max(left, 0.0))]):
        below.annotate(
            money(value, currency),
            (end, -place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=style.INK,
        )
    for place, at in ((0, saved), (1, left)):
        below.plot([at, at], [-place - 0.3, -place - 0.7], color=style.GREY, linewidth=0.9)
    below.axvline(0, color=style.GREY, linewidth=0.8)
    below.set_yticks([0, -1, -2], [name for name, *_ in steps])
    below.set_xlim(min(0.0, 1.1 * left), 1.22 * max(saved, cost, 1e-9))
    return figure


def _bars(axes: Axes, labels: Sequence[str], values: Sequence[float], colour: Any, write: Any = None) -> None:
    places = list(range(len(labels)))[::-1]
    axes.barh(places, values, color=colour, height=0.62)
    axes.set_yticks(places, labels)
    axes.tick_params(axis="y", colors=style.INK)
    axes.grid(visible=False)
    axes.grid(axis="x", color=style.GRID, linewidth=0.8)
    if write is not None:
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                write(value),
                (value, place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=style.INK,
            )
