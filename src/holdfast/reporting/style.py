"""One calm look for every picture: colour-blind-safe colours, thin lines, no frame; bytes that repeat."""

import io
import os
import re
from html import escape
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK, MUTED, GRID, PAPER = "#1c2733", "#5b6776", "#e4e8ed", "#ffffff"
BLUE, ORANGE, GREEN, GOLD, SKY, PURPLE, GREY = (
    "#1f5f8b", "#c4551a", "#1a7f64", "#d69a16", "#6fb1dc", "#94578f", "#9aa5b1",
)  # fmt: skip
"""Tempered Okabe–Ito colours: told apart with every common colour blindness and in grey print."""

SERIES = (BLUE, ORANGE, GREEN, PURPLE, GOLD, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
"""Series differ by marker as well as by colour."""

FONT = "DejaVu Sans"
WIDTH = 7.2
_PAGE_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}


def new_figure(height: float = 3.2, columns: int = 1, width: float = WIDTH, **layout: Any) -> tuple[Figure, list[Axes]]:
    """Make a figure with plain axes side by side, without touching pyplot's global state.

    Parameters
    ----------
    height, width : float
        Inches.
    columns : int
        Number of axes in a row.
    **layout
        Further arguments of `Figure.subplots`.

    Returns
    -------
    tuple of Figure and list of Axes
    """
    figure = Figure(figsize=(width, height), facecolor=PAPER, layout="constrained")
    grid = figure.subplots(1, columns, squeeze=False, **layout)
    axes = list(grid[0])
    for one in axes:
        plain(one)
    return figure, axes


def plain(axes: Axes) -> None:
    """Strip axes to what carries information."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(colors=MUTED, labelsize=8.5, length=0, pad=5)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def titled(axes: Axes, x: str = "", y: str = "") -> None:
    """Label the axes: the x label below, the y label written upright above the axis."""
    axes.set_xlabel(x, color=MUTED, fontsize=8.5, labelpad=6)
    if y:
        axes.set_title(y, loc="left", color=MUTED, fontsize=8.5, pad=8)


def as_percent(axis: Any, digits: int = 0) -> None:
    """Write the ticks of an axis as percentages."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.{digits}f}%"))


def as_count(axis: Any, unit: str = "") -> None:
    """Write the ticks of an axis as whole numbers with thousands separated, `unit` before them."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{'−' if value < 0 else ''}{unit}{abs(value):,.0f}"))


def legend(axes: Axes, size: float = 8.5, **places: Any) -> None:
    """Add a frameless legend."""
    axes.legend(frameon=False, fontsize=size, labelcolor=INK, handlelength=1.6, borderaxespad=0.2, **places)


def svg(figure: Figure, name: str, words: str) -> str:
    """Draw a figure as SVG to be put inline into a page.

    Parameters
    ----------
    figure : Figure
        What to draw.
    name : str
        Prefix of the ids inside, so that several pictures can share a page.
    words : str
        What the picture shows, for those who cannot see it.

    Returns
    -------
    str
        An ``<svg>`` element, the same bytes for the same figure; text stays text.
    """
    target = io.StringIO()
    with rc_context({"svg.hashsalt": "holdfast", "svg.fonttype": "none", "font.family": [FONT]}):
        figure.savefig(target, format="svg", metadata=_NO_DATE)
    text = target.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text).replace('xlink:href="#', f'href="#{name}-')
    text = text.replace(f"'{FONT}'", _PAGE_FONT.replace("'", "&apos;"))
    opening = f'<svg role="img" aria-label="{escape(words, quote=True)}"'
    text = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", text.replace("<svg", opening, 1), count=1)
    return re.sub(r"\s+xmlns:xlink=\"[^\"]*\"", "", text).strip()


def save_png(figure: Figure, path: Path, dpi: int = 160) -> Path:
    """Write a figure as PNG, whole or not at all, without metadata: the same bytes for the same figure.

    Returns
    -------
    Path
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    figure.savefig(aside, format="png", dpi=dpi, metadata={"Software": None})
    os.replace(aside, path)
    return path
