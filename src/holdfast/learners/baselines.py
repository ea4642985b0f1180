"""What the blend has to beat: base rate, recency alone, RFM logit, RFM boosting, BG/NBD.

Fitted as their users would fit them: on the newest training cutoff alone, untuned. They read features by name. A
snapshot table has none of those; there the yardsticks are a plain logit and untuned boosting on all its columns.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost
from scipy.special import expit

from holdfast.errors import DataError, ModelError
from holdfast.learners.boosting import booster_margin, single_precision
from holdfast.learners.columns import Columns, Matrix
from holdfast.learners.logit import fit_logit, signed_log
from holdfast.learners.newton import ridge_logistic

RECENCY = ("days_since_last_order",)
RFM = ("days_since_last_order", "orders_all", "spend_all")

NEEDS: dict[str, tuple[str, ...]] = {
    "base_rate": (),
    "recency_alone": RECENCY,
    "rfm_logit": RFM,
    "rfm_boosting": RFM,
    "bgnbd_p_alive": ("btyd_p_alive",),
    "bgnbd_p_no_purchase": ("btyd_p_no_purchase",),
}
"""Columns that each baseline reads."""

Score = Callable[[pd.DataFrame], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Baseline:
    """A fitted yardstick.

    Parameters
    ----------
    name : str
        Key in the metrics.
    words : str
        What it is, for the report.
    columns : tuple of str
        Columns that it reads.
    score : callable
        Frame of n rows to the probability of label 1, shape (n,).
    """

    name: str
    words: str
    columns: tuple[str, ...]
    score: Score

    def predict_proba(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Probabilities of label 0 and label 1, shape (n, 2).

        Raises
        ------
        ModelError
            When a column is missing.
        """
        absent = [name for name in self.columns if name not in X.columns]
        if absent:
            raise ModelError(f"baseline {self.name}: column {absent[0]} is missing; it was there when it was fitted")
        positive = np.asarray(self.score(X), dtype=np.float64)
        return np.column_stack([1 - positive, positive])


def fit_baselines(X: pd.DataFrame, y: npt.ArrayLike, cutoff: npt.ArrayLike | None) -> dict[str, Baseline]:
    """Fit every baseline whose columns are there (`skipped_baselines` names the others).

    The base rate is pooled over all training cutoffs; the rest is fitted on the newest cutoff that has both
    classes. BG/NBD is read from its feature columns; the base rate stands in where it is missing.

    Parameters
    ----------
    X : DataFrame of shape (n, n_features)
        Features only.
    y : array of shape (n,)
        0 or 1.
    cutoff : array of shape (n,) or None
        Training cutoff of each row; None for a snapshot.

    Returns
    -------
    dict of str to Baseline

    Raises
    ------
    DataError
        When all labels are equal.

    Examples
    --------
    >>> X = pd.DataFrame({"days_since_last_order": [1.0, 2.0, 30.0, 40.0]})
    >>> fitted = fit_baselines(X, [0, 1, 0, 1], None)
    >>> list(fitted), fitted["base_rate"].predict_proba(X)[0].tolist()
    (['base_rate', 'recency_alone'], [0.5, 0.5])
    """
    target = np.asarray(y, dtype=np.float64)
    newest = _newest(target, cutoff)
    rate = float(target.mean())
    skipped = skipped_baselines(X.columns)
    makers: dict[str, Callable[[], Baseline]] = {
        "base_rate": lambda: _base_rate(rate),
        "recency_alone": lambda: _recency(X[newest], target[newest]),
        "rfm_logit": lambda: _rfm_logit(X[newest], target[newest]),
        "rfm_boosting": lambda: _boosting("rfm_boosting", RFM, X[newest], target[newest]),
        "bgnbd_p_alive": lambda: _dead(rate),
        "bgnbd_p_no_purchase": lambda: _no_purchase(rate),
    }
    fitted = {name: make() for name, make in makers.items() if name not in skipped}
    if len(fitted) == 1:
        everything = tuple(str(name) for name in X.columns)
        fitted["logit_all"] = _logit_all(everything, X[newest], target[newest])
        fitted["boosting_all"] = _boosting("boosting_all", everything, X[newest], target[newest])
    return fitted


def skipped_baselines(columns: Iterable[str]) -> dict[str, str]:
    """Baselines that cannot be fitted on these columns, each with the reason.

    Examples
    --------
    >>> skipped_baselines(["days_since_last_order", "orders_all", "spend_all", "btyd_p_alive"])
    {'bgnbd_p_no_purchase': 'not measured: no column btyd_p_no_purchase'}
    """
    present = set(columns)
    absent = {name: [c for c in needs if c not in present] for name, needs in NEEDS.items()}
    return {name: f"not measured: no column {', '.join(missing)}" for name, missing in absent.items() if missing}


