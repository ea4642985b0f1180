"""Which of several reasons a leaver had: calibrated class probabilities for few rows and many features (domain A3).

One shrunken logit per class and a small multi-class boosting each give log votes v. What they say beyond the shares of
the classes is scaled by one number per member, fitted on rows that they have not seen: log p = log prior +
Σ s · (v − log prior) + constant. Where the features say nothing, s falls to zero and the answer is the shares.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.model_selection import StratifiedGroupKFold

from holdfast.errors import DataError
from holdfast.learners.boosting import single_precision
from holdfast.learners.columns import Columns, Matrix
from holdfast.learners.logit import ShrunkenLinear, fit_logit

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

MIN_CLASS_ROWS = 10
"""Leavers that a class needs to be learnt; rarer ones are left out and named."""
FOLDS = 5
RIDGE_C = 0.02
CLIP = 4.0
MOST_SCALE = 1.5
_FLOOR = 1e-6
_TREES: Mapping[str, Any] = {
    "objective": "multi:softprob", "tree_method": "hist", "learning_rate": 0.1, "max_depth": 3, "reg_lambda": 10.0,
    "colsample_bytree": 0.5, "subsample": 0.8, "min_child_weight": 3.0, "max_bin": 64, "nthread": 1, "verbosity": 0,
}  # fmt: skip
_ROUNDS = 60


@dataclass(frozen=True)
class ReasonClassifier:
    """Fitted class probabilities; made by `fit_reasons`.

    Parameters
    ----------
    classes : tuple of str
        What can be answered, sorted.
    prior : ndarray of shape (n_classes,)
        Shares of the classes in training.
    scale : ndarray of shape (n_members,)
        How far each member is followed beyond the prior: 0 not at all, 1 as it speaks.
    columns : Columns
        Encoder of the features.
    logits : tuple of ShrunkenLinear
        One against the rest, per class.
    booster : xgboost.Booster
    """

    classes: tuple[str, ...]
    prior: Floats
    scale: Floats
    columns: Columns
    logits: tuple[ShrunkenLinear, ...]
    booster: xgboost.Booster

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Calibrated probabilities, shape (n, n_classes), adding to one."""
        return scaled(_log_votes(self.columns, self.logits, self.booster, X), self.prior, self.scale)


@dataclass(frozen=True)
class FittedReasons:
    """A classifier and what it said of rows that it had not seen.

    Parameters
    ----------
    model : ReasonClassifier
        On all rows.
    out_of_fold : ndarray of shape (n, n_classes)
        Probabilities of every training row by members and scale that saw neither the row nor its customer.
    """

    model: ReasonClassifier
    out_of_fold: Floats


def fit_reasons(
    X: pd.DataFrame, reason: "pd.Series[str]", customer: Sequence[Any], seed: int, folds: int = FOLDS
) -> FittedReasons:
    """Fit on leavers whose reason is known.

    Parameters
    ----------
    X : DataFrame
        Features of the leavers, known before they left.
    reason : Series of str
        Reason of each row, one of at least two.
    customer : sequence
        Rows of one customer stay together in the folds.
    seed : int
    folds : int
        Fewer where the rarest class has fewer customers.

    Raises
    ------
    DataError
        With fewer than two classes of `MIN_CLASS_ROWS` rows, or rows without a reason.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> waits = np.r_[rng.normal(0, 1, 200), rng.normal(3, 1, 200)]
    >>> found = fit_reasons(pd.DataFrame({"waits": waits}), pd.Series(["price"] * 200 + ["service"] * 200),
    ...     list(range(400)), seed=1)
    >>> found.model.predict_proba(pd.DataFrame({"waits": [-1.0, 4.0]})).argmax(axis=1).tolist()
    [0, 1]
    """
    classes, y = class_codes(reason)

    def votes(train: Rows, valid: Rows) -> Floats:
        return _log_votes(*_fit_members(X.iloc[train], y[train], len(classes), seed), X.iloc[valid])

    scale, unseen = cross_fit(votes, y, customer, seed, folds)
    prior = _shares(y, len(classes))
    return FittedReasons(ReasonClassifier(classes, prior, scale, *_fit_members(X, y, len(classes), seed)), unseen)


def class_codes(reason: "pd.Series[str]") -> tuple[tuple[str, ...], Rows]:
    """Sorted class names and the code of each row.

    Raises
    ------
    DataError
        With fewer than two classes of `MIN_CLASS_ROWS` rows, or rows without a reason.
    """
    counts = reason.value_counts(dropna=False)
    if len(counts) < 2 or counts.min() < MIN_CLASS_ROWS or reason.isna().any():
        raise DataError(
            f"reasons: {dict(counts)}; expected at least two classes of {MIN_CLASS_ROWS} leavers or more, none missing"
        )
    classes = tuple(sorted(str(name) for name in counts.index))
    return classes, pd.Categorical(reason, categories=list(classes)).codes.astype(np.intp)


