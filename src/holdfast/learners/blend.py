"""The blend: strongly regularised boosting averaged with a shrunken logit in logit space (accuracy.md, the recipe)."""

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from holdfast.errors import ConfigError, DataError, ModelError
from holdfast.learners.boosting import (
    BoostingSettings,
    auto_min_child_weight,
    booster_bytes,
    booster_from_bytes,
    booster_margin,
    fit_booster,
    single_precision,
)
from holdfast.learners.columns import Columns, FeatureMismatch, Matrix
from holdfast.learners.logit import ShrunkenLinear, fit_logit

FORMAT = 1
"""Version of `blend.json`."""
STRAYED = 0.4
"""Kolmogorov-Smirnov distance from which a linear term would rather guess than know (docs/accuracy.md)."""
_LOOKED_AT = 20_000


class OneClassError(DataError, ValueError):
    """Every training row has the same label."""


class BlendClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Binary classifier: the weighted mean of two members' log odds.

    Takes numeric arrays, or pandas frames whose text or `category` columns are categories. Missing values are
    welcome. The same input gives the same bytes, whatever the number of threads.

    Parameters
    ----------
    n_trees, learning_rate, max_depth, reg_lambda, colsample, subsample, max_bin
        Settings of the boosting member. `colsample` never leaves a tree fewer than five features.
    min_child_weight : float or "auto"
        Least sum of hessians in a leaf; `auto` goes by the number of rows (`auto_min_child_weight`).
    C : float
        Inverse ridge of the logit member, as in scikit-learn.
    clip : float
        Bound of the logit's standardised columns.
    weight : float
        Weight of the boosting member, between 0 and 1.
    seed : int
        Seed of the trees' row and column samples.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The second one is the positive class.
    booster_ : xgboost.Booster
        The boosting member; its columns go by position, as `encode` gives them.
    logit_ : ShrunkenLinear
        The logit member.
    columns_ : Columns
        Names and levels of the input.
    categories_ : dict of str to tuple of str
        Levels of each categorical column, by name.
    shift_ : float
        Level shift in logits; 0 until `shifted` gives another.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 3))
    >>> y = (X[:, 0] + rng.normal(size=400) > 0).astype(int)
    >>> model = BlendClassifier(n_trees=50).fit(X, y)
    >>> bool(model.predict_proba([[2, 0, 0]])[0, 1] > model.predict_proba([[-2, 0, 0]])[0, 1])
    True
    """

    def __init__(
        self,
        n_trees: int = 300,
        learning_rate: float = 0.025,
        max_depth: int = 4,
        min_child_weight: float | str = "auto",
        reg_lambda: float = 20.0,
        colsample: float = 0.25,
        subsample: float = 0.6,
        max_bin: int = 64,
        C: float = 0.01,
        clip: float = 4.0,
        weight: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_child_weight = min_child_weight
        self.reg_lambda = reg_lambda
        self.colsample = colsample
        self.subsample = subsample
        self.max_bin = max_bin
        self.C = C
        self.clip = clip
        self.weight = weight
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        """scikit-learn's tags: two classes only, missing values allowed."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    # -- fitting ---------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, served: Any = None) -> Self:
        """Fit both members.

        Parameters
        ----------
        X : DataFrame or array of shape (n, n_features)
        y : array of shape (n,)
            Two classes; the greater one is the positive class.
        served : DataFrame or array of shape (m, n_features), optional
            Rows that the model will serve, without labels. Features that lie elsewhere among them than in training
            (`strayed`) are left out of the logit member, which would extrapolate; trees do not.

        Raises
        ------
        OneClassError
            When all labels are equal.
        ConfigError
            For a setting out of its range.
        """
        self._check_settings()
        matrix, target = self._training(X, y)
        columns, boosting = self.columns_, self._boosting(len(matrix))
        self.booster_ = fit_booster(matrix, target, columns.types, boosting)
        if served is not None:
            matrix = _without(matrix, strayed(matrix, self._encoded(served), columns.levels))
        self.logit_: ShrunkenLinear = fit_logit(matrix, target, columns.levels, c=self.C, clip=self.clip)
        self.shift_ = 0.0
        return self

    def _check_settings(self) -> None:
        positive = ("n_trees", "learning_rate", "max_depth", "colsample", "subsample", "C", "clip")
        for name in positive:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} = {getattr(self, name)!r}: expected a number above 0")
        if not 0 <= self.weight <= 1:
            raise ConfigError(f"weight = {self.weight!r}: expected a share between 0 and 1")
        if isinstance(self.min_child_weight, str) and self.min_child_weight != "auto":
            raise ConfigError(f"min_child_weight = {self.min_child_weight!r}: expected a number or 'auto'")

    def _training(self, X: Any, y: Any) -> tuple[Matrix, npt.NDArray[np.int8]]:
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True)
            self.columns_ = Columns.of(X)
            matrix = check_array(self.columns_.matrix(X), ensure_all_finite="allow-nan", ensure_min_samples=2)
            y = column_or_1d(y, warn=True)
            check_consistent_length(matrix, y)
        else:
            matrix, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2)
            self.columns_ = Columns.numeric(matrix.shape[1])
        self.categories_ = {self.columns_.names[k]: levels for k, levels in self.columns_.levels.items()}
        check_classification_targets(y)
        self.classes_, target = np.unique(y, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError("Only binary classification is supported. The type of the target is multiclass.")
        if len(self.classes_) < 2:
            raise OneClassError(
                f"all {len(y)} training labels are of one class ({self.classes_[0]}): expected leavers and stayers; "
                "choose another horizon or bring more history"
            )
        return np.asfortranarray(matrix), target.astype(np.int8)

    def _boosting(self, n_rows: int) -> BoostingSettings:
        least = self.min_child_weight
        return BoostingSettings(
            n_trees=self.n_trees,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            min_child_weight=auto_min_child_weight(n_rows) if isinstance(least, str) else float(least),
            reg_lambda=self.reg_lambda,
            colsample=self.colsample,
            subsample=self.subsample,
            max_bin=self.max_bin,
            seed=self.seed,
        )

    # -- predicting ------------------------------------------------------------------------------------------

    def _encoded(self, X: Any) -> Matrix:
        check_is_fitted(self)
        if not isinstance(X, pd.DataFrame):
            if self.columns_.levels:
                raise FeatureMismatch("an array came, but the model was fitted on categories: pass a frame")
            matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
            return np.asfortranarray(matrix)
        try:
            validate_data(self, X, skip_check_array=True, reset=False)
        except ValueError as error:
            raise FeatureMismatch(str(error)) from error
        return self.columns_.matrix(X)

    def encode(self, X: Any) -> npt.NDArray[np.float32]:
        """The matrix that `booster_` reads: categories as training codes, unseen ones missing; (n, n_features)."""
        return single_precision(self.columns_.known(self._encoded(X)))

    def dmatrix(self, X: Any, threads: int = 1) -> xgboost.DMatrix:
        """`encode(X)` as XGBoost's own matrix, for `booster_.predict(…, pred_contribs=True)`."""
        return xgboost.DMatrix(
            self.encode(X), feature_types=self.columns_.types, enable_categorical=True, nthread=threads
        )

    def boosting_margin(self, X: Any) -> npt.NDArray[np.float64]:
        """Log odds of the boosting member, shape (n,)."""
        matrix = self._encoded(X)
        return booster_margin(self.booster_, self.columns_.known(matrix))

    def logit_margin(self, X: Any) -> npt.NDArray[np.float64]:
        """Log odds of the logit member, shape (n,)."""
        return self.logit_.margin(self._encoded(X))

    def logit_terms(self, X: Any) -> tuple[npt.NDArray[np.float64], float]:
        """Exact linear SHAP values of the logit member.

        Returns
        -------
        tuple
            Terms of shape (n, n_features) by original feature, centred on the training mean, and the base:
            `terms.sum(axis=1) + base` is `logit_margin(X)`.
        """
        matrix = self._encoded(X)
        return self.logit_.contributions(matrix), self.logit_.base

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Weighted mean log odds plus the level shift, shape (n,)."""
        matrix = self._encoded(X)
        boosting = booster_margin(self.booster_, self.columns_.known(matrix))
        margin: npt.NDArray[np.float64] = self.weight * boosting + (1 - self.weight) * self.logit_.margin(matrix)
        return margin + self.shift_

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of the two classes, shape (n, 2)."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class of each row, shape (n,)."""
        positive = (self.decision_function(X) > 0).astype(np.intp)
        labels: npt.NDArray[Any] = self.classes_[positive]
        return labels

    def unseen_categories(self, X: pd.DataFrame) -> dict[str, int]:
        """Rows per categorical column with a level that training never saw (they count as missing for the trees)."""
        return self.columns_.unseen(self._encoded(X))

    def shifted(self, shift: float) -> Self:
        """A copy of the fitted model with another level shift (logits)."""
        check_is_fitted(self)
        other = copy.copy(self)
        other.shift_ = float(shift)
        return other

    # -- files -----------------------------------------------------------------------------------------------

    def to_files(self, folder: str | Path) -> None:
        """Write `boosting.ubj` and `blend.json` into `folder`; reading them gives the same predictions to the bit."""
        check_is_fitted(self)
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        _write(target / "boosting.ubj", booster_bytes(self.booster_))
        _write(target / "blend.json", (json.dumps(self._state(), indent=1, sort_keys=True) + "\n").encode())

    def _state(self) -> dict[str, Any]:
        named = hasattr(self, "feature_names_in_")
        return {
            "format": FORMAT,
            "kind": type(self).__name__,
            "params": {name: _plain(value) for name, value in self.get_params().items()},
            "classes": [_plain(label) for label in self.classes_],
            "classes_dtype": str(self.classes_.dtype),
            "named": named,
            "columns": self.columns_.as_dict(),
            "logit": self.logit_.as_dict(),
            "shift": self.shift_,
        }

    @classmethod
    def from_files(cls, folder: str | Path) -> Self:
        """Read a model that `to_files` wrote.

        Raises
        ------
        ModelError
            When a file is missing, damaged or of another format.
        """
        source = Path(folder)
        try:
            state = json.loads((source / "blend.json").read_bytes())
            trees = (source / "boosting.ubj").read_bytes()
        except (OSError, ValueError) as error:
            raise ModelError(f"{source}: expected a model (boosting.ubj and blend.json): {error}") from error
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise ModelError(f"{source}/blend.json: expected format {FORMAT}: train the model again")
        return cls._restored(state, trees)

    @classmethod
    def _restored(cls, state: dict[str, Any], trees: bytes) -> Self:
        model = cls(**state["params"])
        model.classes_ = np.array(state["classes"], dtype=state["classes_dtype"])
        model.columns_ = Columns.from_dict(state["columns"])
        model.n_features_in_ = len(model.columns_.names)
        if state["named"]:
            model.feature_names_in_ = np.array(model.columns_.names, dtype=object)
        model.categories_ = {model.columns_.names[k]: levels for k, levels in model.columns_.levels.items()}
        model.booster_ = booster_from_bytes(trees)
        model.logit_ = ShrunkenLinear.from_dict(state["logit"])
        model.shift_ = state["shift"]
        return model


class ChurnClassifier(BlendClassifier):
    """The blend for the question "will this customer leave?"; class 1 is leaving."""


class LoyaltyClassifier(BlendClassifier):
    """The blend for the question "will this customer stay loyal?"; class 1 is loyal."""


def strayed(matrix: Matrix, served: Matrix, levels: Mapping[int, Any], limit: float = STRAYED) -> list[int]:
    """Features whose distribution at serving is far from training's: Kolmogorov-Smirnov distance above the limit.

    Examples
    --------
    >>> old, new = np.arange(100.0)[:, None], np.arange(50.0, 150.0)[:, None]
    >>> strayed(old, new, {}), strayed(old, old, {})
    ([0], [])
    """
    if not len(served):
        return []
    some = [rows[:: -(-len(rows) // _LOOKED_AT)] for rows in (matrix, served)]
    return [k for k in range(matrix.shape[1]) if k not in levels and _distance(some[0][:, k], some[1][:, k]) > limit]


def _distance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Greatest difference of the two distribution functions; a missing value is one below all others."""
    a, b = (np.sort(np.where(np.isnan(values), -np.inf, values)) for values in (a, b))
    every = np.concatenate([a, b])
    shares = [np.searchsorted(values, every, side="right") / len(values) for values in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())


def _without(matrix: Matrix, features: list[int]) -> Matrix:
    if not features:
        return matrix
    out = matrix.copy(order="F")
    out[:, features] = np.nan
    return out


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(content)
    os.replace(aside, path)
