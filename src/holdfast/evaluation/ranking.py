"""How well a score ranks: AUROC, average precision, lift, precision and recall of a list."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from holdfast.evaluation.rows import (
    FloatArray,
    Ids,
    as_codes,
    as_labels,
    as_pair,
    list_length,
    same_length,
    sort_rows,
    tie_ranges,
)


def auroc(y: ArrayLike, p: ArrayLike) -> float:
    """Chance that a random leaver scores above a random stayer; ties count one half.

    Mann and Whitney's U over the number of pairs, from mid-ranks.

    Parameters
    ----------
    y : array of shape (n,)
        Label, 0 or 1.
    p : array of shape (n,)
        Score, any unit; higher means more likely to leave.

    Returns
    -------
    float
        NaN when only one class is present.

    Raises
    ------
    DataError
        For labels other than 0 and 1, missing scores, unequal lengths.

    Examples
    --------
    >>> auroc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    labels, scores = as_pair(y, p)
    leavers = labels.sum()
    pairs = leavers * (len(labels) - leavers)
    if pairs == 0:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[labels == 1].sum() - leavers * (leavers + 1) / 2) / pairs)


def average_precision(y: ArrayLike, p: ArrayLike) -> float:
    """Precision averaged over the leavers found, equal scores entering together.

    Sum over score levels of (recall gained) x (precision there), as in scikit-learn; no interpolation.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (0/1) and score.

    Returns
    -------
    float
        NaN when nobody left.

    Examples
    --------
    >>> average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    labels, scores = as_pair(y, p)
    if labels.sum() == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    _, end = tie_ranges(scores[order])
    found = np.r_[0.0, np.cumsum(labels[order])]
    return float(np.sum(labels[order] * found[end] / end) / labels.sum())


def hits_at(y: ArrayLike, p: ArrayLike, tiebreak: Ids, k: int) -> float:
    """Leavers among the `k` highest scores; ties at the edge by `tiebreak`, smallest first."""
    labels, scores = as_pair(y, p)
    codes, _ = as_codes(tiebreak, "tiebreak")
    same_length(label=labels, tiebreak=codes)
    return float(sort_rows(labels, scores, codes).y[:k].sum())


def precision_at(y: ArrayLike, p: ArrayLike, tiebreak: Ids, k: int) -> float:
    """Share of leavers on a list of the `k` highest scores.

    A `k` above the number of customers is cut to it; NaN for an empty cohort.

    Examples
    --------
    >>> precision_at([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1], ["a", "c", "b", "d"], k=2)
    1.0
    """
    k = min(k, len(np.asarray(y)))
    return hits_at(y, p, tiebreak, k) / k if k > 0 else float("nan")


def recall_at(y: ArrayLike, p: ArrayLike, tiebreak: Ids, k: int) -> float:
    """Share of all leavers who are on a list of the `k` highest scores; NaN when nobody left.

    Examples
    --------
    >>> recall_at([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1], ["a", "b", "c", "d"], k=2)
    0.5
    """
    leavers = float(as_labels(y).sum())
    return hits_at(y, p, tiebreak, k) / leavers if leavers > 0 else float("nan")


def top_decile_lift(y: ArrayLike, p: ArrayLike, tiebreak: Ids, share: float = 0.1) -> float:
    """Churn rate among the highest-scored tenth over the churn rate of all.

    The tenth is the nearest whole number of customers, at least one. Ties at its edge are broken by
    `tiebreak` (the customer id), which says nothing about leaving: a constant score has lift 1 on average.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (0/1) and score.
    tiebreak : array of shape (n,)
        Customer ids.
    share : float
        Top share of the customers.

    Returns
    -------
    float
        NaN when nobody left.

    Examples
    --------
    >>> top_decile_lift([1] + 4 * [0] + [1] + 4 * [0], [0.9] + 9 * [0.1], list("abcdefghij"))
    5.0
    """
    labels = as_labels(y)
    if labels.sum() == 0:
        return float("nan")
    return precision_at(labels, p, tiebreak, list_length(len(labels), share)) / float(labels.mean())


def roc_curve(y: ArrayLike, p: ArrayLike, points: int = 200) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates for a plot, from (0, 0) to (1, 1), at most about `points` of them."""
    labels, scores = as_pair(y, p)
    order = np.argsort(-scores, kind="stable")
    _, end = tie_ranges(scores[order])
    ends = np.r_[0, np.unique(end)]
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, min(points, len(ends))).astype(int))]
    found = np.r_[0.0, np.cumsum(labels[order])][ends]
    leavers = labels.sum()
    return (ends - found) / max(len(labels) - leavers, 1.0), found / max(leavers, 1.0)


def lift_curve(y: ArrayLike, p: ArrayLike, tiebreak: Ids, points: int = 50) -> tuple[FloatArray, FloatArray]:
    """Share of customers contacted, and the lift there, for a plot."""
    labels, scores = as_pair(y, p)
    codes, _ = as_codes(tiebreak, "tiebreak")
    n = len(labels)
    sizes = np.unique(np.linspace(1, n, min(points, n)).astype(int)) if n else np.array([], dtype=int)
    found = np.r_[0.0, np.cumsum(sort_rows(labels, scores, codes).y)][sizes]
    rate = labels.mean() if n and labels.sum() > 0 else float("nan")
    return sizes / max(n, 1), found / sizes / rate
