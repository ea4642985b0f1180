"""SHAP on the margin of the blend: how far each feature moves a customer's log odds of leaving.

TreeSHAP of the boosting member (Lundberg et al. 2020, as XGBoost computes it) and exact linear SHAP of the logit
member are averaged with the weights with which the model averages the logits, so that the values of a row and
the base add up to the row's margin. That is checked on every block.

SHAP explains the model, not why a person leaves: a value says what this model reads out of a column.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import ModelError
from holdfast.features.feature import FAMILIES, Feature
from holdfast.schema import EXIT_CLASSES

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

GENERAL = "general"
"""Where features go that are evidence for no exit class."""

INDIRECT = frozenset({"purchases", "contracts"})
"""Tables from which technology and political exits are never claimed (domain A3)."""

NEEDS_DIRECT = frozenset({"technology", "political"})

TOLERANCE = 1e-3
BLOCK_ROWS = 8192


class Blend(Protocol):
    """What is asked of a fitted model; `learners.BlendClassifier` gives it."""

    booster_: Any
    shift_: float
    weight: float

    def dmatrix(self, X: Any, threads: int = 1) -> Any:
        """Matrix that `booster_` reads."""

    def logit_terms(self, X: Any) -> tuple[Floats, float]:
        """Linear SHAP values and their base."""

    def decision_function(self, X: Any) -> Floats:
        """Margin of the blend."""


@dataclass(frozen=True)
class Attribution:
    """Contributions to the margin, in log odds; the rows are the rows of the frame that was explained.

    Parameters
    ----------
    values : ndarray of shape (n, n_features), float32
        Contribution of each feature; columns follow `names`.
    base : float
        What the margin is before any feature speaks; holds the level shift.
    margin : ndarray of shape (n,)
        The model's margin: `values.sum(axis=1) + base`, to 1e-3.
    by_family : DataFrame
        Contributions summed per family, in the order of `FAMILIES`.
    by_exit_class : DataFrame
        Contributions summed per exit class, all six and `general`.
    names : tuple of str
        Feature names.
    """

    values: Singles
    base: float
    margin: Floats
    by_family: pd.DataFrame
    by_exit_class: pd.DataFrame
    names: tuple[str, ...]


def exit_class_of(feature: Feature) -> str:
    """Exit class a feature counts for; technology and political need another table than purchases or contracts.

    Examples
    --------
    >>> exit_class_of(Feature("spend_90d", "money", "money", "90d", "technology", ""))
    'general'
    """
    if feature.exit_class is None or (feature.exit_class in NEEDS_DIRECT and feature.table in INDIRECT):
        return GENERAL
    return feature.exit_class


def attribute(
    model: Blend,
    X: pd.DataFrame,
    features: Sequence[Feature],
    *,
    threads: int = 1,
    block_rows: int = BLOCK_ROWS,
) -> Attribution:
    """Explain every row of a feature frame.

    Parameters
    ----------
    model : Blend
        Fitted `ChurnClassifier` or `LoyaltyClassifier`.
    X : DataFrame
        Columns of all features; others (`customer_id`, `cutoff`) are left aside.
    features : sequence of Feature
        One for each column that the model was fitted on, in any order.
    threads : int
        Threads of TreeSHAP; the values do not depend on it.
    block_rows : int
        Rows explained at a time. Beside the result, memory does not grow with the rows.

    Returns
    -------
    Attribution

    Raises
    ------
    ModelError
        When features and model do not match, or the values do not add up to the margin within 1e-3.
    """
    parts = list(stream(model, X, features, threads=threads, block_rows=block_rows))
    return Attribution(
        values=np.concatenate([part.values for part in parts]),
        base=parts[0].base,
        margin=np.concatenate([part.margin for part in parts]),
        by_family=pd.concat([part.by_family for part in parts]),
        by_exit_class=pd.concat([part.by_exit_class for part in parts]),
        names=parts[0].names,
    )


def stream(
    model: Blend,
    X: pd.DataFrame,
    features: Sequence[Feature],
    *,
    threads: int = 1,
    block_rows: int = BLOCK_ROWS,
) -> Iterator[Attribution]:
    """Explain block after block, for frames whose values should not be held at once; as `attribute` otherwise.

    Gives at least one block, empty for an empty frame.
    """
    chosen = _matched(model, X, features)
    booster = _with_threads(model.booster_, threads)
    columns = [feature.name for feature in chosen]
    for start in range(0, max(len(X), 1), block_rows):
        yield _explain(model, booster, X[columns].iloc[start : start + block_rows], chosen, threads)


def by_exit_class(values: npt.NDArray[Any], features: Sequence[Feature]) -> pd.DataFrame:
    """Sum contributions (n, n_features) per exit class: the six classes and `general`."""
    return _summed(values, [exit_class_of(feature) for feature in features], (*EXIT_CLASSES, GENERAL))


def by_family(values: npt.NDArray[Any], features: Sequence[Feature]) -> pd.DataFrame:
    """Sum contributions (n, n_features) per family, families without a feature left out."""
    families = [feature.family for feature in features]
    known = [family for family in FAMILIES if family in families]
    return _summed(values, families, [*known, *sorted(set(families) - set(known))])


def global_ranking(attribution: Attribution, features: Sequence[Feature]) -> pd.DataFrame:
    """Rank the features by how far they move margins, over all rows.

    Returns
    -------
    DataFrame
        `feature, family, exit_class, unit, mean_abs, mean, rank`, strongest first; `mean_abs` and `mean` in log
        odds; equal features go by name.
    """
    named = {feature.name: feature for feature in features}
    ordered = [named[name] for name in attribution.names]
    rows = max(len(attribution.values), 1)
    table = pd.DataFrame(
        {
            "feature": list(attribution.names),
            "family": [feature.family for feature in ordered],
            "exit_class": [exit_class_of(feature) for feature in ordered],
            "unit": [feature.unit for feature in ordered],
            "mean_abs": [float(np.abs(column).sum(dtype="float64")) / rows for column in attribution.values.T],
            "mean": [float(column.sum(dtype="float64")) / rows for column in attribution.values.T],
        }
    )
    table = table.sort_values(["mean_abs", "feature"], ascending=[False, True], kind="stable", ignore_index=True)
    return table.assign(rank=np.arange(1, len(table) + 1))


def _explain(model: Blend, booster: Any, X: pd.DataFrame, features: list[Feature], threads: int) -> Attribution:
    margin = np.asarray(model.decision_function(X), dtype="float64") if len(X) else np.zeros(0)
    values, base = _values(model, booster, X, threads) if len(X) else (np.zeros((0, len(features))), 0.0)
    apart = np.abs(_row_sums(values) + base - margin)
    if len(X) and not apart.max() <= TOLERANCE:
        raise ModelError(
            f"contributions miss the margin by up to {apart.max():.3g} (at most {TOLERANCE:g} is rounding): the "
            "model's members, weight and shift do not belong together; train the model again"
        )
    families, classes = by_family(values, features), by_exit_class(values, features)
    return Attribution(
        values=values.astype("float32"),
        base=base,
        margin=margin,
        by_family=families.set_axis(X.index),
        by_exit_class=classes.set_axis(X.index),
        names=tuple(feature.name for feature in features),
    )


def _values(model: Blend, booster: Any, X: pd.DataFrame, threads: int) -> tuple[Floats, float]:
    """Both members' values, averaged as the logits are; the level shift goes into the base."""
    trees = booster.predict(model.dmatrix(X, threads), pred_contribs=True).astype("float64")
    terms, logit_base = model.logit_terms(X)
    weight = model.weight
    base = weight * float(trees[0, -1]) + (1 - weight) * logit_base + model.shift_
    return weight * trees[:, :-1] + (1 - weight) * terms, base


