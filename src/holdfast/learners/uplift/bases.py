"""The two kinds of base models: shrunken linear ones, and boosted trees."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.linear_model import LogisticRegression, Ridge

Floats = npt.NDArray[np.float64]

STRENGTH = 0.02
"""Inverse strength of the penalty of the logistic regressions: small, as effects are small beside responses."""


class Base(Protocol):
    """A fitted model of an expected value."""

    def predict(self, X: Floats) -> Floats:
        """Expected outcome of each row, (n,)."""
        ...


class Constant:
    """The mean: for outcomes that are all the same."""

    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, X: Floats) -> Floats:
        """The same value for each row."""
        return np.full(len(X), self.value)


class Linear:
    """Shrunken logistic regression of a 0/1 outcome, ridge regression of money."""

    def __init__(self, binary: bool, strength: float = STRENGTH) -> None:
        self.binary = binary
        self.model: Any = (
            LogisticRegression(C=strength, max_iter=500) if binary else Ridge(alpha=1.0 / strength)
        )  # fmt: skip

    def fit(self, X: Floats, y: Floats, weight: Floats | None = None) -> Base:
        """Fit; a constant outcome gives a constant."""
        if len(np.unique(y)) < 2:
            return Constant(float(y.mean()) if len(y) else 0.0)
        self.model.fit(X, y.astype(int) if self.binary else y, sample_weight=weight)
        return self

    def predict(self, X: Floats) -> Floats:
        """Probability or expected money."""
        found = self.model.predict_proba(X)[:, 1] if self.binary else self.model.predict(X)
        return np.asarray(found, dtype=np.float64)


class Trees:
    """Boosted trees for an expected value, or a probability.

    Parameters
    ----------
    binary : bool
        Logistic loss instead of squares.
    types : list of str
        XGBoost's feature types.
    trees, depth, rate : int, int, float
    least : float
        Smallest weight of a leaf as a share of all rows.
    seed : int
    """

    def __init__(
        self, binary: bool, types: list[str], *, trees: int = 150, depth: int = 4, rate: float = 0.05,
        least: float = 0.002, seed: int = 0,
    ) -> None:  # fmt: skip
        self.binary, self.types, self.trees, self.least = binary, types, trees, least
        self.settings = {
            "objective": "binary:logistic" if binary else "reg:squarederror", "max_depth": depth, "eta": rate,
            "tree_method": "hist", "seed": seed, "nthread": 1, "lambda": 1.0,
        }  # fmt: skip
        self.booster: xgb.Booster | None = None

    def fit(self, X: Floats, y: Floats, weight: Floats | None = None) -> Base:
        """Fit; a constant outcome gives a constant."""
        if len(np.unique(y)) < 2:
            return Constant(float(y.mean()) if len(y) else 0.0)
        # of a logistic loss a row weighs p(1 - p) of what it weighs with squares
        scale = float(y.mean() * (1 - y.mean())) if self.binary else 1.0
        self.settings["min_child_weight"] = max(1.0, self.least * len(y) * scale)
        self.booster = xgb.train(self.settings, self._data(X, y, weight), num_boost_round=self.trees)
        return self

    def predict(self, X: Floats) -> Floats:
        """Probability or expected value."""
        if self.booster is None:
            raise ValueError("Trees.predict: fit comes first")
        return np.asarray(self.booster.predict(self._data(X)), dtype=np.float64)

    def _data(self, X: Floats, y: Floats | None = None, weight: Floats | None = None) -> xgb.DMatrix:
        return xgb.DMatrix(X.astype(np.float32), y, weight=weight, feature_types=self.types, enable_categorical=True)
