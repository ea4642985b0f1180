"""The pictures: each function takes plain points and returns a matplotlib Figure. No picture knows a customer."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from holdfast.reporting import style
from holdfast.reporting.words import CLASS_WORDS, FAMILY_WORDS, currency_sign, day, money, percent, readable

Points = Sequence[Mapping[str, Any]]


def roc(points: Points) -> Figure:
    """Draw ROC curves, one per test cutoff (`cutoff, x, y`); the newest is the strongest line."""
    figure, (axes,) = style.new_figure(3.6, width=4.6)
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=1, linestyle=(0, (4, 3)), label="guessing")
    _lines(axes, points)
    _square(axes, "stayers wrongly flagged", "leavers found")
    style.legend(axes, loc="lower right")
    return figure


def gain(points: Points) -> Figure:
    """Draw cumulative gain: share of all leavers found among the riskiest share of customers (`cutoff, x, y`)."""
    figure, (axes,) = style.new_figure(3.6, width=4.6)
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=1, linestyle=(0, (4, 3)), label="calling at random")
    _lines(axes, points)
    axes.axvline(0.1, color=style.GRID, linewidth=1.2, zorder=0)
    _square(axes, "customers contacted, riskiest first", "leavers found")
    style.legend(axes, loc="lower right")
    return figure


def calibration(points: Points, *, ece: float | None = None, floor: float | None = None) -> Figure:
    """Draw predicted risk against what happened, with 95 % intervals; the band is the noise of a perfect model.

    Parameters
    ----------
    points : sequence of mapping
        Per cutoff `cutoff, predicted, observed, low, high`.
    ece, floor : float or None
        Expected calibration error, and that of a perfectly calibrated model at these sizes: the half width of the band.
    """
    figure, (axes,) = style.new_figure(3.9, width=4.9)
    band = floor or 0.0
    if band:
        axes.fill_between([0, 1], [-band, 1 - band], [band, 1 + band], color=style.GRID, linewidth=0, zorder=0)
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=1, zorder=1)
    for position, one in enumerate(points):
        colour, marker = style.SERIES[position % len(style.SERIES)], style.MARKERS[position % len(style.MARKERS)]
        axes.vlines(one["predicted"], one["low"], one["high"], color=colour, linewidth=1.1, alpha=0.55)
        axes.plot(
            one["predicted"], one["observed"], color=colour, marker=marker, markersize=4.5, linewidth=0,
            label=day(one["cutoff"]),
        )  # fmt: skip
    _square(axes, "predicted risk", "share that really left")
    if ece is not None:
        noise = "" if floor is None else f"\na perfect model would show {floor:.3f}"
        axes.annotate(
            f"calibration error {ece:.3f}{noise}", (0.98, 0.03), xycoords="axes fraction", ha="right", va="bottom",
            color=style.MUTED, fontsize=8.5, linespacing=1.5,
        )  # fmt: skip
    style.legend(axes, loc="upper left")
    return figure


def profit_curve(points: Mapping[str, Any], currency: str = "GBP") -> Figure:
    """Draw modelled profit against the number of customers contacted (`x, profit, chosen`), the list marked."""
    figure, (axes,) = style.new_figure(3.2)
    x, profit, chosen = points["x"], points["profit"], points["chosen"]
    axes.plot(x, profit, color=style.BLUE, linewidth=2)
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
    axes.margins(x=0.01, y=0.12)
    return figure


def history(cutoffs: Points, baselines: Sequence[str] = ()) -> Figure:
    """Draw, over test cutoffs, how well leavers were ranked (left) and how many left against the forecast (right).

    Parameters
    ----------
    cutoffs : sequence of mapping
        As in `metrics/<task>.json`: `cutoff, auroc, base_rate`, and optionally `intervals`, `baselines`, `mean_score`,
        `return_rate`.
    baselines : sequence of str
        Baselines to show beside the model.
    """
    figure, (left, right) = style.new_figure(3.0, columns=2)
    places = list(range(len(cutoffs)))
    _intervals(left, places, cutoffs)
    for name in baselines:
        known = [
            (x, one["baselines"][name].get("auroc"))
            for x, one in enumerate(cutoffs)
            if name in (one.get("baselines") or {})
        ]
        known = [(x, value) for x, value in known if value is not None]
        if known:
            left.plot(
                *zip(*known, strict=True), color=style.GREY, marker="_", markersize=13, markeredgewidth=2, linewidth=0
            )
    left.plot([], [], color=style.BLUE, marker="o", linewidth=0, label="holdfast, 95 % interval")
    left.plot([], [], color=style.GREY, marker="_", markersize=11, markeredgewidth=2, linewidth=0, label="baselines")
    style.titled(left, y="leavers ranked above stayers (AUROC)")
    _rate(right, places, cutoffs, "base_rate", "left", style.ORANGE, "o")
    _rate(right, places, cutoffs, "mean_score", "forecast", style.BLUE, "s")
    _rate(right, places, cutoffs, "return_rate", "of those, came back later", style.GREEN, "^")
    style.as_percent(right.yaxis)
    style.titled(right, y="share of customers")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xticks(places, [_short_day(one["cutoff"]) for one in cutoffs])
        axes.set_xlim(-0.5, len(cutoffs) - 0.5)
        axes.margins(y=0.25)
        style.legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=1)
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
    style.titled(left, y="kind of evidence, share of all influence on the score")
    labels = [names.get(name, readable(name)) for name in single["feature"]]
    _bars(right, labels, single["mean_abs"].tolist(), style.SKY)
    style.titled(right, y="single figures, mean influence (log odds)")
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


def scores(values: Sequence[float]) -> Figure:
    """Draw how the customers spread over the risk scale."""
    counts = pd.cut(
        pd.Series(values, dtype=float), [step / 20 for step in range(21)], include_lowest=True
    ).value_counts(sort=False)
    figure, (axes,) = style.new_figure(2.3)
    axes.bar([0.025 + step / 20 for step in range(20)], counts.to_numpy(), width=0.044, color=style.BLUE)
    axes.set_xlim(0, 1)
    style.as_percent(axes.xaxis)
    style.as_count(axes.yaxis)
    style.titled(axes, "risk of leaving", "customers")
    return figure


def _lines(axes: Axes, points: Points) -> None:
    for position, one in enumerate(points):
        newest = position == len(points) - 1
        axes.plot(
            one["x"], one["y"], color=style.SERIES[position % len(style.SERIES)], label=day(one["cutoff"]),
            linewidth=2.2 if newest else 1.3, alpha=1.0 if newest else 0.75,
        )  # fmt: skip


def _square(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    style.as_percent(axes.xaxis)
    style.as_percent(axes.yaxis)
    style.titled(axes, x, y)


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


def _intervals(axes: Axes, places: Sequence[int], cutoffs: Points) -> None:
    for place, one in zip(places, cutoffs, strict=True):
        bounds = (one.get("intervals") or {}).get("auroc")
        if bounds:
            axes.plot([place, place], bounds, color=style.BLUE, linewidth=2.2, alpha=0.45, solid_capstyle="round")
        if one.get("auroc") is not None:
            axes.plot([place], [one["auroc"]], color=style.BLUE, marker="o", markersize=6)


def _rate(axes: Axes, places: Sequence[int], cutoffs: Points, key: str, label: str, colour: str, marker: str) -> None:
    known = [(place, one[key]) for place, one in zip(places, cutoffs, strict=True) if one.get(key) is not None]
    if known:
        axes.plot(*zip(*known, strict=True), color=colour, marker=marker, markersize=5.5, linewidth=1.6, label=label)


def _short_day(value: Any) -> str:
    number, month, year = day(value).split(" ")
    return f"{number} {month[:3]} {year}"
