"""Impossible dates in the checked tables, and the first and last day of the data."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb

from holdfast.errors import DataError
from holdfast.histories.check import REASON, Work
from holdfast.histories.histories import quote
from holdfast.histories.quarantine import Body, connected, impossible
from holdfast.histories.sources import Source
from holdfast.windows import Span, Window, shift

UNDATED = date(1970, 1, 1)
"""First and last day of data in which nothing is dated."""
_SELDOM = ("consents",)
"""Tables whose rows come one by one: a withdrawal long after the last purchase is no impossible date."""
_STATE_GAP = 3653
"""Empty days (ten years) that a table of states (contracts, memberships) may have before a start is impossible."""


def refuse_dates(
    connection: duckdb.DuckDBPyConnection, source: Source, works: list[Work], span: Span | None, today: date
) -> list[Work]:
    """Impossible dates; the table that the label reads is settled first, the others beside it."""
    for work in works:
        _after_today(connection, work, today)
    gap = span.lookback + span.horizon if span else None
    leading = next((work for work in works if work.source.name == source.label_table and work.time), None)
    if gap is None or leading is None:
        return works
    done = []
    reference = None
    for work in sorted(works, key=lambda one: one is not leading):
        body = _body(connection, work, gap)
        if body is None:
            done.append(work)
            continue
        refused = impossible(body, None if work is leading else reference, gap)
        if work is leading:
            reference = body.window
        count = sum(_cut_off(connection, work, window, gap) for window in refused)
        words = list(work.warnings)
        if work is leading:
            words += [f"{words_of_gap}; tasks whose windows lie there see nobody" for words_of_gap in body.gaps]
        if count:
            words.append(f"{count} rows are cut off from all others by an empty gap of more than {gap} days")
        done.append(replace(work, warnings=tuple(words)))
    names = [work.source.name for work in works]
    return sorted(done, key=lambda work: names.index(work.source.name))


def _after_today(connection: duckdb.DuckDBPyConnection, work: Work, today: date) -> None:
    if work.time:
        at = quote(work.time)
        connection.execute(
            f"UPDATE {work.checked} SET {quote(REASON)} = '{work.time}: impossible date: ' || {at}::DATE || "
            f"' is after today' WHERE {quote(REASON)} IS NULL AND {at} >= TIMESTAMP '{shift(today, 1)}'"
        )


def _body(connection: duckdb.DuckDBPyConnection, work: Work, gap: int) -> Body | None:
    if not work.time or work.source.name in _SELDOM:
        return None
    days = connection.execute(
        f"SELECT CAST({quote(work.time)} AS DATE) AS d, count(*) FROM {work.checked} "
        f"WHERE {quote(REASON)} IS NULL AND {quote(work.time)} IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    longest = gap if work.time == "at" else max(gap, _STATE_GAP)
    return connected([(row[0], int(row[1])) for row in days], longest) if days else None


def _cut_off(connection: duckdb.DuckDBPyConnection, work: Work, window: Window, gap: int) -> int:
    at = quote(work.time)
    row = connection.execute(
        f"UPDATE {work.checked} SET {quote(REASON)} = '{work.time}: impossible date: ' || {at}::DATE || "
        f"' is more than {gap} days from all other rows' WHERE {quote(REASON)} IS NULL "
        f"AND {at} >= TIMESTAMP '{window.start}' AND {at} < TIMESTAMP '{window.end}'"
    ).fetchone()
    return int(row[0]) if row else 0


def time_range(connection: duckdb.DuckDBPyConnection, source: Source, works: Sequence[Work]) -> tuple[date, date]:
    """First day of the label's table, and the end of the data."""
    dated = [work for work in works if work.time]
    leading = [work for work in dated if work.source.name == source.label_table] or dated
    columns = [(work.checked, quote(work.time)) for work in leading]
    if source.label and source.label.snapshot_at:
        checked = next(work.checked for work in works if work.source.name == "customers")
        columns = [(checked, f"TRY_CAST({quote(source.label.snapshot_at)} AS TIMESTAMP)")]
    bounds = [
        connection.execute(f"SELECT min({at}), max({at}) FROM {table} WHERE {quote(REASON)} IS NULL").fetchone()
        for table, at in columns
    ]
    found = [row for row in bounds if row and row[0] is not None]
    if not found:
        day = source.as_of or UNDATED
        return day, day
    start = min(row[0] for row in found).date()
    if source.label and source.label.snapshot_at:
        return start, source.as_of or max(row[1] for row in found).date()
    end = source.as_of or shift(max(row[1] for row in found).date(), 1)
    if end <= start:
        raise DataError(f"source.as_of {end} is not after the first row of the data ({start})")
    return start, end
