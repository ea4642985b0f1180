"""The report: one self-contained page that a marketing manager can read, print and check."""

import os
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from holdfast.reporting import pictures, view, words
from holdfast.reporting.data import ReportData, without_ids

__all__ = ["ReportData", "render", "write_plots", "write_report"]


def render(data: ReportData) -> str:
    """Render the page.

    Parameters
    ----------
    data : ReportData
        What to say.

    Returns
    -------
    str
        HTML without any external reference; the same bytes for the same data.
    """
    listed = without_ids(data.listed)
    environment = Environment(
        loader=PackageLoader("holdfast.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=words.count, percent=words.percent, figure=words.figure, day=words.day, span=words.span,
        listing=words.listing,
        money=lambda value, exact=False: words.money(value, data.currency, exact=exact),
        rough=lambda value: words.rough_money(value, data.currency),
    )  # fmt: skip
    template = environment.get_template("report.html.j2")
    text: str = template.render(view.page(data, listed), pictures=pictures.inline(data, listed))
    return text.rstrip() + "\n"


def write_report(data: ReportData, path: Path) -> Path:
    """Write the page, whole or not at all.

    Returns
    -------
    Path
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(render(data), encoding="utf-8")
    os.replace(aside, path)
    return path


def write_plots(data: ReportData, folder: Path) -> list[Path]:
    """Write every picture of the page as PNG into a folder.

    Returns
    -------
    list of Path
        The files, by name.
    """
    return pictures.files(data, without_ids(data.listed), folder)
