"""The boosting member: strongly regularised XGBoost, fitted on one thread."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from holdfast.errors import ModelError
from holdfast.learners.columns import Matrix

_LARGEST = float(np.finfo(np.float32).max)
FEW_FEATURES = 5
"""Each tree sees at least this many features (or all): a quarter of a handful would be one."""


@dataclass(frozen=True)
class BoostingSettings:
    """Settings of the boosting member (accuracy.md, "The recipe")."""

    n_trees: int
    learning_rate: float
    max_depth: int
    min_child_weight: float
    reg_lambda: float
    colsample: float
    subsample: float
    max_bin: int
    seed: int


def auto_min_child_weight(n_rows: int) -> float:
    """Least sum of hessians in a leaf: 100, 30 below 10 000 rows, and n/50 (at least 1) below 1 500.

    Examples
    --------
    >>> [auto_min_child_weight(n) for n in (20_000, 5_000, 500, 20)]
    [100.0, 30.0, 10.0, 1.0]
    """
    if n_rows >= 10_000:
        return 100.0
    return max(1.0, min(30.0, n_rows / 50))


def fit_booster(matrix: Matrix, y: npt.NDArray[Any], types: list[str], settings: BoostingSettings) -> xgboost.Booster:
    """Fit the trees on an encoded matrix; the same input gives the same bytes on any machine size.

    Parameters
    ----------
    matrix : ndarray of shape (n, n_features)
        NaN is missing; categorical columns hold level codes.
    y : ndarray of shape (n,)
        0 or 1.
    types : list of str
        `q` or `c` per column.
    settings : BoostingSettings

    Returns
    -------
    xgboost.Booster
        Without feature names: columns go by position.
    """
    # One thread: histogram sums would otherwise follow the thread schedule.
    data = xgboost.QuantileDMatrix(
        single_precision(matrix), label=y, feature_types=types, enable_categorical=True,
        max_bin=settings.max_bin, nthread=1,
    )  # fmt: skip
    return xgboost.train(_params(settings, matrix.shape[1]), data, num_boost_round=settings.n_trees)


def _params(settings: BoostingSettings, n_features: int) -> dict[str, Any]:
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "learning_rate": settings.learning_rate,
        "max_depth": settings.max_depth,
        "min_child_weight": settings.min_child_weight,
        "reg_lambda": settings.reg_lambda,
        "colsample_bytree": min(1.0, max(settings.colsample, FEW_FEATURES / n_features)),
        "subsample": settings.subsample,
        "max_bin": settings.max_bin,
        "seed": settings.seed,
        "nthread": 1,
        "verbosity": 0,
    }


def booster_margin(booster: xgboost.Booster, matrix: Matrix) -> npt.NDArray[np.float64]:
    """Margin (log odds) of each row, shape (n,); a row's value does not depend on its neighbours."""
    if not len(matrix):
        return np.empty(0)
    margin = booster.inplace_predict(single_precision(matrix), predict_type="margin", missing=np.nan)
    return np.asarray(margin, dtype=np.float64)


def booster_bytes(booster: xgboost.Booster) -> bytes:
    """Universal binary JSON of the trees."""
    return bytes(booster.save_raw("ubj"))


def booster_from_bytes(content: bytes, threads: int = 1) -> xgboost.Booster:
    """Inverse of `booster_bytes`.

    Raises
    ------
    ModelError
        When the bytes are not a booster.
    """
    try:
        booster = xgboost.Booster(model_file=bytearray(content))
    except xgboost.core.XGBoostError as error:
        raise ModelError("boosting.ubj is not a readable XGBoost model: fetch or train the model again") from error
    booster.set_param({"nthread": threads})
    return booster


def single_precision(matrix: Matrix) -> npt.NDArray[np.float32]:
    """Row-major float32; values beyond its range are held at its edge instead of becoming infinite.

    Examples
    --------
    >>> bool(np.isfinite(single_precision(np.array([[1e300]]))).all())
    True
    """
    with np.errstate(over="ignore"):
        out = np.array(matrix, dtype=np.float32, order="C")
    return np.clip(out, -_LARGEST, _LARGEST, out=out)
