"""Levels of the relationship as features: where each customer stood at each cutoff, as a number (D1 to D12)."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from holdfast.examples import KEYS
from holdfast.features.feature import Case, Feature
from holdfast.histories.histories import Histories
from holdfast.relationship import SCHEMES, Facts, Scheme, gather


def level_features(histories: Histories) -> tuple[Feature, ...]:
    """Metadata of `level_<scheme>` for every scheme that the tables at hand measure."""
    found = []
    for one in _measured(gather(histories, histories.start)):
        absent = f"{_words(one)} not measured"
        name = f"level_{one.name}"
        found.append(Feature(name, "level", "relationship", "now", None, absent, "relationship", cases=_cases(one)))
    return tuple(found)


def with_levels(histories: Histories, frame: pd.DataFrame, cutoffs: Sequence[date]) -> pd.DataFrame:
    """Add the levels to a feature frame, each cutoff read from what was known at it.

    Parameters
    ----------
    frame : DataFrame
        `customer_id, cutoff` and features.
    cutoffs : sequence of date
        The cutoffs in it.
    """
    parts = []
    for at in cutoffs:
        facts = gather(histories, at)
        ranks = {f"level_{one.name}": one.rank(one.place(facts)[one.name]) for one in _measured(facts)}
        part = pd.DataFrame(ranks, index=facts.frame.index).astype(np.float32)
        parts.append(part.rename_axis("customer_id").reset_index().assign(cutoff=pd.Timestamp(at)))
    levels = pd.concat(parts, ignore_index=True).astype({"cutoff": frame["cutoff"].dtype})
    return frame.merge(levels, on=KEYS, how="left")


def _measured(facts: Facts) -> list[Scheme]:
    return [one for one in SCHEMES if one.measured(facts)]


def _cases(scheme: Scheme) -> tuple[Case, ...]:
    """A sentence for each level: a number alone says nothing."""
    column = f"level_{scheme.name}"
    return tuple(
        Case(f"{_words(scheme)} {level}", column, least=place - 0.5, below=place + 0.5)
        for place, level in enumerate(scheme.levels)
    )


def _words(scheme: Scheme) -> str:
    return f"{scheme.name.replace('_', ' ')}:"
