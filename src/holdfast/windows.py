"""Cutoffs and half-open windows: the only module that does date arithmetic.

A *cutoff* is a midnight, held as a `datetime.date`. What is known at a cutoff c lies in `(-inf, c)`; what
is asked about it lies in `[c + lead, c + lead + horizon)`. Cutoffs are walked back from the newest one
whose label window is complete (evaluation.md, "Splits").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.errors import ConfigError, DataError, LeakError

_UNITS = {"d": 1, "w": 7}
_DURATION = re.compile(r"^(\d+)\s*([dw])$")


def parse_days(text: str | int) -> int:
    """Read a duration such as ``60d`` or ``8w`` as a whole number of days.

    Raises
    ------
    ConfigError
        For anything else; months are refused because they have no fixed length.

    Examples
    --------
    >>> parse_days("60d"), parse_days("2w"), parse_days(30)
    (60, 14, 30)
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    match = _DURATION.match(str(text).strip())
    if match is None:
        raise ConfigError(f"duration {text!r}: expected a number of days or weeks such as 60d or 8w")
    return int(match[1]) * _UNITS[match[2]]


def shift(day: date, days: int) -> date:
    """Move a cutoff by whole days.

    Examples
    --------
    >>> shift(date(2024, 2, 28), 2)
    datetime.date(2024, 3, 1)
    """
    return day + timedelta(days=days)


def days_between(start: date, end: date) -> int:
    """Whole days from `start` to `end`."""
    return (end - start).days


@dataclass(frozen=True)
class Window:
    """Half-open range of days `[start, end)`.

    Examples
    --------
    >>> Window(date(2024, 1, 1), date(2024, 1, 3)).days
    2
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"window ends {self.end} before it starts {self.start}")

    @property
    def days(self) -> int:
        """Length in days."""
        return days_between(self.start, self.end)

    def overlaps(self, other: "Window") -> bool:
        """Whether the two windows share a moment; touching ends do not count."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Span:
    """The timing of a task, in days: how far back, how long a gap, how far ahead."""

    lookback: int
    lead: int
    horizon: int

    def __post_init__(self) -> None:
        if self.horizon <= 0:
            raise ConfigError(f"horizon {self.horizon}d: expected at least one day")
        if self.lookback < 0 or self.lead < 0:
            raise ConfigError("lookback and lead: expected zero or more days")


def observation_window(cutoff: date, lookback: int) -> Window:
    """`[c - lookback, c)`: where the cohort must have shown a sign of life."""
    return Window(shift(cutoff, -lookback), cutoff)


def label_window(cutoff: date, span: Span) -> Window:
    """`[c + lead, c + lead + horizon)`: where the label is read."""
    start = shift(cutoff, span.lead)
    return Window(start, shift(start, span.horizon))


def newest_cutoff(end: date, span: Span) -> date:
    """Newest cutoff whose label window is complete when the data end at midnight `end`."""
    return shift(end, -(span.lead + span.horizon))


def rolling_cutoffs(start: date, end: date, span: Span, every: int, count: int) -> list[date]:
    """Test cutoffs, oldest first: walked back from the newest complete one.

    A test cutoff needs `lookback` of history before it, and at least one training cutoff before it
    (one horizon and lead earlier) with the same lookback.

    Raises
    ------
    DataError
        When not even one cutoff fits between `start` and `end`.
    """
    newest = newest_cutoff(end, span)
    oldest = shift(start, span.lookback + span.lead + span.horizon)
    cutoffs = [shift(newest, -every * k) for k in range(count)]
    kept = [cutoff for cutoff in reversed(cutoffs) if cutoff >= oldest]
    if not kept:
        need = span.lookback + 2 * (span.lead + span.horizon)
        raise DataError(
            f"history from {start} to {end} is {days_between(start, end)} days: one test cutoff with one training "
            f"cutoff before it needs {need} (lookback {span.lookback} + 2 x (lead {span.lead} + horizon "
            f"{span.horizon})); shorten them or bring more history"
        )
    return kept


def training_cutoffs(at: date, start: date, span: Span, spacing: int, count: int) -> list[date]:
    """Training cutoffs for a model that serves from `at`, oldest first: at - lead - H, then `spacing` apart.

    No label window of a training cutoff reaches past `at`; each has `lookback` of history before it.
    """
    first = newest_cutoff(at, span)
    oldest = shift(start, span.lookback)
    cutoffs = [shift(first, -spacing * k) for k in range(count)]
    return [cutoff for cutoff in reversed(cutoffs) if cutoff >= oldest]


def require_no_overlap(train: Sequence[date], at: date, span: Span) -> None:
    """Refuse a split whose training labels reach past the cutoff they serve.

    Raises
    ------
    LeakError
        Naming the first offending training cutoff.
    """
    for cutoff in train:
        window = label_window(cutoff, span)
        if window.end > at:
            raise LeakError(f"training cutoff {cutoff}: its label window ends {window.end}, after {at} which it serves")
