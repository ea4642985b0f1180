"""How often customers buy, and from that: how far ahead to ask, how far back to look, which cutoffs fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from holdfast.errors import DataError
from holdfast.histories.histories import Histories, quote
from holdfast.histories.quarantine import connected
from holdfast.schema import TABLES
from holdfast.windows import Span, days_between, rolling_cutoffs, shift

_MONTH, _WEEK = 30, 7
_TESTS = 3
_SHORTEST = 1


@dataclass(frozen=True)
class Rhythm:
    """What the days of a table say.

    Parameters
    ----------
    days : sequence of (date, int)
        Days with rows and their number, in order.
    gap_median, gap_75 : float or None
        Median and 75 % quantile, in days, of the gaps between purchase days of one customer, all customers
        pooled; None where nobody came twice.
    order_value : float or None
        Median money of a customer's purchase day.
    """

    days: tuple[tuple[date, int], ...]
    gap_median: float | None = None
    gap_75: float | None = None
    order_value: float | None = None


@dataclass(frozen=True)
class Timing:
    """A span, the number of test cutoffs that fit and their distance, over the days `start` to `end`."""

    span: Span
    tests: int
    every: int
    start: date
    end: date


def rhythm(histories: Histories, table: str) -> Rhythm:
    """Days, gaps and money of the table that the label reads."""
    at = quote(TABLES[table].time)
    with histories.connect() as connection:
        days = connection.execute(
            f"SELECT CAST({at} AS DATE), count(*) FROM {table} WHERE {at} IS NOT NULL GROUP BY 1 ORDER BY 1"
        ).fetchall()
        found = tuple((row[0], int(row[1])) for row in days)
        if table != "purchases":
            return Rhythm(found)
        per_day = (
            'SELECT customer_id, CAST("at" AS DATE) AS day, sum(CAST(amount AS DOUBLE)) AS money FROM purchases '
            "WHERE amount > 0 GROUP BY ALL"
        )
        row = connection.execute(
            f"SELECT quantile_cont(gap, 0.5), quantile_cont(gap, 0.75), median(money) FROM (SELECT money, "
            f"date_diff('day', lag(day) OVER (PARTITION BY customer_id ORDER BY day), day) AS gap FROM ({per_day}))"
        ).fetchone()
    median, upper, money = row if row else (None, None, None)
    return Rhythm(found, median, upper, money)


def usual_horizon(gap_75: float | None) -> int:
    """Horizon that three of four gaps fit into: whole months of 30 days, at least one, at most a year.

    Examples
    --------
    >>> usual_horizon(52.0), usual_horizon(8.0), usual_horizon(None)
    (60, 30, 60)
    """
    if gap_75 is None:
        return 2 * _MONTH
    return min(max(_MONTH, _MONTH * int(gap_75 / _MONTH + 0.5)), 12 * _MONTH)


def fit(days: Sequence[tuple[date, int]], horizon: int, lookback_per_horizon: int) -> Timing | None:
    """The longest span up to `horizon` that leaves a test and a training cutoff in the history.

    Parameters
    ----------
    days : sequence of (date, int)
        Days with rows, in order.
    horizon : int
        Days ahead, if the history allows.
    lookback_per_horizon : int
        Lookback in horizons.

    Returns
    -------
    Timing or None
        None when no span fits.

    Examples
    --------
    >>> days = [(date(2024, 1, 1 + day), 1) for day in range(28)]
    >>> fit(days, 60, 2).span
    Span(lookback=14, lead=0, horizon=7)
    """
    for length in _shorter(horizon):
        span = Span(length * lookback_per_horizon, 0, length)
        # the run cuts far-off rows away by a gap that depends on the span
        window = connected(days, span.lookback + span.horizon).window
        every = min(_MONTH, length)
        try:
            cutoffs = rolling_cutoffs(window.start, window.end, span, every, _TESTS)
        except DataError:
            continue
        return Timing(span, len(cutoffs), every, window.start, window.end)
    return None


def _shorter(horizon: int) -> list[int]:
    months = list(range(horizon - horizon % _MONTH, 0, -_MONTH))
    return [length for length in dict.fromkeys([horizon, *months, 21, 14, _WEEK, 3, _SHORTEST]) if length <= horizon]


def in_words(timing: Timing) -> str:
    """How much history there is.

    Examples
    --------
    >>> in_words(Timing(Span(14, 0, 7), 1, 7, date(2024, 1, 1), date(2024, 1, 29)))
    '28 days of history, 2024-01-01 to 2024-01-28'
    """
    last = shift(timing.end, -1)
    return f"{days_between(timing.start, timing.end)} days of history, {timing.start} to {last}"
