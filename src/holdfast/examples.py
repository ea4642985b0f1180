"""Labels and features joined into examples, and the checks that look for a leak in them.

A label without features, or a feature that alone almost gives the answer away, is refused here, before
any model is fitted (evaluation.md, "Leakage suite", point 5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import LeakError
from holdfast.features.feature import Feature

KEYS = ["customer_id", "cutoff"]


@dataclass(frozen=True)
class Examples:
    """Rows of one task: keys, label and features side by side.

    Parameters
    ----------
    frame : DataFrame
        `customer_id, cutoff, label, …` and the feature columns.
    names : tuple of str
        The feature columns, in model order.
    """

    frame: pd.DataFrame
    names: tuple[str, ...]

    @property
    def X(self) -> pd.DataFrame:
        """The feature columns."""
        return self.frame[list(self.names)]

    @property
    def y(self) -> npt.NDArray[np.int8]:
        """Labels, shape (n,)."""
        return self.frame["label"].to_numpy(np.int8)

    def where(self, mask: "pd.Series[Any] | npt.NDArray[np.bool_]") -> "Examples":
        """The rows under `mask`."""
        return Examples(self.frame.loc[mask].reset_index(drop=True), self.names)


def join(
    labels: pd.DataFrame, matrix: pd.DataFrame, features: Sequence[Feature], without: Sequence[str] = ()
) -> Examples:
    """Put the features beside the labels; rows in = rows out.

    Parameters
    ----------
    labels : DataFrame
        `customer_id, cutoff, …`; the same pair may stand in it several times (for several models).
    matrix : DataFrame
        `customer_id, cutoff` and feature columns, one row per pair.
    features : sequence of Feature
        Metadata of the columns to keep.
    without : sequence of str
        Feature names to leave out.

    Raises
    ------
    LeakError
        When a labelled customer has no features at its cutoff: its history would begin after it.
    """
    names = tuple(feature.name for feature in features if feature.name not in set(without))
    frame = labels.merge(matrix[[*KEYS, *names]], on=KEYS, how="left", validate="many_to_one", indicator=True)
    lost = frame["_merge"] != "both"
    if lost.any():
        cutoff = frame.loc[lost, "cutoff"].iloc[0]
        raise LeakError(
            f"{int(lost.sum())} cohort members have no history before their cutoff (first at {cutoff:%Y-%m-%d})"
        )
    return Examples(frame.drop(columns="_merge"), names)


def single_feature_aurocs(examples: Examples) -> "pd.Series[float]":
    """AUROC of each feature alone, direction free, largest first.

    Missing is a level of its own (a cell that is empty for stayers gives the answer away too); categories
    are encoded by the leave rate of the other half of the customers, so that a category per customer does
    not look strong by chance.
    """
    y = examples.y.astype(bool)
    half = pd.util.hash_array(examples.frame["customer_id"].to_numpy(object), categorize=False) % 2 == 0
    scores = {name: _direction_free(_as_numbers(examples.frame[name], y, half), y) for name in examples.names}
    return pd.Series(scores, dtype=float).sort_values(ascending=False, kind="stable")


def refuse_leaks(
    examples: Examples, limit: float, allow: Sequence[str] = (), columns: Mapping[str, str] | None = None
) -> "pd.Series[float]":
    """Stop when one feature alone ranks too well to be true.

    Parameters
    ----------
    examples : Examples
        Training rows.
    limit : float
        Largest allowed AUROC of a single feature (`checks.max_single_feature_auroc`).
    allow : sequence of str
        Features, or columns behind them, that the user has looked at and allows by name.
    columns : mapping of str to str or None
        The user's own column behind a feature, where the feature is nothing else: that is the name to exclude.

    Raises
    ------
    LeakError
        Naming every feature above the limit.
    """
    aurocs = single_feature_aurocs(examples)
    behind = columns or {}
    above = [str(name) for name, value in aurocs.items() if value > limit]
    guilty = [name for name in above if not {name, behind.get(name)} & set(allow)]
    if guilty:
        named = {name: f"column {behind[name]!r}, feature {name}" if name in behind else name for name in guilty}
        listed = "; ".join(f"{named[name]} (AUROC {aurocs[name]:.3f})" for name in guilty)
        raise LeakError(
            f"too good to be true, likely a leak of the label: {listed}; expected at most {limit:g}. "
            "Exclude the column (`exclude`), or allow it by name in `checks.allow` if it is known before the cutoff"
        )
    return aurocs


def _as_numbers(
    column: "pd.Series[Any]", y: npt.NDArray[np.bool_], half: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Numbers with missing as the better of both ends; categories by the other half's rate."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy() + 1
        encoded = np.empty(len(codes))
        for side in (True, False):
            seen = np.bincount(codes[half != side], minlength=codes.max(initial=0) + 1)
            left = np.bincount(codes[half != side], y[half != side], minlength=len(seen))
            rate = (left + y.mean()) / (seen + 1)
            encoded[half == side] = rate[codes[half == side]]
        return encoded
    values: npt.NDArray[np.float64] = column.to_numpy(np.float64)
    missing = np.isnan(values)
    if not missing.any() or missing.all():
        return np.asarray(np.nan_to_num(values), dtype=np.float64)
    low, high = np.where(missing, -np.inf, values), np.where(missing, np.inf, values)
    return low if _direction_free(low, y) >= _direction_free(high, y) else high


def _direction_free(values: npt.NDArray[np.float64], y: npt.NDArray[np.bool_]) -> float:
    """AUROC from mid-ranks, at least one half; one half where there is one class only."""
    positives = int(y.sum())
    negatives = len(y) - positives
    if not positives or not negatives:
        return 0.5
    ranks = pd.Series(values).rank().to_numpy()
    auroc = (ranks[y].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    return float(max(auroc, 1 - auroc))
