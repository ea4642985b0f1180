"""Values into canonical cells, and the reason where a value cannot be one.

Three layers of SQL for each canonical column: the *word* (text of the value, NULL where there is none), what
is *read* from it, and from these two the typed cell and the reason to refuse it (NULL when it is fine).
"""

from dataclasses import dataclass

import duckdb

from holdfast.histories.columns import value_of
from holdfast.histories.dates import day_order, in_zone, stamp
from holdfast.histories.histories import quote
from holdfast.schema import Column, Kind

_NO_VALUE = "('nan', 'nat', 'null', 'none', 'na', 'n/a', '<na>', '#n/a')"
_STAMP_TYPES = ("TIMESTAMP", "DATE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S")
_YES, _NO = "('true', 't', 'yes', 'y', '1', '1.0')", "('false', 'f', 'no', 'n', '0', '0.0')"
_OPEN_END = 9000
"""From this year on, an end (9999-12-31) means that there is none."""
_YEARS = (1800, 2261)
_SHOWN = 60
"""Letters of a refused cell that its reason shows."""


@dataclass(frozen=True)
class Staged:
    """A value that waits in a staged table: the canonical column it is for, its DuckDB type, its source."""

    table: str
    column: Column
    kind: str
    source: str
    zone: str

    @property
    def cell(self) -> str:
        """Quoted name of the value."""
        return value_of(self.column.name)


@dataclass(frozen=True)
class Cell:
    """SQL of one canonical cell: `word` and `read` over the staged table, `value` and `reason` over these."""

    name: str
    word: str
    read: str
    value: str
    reason: str

    @property
    def inner(self) -> str:
        """Select list of the first layer."""
        return f"{self.word} AS {_word(self.name)}, {self.read} AS {_read(self.name)}"

    @property
    def outer(self) -> str:
        """Select list of the second layer."""
        return f"{self.value} AS {quote(self.name)}"


def make_cell(connection: duckdb.DuckDBPyConnection, origin: str, staged: Staged) -> Cell:
    """SQL for one column of the staged table `origin`.

    Raises
    ------
    DataError
        When the order of day and month cannot be told.
    """
    column, word = staged.column, _first_word(staged)
    read, value, wrong = _parts(connection, origin, staged, word)
    missing = f"WHEN {_word(column.name)} IS NULL THEN '{column.name}: missing' " if column.required else ""
    reason = f"CASE {missing}WHEN {_word(column.name)} IS NULL THEN NULL {wrong} END"
    return Cell(column.name, word, read, value, reason)


def _first_word(staged: Staged) -> str:
    """SQL of the value where there is one: a trimmed text, or the number or stamp of a typed source."""
    kind, cell = staged.column.kind, staged.cell
    if staged.kind != "VARCHAR" and kind not in (Kind.TEXT, Kind.ID, Kind.FLAG):
        return f"CASE WHEN NOT isnan({cell}) THEN {cell} END" if staged.kind in ("DOUBLE", "FLOAT") else cell
    word = f"nullif(trim(CAST({cell} AS VARCHAR)), '')"
    return word if kind is Kind.TEXT else f"CASE WHEN lower({word}) NOT IN {_NO_VALUE} THEN {word} END"


def _parts(connection: duckdb.DuckDBPyConnection, origin: str, staged: Staged, word: str) -> tuple[str, str, str]:
    """SQL of what is read, of the cell, and WHEN clauses of the reason."""
    column, read = staged.column, _read(staged.column.name)
    match column.kind:
        case Kind.TEXT:
            plain = f"CAST({staged.cell} AS VARCHAR)"
            if column.words:
                known = ", ".join(f"'{each}'" for each in column.words)
                plain = f"CASE WHEN lower({word}) IN ({known}) THEN lower({word}) ELSE {plain} END"
            return f"CASE WHEN {word} IS NOT NULL THEN {plain} END", read, ""
        case Kind.ID:
            return _identifier(connection, origin, staged, word), read, ""
        case Kind.TIME:
            return _time(connection, origin, staged, word)
        case Kind.FLAG:
            yes_no = f"CASE WHEN lower({word}) IN {_YES} THEN true WHEN lower({word}) IN {_NO} THEN false END"
            return yes_no, read, f"WHEN {read} IS NULL THEN {_say(column, 'not a yes or no')}"
    return _number(column, word)


