"""What a scheme is: ordered levels, each with its strategy, a rule, and the tables that the rule needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from holdfast.relationship.facts import Facts

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Scheme:
    """One way of saying where a customer stands; schemes are never merged.

    Parameters
    ----------
    name : str
        Name of its column.
    row : str
        Row of the domain, such as D1.
    strategy : mapping of str to str
        What follows from each level, in words; the order is that of the levels, lowest first.
    rule : callable
        `rule(facts)` gives a frame with `level` and `evidence`, on the index of the facts.
    needs : sequence of tuple of str
        Facts of which each tuple would do: without any of them the scheme is not measured.
    wanted : str
        The tables that would bring them, in words.
    """

    name: str
    row: str
    strategy: Mapping[str, str]
    rule: Callable[[Facts], pd.DataFrame]
    needs: Sequence[tuple[str, ...]]
    wanted: str

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels, lowest first."""
        return tuple(self.strategy)

    def measured(self, facts: Facts) -> bool:
        """Whether the tables at hand are enough."""
        return any(facts.has(*names) for names in self.needs)

    def place(self, facts: Facts) -> pd.DataFrame:
        """Level, evidence and strategy of every customer.

        Returns
        -------
        DataFrame
            `<name>, <name>_evidence, <name>_strategy` on the index of the facts; `not measured` and the missing
            tables where the scheme cannot be read.
        """
        if not self.measured(facts):
            found = pd.DataFrame({"level": NOT_MEASURED, "evidence": f"no {self.wanted}"}, index=facts.frame.index)
        else:
            found = self.rule(facts)
        strategy = found["level"].map(dict(self.strategy)).fillna("")
        return pd.DataFrame({
            self.name: found["level"], f"{self.name}_evidence": found["evidence"], f"{self.name}_strategy": strategy,
        })  # fmt: skip

    def rank(self, level: "pd.Series[str]") -> "pd.Series[float]":
        """Levels as numbers from 0, lowest first; missing where not measured."""
        return level.map({name: float(place) for place, name in enumerate(self.levels)}).astype(float)


def choose(cases: Sequence[tuple["pd.Series[bool]", str]], otherwise: str) -> "pd.Series[str]":
    """The first level whose condition holds, row by row."""
    conditions = [condition.to_numpy(bool) for condition, _ in cases]
    index = cases[0][0].index
    return pd.Series(np.select(conditions, [name for _, name in cases], otherwise), index=index)


def told(**parts: "pd.Series[float]") -> "pd.Series[str]":
    """Evidence in words: the named counts that are not zero, `nothing on record` where all are."""
    index = next(iter(parts.values())).index
    text = np.full(len(index), "", dtype=object)
    for name, counts in parts.items():
        known = counts.fillna(0)
        words = f"; {name.replace('_', ' ')}: " + in_words(known, "{:g}").to_numpy(object)
        text = text + np.where(known.to_numpy() != 0, words, "")
    return pd.Series(text, index=index).str.removeprefix("; ").replace("", "nothing on record")


def in_words(values: "pd.Series[float]", form: str, missing: str = "") -> "pd.Series[str]":
    """Numbers as text, each distinct number written once; `missing` for what is not known.

    Examples
    --------
    >>> in_words(pd.Series([2.0, float("nan")]), "{:g} days", "never").tolist()
    ['2 days', 'never']
    """
    codes, distinct = pd.factorize(values)
    words = np.array([*(form.format(value) for value in distinct), missing], dtype=object)
    return pd.Series(words[codes], index=values.index)


def scaled(facts: Facts, answer: str) -> "pd.Series[float]":
    """A survey answer between 0 and 1 on the range of all answers so far: surveys differ in their scale."""
    low, high = (facts.value(f"{answer}_{end}") for end in ("low", "high"))
    span = (high - low).where(high > low)
    return (facts.value(answer) - low) / span
