"""Would the promotion rule have picked well? Its choices at past cutoffs, and what they were worth afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast.evaluation.comparison import Fold, compare_mean
from holdfast.evaluation.profit import Spend, profit_at_budget
from holdfast.evaluation.ranking import auroc, average_precision
from holdfast.tracking.gate import PROFIT_DELTA, beats_baselines, compare_figures
from holdfast.windows import Span, label_window

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PastCutoff:
    """Labels of one test cutoff and what every model that was there then said about it.

    Parameters
    ----------
    y, customer : arrays of shape (n,)
    value : array of shape (n,) or None
        Money at stake; None without economics.
    score : callable
        Gives the probabilities of the model that serves from a date.
    rivals : mapping of str to array of shape (n,)
        Probabilities of the baselines, fitted as they would have been at this cutoff.
    """

    y: npt.NDArray[np.int8]
    customer: npt.NDArray[np.object_]
    value: Scores | None
    score: Callable[[date], Scores]
    rivals: Mapping[str, Scores] = field(default_factory=dict)


def selection_regret(past: Mapping[date, PastCutoff], span: Span, spend: Spend | None, seed: int) -> dict[str, Any]:
    """Replay the rule: at each cutoff, champion or challenger by what was known then; then look at what came.

    At cutoff t the newest earlier cutoff m whose label window had closed is looked at. *Refresh*: challenger is the
    model that served from m, champion the one that served from the cutoff before it; neither has seen m's labels.
    *First*, where there is no cutoff before m: the model against the best baseline, both fitted anew at t. The rule
    decides by what it saw at m, and both are measured at t.

    Parameters
    ----------
    past : mapping of date to PastCutoff
        Test cutoffs.
    span : Span
    spend : Spend or None
        With it the money at stake decides, as at the gate; else average precision.
    seed : int

    Returns
    -------
    dict
        `metric`, `decisions` (`kind, at, measured_on, champion, challenger, promoted, champion_figure,
        challenger_figure, regret`), `right` of `n`, mean `regret`, and beside it `regret_always` and
        `regret_never` refreshing; or `not_measured` with the reason.
    """
    cutoffs = sorted(past)
    metric = "profit_at_budget" if spend is not None else "average_precision"
    decisions = []
    for at in cutoffs:
        closed = [index for index, m in enumerate(cutoffs) if label_window(m, span).end <= at]
        if closed and closed[-1]:
            decisions.append(_refresh(past, cutoffs, closed[-1], at, metric, spend, seed))
        elif closed and past[at].rivals:
            decisions.append(_first(past, cutoffs[0], at, spend))
    if not decisions:
        why = "no past choice whose outcome is known: it takes a closed label window and a test cutoff after it"
        return {"not_measured": why}
    return {
        "metric": metric, "decisions": decisions, "n": len(decisions),
        "right": sum(one["regret"] == 0 for one in decisions),
        "regret": float(np.mean([one["regret"] for one in decisions])),
        "regret_always": _regret_of(decisions, "challenger_figure"),
        "regret_never": _regret_of(decisions, "champion_figure"),
    }  # fmt: skip


def _regret_of(decisions: Sequence[Mapping[str, Any]], kept: str) -> float:
    best = [max(one["champion_figure"], one["challenger_figure"]) for one in decisions]
    return float(np.mean([top - one[kept] for top, one in zip(best, decisions, strict=True)]))


def _refresh(
    past: Mapping[date, PastCutoff], cutoffs: Sequence[date], index: int, at: date, metric: str, spend: Spend | None,
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    measured, older = cutoffs[index], cutoffs[index - 1]
    seen, now = past[measured], past[at]
    old, new = seen.score(older), seen.score(measured)
    value = seen.value if spend is not None else None
    found = compare_mean([Fold(seen.y, new, old, seen.customer, value)], seed=seed, spend=spend)[metric]
    verdict = compare_figures({**found, "metric": metric, "recipe": "refresh", **tolerance(seen, old, spend)})
    champion, challenger = (_figure(now, now.score(serves), spend) for serves in (older, measured))
    names = {"kind": "refresh", "at": str(at), "measured_on": str(measured), "champion": str(older)}
    return names | {"challenger": str(measured)} | _outcome(verdict.passed, champion, challenger)


def _first(past: Mapping[date, PastCutoff], measured: date, at: date, spend: Spend | None) -> dict[str, Any]:
    """The first model takes the place when it beats every baseline at the measured cutoff."""
    seen, now = past[measured], past[at]
    own = _ranks(seen, seen.score(measured))
    rivals = {name: _ranks(seen, p) for name, p in seen.rivals.items()}
    verdict = beats_baselines({"mean": own, "baselines_mean": rivals})
    best = max(sorted(rivals), key=lambda name: rivals[name]["auroc"])
    champion, challenger = _figure(now, now.rivals[best], spend), _figure(now, now.score(at), spend)
    names = {"kind": "first", "at": str(at), "measured_on": str(measured), "champion": best, "challenger": "holdfast"}
    return names | _outcome(verdict.passed, champion, challenger)


def _outcome(promoted: bool, champion: float, challenger: float) -> dict[str, Any]:
    chosen = challenger if promoted else champion
    return {
        "promoted": promoted, "champion_figure": champion, "challenger_figure": challenger,
        "regret": max(champion, challenger) - chosen,
    }  # fmt: skip


def _ranks(rows: PastCutoff, p: Scores) -> dict[str, float]:
    return {"auroc": float(auroc(rows.y, p)), "brier": float(np.mean((p - rows.y) ** 2))}


def tolerance(seen: PastCutoff, champion: Scores, spend: Spend | None) -> dict[str, float]:
    """How much worse a refresh may be in money: a share of the champion's own profit."""
    return {} if spend is None else {"delta": PROFIT_DELTA * abs(_figure(seen, champion, spend))}


def _figure(rows: PastCutoff, p: Scores, spend: Spend | None) -> float:
    if spend is None or rows.value is None:
        return float(average_precision(rows.y, p))
    return float(profit_at_budget(rows.y, p, rows.value, rows.customer, spend).modelled)
