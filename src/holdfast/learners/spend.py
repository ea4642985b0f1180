"""Expected money over a horizon, most of it zero: the chance of any, times the amount where there is some.

The chance is the blend. The amount is modelled on the log scale by the mean of two members, boosting and a ridge on
the logit's columns, and brought back by one factor that makes the training total right. Amounts are winsorised, since
one huge customer would otherwise write the level of all.
"""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from holdfast.errors import DataError
from holdfast.learners.blend import BlendClassifier
from holdfast.learners.boosting import single_precision
from holdfast.learners.columns import Columns
from holdfast.learners.logit import fit_log_amount

Floats = npt.NDArray[np.float64]

FEW = 50
"""With fewer customers who spend, the amount is their mean."""


class SpendRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Zero-inflated regression of money: `P(any) x E[amount | some]`.

    Parameters
    ----------
    n_trees, learning_rate, max_depth, reg_lambda, colsample, subsample
        Of the boosting member for the amount.
    shrinkage : float
        Ridge per row of the linear member.
    winsor : float
        Amounts above this quantile of the training amounts are set to it.
    seed : int
        Seed of the samples.

    Attributes
    ----------
    chance_ : BlendClassifier or float
        Of any money; a number where training saw one kind of customer only.
    factor_ : float
        From the mean of logs back to money.
    cut_ : float
        Largest amount that training looked at.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"a": rng.normal(size=2000)})
    >>> money = np.where(rng.random(2000) < 0.5, np.exp(3 + X["a"]), 0.0)
    >>> model = SpendRegressor().fit(X, money)
    >>> low, high = model.predict(pd.DataFrame({"a": [-1.0, 1.0]}))
    >>> bool(2.0 < low < 6.0 and 20 < high < 40)
    True
    """

    def __init__(
        self,
        n_trees: int = 300,
        learning_rate: float = 0.03,
        max_depth: int = 4,
        reg_lambda: float = 20.0,
        colsample: float = 0.25,
        subsample: float = 0.6,
        shrinkage: float = 0.05,
        winsor: float = 0.995,
        seed: int = 0,
    ) -> None:
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.reg_lambda = reg_lambda
        self.colsample = colsample
        self.subsample = subsample
        self.shrinkage = shrinkage
        self.winsor = winsor
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: npt.ArrayLike) -> Self:
        """Fit chance and amount.

        Parameters
        ----------
        X : DataFrame of shape (n, n_features)
            Numbers and categories; missing values are welcome.
        y : array of shape (n,)
            Money; zero or below counts as none.

        Raises
        ------
        DataError
            Without rows, or for money that is not finite.
        """
        money = np.asarray(y, dtype=np.float64)
        if not len(money) or not np.isfinite(money).all():
            raise DataError(f"spend: {len(money)} rows of money, expected finite numbers")
        some = money > 0
        self.n_features_in_ = X.shape[1]
        self.columns_ = Columns.of(X)
        self.cut_ = float(np.quantile(money[some], self.winsor, method="higher")) if some.any() else 0.0
        self.chance_: BlendClassifier | float = float(some.mean())
        if some.any() and not some.all():
            self.chance_ = BlendClassifier(seed=self.seed).fit(X, some.astype(np.int8))
        self._fit_amount(self.columns_.matrix(X)[some], np.minimum(money[some], self.cut_))
        return self

    def _fit_amount(self, matrix: npt.NDArray[np.float64], amount: Floats) -> None:
        self.linear_ = self.trees_ = None
        self.factor_ = float(amount.mean()) if len(amount) else 0.0
        if len(amount) < FEW:
            return
        logs = np.log(amount)
        matrix = np.asfortranarray(matrix)
        self.linear_ = fit_log_amount(matrix, logs, self.columns_.levels, shrinkage=self.shrinkage, clip=4.0)
        data = xgboost.QuantileDMatrix(
            single_precision(self.columns_.known(matrix)), label=logs, feature_types=self.columns_.types,
            enable_categorical=True, max_bin=64, nthread=1,
        )  # fmt: skip
        self.trees_ = xgboost.train(self._boosting(len(amount), float(logs.mean())), data, self.n_trees)
        self.factor_ = float(amount.sum() / np.exp(self._logs(matrix)).sum())

    def _boosting(self, n: int, level: float) -> dict[str, Any]:
        return {
            "objective": "reg:squarederror", "tree_method": "hist", "base_score": level,
            "learning_rate": self.learning_rate, "max_depth": self.max_depth, "reg_lambda": self.reg_lambda,
            "min_child_weight": float(np.clip(n / 200, 5, 100)), "subsample": self.subsample,
            "colsample_bytree": max(self.colsample, min(1.0, 5 / self.n_features_in_)), "max_bin": 64,
            "nthread": 1, "seed": self.seed, "verbosity": 0,
        }  # fmt: skip

    def _logs(self, matrix: npt.NDArray[np.float64]) -> Floats:
        if self.linear_ is None or self.trees_ is None:
            return np.zeros(len(matrix))
        trees = np.asarray(self.trees_.inplace_predict(single_precision(self.columns_.known(matrix))), dtype=np.float64)
        return np.asarray((trees + self.linear_.margin(matrix)) / 2)

    def chance(self, X: pd.DataFrame) -> Floats:
        """Probability of any money, shape (n,)."""
        check_is_fitted(self, "factor_")
        if isinstance(self.chance_, float):
            return np.full(len(X), self.chance_)
        return np.asarray(self.chance_.predict_proba(X)[:, 1])

    def amount(self, X: pd.DataFrame) -> Floats:
        """Expected money where there is some, shape (n,); never above twice the largest that training looked at."""
        check_is_fitted(self, "factor_")
        return np.minimum(self.factor_ * np.exp(self._logs(self.columns_.matrix(X))), 2 * self.cut_)

    def predict(self, X: pd.DataFrame) -> Floats:
        """Expected money, shape (n,)."""
        return self.chance(X) * self.amount(X)
