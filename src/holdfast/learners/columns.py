"""From a frame of numbers and categories to one matrix of floats, the same way at training and at serving.

Categories become the position of their level among the levels seen in training (sorted as text, so the order
of rows plays no part). A missing value is NaN; a level that training never saw is one past the last code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import ModelError

Matrix = npt.NDArray[np.float64]

_NUMBER_LIKE = frozenset({"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"})


class FeatureMismatch(ModelError, ValueError):
    """The columns that came are not the columns the model was fitted on."""


@dataclass(frozen=True)
class Columns:
    """What the model knows of its input columns.

    Parameters
    ----------
    names : tuple of str
        Column names, or `x0, x1, …` for an array.
    levels : mapping of int to tuple of str
        For each categorical column, by position: its levels seen in training, sorted.
    """

    names: tuple[str, ...]
    levels: Mapping[int, tuple[str, ...]]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "Columns":
        """Read names and levels from a training frame.

        Raises
        ------
        FeatureMismatch
            For a column that is neither a number nor a category (a date, a list …).
        """
        levels = {}
        for position, name in enumerate(frame.columns):
            column = frame.iloc[:, position]
            if _is_category(column):
                present = column.dropna().unique()
                levels[position] = tuple(sorted({str(level) for level in present}))
            elif not _is_number(column):
                raise FeatureMismatch(f"column {name}: {column.dtype}, expected numbers or categories")
        return cls(tuple(str(name) for name in frame.columns), levels)

    @classmethod
    def numeric(cls, count: int) -> "Columns":
        """Columns of a plain array."""
        return cls(tuple(f"x{position}" for position in range(count)), {})

    @property
    def types(self) -> list[str]:
        """XGBoost's feature types: `c` for a category, `q` for a number."""
        return ["c" if position in self.levels else "q" for position in range(len(self.names))]

    def matrix(self, frame: pd.DataFrame) -> Matrix:
        """Encode a frame, column by column, into (n, n_features) float64.

        Raises
        ------
        FeatureMismatch
            When a column that was numeric in training is not numeric now, or holds an infinite number.
        """
        out = np.empty((len(frame), len(self.names)), dtype=np.float64, order="F")
        for position, name in enumerate(self.names):
            column = frame.iloc[:, position]
            if position in self.levels:
                out[:, position] = _codes(column, self.levels[position])
            elif _is_category(column) or not _is_number(column):
                raise FeatureMismatch(f"column {name}: {column.dtype} now, but a number when the model was fitted")
            else:
                out[:, position] = column.to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isinf(out[:, position]).any():
                raise FeatureMismatch(f"column {name}: infinite values, expected numbers or missing")
        return out

    def known(self, matrix: Matrix) -> Matrix:
        """An encoded matrix with unseen levels as missing: what the trees read (the argument stays as it is)."""
        if not self.levels:
            return matrix
        out = matrix.copy(order="F")
        for position, levels in self.levels.items():
            out[out[:, position] >= len(levels), position] = np.nan
        return out

    def unseen(self, matrix: Matrix) -> dict[str, int]:
        """Rows per categorical column whose level training never saw; columns without any are left out."""
        counts = {
            self.names[position]: int((matrix[:, position] >= len(levels)).sum())
            for position, levels in self.levels.items()
        }
        return {name: count for name, count in counts.items() if count}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"names": list(self.names), "levels": {str(k): list(v) for k, v in self.levels.items()}}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Columns":
        """Inverse of `as_dict`."""
        return cls(tuple(state["names"]), {int(k): tuple(v) for k, v in state["levels"].items()})


def _is_number(column: "pd.Series[Any]") -> bool:
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) in _NUMBER_LIKE
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _is_category(column: "pd.Series[Any]") -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) in {"string", "mixed-integer"}
    return pd.api.types.is_string_dtype(column)


def _codes(column: "pd.Series[Any]", levels: tuple[str, ...]) -> npt.NDArray[np.float64]:
    category = pd.Categorical(column)
    place = {level: float(code) for code, level in enumerate(levels)}
    table = [place.get(str(level), float(len(levels))) for level in category.categories]
    # The last entry serves pandas' code -1, a missing value.
    codes: npt.NDArray[np.float64] = np.array([*table, np.nan])[category.codes]
    return codes