def _matched(model: Blend, X: pd.DataFrame, features: Sequence[Feature]) -> list[Feature]:
    """Features in the model's own column order."""
    named: Mapping[str, Feature] = {feature.name: feature for feature in features}
    names = [str(name) for name in getattr(model, "feature_names_in_", list(named))]
    for name in names:
        if name not in named:
            raise ModelError(
                f"feature {name!r} of the model is not among the {len(named)} features given; pass the same set"
            )
        if name not in X.columns:
            raise ModelError(
                f"feature {name!r} of the model is not a column of the frame; build it with the same features"
            )
    surplus = sorted(set(named) - set(names))
    if surplus:
        raise ModelError(f"feature {surplus[0]!r} is unknown to the model, which has {len(names)}; pass the same set")
    return [named[name] for name in names]


def _with_threads(booster: Any, threads: int) -> Any:
    """A copy of the booster that may use `threads` threads; rows are independent, so the values stay the same."""
    if threads == 1:
        return booster
    other = booster.copy()
    other.set_param({"nthread": threads})
    return other


def _summed(values: npt.NDArray[Any], groups: Sequence[str], order: Sequence[str]) -> pd.DataFrame:
    """Column sums per group; column after column, so that a row's sum does not depend on the other rows."""
    totals = {name: np.zeros(len(values)) for name in order}
    for column, group in enumerate(groups):
        totals[group] += values[:, column]
    return pd.DataFrame(totals, columns=list(order))


def _row_sums(values: Floats) -> Floats:
    total = np.zeros(len(values))
    for column in values.T:
        total += column
    return total
