"""Pictures of how well the scores do: plain points in, a matplotlib Figure out. No picture knows a customer."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from holdfast.reporting import style
from holdfast.reporting.words import day, measured

Points = Sequence[Mapping[str, Any]]

_SMALL = 3.4
"""Side of the square pictures, inches: three of them stand in a row."""

_BESIDE = 0.13
"""Distance of the model's and the baselines' marks from the middle of a cutoff."""


def roc(points: Points) -> Figure:
    """Draw ROC curves, one per test cutoff (`cutoff, x, y`); the newest is the strongest line."""
    figure, (axes,) = style.new_figure(_SMALL, width=_SMALL)
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=1, linestyle=(0, (4, 3)), label="guessing")
    _lines(axes, points)
    _square(axes, "stayers wrongly flagged", "leavers found")
    style.legend(axes, 7.5, loc="lower right")
    return figure


def gain(points: Points) -> Figure:
    """Draw cumulative gain: share of all leavers found among the riskiest share of customers (`cutoff, x, y`)."""
    figure, (axes,) = style.new_figure(_SMALL, width=_SMALL)
    axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=1, linestyle=(0, (4, 3)), label="calling at random")
    _lines(axes, points)
    axes.axvline(0.1, color=style.GRID, linewidth=1.2, zorder=0)
    _square(axes, "customers contacted, riskiest first", "leavers found")
    style.legend(axes, 7.5, loc="lower right")
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
    figure, (axes,) = style.new_figure(_SMALL, width=_SMALL)
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
        noise = "" if floor is None else f"\nfloor of a perfect model {floor:.3f}"
        axes.annotate(
            f"calibration error {ece:.3f}{noise}", (0.98, 0.03), xycoords="axes fraction", ha="right", va="bottom",
            color=style.MUTED, fontsize=7.5, linespacing=1.5,
        )  # fmt: skip
    style.legend(axes, 7.5, loc="upper left")
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
        known = [(x + _BESIDE, _auroc_of(one, name)) for x, one in enumerate(cutoffs)]
        known = [(x, value) for x, value in known if measured(value)]
        if known:
            left.plot(*zip(*known, strict=True), color=style.GREY, marker="_", markersize=12, linewidth=0, mew=1.8)
    left.plot([], [], color=style.BLUE, marker="o", linewidth=0, label="holdfast, 95% interval")
    left.plot([], [], color=style.GREY, marker="_", markersize=11, mew=1.8, linewidth=0, label="baselines")
    style.titled(left, y="leavers ranked above stayers (AUROC)")
    _rate(right, places, cutoffs, "base_rate", "left", style.ORANGE, "o")
    _rate(right, places, cutoffs, "mean_score", "forecast", style.BLUE, "s")
    _rate(right, places, cutoffs, "return_rate", "came back, of those who left", style.GREEN, "^")
    style.as_percent(right.yaxis)
    style.titled(right, y="share of customers")
    for axes in (left, right):
        axes.set_xticks(places, [_short_day(one["cutoff"]) for one in cutoffs])
        axes.set_xlim(-0.5, len(cutoffs) - 0.5)
        axes.margins(y=0.2)
        style.legend(axes, loc="upper left", bbox_to_anchor=(0, -0.17), ncols=1)
    right.set_ylim(0, 1.15 * right.dataLim.ymax if right.lines else 1)
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


def _intervals(axes: Axes, places: Sequence[int], cutoffs: Points) -> None:
    for place, one in zip(places, cutoffs, strict=True):
        bounds = (one.get("intervals") or {}).get("auroc")
        if bounds:
            axes.plot(
                [place - _BESIDE, place - _BESIDE],
                bounds,
                color=style.BLUE,
                linewidth=2.2,
                alpha=0.45,
                solid_capstyle="round",
            )
        if measured(one.get("auroc")):
            axes.plot([place - _BESIDE], [one["auroc"]], color=style.BLUE, marker="o", markersize=6)


def _auroc_of(one: Mapping[str, Any], baseline: str) -> Any:
    return ((one.get("baselines") or {}).get(baseline) or {}).get("auroc")


def _rate(axes: Axes, places: Sequence[int], cutoffs: Points, key: str, label: str, colour: str, marker: str) -> None:
    known = [(place, one[key]) for place, one in zip(places, cutoffs, strict=True) if measured(one.get(key))]
    if known:
        axes.plot(*zip(*known, strict=True), color=colour, marker=marker, markersize=5.5, linewidth=1.6, label=label)


def _short_day(value: Any) -> str:
    number, month, year = day(value).split(" ")
    return f"{number} {month[:3]}\n{year}"