def cross_fit(
    votes_of: Callable[[Rows, Rows], Floats], y: Rows, customer: Sequence[Any], seed: int, folds: int = FOLDS
) -> tuple[Floats, Floats]:
    """The scales, and probabilities of every row by members and scales that saw neither it nor its customer.

    Parameters
    ----------
    votes_of : callable
        Fits on the first rows and gives log votes for the second, shape (n, n_classes, n_members).
    y : ndarray of shape (n,)
        Class codes.
    customer : sequence
        Rows of one customer share a fold.
    seed, folds : int

    Returns
    -------
    tuple of ndarray of shape (n_members,) and ndarray of shape (n, n_classes)
    """
    n_classes = int(y.max()) + 1
    groups = pd.factorize(np.asarray(customer, dtype=object).astype(str), sort=True)[0]
    priors, fold_of, parts = np.zeros((len(y), n_classes)), np.zeros(len(y), int), []
    count = min(folds, int(np.bincount(y).min()))
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for number, (train, valid) in enumerate(splitter.split(np.zeros((len(y), 1)), y, groups)):
        parts.append((valid, votes_of(train, valid)))
        priors[valid], fold_of[valid] = _shares(y[train], n_classes), number
    votes = np.zeros((len(y), *parts[0][1].shape[1:]))
    for valid, part in parts:
        votes[valid] = part
    unseen = np.zeros_like(priors)
    for number in np.unique(fold_of):
        here = fold_of == number
        unseen[here] = scaled(votes[here], priors[here], _fit_scale(votes[~here], priors[~here], y[~here]))
    return _fit_scale(votes, priors, y), unseen


def scaled(votes: Floats, prior: Floats, scale: Floats) -> Floats:
    """Probabilities from log votes, followed by `scale` beyond the prior.

    Parameters
    ----------
    votes : ndarray of shape (n, n_classes, n_members)
    prior : ndarray of shape (n_classes,) or (n, n_classes)
    scale : ndarray of shape (n_members,)

    Examples
    --------
    >>> votes = np.log([[[0.5], [0.5]]])
    >>> scaled(votes, np.array([0.8, 0.2]), np.array([0.0])).round(3).tolist()
    [[0.8, 0.2]]
    """
    base = np.broadcast_to(np.log(np.maximum(prior, _FLOOR)), votes.shape[:2])
    margin = base + ((votes - base[:, :, None]) * scale).sum(axis=2)
    return np.asarray(np.exp(margin - logsumexp(margin, axis=1, keepdims=True)))


def _fit_scale(votes: Floats, prior: Floats, y: Rows) -> Floats:
    rows, members = np.arange(len(y)), votes.shape[2]

    def loss(scale: Floats) -> float:
        return float(-np.log(np.maximum(scaled(votes, prior, scale)[rows, y], _FLOOR)).mean())

    start, none = np.full(members, 0.5), np.zeros(members)
    found = minimize(loss, start, method="L-BFGS-B", bounds=[(0.0, MOST_SCALE)] * members)
    return np.asarray(found.x) if found.fun < loss(none) else none


def _shares(y: Rows, n_classes: int) -> Floats:
    return np.bincount(y, minlength=n_classes) / len(y)


def _fit_members(
    X: pd.DataFrame, y: Rows, n_classes: int, seed: int
) -> tuple[Columns, tuple[ShrunkenLinear, ...], xgboost.Booster]:
    columns = Columns.of(X)
    matrix = columns.matrix(X)
    logits = tuple(
        fit_logit(matrix, (y == k).astype(np.int8), columns.levels, c=RIDGE_C, clip=CLIP) for k in range(n_classes)
    )
    data = xgboost.QuantileDMatrix(
        single_precision(columns.known(matrix)), label=y, feature_types=columns.types, enable_categorical=True,
        max_bin=_TREES["max_bin"], nthread=1,
    )  # fmt: skip
    booster = xgboost.train({**_TREES, "num_class": n_classes, "seed": seed}, data, num_boost_round=_ROUNDS)
    return columns, logits, booster


def _log_votes(columns: Columns, logits: Sequence[ShrunkenLinear], booster: xgboost.Booster, X: pd.DataFrame) -> Floats:
    """Log probabilities of both members, shape (n, n_classes, 2); the logits are made to add to one."""
    matrix: Matrix = columns.matrix(X)
    apart = np.column_stack([-np.logaddexp(0.0, -one.margin(matrix)) for one in logits])
    apart -= logsumexp(apart, axis=1, keepdims=True)
    trees = booster.inplace_predict(single_precision(columns.known(matrix)), missing=np.nan).astype(np.float64)
    together = np.log(np.maximum(trees.reshape(len(X), len(logits)), _FLOOR))
    return np.stack([apart, together], axis=2)
