"""From a frame of features to one matrix for the linear models and one for the trees."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.learners.columns import Columns

Floats = npt.NDArray[np.float64]

MOST_LEVELS = 20
"""Levels of a category that get a column of their own in the linear matrix: the commonest."""


@dataclass(frozen=True)
class Design:
    """What was learnt of the columns.

    Parameters
    ----------
    columns : Columns
        Names and levels.
    middle, spread : ndarray, shape (k,)
        Median and standard deviation of each column, as codes for categories.
    gaps : ndarray of bool, shape (k,)
        Which columns were missing somewhere: they get a flag.
    common : tuple of (int, ndarray)
        Categorical columns by position, and the codes that get a column.

    Examples
    --------
    >>> frame = pd.DataFrame({"x": [1.0, 2.0, None], "plan": ["a", "b", "a"]})
    >>> Design.of(frame).linear(frame).shape
    (3, 4)
    """

    columns: Columns
    middle: Floats
    spread: Floats
    gaps: npt.NDArray[np.bool_]
    common: tuple[tuple[int, Floats], ...]

    @classmethod
    def of(cls, X: pd.DataFrame) -> "Design":
        """Learn the columns of a training frame; raises FeatureMismatch for a column of another kind."""
        columns = Columns.of(X)
        raw = columns.matrix(X)
        gaps = np.asarray(np.isnan(raw).any(axis=0), dtype=np.bool_)
        known = np.where(np.isnan(raw).all(axis=0), 0.0, raw)
        middle = np.nanmedian(known, axis=0) if len(raw) else np.zeros(raw.shape[1])
        spread = np.nanstd(known, axis=0)
        common = []
        for position, levels in columns.levels.items():
            counts = np.bincount(raw[~np.isnan(raw[:, position]), position].astype(int), minlength=len(levels))
            first = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
            common.append((position, np.sort(first).astype(np.float64)))
        return cls(columns, middle, np.where(spread > 0, spread, 1.0), gaps, tuple(common))

    def trees(self, X: pd.DataFrame) -> Floats:
        """Numbers and codes, missing where missing, (n, k)."""
        return self.columns.known(self.columns.matrix(X))

    def linear(self, X: pd.DataFrame) -> Floats:
        """Standardised numbers, flags of what is missing, and one column per common level, (n, m)."""
        raw = self.columns.matrix(X)
        category = {position for position, _ in self.common}
        number = [position for position in range(raw.shape[1]) if position not in category]
        missing = np.isnan(raw)
        scaled = (np.where(missing, self.middle, raw) - self.middle) / self.spread
        flagged = [position for position in number if self.gaps[position]]
        levels = [(raw[:, [position]] == codes).astype(np.float64) for position, codes in self.common]
        return np.hstack([scaled[:, number], missing[:, flagged].astype(np.float64), *levels])

    @property
    def linear_names(self) -> list[str]:
        """What each column of the linear matrix is."""
        category = {position for position, _ in self.common}
        number = [position for position in range(len(self.columns.names)) if position not in category]
        names = self.columns.names
        levels = [f"{names[position]} = {self.columns.levels[position][int(code)]}"
                  for position, codes in self.common for code in codes]  # fmt: skip
        missing = [f"{names[position]} missing" for position in number if self.gaps[position]]
        return [names[position] for position in number] + missing + levels

    @property
    def types(self) -> list[str]:
        """XGBoost's feature types."""
        return self.columns.types


def as_frame(X: Any) -> pd.DataFrame:
    """A frame, also of a plain array."""
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).rename(columns=lambda k: f"x{k}")
