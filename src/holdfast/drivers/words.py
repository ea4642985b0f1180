"""Reasons in words: the strongest drivers toward leaving, with the customer's own values.

These are reasons of the *score*. SHAP explains the model, not why a person leaves: "last order 74 days ago;
usual gap 21" says what the model took notice of. What a customer said and what a classifier of reasons predicts
stay in columns of their own.

A family of features speaks once, through its strongest feature. Families are ranked by their summed
contribution, so that ten windows of the same count neither fill the list nor cancel each other unseen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.drivers.attribution import Attribution
from holdfast.errors import ModelError
from holdfast.features.feature import Feature
from holdfast.schema import EXIT_CLASSES

UNKNOWN = "unknown"

_PLAIN_NUMBER = re.compile(r"^([-+ ]?)([\d,.]*[eEfFgG%])$")


def reasons(
    attribution: Attribution,
    X: pd.DataFrame,
    features: Sequence[Feature],
    top: int = 3,
) -> pd.DataFrame:
    """Put the strongest drivers toward leaving into words.

    Parameters
    ----------
    attribution : Attribution
        Of the rows of `X`.
    X : DataFrame
        Feature values, with every column that a feature's `words` name.
    features : sequence of Feature
        As given to `attribute`.
    top : int
        Number of reasons.

    Returns
    -------
    DataFrame
        `reason_1 …`, indexed as `X`; "" where fewer families push toward leaving.

    Raises
    ------
    ModelError
        When rows do not match, or `words` name a column that is not there or cannot be written that way.
    """
    if len(X) != len(attribution.values):
        raise ModelError(
            f"reasons: {len(X)} rows of features for {len(attribution.values)} explained ones; pass the same"
        )
    named = {feature.name: feature for feature in features}
    ordered = [named[name] for name in attribution.names]
    chosen = strongest(attribution, ordered, top)
    texts = np.full(chosen.shape, "", dtype=object)
    for column in np.unique(chosen[chosen >= 0]):
        rows, places = np.nonzero(chosen == column)
        texts[rows, places] = sentences(ordered[column], X.iloc[rows])
    return pd.DataFrame(texts, index=X.index, columns=[f"reason_{k + 1}" for k in range(top)], dtype="str")


def strongest(attribution: Attribution, features: Sequence[Feature], top: int = 3) -> npt.NDArray[np.intp]:
    """Position of the feature that speaks for each of the top families, (n, top); -1 where there is none.

    A family counts when its contributions add up to more than 0; equal families go by their order in
    `by_family`, equal features by their order in the model.
    """
    families = list(attribution.by_family.columns)
    totals = attribution.by_family.to_numpy()
    speakers = np.empty(totals.shape, dtype=np.intp)
    for place, family in enumerate(families):
        members = np.array([k for k, feature in enumerate(features) if feature.family == family], dtype=np.intp)
        speakers[:, place] = members[attribution.values[:, members].argmax(axis=1)]
    order = np.argsort(-totals, axis=1, kind="stable")[:, :top]
    picked = np.where(np.take_along_axis(totals, order, axis=1) > 0, np.take_along_axis(speakers, order, axis=1), -1)
    missing = top - picked.shape[1]
    return np.pad(picked, ((0, 0), (0, max(missing, 0))), constant_values=-1)


def sentences(feature: Feature, rows: pd.DataFrame) -> list[str]:
    """Write a feature's words for each row.

    Where a value is not known, the clauses (between semicolons) that need it are left out; where it is the
    feature's own value, or nothing is left, the sentence says so. No sentence ever holds "nan".

    Examples
    --------
    >>> gap = Feature("days_since_last_order", "days", "recency", "all", None,
    ...               "last order {days_since_last_order:.0f} days ago; usual gap {gap_mean_days:.0f}")
    >>> rows = pd.DataFrame({"days_since_last_order": [74, 30, np.nan], "gap_mean_days": [21.2, np.nan, 5]})
    >>> for sentence in sentences(gap, rows):
    ...     print(sentence)
    last order 74 days ago; usual gap 21
    last order 30 days ago
    days since last order: not known
    """
    try:
        clauses = [_Clause.parse(text, feature, rows) for text in feature.words.split(";")]
    except ValueError as error:
        raise ModelError(f"feature {feature.name!r}: its words are not a format string ({error})") from error
    written = [clause.write(feature, rows) for clause in clauses]
    own = _known(rows[feature.name])
    plain = feature.name.replace("_", " ")
    texts = []
    for row, parts in enumerate(zip(*written, strict=True)):
        full = "; ".join(part for part in parts if part is not None)
        if None not in parts or (own[row] and full):
            texts.append(full)
        elif own[row]:
            texts.append(f"{plain}: {_short(rows[feature.name].iloc[row])}")
        else:
            texts.append(f"{plain}: not known")
    return texts


def indicated_class(
    by_exit_class: pd.DataFrame, min_share: float = 0.2, min_push: float = 0.1
) -> "tuple[pd.Series[str], pd.Series[float]]":
    """Exit class that the model's evidence points at, or `unknown`.

    Parameters
    ----------
    by_exit_class : DataFrame
        From `attribute`: log odds per class and `general`. Technology and political hold direct evidence only.
    min_share : float
        Least share of all that pushes toward leaving (general drivers included) for a class to be named.
    min_push : float
        Least push of the class, in log odds.

    Returns
    -------
    tuple of Series
        `reason_indicated`, and `reason_indicated_strength`: the share of the strongest class, also where it fell
        short; 0 where no class pushes toward leaving.

    Examples
    --------
    >>> sums = pd.DataFrame({"price": [0.5, 0.25], "service": [0.25, 0.0], "general": [0.25, 1.75]})
    >>> [column.tolist() for column in indicated_class(sums)]
    [['price', 'unknown'], [0.5, 0.125]]
    """
    classes = [name for name in EXIT_CLASSES if name in by_exit_class.columns]
    push = by_exit_class[classes].clip(lower=0.0).to_numpy(dtype="float64")
    total = by_exit_class.clip(lower=0.0).to_numpy(dtype="float64").sum(axis=1)
    best = push.argmax(axis=1) if classes else np.zeros(len(push), dtype=np.intp)
    height = push[np.arange(len(push)), best] if classes else np.zeros(len(push))
    strength = np.divide(height, total, out=np.zeros(len(push)), where=total > 0)
    enough = (strength >= min_share) & (height >= min_push) & (height > 0)
    names = np.where(enough, np.array([*classes, UNKNOWN], dtype=object)[best], UNKNOWN)
    index = by_exit_class.index
    return (
        pd.Series(names, index=index, name="reason_indicated", dtype="str"),
        pd.Series(strength, index=index, name="reason_indicated_strength"),
    )


@dataclass(frozen=True)
class _Clause:
    """A part of a sentence: a format string by position, and the columns it needs."""

    template: str
    columns: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, feature: Feature, rows: pd.DataFrame) -> "_Clause":
        pieces, columns = [], []
        for literal, name, spec, conversion in Formatter().parse(text.strip()):
            pieces.append(literal.replace("{", "{{").replace("}", "}}"))
            if name is not None:
                if name not in rows.columns:
                    raise ModelError(
                        f"feature {feature.name!r}: its words name {name!r}, which is not a column of the frame"
                    )
                columns.append(name)
                pieces.append("{" + (f"!{conversion}" if conversion else "") + ":" + _unsigned_zero(spec or "") + "}")
        return cls("".join(pieces), tuple(columns))

    def write(self, feature: Feature, rows: pd.DataFrame) -> list[str | None]:
        """The clause for each row; None where a value it needs is not known."""
        if not self.columns:
            return [self.template.format()] * len(rows)
        known = np.logical_and.reduce([_known(rows[name]) for name in self.columns])
        cells = zip(known, *(rows[name].tolist() for name in self.columns), strict=True)
        try:
            return [self.template.format(*values) if is_known else None for is_known, *values in cells]
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"feature {feature.name!r}: its words cannot be written with its values ({error})"
            ) from error


def _known(column: "pd.Series[Any]") -> npt.NDArray[np.bool_]:
    """Neither missing nor infinite."""
    missing = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column):
        missing = missing | np.isinf(column.to_numpy(dtype="float64", na_value=np.nan))
    return np.asarray(~missing)


def _unsigned_zero(spec: str) -> str:
    """Let a number that rounds to zero be written without a minus sign."""
    return _PLAIN_NUMBER.sub(r"\1z\2", spec)


def _short(value: Any) -> str:
    """One value in a few characters."""
    return f"{value:z.4g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)
