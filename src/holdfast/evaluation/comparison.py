"""Paired comparison of two models, and intervals of means over cutoffs, on the same resamples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from holdfast.errors import DataError
from holdfast.evaluation import bootstrap
from holdfast.evaluation.profit import Campaign, Spend
from holdfast.evaluation.rows import (
    FloatArray,
    Ids,
    IntArray,
    as_codes,
    as_money,
    as_pair,
    number,
    same_length,
    share_of,
    sort_rows,
)
from holdfast.evaluation.weighted import Panel, Plan

OF_THE_COHORT = frozenset({"base_rate"})
"""Figures that say nothing about a model."""


@dataclass(frozen=True)
class Fold:
    """Two models at one cutoff, for `compare_mean`; equally long arrays, `value` only with a `spend`."""

    y: ArrayLike
    p_a: ArrayLike
    p_b: ArrayLike
    customer: Ids
    value: ArrayLike | None = None


def compare(
    y: ArrayLike,
    p_a: ArrayLike,
    p_b: ArrayLike,
    customer: Ids,
    *,
    seed: int,
    n_boot: int = 1000,
    list_share: float = 0.1,
    k: int | None = None,
    campaign: Campaign | None = None,
    value: ArrayLike | None = None,
    spend: Spend | None = None,
    probability: bool = True,
) -> dict[str, dict[str, float | None]]:
    """Model a minus model b at one cutoff, on the same resamples.

    Parameters are those of `evaluate`. With the same `seed` and customers the resamples are also those of
    `evaluate`.

    Returns
    -------
    dict
        `{figure: {difference, low, high}}`; None where either model has no such figure.

    Examples
    --------
    >>> y, p, customer = [1, 0, 1, 0] * 5, np.linspace(0.1, 0.9, 20), np.arange(20)
    >>> compare(y, p, p, customer, seed=1, n_boot=100)["auroc"]
    {'difference': 0.0, 'low': 0.0, 'high': 0.0}
    """
    share = share_of(k, list_share, len(np.asarray(y)))
    folds = [Fold(y, p_a, p_b, customer, value)]
    return compare_mean(
        folds, seed=seed, n_boot=n_boot, list_share=share, campaign=campaign, spend=spend, probability=probability
    )


def compare_mean(
    folds: Sequence[Fold],
    *,
    seed: int,
    n_boot: int = 1000,
    list_share: float = 0.1,
    campaign: Campaign | None = None,
    spend: Spend | None = None,
    probability: bool = True,
) -> dict[str, dict[str, float | None]]:
    """Model a minus model b at the mean of several cutoffs.

    Customers are drawn once per resample for all cutoffs, because the same ones stand at many of them.

    Parameters
    ----------
    folds : sequence of Fold
        One per cutoff; `value` at all of them or at none.
    seed, n_boot, list_share, campaign, spend, probability
        As in `evaluate`.

    Returns
    -------
    dict
        `{figure: {difference, low, high}}`; None for a figure that one of the cutoffs cannot give.

    Raises
    ------
    DataError
        Without cutoffs, for a cutoff without customers, for values at some cutoffs only.

    Examples
    --------
    >>> y, p, customer = [1, 0, 1, 0] * 5, np.linspace(0.1, 0.9, 20), np.arange(20)
    >>> folds = [Fold(y, p, p, customer), Fold(y[::-1], p, p, customer)]
    >>> compare_mean(folds, seed=1, n_boot=100)["brier"]
    {'difference': 0.0, 'low': 0.0, 'high': 0.0}
    """
    if len({fold.value is None for fold in folds}) > 1:
        raise DataError("values at some cutoffs only: the profit at the budget needs them at all, or at none")
    first = [(fold.y, fold.p_a, fold.customer, fold.value) for fold in folds]
    second = [(fold.y, fold.p_b, fold.customer, fold.value) for fold in folds]
    plan = Plan(list_share, probability, campaign or Campaign(), spend)
    a, b = _panels(first, plan), _panels(second, plan)
    customers = _universe([fold.customer for fold in folds])[1]
    drawn = _drawn(a + b, customers, n_boot, seed)
    plain = _drawn_once(a + b, customers)
    half = len(folds)
    out: dict[str, dict[str, float | None]] = {}
    for name in (figure for figure in plain[0] if figure not in OF_THE_COHORT):
        difference = _mean_over(plain[:half], name) - _mean_over(plain[half:], name)
        values = _mean_over(drawn[:half], name) - _mean_over(drawn[half:], name) if n_boot else np.zeros(0)
        span = bootstrap.interval(values, float(difference[0]), centred=name in bootstrap.CENTRED)
        known = np.isfinite(difference[0])
        out[name] = {
            "difference": number(difference[0]),
            "low": span.low if known else None,
            "high": span.high if known else None,
        }
    return out


def mean_intervals(
    folds: Sequence[tuple[ArrayLike, ArrayLike, Ids]],
    *,
    seed: int,
    n_boot: int = 1000,
    list_share: float = 0.1,
    campaign: Campaign | None = None,
    probability: bool = True,
) -> dict[str, list[float] | None]:
    """Intervals of one model's mean figures over cutoffs; customers are drawn once for all of them.

    Parameters
    ----------
    folds : sequence of (y, p, customer)
        One per cutoff.
    seed, n_boot, list_share, campaign, probability
        As in `evaluate`.

    Returns
    -------
    dict
        `{figure: [low, high]}`; None where too few resamples hold both classes at every cutoff. A figure that
        one of the cutoffs cannot give is left out.

    Examples
    --------
    >>> y, p, customer = [1, 0, 1, 0] * 5, np.linspace(0.9, 0.1, 20), np.arange(20)
    >>> low, high = mean_intervals([(y, p, customer), (y, p, customer)], seed=1, n_boot=100)["auroc"]
    >>> low < 0.55 < high
    True
    """
    panels = _panels([(*fold, None) for fold in folds], Plan(list_share, probability, campaign or Campaign()))
    customers = _universe([fold[2] for fold in folds])[1]
    plain = _drawn_once(panels, customers)
    drawn = _drawn(panels, customers, n_boot, seed)
    means = {name: float(_mean_over(plain, name)[0]) for name in plain[0]}
    usable = {name: mean for name, mean in means.items() if np.isfinite(mean)}
    spans = bootstrap.intervals({name: _mean_over(drawn, name) for name in usable}, usable)
    return {name: span.as_list() for name, span in spans.items()}


def _universe(customers: Sequence[Ids]) -> tuple[list[IntArray], int]:
    """Codes per fold in the numbering of all folds together."""
    arrays = [np.asarray(ids) for ids in customers]
    codes, count = as_codes(np.concatenate(arrays) if arrays else np.array([]))
    return np.split(codes, np.cumsum([len(ids) for ids in arrays])[:-1]) if arrays else [], count


def _panels(folds: Sequence[tuple[ArrayLike, ArrayLike, Ids, ArrayLike | None]], plan: Plan) -> list[Panel]:
    if not folds:
        raise DataError("nothing to compare: expected at least one cutoff")
    numbered, _ = _universe([fold[2] for fold in folds])
    panels = []
    for (y, p, _, value), codes in zip(folds, numbered, strict=True):
        labels, scores = as_pair(y, p, probability=plan.probability)
        same_length(label=labels, customer=codes)
        money = as_money(value, len(labels), spend=plan.spend is not None)
        rows = sort_rows(labels, scores, codes)
        if not rows.n:
            raise DataError("a cutoff without customers cannot be compared: leave it out")
        panels.append(Panel(rows, plan, None if money is None else money[rows.order]))
    return panels


def _drawn(panels: list[Panel], customers: int, n_boot: int, seed: int) -> list[dict[str, FloatArray]]:
    return bootstrap.resample(panels, customers, n_boot=n_boot, seed=seed) if n_boot else []


def _drawn_once(panels: list[Panel], customers: int) -> list[dict[str, FloatArray]]:
    """The plain figures, by giving every customer weight one."""
    return [panel.measure(np.ones((1, customers))) for panel in panels]


def _mean_over(figures: Sequence[Mapping[str, FloatArray]], name: str) -> FloatArray:
    total: FloatArray = np.mean([figure[name] for figure in figures], axis=0)
    return total
