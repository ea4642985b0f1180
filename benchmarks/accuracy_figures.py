"""Figures of the accuracy benchmark: means over the rounds, and paired differences with intervals."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from accuracy_fits import DEFAULT, Round

from holdfast.evaluation.comparison import Fold, compare_mean
from holdfast.evaluation.recalibration import recalibrate
from holdfast.evaluation.report import evaluate
from holdfast.pipelines.provenance import threads

FIGURES = ("auroc", "average_precision", "top_decile_lift", "log_loss", "brier", "ece", "ece_floor")
COMPARED = ("auroc", "average_precision", "top_decile_lift", "log_loss", "brier", "ece")
SEED = 7
LEVEL_OFF = "no level rule"

Figures = dict[str, Any]


def figures_of(found: Sequence[Round]) -> Figures:
    """Everything that is told of one data set, JSON-able."""
    shared = set.intersection(*(set(one.scores) for one in found))
    names = [name for name in found[0].scores if name in shared]
    methods = {name: _means(found, [one.scores[name] for one in found]) for name in names}
    parts = {name: _means(found, [one.parts[name] for one in found]) for name in found[0].parts}
    rivals = {name: [one.scores[name] for one in found] for name in names if name != DEFAULT}
    without = {name: [one.parts[name] for one in found] for name in found[0].parts}
    gains = _each(lambda other: default_minus(found, other), rivals | without)
    for name in methods:
        taken = [one.seconds[name] for one in found if name in one.seconds]
        methods[name] |= {"seconds": float(np.mean(taken)) if taken else None, "ahead": gains.get(name)}
    for name in parts:
        same = all(np.array_equal(one.scores[DEFAULT], one.parts[name]) for one in found)
        parts[name] |= {"same": same, "lost": gains[name]}
    return {
        "rounds": [_facts(one) for one in found],
        "methods": methods,
        "parts": parts,
        "level": _level(found, parts) if LEVEL_OFF in parts else None,
        "novices": _novices(found),
        "permuted": [value for one in found for value in one.permuted],
    }


def default_minus(found: Sequence[Round], other: Sequence[Any]) -> dict[str, Any]:
    """The default minus another at the mean of the rounds, on the same resamples of customers."""
    return _paired([Fold(one.y, one.scores[DEFAULT], p, one.customer) for one, p in zip(found, other, strict=True)])


def _paired(folds: Sequence[Fold]) -> dict[str, Any]:
    gains = compare_mean(folds, seed=SEED)
    return {name: gains[name] for name in COMPARED}


def _each(work: Callable[[Any], Any], items: Mapping[str, Any]) -> dict[str, Any]:
    with ThreadPoolExecutor(max_workers=max(threads(), 1)) as pool:
        return dict(zip(items, pool.map(work, items.values()), strict=True))


def _means(found: Sequence[Round], scores: Sequence[Any]) -> Figures:
    """Mean figures over the rounds; the calibration slope over all of them together, customers as clusters."""
    pages = [evaluate(one.y, p, one.customer, seed=SEED, n_boot=0) for one, p in zip(found, scores, strict=True)]
    means = {name: float(np.mean([page[name] for page in pages])) for name in FIGURES}
    line = recalibrate(*(np.concatenate(parts) for parts in ([one.y for one in found], list(scores),
                                                             [one.customer for one in found])))  # fmt: skip
    slope = [float(line.slope), *map(float, line.slope_interval)] if line.reason is None else None
    flat = all(np.ptp(p) == 0 for p in scores)
    return means | {"slope": None if flat else slope}


def _facts(one: Round) -> Figures:
    return {
        "at": one.at,
        "rows": len(one.y),
        "rate": float(one.y.mean()),
        "training_rows": len(one.training.y),
        "training_cutoffs": int(one.training.frame["cutoff"].nunique()),
        "training_rate": float(one.training.y.mean()),
        "features": len(one.training.names),
        "capacity": one.capacity,
        "level": one.level,
        "peer": one.peer,
    }


def _level(found: Sequence[Round], parts: Mapping[str, Figures]) -> Figures:
    acted = [one.level["shift"] for one in found if one.level["applied"]]
    return {
        "acted": len(acted),
        "mean_shift": float(np.mean(acted)) if acted else 0.0,
        "reason": found[-1].level["reason"],
        "off": {name: parts[LEVEL_OFF][name] for name in ("ece", "ece_floor", "brier")},
    }


def _novices(found: Sequence[Round]) -> Figures | None:
    """Customers with one purchase day: the default beside a model of their own, paired."""
    some = [one for one in found if one.specialist is not None]
    if not some:
        return None
    cut = [(one.y[one.novices], one.scores[DEFAULT][one.novices], one.specialist, one.customer[one.novices])
           for one in some]  # fmt: skip
    pages = [[evaluate(y, p, customer, seed=SEED, n_boot=0) for p in (own, other)] for y, own, other, customer in cut]
    return {
        "rounds": len(some),
        "share": float(np.mean([one.novices.mean() for one in some])),
        "auroc": [float(np.mean([pair[k]["auroc"] for pair in pages])) for k in (0, 1)],
        "brier": [float(np.mean([pair[k]["brier"] for pair in pages])) for k in (0, 1)],
        "ece": float(np.mean([pair[0]["ece"] for pair in pages])),
        "ece_floor": float(np.mean([pair[0]["ece_floor"] for pair in pages])),
        "ahead": _paired([Fold(*one) for one in cut]),
    }