def _word(name: str) -> str:
    return quote(f"word of {name}")


def _read(name: str) -> str:
    return quote(f"read of {name}")


def _say(column: Column, problem: str) -> str:
    return f"'{column.name}: {problem}: ' || left(CAST({_word(column.name)} AS VARCHAR), {_SHOWN})"


def _identifier(connection: duckdb.DuckDBPyConnection, origin: str, staged: Staged, word: str) -> str:
    """Identifiers are text exactly as written; whole numbers stored as floats lose their `.0`."""
    cell = staged.cell
    if staged.kind in ("DOUBLE", "FLOAT") or staged.kind.startswith("DECIMAL"):
        whole = f"isfinite(CAST({cell} AS DOUBLE)) AND {cell} = floor({cell})"
        return f"CASE WHEN {whole} THEN CAST(TRY_CAST({cell} AS HUGEINT) AS VARCHAR) ELSE {word} END"
    if staged.kind == "VARCHAR":
        row = connection.execute(
            f"SELECT count({word}), count(*) FILTER (regexp_full_match({word}, '\\d+\\.0')) FROM {origin}"
        ).fetchone()
        if row and row[0] and row[0] == row[1]:
            return f"regexp_replace({word}, '\\.0$', '')"
    return word


def _number(column: Column, word: str) -> tuple[str, str, str]:
    read, text = _read(column.name), _word(column.name)
    value, fraction = f"TRY_CAST({text} AS {column.kind.sql})", ""
    if column.kind is Kind.INTEGER:
        value = f"TRY_CAST({read} AS BIGINT)"
        fraction = f"WHEN {read} <> floor({read}) THEN {_say(column, 'not a whole number')} "
    wrong = (
        f"WHEN {read} IS NULL THEN {_say(column, 'not a number')} "
        f"WHEN NOT isfinite({read}) THEN {_say(column, 'not finite')} {fraction}"
        f"WHEN {value} IS NULL THEN {_say(column, 'too large')}"
    )
    return f"TRY_CAST({word} AS DOUBLE)", value, wrong


def _time(connection: duckdb.DuckDBPyConnection, origin: str, staged: Staged, word: str) -> tuple[str, str, str]:
    column, kind, cell = staged.column, staged.kind, staged.cell
    if kind in _STAMP_TYPES:
        at = f"CAST({cell} AS TIMESTAMP)"
    elif kind == "TIMESTAMP WITH TIME ZONE":
        at = in_zone(cell, staged.zone)
    elif kind in ("DOUBLE", "FLOAT"):
        at = stamp(f"CAST(TRY_CAST({cell} AS BIGINT) AS VARCHAR)", staged.zone, True)
    elif kind == "VARCHAR":
        day_first = day_order(connection, origin, cell).day_leads(staged.table, column.name, staged.source)
        at = stamp(cell, staged.zone, day_first)
    else:
        at = stamp(f"CAST({word} AS VARCHAR)", staged.zone, True)
    read = _read(column.name)
    open_end = "false" if column.required else f"coalesce(year({read}) >= {_OPEN_END}, false)"
    value = f"CASE WHEN isfinite({read}) AND NOT {open_end} THEN {read} END"
    wrong = (
        f"WHEN {open_end} THEN NULL "
        f"WHEN {read} IS NULL THEN {_say(column, 'not a date')} "
        f"WHEN NOT isfinite({read}) OR year({read}) NOT BETWEEN {_YEARS[0]} AND {_YEARS[1]} "
        f"THEN {_say(column, 'impossible date')}"
    )
    return at, value, wrong
