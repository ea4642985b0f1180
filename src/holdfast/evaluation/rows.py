"""Labels, scores and customers in one canonical order, so that the order of rows can change no figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from holdfast.errors import DataError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
Ids = ArrayLike | Sequence[Any] | pd.Series
"""Customer ids: anything one-dimensional that can be sorted."""


def as_floats(values: ArrayLike | pd.Series, name: str) -> FloatArray:
    """One-dimensional float array.

    Raises
    ------
    DataError
        When `values` is not one-dimensional or holds a missing or infinite number; the line says where.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"{name}: expected one dimension, got shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise DataError(f"{name}: row {bad[0]} is {array[bad[0]]} ({bad.size} such rows), expected finite numbers")
    return array


def as_labels(values: ArrayLike | pd.Series) -> FloatArray:
    """Labels as 0.0 and 1.0; raises DataError for anything else."""
    array = as_floats(values, "label")
    bad = np.flatnonzero((array != 0) & (array != 1))
    if bad.size:
        raise DataError(f"label: row {bad[0]} is {array[bad[0]]:g}, expected 0 or 1")
    return array


def as_scores(values: ArrayLike | pd.Series, *, probability: bool = True) -> FloatArray:
    """Scores; raises DataError where `probability` and one lies outside [0, 1]."""
    array = as_floats(values, "score")
    bad = np.flatnonzero((array < 0) | (array > 1)) if probability else np.array([], dtype=np.intp)
    if bad.size:
        raise DataError(f"score: row {bad[0]} is {array[bad[0]]:g}, expected a probability between 0 and 1")
    return array


def as_pair(y: ArrayLike, p: ArrayLike, *, probability: bool = False) -> tuple[FloatArray, FloatArray]:
    """Labels and scores, checked and equally long."""
    labels, scores = as_labels(y), as_scores(p, probability=probability)
    same_length(label=labels, score=scores)
    return labels, scores


def as_money(value: ArrayLike | pd.Series | None, n: int, *, spend: bool) -> FloatArray | None:
    """Value of each customer, or None; raises DataError when it comes without a `spend` to use it."""
    if value is None:
        return None
    if not spend:
        raise DataError("value without a spend: the profit at the budget needs cost, save rate and budget")
    money = as_floats(value, "value")
    if len(money) != n:
        raise DataError(f"value: {len(money)} rows, expected {n} as in the labels")
    return money


def as_codes(ids: Ids, name: str = "customer") -> tuple[IntArray, int]:
    """Number the ids 0, 1, … in their sorted order; returns the codes and how many there are."""
    codes, levels = pd.factorize(pd.Series(np.asarray(ids)), sort=True)
    if (codes < 0).any():
        raise DataError(f"{name}: row {int(np.argmax(codes < 0))} has no id, expected one in every row")
    return codes.astype(np.intp), len(levels)


def same_length(**arrays: NDArray[Any]) -> None:
    """Refuse arrays of different lengths, naming them."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "arrays of one cutoff must be equally long, got " + ", ".join(f"{k} {v}" for k, v in lengths.items())
        )


def number(value: float) -> float | None:
    """A plain float for JSON; None for NaN and infinity."""
    return float(value) if np.isfinite(value) else None


def list_length(n: float, share: float) -> int:
    """Rows in the top `share` of `n`: nearest whole number, at least one.

    Examples
    --------
    >>> list_length(25, 0.1), list_length(24, 0.1), list_length(3, 0.1)
    (3, 2, 1)
    """
    return max(1, int(np.floor(share * n + 0.5)))


def share_of(k: int | None, list_share: float, n: int) -> float:
    """Length of the list as a share of `n` customers: of `k` if given (at most all of them), else `list_share`.

    Examples
    --------
    >>> share_of(5, 0.1, 20), share_of(50, 0.1, 20), share_of(None, 0.1, 20)
    (0.25, 1.0, 0.1)
    """
    return list_share if k is None else k / max(n, k, 1)


@dataclass(frozen=True)
class Rows:
    """One model at one cutoff, highest score first, ties by customer id.

    A customer who appears twice with the same score has the stayer's row first: the pessimistic order, and
    the only way left to make the figures independent of the order in which rows came.

    Parameters
    ----------
    y, p : arrays of shape (n,)
        Label (0/1) and score, sorted.
    code : array of int, shape (n,)
        Customer number, in the sorted order of ids.
    start, end : arrays of int, shape (n,)
        The half-open range of rows that share this row's score.
    order : array of int, shape (n,)
        `y[i]` came from input row `order[i]`.
    """

    y: FloatArray
    p: FloatArray
    code: IntArray
    start: IntArray
    end: IntArray
    order: IntArray

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def one_class(self) -> bool:
        """Whether the labels cannot tell a good ranking from a bad one."""
        return bool(self.n == 0 or self.y.min() == self.y.max())


def tie_ranges(sorted_scores: FloatArray) -> tuple[IntArray, IntArray]:
    """Half-open range `[start, end)` of rows with an equal score, for each row of a sorted array.

    Examples
    --------
    >>> [a.tolist() for a in tie_ranges(np.array([0.9, 0.5, 0.5]))]
    [[0, 1, 1], [1, 3, 3]]
    """
    n = len(sorted_scores)
    first = np.flatnonzero(np.r_[True, sorted_scores[1:] != sorted_scores[:-1]][:n])
    bounds = np.r_[first, n]
    group = np.repeat(np.arange(len(first)), np.diff(bounds))
    return bounds[group].astype(np.intp), bounds[group + 1].astype(np.intp)


def sort_rows(y: FloatArray, p: FloatArray, code: IntArray) -> Rows:
    """Put one model's rows into the canonical order."""
    order = np.lexsort((y, code, -p)).astype(np.intp)
    start, end = tie_ranges(p[order])
    return Rows(y[order], p[order], code[order], start, end, order)
