"""The registered model: takes raw features by name, gives the calibrated probability of the positive class.

MLflow loads it from code (`pyfunc_script.py`); the model itself is a folder of plain files, no pickle.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import ModelError
from holdfast.tracking.feature_list import read_features, write_features

__all__ = ["ScoreModel", "aligned", "read_features", "write_features"]


class ScoreModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Pyfunc around a `BlendClassifier` stored in a model folder."""

    def load_context(self, context: Any) -> None:
        """Read the model folder (artifact `model`)."""
        from holdfast.learners.blend import BlendClassifier

        folder = Path(context.artifacts["model"])
        self.features = read_features(folder)
        self.model = BlendClassifier.from_files(folder)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> npt.NDArray[np.float64]:
        """Score customers.

        Parameters
        ----------
        context : PythonModelContext
            Unused.
        model_input : pandas.DataFrame
            Columns by name; numbers and categories (as text or pandas categories); further columns are ignored.
        params : dict or None
            Unused.

        Returns
        -------
        ndarray of float64, shape (n,)
            Calibrated probability of the positive class.

        Raises
        ------
        ModelError
            When columns are missing.
        """
        if model_input.empty:
            return np.empty(0, dtype=np.float64)
        return np.asarray(self.model.predict_proba(aligned(model_input, self.features))[:, 1], dtype=np.float64)


def aligned(frame: pd.DataFrame, features: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Bring a frame into the shape the model was fitted on: its columns, their order, numbers and categories.

    Numbers become float64, which holds float32 and float64 features alike to the bit.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any columns, in any order.
    features : sequence of mapping
        With `name` and `categorical`, in the order of the model.

    Returns
    -------
    pandas.DataFrame
        New frame; the argument is untouched.

    Raises
    ------
    ModelError
        Naming the columns that are missing, or that cannot be read as numbers.

    Examples
    --------
    >>> raw = pd.DataFrame({"region": ["north"], "spare": [1], "orders_90d": [2]})
    >>> aligned(raw, [{"name": "orders_90d", "categorical": False}, {"name": "region", "categorical": True}])
       orders_90d region
    0         2.0  north
    """
    names = [feature["name"] for feature in features]
    if missing := [name for name in names if name not in frame.columns]:
        raise ModelError(
            f"the model needs the column {', '.join(missing[:5])}{_more(missing)}; see `holdfast features`"
        )
    columns = {f["name"]: _column(frame[f["name"]], bool(f["categorical"])) for f in features}
    return pd.DataFrame(columns, index=frame.index)


def _column(values: "pd.Series[Any]", categorical: bool) -> "pd.Series[Any]":
    if categorical:
        text = values.astype(object).where(values.notna(), None)
        return text.map(str, na_action="ignore").astype("category")
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(f"column {values.name}: expected numbers, got {values.dtype}") from error


def _more(missing: Sequence[str]) -> str:
    return f" and {len(missing) - 5} more" if len(missing) > 5 else ""
