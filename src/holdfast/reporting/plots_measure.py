"""Pictures of what campaigns changed: effects with their intervals, and who is moved by them."""

import pandas as pd
from matplotlib.figure import Figure

from holdfast.reporting import style

MOST = 12
"""Offers whose effects are drawn; `effects.csv` has all of them."""
MOST_CURVES = 6
"""Offers whose curves are drawn, side by side; `qini.csv` has all of them."""


def pictures(effects: pd.DataFrame, points: pd.DataFrame) -> dict[str, Figure]:
    """`effects` and `qini`, as far as there is something to draw.

    Parameters
    ----------
    effects : DataFrame
        `offer, segment, effect, low, high`.
    points : DataFrame
        `offer, share, gain, random`.
    """
    whole = effects[(effects["segment"] == "all") & effects["effect"].notna()].head(MOST)
    found = {"effects": forest(whole)} if len(whole) else {}
    return found | ({"qini": qini_curves(points)} if len(points) else {})


def forest(rows: pd.DataFrame) -> Figure:
    """Average effect of each offer with its 95 % interval, in outcome units per customer assigned to treatment."""
    figure, (axes,) = style.new_figure(0.4 * len(rows) + 0.9, width=6.4)
    place = range(len(rows))[::-1]
    effect, low, high = (rows[name].astype(float).to_numpy() for name in ("effect", "low", "high"))
    axes.errorbar(effect, list(place), xerr=[effect - low, high - effect], fmt="o", color=style.BLUE, capsize=3)
    axes.axvline(0, color=style.GREY, linewidth=0.8)
    axes.set_yticks(list(place), rows["offer"].astype(str).tolist())
    axes.set_ylim(-0.6, len(rows) - 0.4)
    style.titled(axes, "effect per customer, whether reached or not, with 95 % interval")
    return figure


def qini_curves(points: pd.DataFrame) -> Figure:
    """Qini curve of each offer on the half that the learner has not seen, beside the line of a random ranking."""
    names = points["offer"].drop_duplicates().tolist()[:MOST_CURVES]
    figure, axes = style.new_figure(3.0, columns=len(names), width=max(6.4, 3.6 * len(names)))
    for name, one in zip(names, axes, strict=True):
        part = points[points["offer"] == name]
        one.plot(part["share"], part["gain"], color=style.BLUE, linewidth=2)
        one.plot(part["share"], part["random"], color=style.GREY, linewidth=1, linestyle="--")
        style.as_percent(one.xaxis)
        style.titled(one, "share treated, best first", f"{name}: gain per customer")
    return figure
