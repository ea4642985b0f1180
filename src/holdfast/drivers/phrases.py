"""Format strings of reasons: parsed once, written for many rows.

A phrase is text with `{column:format}` in it. Formats: those of Python's numbers (`.0f`, `,.2f`, `.0%`), or

* `one|many` and `none|one|many`: by the rounded value, with `#` for it: `{orders_90d:no order|# order|# orders}`;
* `money`: whole from 10 on, else with cents; `about`: whole from 10 on, else with at most one decimal;
* `clock`: an hour of the day, `15:00`; `weekday`: 0 is Monday.

A column name is just a name: nothing in a phrase is looked up on a value or run.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import ModelError

Writer = Callable[[Any], str]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_PLAIN_NUMBER = re.compile(r"^([-+ ]?)([\d,.]*[eEfFgG%])$")


class Columns:
    """Columns of a frame, each looked at once: the values, and where they are known (neither missing nor infinite)."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._known: dict[str, npt.NDArray[np.bool_]] = {}
        self._numbers: dict[str, npt.NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return len(self._frame)

    def known(self, name: str, feature: str) -> npt.NDArray[np.bool_]:
        """Where a column that `feature` speaks of has a value, shape (n,)."""
        if name not in self._known:
            column = self._column(name, feature)
            if pd.api.types.is_numeric_dtype(column):
                self._known[name] = np.isfinite(self.numbers(name, feature))
            else:
                self._known[name] = column.notna().to_numpy(dtype=bool)
        return self._known[name]

    def numbers(self, name: str, feature: str) -> npt.NDArray[np.float64]:
        """A numeric column, shape (n,)."""
        if name not in self._numbers:
            column = self._column(name, feature)
            try:
                self._numbers[name] = column.to_numpy(dtype="float64", na_value=np.nan)
            except (ValueError, TypeError) as error:
                raise ModelError(f"feature {feature!r}: a case compares {name!r}: no number ({error})") from error
        return self._numbers[name]

    def cells(self, name: str, feature: str, rows: npt.NDArray[np.intp]) -> list[Any]:
        """Values of some rows."""
        values: list[Any] = self._column(name, feature).iloc[rows].tolist()
        return values

    def _column(self, name: str, feature: str) -> "pd.Series[Any]":
        if name not in self._frame.columns:
            raise ModelError(f"feature {feature!r}: its words name {name!r}, which is not a column of the frame")
        return self._frame[name]


@dataclass(frozen=True)
class Clause:
    """A part of a sentence: texts, and between them columns with their writers."""

    texts: tuple[str, ...]
    columns: tuple[str, ...]
    writers: tuple[Writer, ...]

    def write(self, feature: str, columns: Columns, rows: npt.NDArray[np.intp]) -> list[str]:
        """The clause for each of the rows, all values being known."""
        if not self.columns:
            return [self.texts[0]] * len(rows)
        try:
            written = [
                _each(writer, columns.cells(name, feature, rows))
                for name, writer in zip(self.columns, self.writers, strict=True)
            ]
        except (ValueError, TypeError) as error:
            raise ModelError(f"feature {feature!r}: its words cannot be written with its values ({error})") from error
        pattern = "%s".join(text.replace("%", "%%") for text in self.texts)
        return [pattern % values for values in zip(*written, strict=True)]


@dataclass(frozen=True)
class Phrase:
    """A sentence of clauses between semicolons; all but the first are left out where a value is missing."""

    clauses: tuple[Clause, ...]

    @classmethod
    def parse(cls, words: str, feature: str) -> "Phrase":
        """Read a format string.

        Examples
        --------
        >>> frame = pd.DataFrame({"n": [0.0, 1.0, 2500.0], "m": [3.25, float("nan"), 30.5]})
        >>> phrase = Phrase.parse("{n:no order|one order|# orders}; worth {m:money}", "n")
        >>> phrase.write("n", Columns(frame), np.arange(3))
        ['no order; worth 3.25', 'one order', '2,500 orders; worth 30']
        """
        try:
            return cls(tuple(_clause(text.strip()) for text in words.split(";")))
        except ValueError as error:
            raise ModelError(f"feature {feature!r}: its words are not a format string ({error})") from error

    def speakable(self, feature: str, columns: Columns) -> npt.NDArray[np.bool_]:
        """Where the first clause has its values; nowhere for an empty phrase."""
        first = self.clauses[0]
        known = np.full(len(columns), first.texts != ("",))
        for clause in self.clauses[1:]:
            for name in clause.columns:
                columns.known(name, feature)  # a wrong name is refused whatever the rows hold
        for name in first.columns:
            known &= columns.known(name, feature)
        return known

    def write(self, feature: str, columns: Columns, rows: npt.NDArray[np.intp]) -> list[str]:
        """The sentence for each of the rows."""
        texts = self.clauses[0].write(feature, columns, rows)
        for clause in self.clauses[1:]:
            known = np.logical_and.reduce([columns.known(name, feature)[rows] for name in clause.columns])
            places = np.flatnonzero(np.broadcast_to(known, len(rows)))
            for place, more in zip(places.tolist(), clause.write(feature, columns, rows[places]), strict=True):
                texts[place] = f"{texts[place]}; {more}"
        return texts


def _clause(text: str) -> Clause:
    texts, columns, writers = [""], [], []
    for literal, name, spec, conversion in Formatter().parse(text):
        texts[-1] += literal
        if name is not None:
            if conversion:
                raise ValueError(f"conversion !{conversion} is not known")
            columns.append(name)
            writers.append(_writer(spec or ""))
            texts.append("")
    return Clause(tuple(texts), tuple(columns), tuple(writers))


def _writer(spec: str) -> Writer:
    if not spec:
        return str
    if spec in _NAMED:
        return _NAMED[spec]
    if "|" in spec:
        return _counted(spec)
    number = _PLAIN_NUMBER.sub(r"\1z\2", spec)  # what rounds to zero has no minus sign
    return lambda value: format(value, number)


def _counted(spec: str) -> Writer:
    forms = spec.split("|")
    if not 2 <= len(forms) <= 3:
        raise ValueError(f"{spec!r}: expected one|many or none|one|many")
    one, many = forms[-2:]
    none = forms[0] if len(forms) == 3 else many

    def write(value: float) -> str:
        n = round(value)
        form = none if n == 0 else one if n == 1 else many
        return form.replace("#", f"{n:,}")

    return write


def _money(value: float) -> str:
    return f"{value:z,.0f}" if abs(value) >= 9.995 or value == 0 else f"{value:z.2f}"


def _about(value: float) -> str:
    return f"{value:z,.0f}" if abs(value) >= 9.95 else f"{value:z.1f}".removesuffix(".0")


def _clock(value: float) -> str:
    return f"{round(value) % 24}:00"


def _weekday(value: float) -> str:
    return WEEKDAYS[round(value) % 7]


_NAMED: dict[str, Writer] = {"money": _money, "about": _about, "clock": _clock, "weekday": _weekday}


def _each(writer: Writer, values: list[Any]) -> list[str]:
    """Write every value; counts and days repeat, so each different one is written once."""
    known: dict[Any, str] = {}
    texts = []
    for value in values:
        text = known.get(value)
        if text is None:
            text = known[value] = writer(value)
        texts.append(text)
    return texts
