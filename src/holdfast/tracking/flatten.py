"""What may stand in the ledger: flat parameters without secrets, metric points by step, files without customers."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from holdfast.errors import DataError

LONGEST_PARAM = 500
"""Characters of a parameter value that are kept."""

PUBLIC_SUFFIXES = frozenset({".html", ".png", ".svg", ".json", ".yaml", ".yml", ".csv", ".md", ".txt"})
"""Kinds of file that may be logged; tables of customers are parquet and stay in their folder."""

ID_COLUMNS = frozenset({"customer_id", "parent_id", "household_id", "referrer_id", "referred_id"})

_PASSWORD = re.compile(r"(?<=://)([^/@\s:]+):[^@\s]+@")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_UNFIT = re.compile(r"[^\w.\- :/]")


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten a nested config into dotted keys and short text values.

    Passwords in database URLs and e-mail addresses are blanked; values are cut to `LONGEST_PARAM` characters.

    Parameters
    ----------
    tree : mapping
        Nested mappings; lists become JSON, dates ISO text.
    prefix : str
        Put before every key.

    Returns
    -------
    dict of str to str
        In the order of the tree.

    Examples
    --------
    >>> flatten({"tasks": {"churn": {"horizon": "60d"}}, "seed": 7, "source": {"root": "postgresql://me:pw@db/x"}})
    {'tasks.churn.horizon': '60d', 'seed': '7', 'source.root': 'postgresql://me:***@db/x'}
    """
    flat: dict[str, str] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{name}."))
        else:
            flat[metric_name(name)] = _short(redact(_text(value)))
    return flat


def redact(text: str) -> str:
    """Blank the password of a database URL and every e-mail address.

    Examples
    --------
    >>> redact("ask jane.doe@example.com")
    'ask ***'
    """
    return _EMAIL.sub("***", _PASSWORD.sub(r"\1:***@", text))


def metric_name(text: str) -> str:
    """Make a text fit for MLflow's names of parameters and metrics.

    Examples
    --------
    >>> metric_name("churn/P(no purchase)")
    'churn/P_no purchase_'
    """
    return _UNFIT.sub("_", text)


def metric_points(task: str, metrics: Mapping[str, Any]) -> list[tuple[str, float, int]]:
    """List every figure of a `metrics/<task>.json` as (name, value, step); the step is the index of the test cutoff.

    Names are ``churn/auroc`` per cutoff (baselines ``churn/baseline/<name>/auroc``, intervals ``churn/auroc_low``),
    and at step 0 ``churn/mean/auroc``, ``churn/worst/auroc``, ``churn/mean/baseline/<name>/auroc``.
    Figures that are missing or not finite are left out.

    Examples
    --------
    >>> metric_points("churn", {"cutoffs": [{"cutoff": "2011-06-01", "auroc": 0.7}], "mean": {"auroc": 0.7}})
    [('churn/auroc', 0.7, 0), ('churn/mean/auroc', 0.7, 0)]
    """
    points: list[tuple[str, float, int]] = []
    cutoffs: Sequence[Mapping[str, Any]] = metrics.get("cutoffs") or ()
    for step, one in enumerate(sorted(cutoffs, key=lambda entry: str(entry.get("cutoff", "")))):
        points += [(name, value, step) for name, value in _cutoff_figures(task, one)]
    for part in ("mean", "worst"):
        points += [(name, value, 0) for name, value in _figures(f"{task}/{part}", metrics.get(part) or {})]
    for name, figures in (metrics.get("baselines_mean") or {}).items():
        points += [(key, value, 0) for key, value in _figures(f"{task}/mean/baseline/{name}", figures)]
    return points


def check_public(path: Path) -> None:
    """Refuse a file that could hold customers: an unknown kind, or a CSV with an id column.

    Raises
    ------
    DataError
        Naming the file and what is wrong with it.
    """
    if path.suffix.lower() not in PUBLIC_SUFFIXES:
        raise DataError(
            f"{path.name}: files of kind {path.suffix or '(none)'} are not logged; customer tables stay local"
        )
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig") as lines:
            header = {cell.strip().strip('"') for cell in re.split(r"[,;\t]", lines.readline())}
        if ids := sorted(header & ID_COLUMNS):
            raise DataError(f"{path.name}: holds the column {ids[0]}; tables with customer ids are never logged")


def _cutoff_figures(task: str, one: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield from _figures(task, one)
    for metric, bounds in (one.get("intervals") or {}).items():
        if bounds is not None:
            yield from _figures(task, {f"{metric}_low": bounds[0], f"{metric}_high": bounds[1]})
    for name, figures in (one.get("baselines") or {}).items():
        yield from _figures(f"{task}/baseline/{name}", figures)
    for name, compared in (one.get("paired") or {}).items():
        for metric, figures in compared.items():
            yield from _figures(f"{task}/over/{name}/{metric}", figures)


def _figures(prefix: str, figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in figures.items():
        if isinstance(value, (int, float)) and math.isfinite(value):
            yield metric_name(f"{prefix}/{key}"), float(value)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return value.isoformat() if isinstance(value, date) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_PARAM else text[: LONGEST_PARAM - 1] + "…"
