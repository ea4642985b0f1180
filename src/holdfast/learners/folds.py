"""Validation folds for tuning: forward in time where there are cutoffs, by customer where there are none."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from holdfast.windows import Span, label_window

Fold = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""Positions of the training rows and of the validation rows."""


def forward_folds(cutoffs: Any, *, horizon_days: int, lead_days: int = 0, count: int = 3) -> list[Fold]:
    """Forward chaining: validate at each of the last `count` cutoffs v, train on those whose labels end by v.

    Parameters
    ----------
    cutoffs : array of shape (n,)
        Cutoff of each row (datetime64 or dates).
    horizon_days, lead_days : int
        Timing of the task, in days.
    count : int
        Number of newest cutoffs to validate at; those without an earlier training cutoff are left out.

    Returns
    -------
    list of (train, valid)
        Row positions, oldest fold first; may be empty.

    Examples
    --------
    >>> days = ["2024-01-01", "2024-03-01", "2024-05-01"]
    >>> [(train.tolist(), valid.tolist()) for train, valid in forward_folds(days, horizon_days=60)]
    [([0], [1]), ([0, 1], [2])]
    """
    days = pd.to_datetime(pd.Series(np.asarray(cutoffs)))
    distinct: list[date] = sorted(set(days.dt.date))
    span = Span(0, lead_days, horizon_days)
    folds = []
    for valid_at in distinct[-count:]:
        closed = [cutoff for cutoff in distinct if label_window(cutoff, span).end <= valid_at]
        if closed:
            train = days.isin(pd.to_datetime(closed)).to_numpy()
            valid = (days == pd.Timestamp(valid_at)).to_numpy()
            folds.append((np.flatnonzero(train), np.flatnonzero(valid)))
    return folds


def random_folds(y: Any, *, seed: int, count: int = 3, customer: Sequence[str] | None = None) -> list[Fold]:
    """Seeded stratified folds for snapshot tables, which have no time to chain along.

    Parameters
    ----------
    y : array of shape (n,)
        Labels.
    seed : int
        Seed of the shuffle.
    count : int
        Number of folds.
    customer : sequence of str, optional
        Rows of one customer stay together; without it each row is a customer.

    Examples
    --------
    >>> folds = random_folds([0, 1] * 6, seed=0)
    >>> sorted(int(row) for _, valid in folds for row in valid) == list(range(12))
    True
    """
    target = np.asarray(y)
    blank = np.zeros((len(target), 1))
    if customer is None:
        splits = StratifiedKFold(count, shuffle=True, random_state=seed).split(blank, target)
    else:
        groups = np.asarray(customer)
        splits = StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(blank, target, groups)
    return [(train, valid) for train, valid in splits]


def usable_folds(folds: Sequence[Fold], y: Any) -> list[Fold]:
    """Folds whose training and validation rows hold both classes."""
    target = np.asarray(y)
    return [fold for fold in folds if all(len(np.unique(target[rows])) == 2 for rows in fold)]
