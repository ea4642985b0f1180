"""How well survival curves foretell: Brier score and cumulative/dynamic AUC, weighted for censoring.

Customers whom the data lose sight of before a time t say nothing about t; those who are seen count for them, with
weights 1/G (G is the Kaplan-Meier probability of being seen; Graf et al. 1999 for the Brier score, Uno et al. 2007
for the AUC). With few customers left to see, G is small and so is what can be said: times at which it falls below
`LEAST_SEEN` are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.evaluation.rows import as_floats

LEAST_SEEN = 0.05
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A right-continuous step function that starts at 1."""

    times: Floats
    values: Floats

    def at(self, t: ArrayLike, *, before: bool = False) -> Floats:
        """Value at t, or just before it."""
        place = np.searchsorted(self.times, np.asarray(t, dtype=np.float64), side="left" if before else "right")
        return np.concatenate([[1.0], self.values])[place]


def kaplan_meier(duration: ArrayLike, ended: ArrayLike) -> Step:
    """Kaplan-Meier estimate of surviving beyond t.

    Examples
    --------
    >>> curve = kaplan_meier([1.0, 2.0, 2.0, 3.0], [True, True, False, True])  # 3/4, then 3/4 x 2/3, then 0
    >>> curve.at([0.5, 1.0, 2.5, 3.0]).round(4).tolist()
    [1.0, 0.75, 0.5, 0.0]
    """
    days, events = as_floats(duration, "duration"), np.asarray(ended, dtype=bool)
    times = np.unique(days)
    at_risk = len(days) - np.searchsorted(np.sort(days), times, side="left")
    happened = np.searchsorted(np.sort(days[events]), times, side="right") - np.searchsorted(
        np.sort(days[events]), times, side="left"
    )
    return Step(times, np.cumprod(1 - happened / at_risk).astype(np.float64))


def brier_at(survival: ArrayLike, duration: ArrayLike, ended: ArrayLike, t: float) -> float:
    """Weighted squared error of the probability of being there beyond t.

    Parameters
    ----------
    survival : array of shape (n,)
        Foretold probability of surviving beyond t.
    duration : array of shape (n,)
        Days until the end, or until last seen.
    ended : array of shape (n,)
        Whether the end was seen.
    t : float
        Days.

    Examples
    --------
    >>> brier_at([0.0, 1.0], [5.0, 20.0], [True, False], 10.0)
    0.0
    """
    p, days, events = as_floats(survival, "survival"), as_floats(duration, "duration"), np.asarray(ended, dtype=bool)
    seen = kaplan_meier(days, ~events)
    gone = events & (days <= t)
    left = np.divide(p**2, seen.at(days, before=True), out=np.zeros(len(p)), where=gone)
    stayed = np.where(days > t, (1 - p) ** 2, 0.0) / max(float(seen.at(t)), 1e-12)
    return float((left + stayed).mean())


def auc_at(risk: ArrayLike, duration: ArrayLike, ended: ArrayLike, t: float) -> float:
    """Chance that one who is gone by t had a higher risk than one who is there beyond t; ties count half.

    NaN when one of the two groups is empty.

    Examples
    --------
    >>> auc_at([0.9, 0.1, 0.5], [5.0, 20.0, 30.0], [True, True, False], 10.0)
    1.0
    """
    score, days, events = as_floats(risk, "risk"), as_floats(duration, "duration"), np.asarray(ended, dtype=bool)
    case, control = events & (days <= t), days > t
    if not case.any() or not control.any():
        return float("nan")
    weight = 1 / kaplan_meier(days, ~events).at(days[case], before=True)
    stay = np.sort(score[control])
    below = np.searchsorted(stay, score[case], side="left")
    tied = np.searchsorted(stay, score[case], side="right") - below
    return float((weight * (below + tied / 2)).sum() / (weight.sum() * len(stay)))


def judge_survival(
    survival: ArrayLike, times: Sequence[float], duration: ArrayLike, ended: ArrayLike
) -> dict[str, Any]:
    """Brier score and AUC at each time, and their means over time.

    Parameters
    ----------
    survival : array of shape (n, len(times))
        Foretold probability of surviving beyond each time.
    times : sequence of float
        Days, rising; those that too few customers were seen at are left out.
    duration, ended
        As in `brier_at`.

    Returns
    -------
    dict
        `times, brier, auc` (lists), `integrated_brier` (mean over time by the trapezoid rule), `mean_auc`, and the
        same Brier of a curve without features (Kaplan-Meier of these very customers) as `integrated_brier_km`: a
        reference that knows the future. None where nothing was seen.

    Examples
    --------
    >>> found = judge_survival([[0.2], [0.9]], [10.0], [5.0, 20.0], [True, False])
    >>> found["auc"], round(found["brier"][0], 3)  # (.04 + .01) / 2
    ([1.0], 0.025)
    """
    curves = np.asarray(survival, dtype=np.float64)
    days, events = as_floats(duration, "duration"), np.asarray(ended, dtype=bool)
    seen, crowd = kaplan_meier(days, ~events), kaplan_meier(days, events)
    usable = [k for k, t in enumerate(times) if float(seen.at(t)) >= LEAST_SEEN and (days > t).any()]
    if not usable:
        return {"times": [], "brier": [], "auc": [], "integrated_brier": None, "mean_auc": None,
                "integrated_brier_km": None}  # fmt: skip
    at = [float(times[k]) for k in usable]
    brier = [brier_at(curves[:, k], days, events, times[k]) for k in usable]
    plain = [brier_at(np.full(len(days), float(crowd.at(t))), days, events, t) for t in at]
    auc = [auc_at(1 - curves[:, k], days, events, times[k]) for k in usable]
    known = [value for value in auc if np.isfinite(value)]
    return {
        "times": at, "brier": brier, "auc": auc, "integrated_brier": _over_time(at, brier),
        "integrated_brier_km": _over_time(at, plain), "mean_auc": float(np.mean(known)) if known else None,
    }  # fmt: skip


def _over_time(times: Sequence[float], values: Sequence[float]) -> float:
    if len(times) == 1:
        return float(values[0])
    return float(np.trapezoid(values, times) / (times[-1] - times[0]))