def _newest(y: npt.NDArray[np.float64], cutoff: npt.ArrayLike | None) -> npt.NDArray[np.bool_]:
    """Rows of the newest cutoff that has both classes."""
    if len(np.unique(y)) < 2:
        raise DataError(f"baselines: all {len(y)} training labels are equal: expected leavers and stayers")
    days = np.zeros(len(y)) if cutoff is None else pd.to_datetime(pd.Series(np.asarray(cutoff))).to_numpy()
    for day in np.unique(days)[::-1]:
        rows: npt.NDArray[np.bool_] = days == day
        if len(np.unique(y[rows])) == 2:
            return rows
    return np.ones(len(y), dtype=np.bool_)


def _base_rate(rate: float) -> Baseline:
    return Baseline("base_rate", "everybody gets the training rate", (), lambda X: np.full(len(X), rate))


def _recency(X: pd.DataFrame, y: npt.NDArray[np.float64]) -> Baseline:
    words = "logistic regression on days since the last order alone"
    return Baseline("recency_alone", words, RECENCY, _plain_logit(X, y, RECENCY))


def _rfm_logit(X: pd.DataFrame, y: npt.NDArray[np.float64]) -> Baseline:
    words = "logistic regression on recency, frequency and monetary value, one cutoff"
    return Baseline("rfm_logit", words, RFM, _plain_logit(X, y, RFM))


def _dead(rate: float) -> Baseline:
    column = NEEDS["bgnbd_p_alive"]
    words = "BG/NBD, 1 - P(alive)"
    return Baseline("bgnbd_p_alive", words, column, lambda X: _share(1 - _numbers(X, column[0]), rate))


def _no_purchase(rate: float) -> Baseline:
    words = "BG/NBD, P(no purchase in the horizon)"
    column = NEEDS["bgnbd_p_no_purchase"]
    return Baseline("bgnbd_p_no_purchase", words, column, lambda X: _share(_numbers(X, column[0]), rate))


def _numbers(X: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    return X[name].to_numpy(dtype=np.float64, na_value=np.nan)


def _share(values: npt.NDArray[np.float64], otherwise: float) -> npt.NDArray[np.float64]:
    return np.clip(np.where(np.isnan(values), otherwise, values), 0.0, 1.0)


def _plain_logit(X: pd.DataFrame, y: npt.NDArray[np.float64], columns: tuple[str, ...]) -> Score:
    """Logistic regression (C = 1) on standardised sign(v)·ln(1+|v|), medians for missing values."""

    def raw(frame: pd.DataFrame) -> Matrix:
        return np.column_stack([signed_log(_numbers(frame, name)) for name in columns])

    training = raw(X)
    known = ~np.isnan(training)
    fill = np.array([np.median(training[known[:, k], k]) if known[:, k].any() else 0.0 for k in range(len(columns))])
    training = np.where(known, training, fill)
    mean, sd = training.mean(axis=0), training.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    coef, intercept = ridge_logistic((training - mean) / sd, y, 1.0)

    def score(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        values = raw(frame)
        z = (np.where(np.isnan(values), fill, values) - mean) / sd
        margin = np.full(len(z), intercept)
        for k, weight in enumerate(coef):
            margin += weight * z[:, k]
        return np.asarray(expit(margin))

    return score


def _logit_all(columns: tuple[str, ...], X: pd.DataFrame, y: npt.NDArray[np.float64]) -> Baseline:
    read = Columns.of(X)
    model = fit_logit(read.matrix(X), y, read.levels, c=1.0, clip=4.0)
    words = "plain logistic regression on all columns"
    return Baseline("logit_all", words, columns, lambda Z: expit(model.margin(read.matrix(Z[list(columns)]))))


def _boosting(name: str, columns: tuple[str, ...], X: pd.DataFrame, y: npt.NDArray[np.float64]) -> Baseline:
    """XGBoost as it comes: 100 trees, rate 0.3, depth 6."""
    read = Columns.of(X[list(columns)])
    matrix = single_precision(read.matrix(X[list(columns)]))
    data = xgboost.DMatrix(matrix, label=y, feature_types=read.types, enable_categorical=True, nthread=1)
    params: dict[str, Any] = {"objective": "binary:logistic", "nthread": 1, "seed": 0, "verbosity": 0}
    booster = xgboost.train(params, data, num_boost_round=100)

    def score(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        return np.asarray(expit(booster_margin(booster, read.known(read.matrix(frame[list(columns)])))))

    return Baseline(name, f"untuned boosting on {len(columns)} columns, one cutoff", columns, score)
