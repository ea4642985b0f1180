"""Reasons in words: the strongest drivers toward leaving, with the customer's own values.

These are reasons of the *score*. SHAP explains the model, not why a person leaves: "last order 74 days ago;
usual gap 21 days" says what the model took notice of. What a customer said and what a classifier of reasons
predicts stay in columns of their own.

A family of features speaks once, through its strongest feature that has something to say. Families are ranked by
their summed contribution, so that ten windows of the same count neither fill the list nor cancel each other unseen.
A customer hears of each thing once, and weak sentences ("usually orders at about 15:00") only fill up the list.
Where fewer than three drivers push toward leaving, what holds the customer back fills the places, marked as such.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.drivers.attribution import Attribution
from holdfast.drivers.phrases import Columns, Phrase
from holdfast.errors import ModelError
from holdfast.features.feature import Case, Feature
from holdfast.schema import EXIT_CLASSES

UNKNOWN = "unknown"

BLOCK_ROWS = 8192
"""Rows put into words at a time; beside the result, memory does not grow with the rows."""

WEAK_PUSH = 0.1
"""Least total, in log odds, for which a family speaks with a weak sentence."""

AGAINST = "speaks against it: "
"""Goes before a sentence that lowers the score."""

NOTHING_MORE = "nothing else stands out"

_SILENT = -1


def reasons(
    attribution: Attribution,
    X: pd.DataFrame,
    features: Sequence[Feature],
    top: int = 3,
    *,
    fill: bool = True,
) -> pd.DataFrame:
    """Put the strongest drivers toward leaving into words.

    Parameters
    ----------
    attribution : Attribution
        Of the rows of `X`.
    X : DataFrame
        Feature values, with every column that the features' words and cases name.
    features : sequence of Feature
        As given to `attribute`.
    top : int
        Number of reasons.
    fill : bool
        Whether places without a driver toward leaving say what speaks against it; else they stay empty.

    Returns
    -------
    DataFrame
        `reason_1 …`, indexed as `X`. Where fewer families push toward leaving, the strongest ones that push the other
        way follow, marked by `AGAINST`, and `NOTHING_MORE` after them; with `fill=False` "".

    Raises
    ------
    ModelError
        When rows do not match, or words name a column that is not there or cannot be written that way.
    """
    if len(X) != len(attribution.values):
        raise ModelError(
            f"reasons: {len(X)} rows of features for {len(attribution.values)} explained ones; pass the same"
        )
    named = {feature.name: feature for feature in features}
    voices = _voices([named[name] for name in attribution.names])
    texts = np.full((len(X), top), "", dtype=object)
    for start in range(0, len(X), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        totals = attribution.by_family.iloc[block]
        texts[block] = _written(voices, attribution.values[block], totals, Columns(X.iloc[block]), top, fill)
    return pd.DataFrame(texts, index=X.index, columns=[f"reason_{k + 1}" for k in range(top)], dtype="str")


def sentences(feature: Feature, rows: pd.DataFrame) -> list[str]:
    """Write what a feature says about each row; "" where it has nothing to say.

    The first case that holds takes the place of `words`. The first clause (clauses end at semicolons) needs all its
    values; later ones are left out where a value is not known. No sentence ever holds "nan".

    Examples
    --------
    >>> last = Feature("days_since_last_order", "days", "recency", "all", None,
    ...                "last order {days_since_last_order:# day|# days} ago; usual gap {gap_mean_days:about} days",
    ...                cases=(Case("no order yet", "days_since_last_order"),))
    >>> rows = pd.DataFrame({"days_since_last_order": [74, 1, np.nan], "gap_mean_days": [21.2, np.nan, 5]})
    >>> for sentence in sentences(last, rows):
    ...     print(sentence)
    last order 74 days ago; usual gap 21 days
    last order 1 day ago
    no order yet
    """
    voice = _voices([feature])[0]
    columns = Columns(rows)
    variant = voice.variants(columns)
    texts = np.full(len(rows), "", dtype=object)
    for k in np.unique(variant[variant != _SILENT]):
        chosen = np.flatnonzero(variant == k)
        texts[chosen] = voice.phrases[k].write(feature.name, columns, chosen)
    return [str(text) for text in texts]


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
class _Voice:
    """A feature with its sentences: those of its cases, in order, and last its own words."""

    feature: Feature
    phrases: tuple[Phrase, ...]
    about: npt.NDArray[np.uint32]
    weak: npt.NDArray[np.bool_]

    def variants(self, columns: Columns) -> npt.NDArray[np.int8]:
        """Which sentence holds for each row; -1 where that one is empty or its first clause lacks a value."""
        own = len(self.phrases) - 1
        variant = np.full(len(columns), own, dtype=np.int8)
        for k in range(own - 1, -1, -1):
            variant[_holds(self.feature.cases[k], self.feature, columns)] = k
        for k, phrase in enumerate(self.phrases):
            variant[(variant == k) & ~phrase.speakable(self.feature.name, columns)] = _SILENT
        return variant


def _voices(features: Sequence[Feature]) -> list[_Voice]:
    things: dict[str, int] = {}
    voices = []
    for feature in features:
        told: list[Case | Feature] = [*feature.cases, feature]
        masks = [sum(1 << things.setdefault(thing, len(things)) for thing in set(case.about)) for case in told]
        if len(things) > 32:
            raise ModelError(f"the features' words are about {len(things)} things: expected at most 32")
        phrases = tuple(Phrase.parse(case.words, feature.name) for case in told)
        weak = np.array([case.weak for case in told])
        voices.append(_Voice(feature, phrases, np.array(masks, dtype=np.uint32), weak))
    return voices


def _holds(case: Case, feature: Feature, columns: Columns) -> npt.NDArray[np.bool_]:
    known = columns.known(case.column, feature.name)
    if case.same_as is not None:
        other = columns.numbers(case.same_as, feature.name)
        return np.asarray(known & (columns.numbers(case.column, feature.name) == other))
    if case.least is None and case.below is None:
        return ~known
    values = columns.numbers(case.column, feature.name)
    low = -np.inf if case.least is None else case.least
    high = np.inf if case.below is None else case.below
    return np.asarray(known & (values >= low) & (values < high))


def _written(
    voices: list[_Voice], values: npt.NDArray[np.float32], totals: pd.DataFrame, columns: Columns, top: int, fill: bool
) -> npt.NDArray[np.object_]:
    variant = _stacked([voice.variants(columns) for voice in voices])
    chosen, heard = _speakers(voices, values, totals, variant, top)
    texts = np.full(chosen.shape, NOTHING_MORE if fill else "", dtype=object)
    _write(texts, chosen, voices, variant, columns)
    if not fill:
        return texts
    against, _ = _speakers(voices, -values, -totals, variant, top, heard)
    left = top - (chosen >= 0).sum(axis=1)
    held = np.where(np.arange(top) < left[:, None], against, -1)
    protective = np.full(held.shape, "", dtype=object)
    _write(protective, held, voices, variant, columns)
    rows, places = np.nonzero(held >= 0)
    texts[rows, places + (top - left)[rows]] = AGAINST + protective[rows, places]
    return texts


def _write(
    texts: npt.NDArray[np.object_], chosen: npt.NDArray[np.intp], voices: list[_Voice], variant: npt.NDArray[np.int8],
    columns: Columns,
) -> None:  # fmt: skip
    """Put the sentence of each chosen feature into its place."""
    rows, places = np.nonzero(chosen >= 0)
    speakers = chosen[rows, places]
    variants = variant[rows, speakers]
    order = np.lexsort((variants, speakers))
    rows, places, speakers, variants = rows[order], places[order], speakers[order], variants[order]
    starts = np.flatnonzero(np.diff(speakers, prepend=-1) | np.diff(variants, prepend=-1))
    for same in np.split(np.arange(len(rows)), starts)[1:]:
        voice, variant_said = voices[speakers[same[0]]], variants[same[0]]
        texts[rows[same], places[same]] = voice.phrases[variant_said].write(voice.feature.name, columns, rows[same])


def _speakers(
    voices: list[_Voice], values: npt.NDArray[np.float32], totals: pd.DataFrame, variant: npt.NDArray[np.int8],
    top: int, told: npt.NDArray[np.uint32] | None = None,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.uint32]]:  # fmt: skip
    """Position of the feature that speaks at each place, (n, top), -1 where there is none; and what was told.

    Families speak in the order of their totals, as far as these are above 0; equal families go by their order in
    `by_family`, equal features by their order in the model. Weak sentences come after all others, and only for
    families that add up to `WEAK_PUSH`.
    """
    about = _stacked([voice.about[variant[:, k]] for k, voice in enumerate(voices)])
    weak = _stacked([voice.weak[variant[:, k]] for k, voice in enumerate(voices)])
    push = np.where(variant == _SILENT, np.float32(0), np.asfortranarray(values))
    families = [voice.feature.family for voice in voices]
    members = [np.array([k for k, name in enumerate(families) if name == one], dtype=np.intp) for one in totals.columns]
    sums = totals.to_numpy()
    order = np.argsort(-sums, axis=1, kind="stable")

    rows = np.arange(len(values))
    chosen = np.full((len(values), top), -1, dtype=np.intp)
    count = np.zeros(len(values), dtype=np.intp)
    heard = np.zeros(len(values), dtype=np.uint32) if told is None else told.copy()
    spoken = sums <= 0
    for last_resort in (False, True):
        for rank in range(order.shape[1]):
            family = order[:, rank]
            waiting = (count < top) & ~spoken[rows, family]
            if last_resort:
                waiting &= sums[rows, family] >= WEAK_PUSH
            for one in np.unique(family[waiting]):
                here = rows[waiting & (family == one)]
                cells = np.ix_(here, members[one])
                free = (weak[cells] == last_resort) & ((about[cells] & heard[here, None]) == 0)
                left = np.where(free, push[cells], np.float32(0))
                best = left.argmax(axis=1)
                able = left[np.arange(len(here)), best] > 0
                here, speaker = here[able], members[one][best[able]]
                chosen[here, count[here]] = speaker
                count[here] += 1
                heard[here] |= about[here, speaker]
                spoken[here, one] = True
    return chosen, heard


def _stacked(columns: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Columns side by side, each in one piece of memory."""
    out = np.empty((len(columns[0]), len(columns)), dtype=columns[0].dtype, order="F")
    for k, column in enumerate(columns):
        out[:, k] = column
    return out
