"""Column resolution: the text after a canonical name is a source column, else a SQL expression.

Expressions see typed columns although csv cells are text: a column whose cells are all numbers is a number,
all dates a stamp. Where an expression does not bind to these types, other readings of its columns are tried
(text; a number although a few cells are not; a stamp), so that one bad cell refuses its row, not the file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal

import duckdb

from holdfast.errors import ConfigError
from holdfast.histories.dates import day_order, stamp
from holdfast.histories.histories import quote
from holdfast.histories.load import PLACE, ROW, RawTable
from holdfast.histories.words import nearest, one_line

Reading = Literal["as is", "text", "whole", "number", "day first", "month first"]
_MOST_READINGS = 256
_MOSTLY = 0.5


@dataclass(frozen=True)
class Value:
    """A resolved text of the config.

    Parameters
    ----------
    text : str
        Exact source column, or SQL over typed source columns.
    exact : bool
        Whether it is a source column.
    readings : mapping of str to str
        How the columns it names are read; those not listed are taken as they are.
    """

    text: str
    exact: bool
    readings: Mapping[str, Reading]


def resolve(
    connection: duckdb.DuckDBPyConnection, table: str, raw: RawTable, columns: Mapping[str, str], zone: str
) -> dict[str, Value]:
    """Resolve every mapped column of a table.

    Raises
    ------
    ConfigError
        One line with table, canonical column, the text, and the nearest source column.
    """
    return {
        name: Value(content, True, {})
        if content in raw.columns
        else _expression(connection, f"tables.{table}.columns.{name}", raw, content, zone)
        for name, content in columns.items()
    }


def resolve_filter(
    connection: duckdb.DuckDBPyConnection, table: str, raw: RawTable, where: str | None, zone: str
) -> Value:
    """Resolve a row filter.

    Raises
    ------
    ConfigError
        When it cannot be evaluated, or is not true or false.
    """
    if where is None or not where.strip():
        return Value("true", False, {})
    return _expression(connection, f"tables.{table}.where", raw, where, zone, condition=True)


def staged(raw: RawTable, values: Mapping[str, Value], zone: str) -> str:
    """SQL that gives `PLACE`, the raw columns by number, and each value as `value_of(name)`.

    One layer of projection for each expression, because two expressions may read the same column
    differently.
    """
    origin = raw_places(raw)
    carried = [*PLACE, *origin.values()]
    first = [*PLACE, *(f"{quote(name)} AS {place}" for name, place in origin.items())]
    sql = f"SELECT {', '.join(first)} FROM {raw.table}"
    for name, value in values.items():
        done = ", ".join(carried)
        if value.exact:
            sql = f"SELECT {done}, {origin[value.text]} AS {value_of(name)} FROM ({sql})"
        else:
            typed = _typed(origin, value.readings, zone)
            sql = f"SELECT {done}, ({value.text}\n) AS {value_of(name)} FROM (SELECT {done}, {typed} FROM ({sql}))"
        carried.append(value_of(name))
    return sql


def raw_places(raw: RawTable) -> dict[str, str]:
    """Where the source columns stand in a staged table: under names that no source column has."""
    return {name: f"__raw_{number}" for number, name in enumerate(raw.columns)}


def value_of(name: str) -> str:
    """Quoted name of a resolved value; canonical names would hide source columns that differ in case only."""
    return quote(f"value of {name}")


def _expression(
    connection: duckdb.DuckDBPyConnection, key: str, raw: RawTable, content: str, zone: str, *, condition: bool = False
) -> Value:
    problem = ""
    for readings in _readings(connection, raw, content):
        kind, error = _bind(connection, raw, content, readings, zone)
        if error is None and condition and kind != "BOOLEAN":
            error = f'it gives {kind}, expected a condition such as "Quantity > 0"'
        if error is None:
            guarded = f"TRY({content}\n)"
            if not condition and _bind(connection, raw, guarded, readings, zone)[1] is None:
                return Value(guarded, False, readings)
            error = _run(connection, raw, content, readings, zone)
        if error is None:
            return Value(f"coalesce(({content}\n), false)" if condition else content, False, readings)
        problem = problem or error
    raise _unresolved(key, content, raw, problem)


def _unresolved(key: str, content: str, raw: RawTable, problem: str) -> ConfigError:
    missing = re.search(r'column "([^"]+)"', problem) if "not found" in problem else None
    near = ""
    if "GROUP BY" in problem or "aggregate" in problem:
        problem = "it mixes rows, expected an expression over one row"
    elif missing:
        near = nearest(missing[1], raw.columns)
        problem = f"there is no source column {missing[1]!r}"
    elif "syntax error" in problem:
        near = nearest(content, raw.columns)
    files = ", ".join(raw.files[:3])
    return ConfigError(
        f"{key}: {content!r} is neither a column of {files} nor SQL over its columns: {problem.rstrip('.!')}{near}"
    )


def _typed(origin: Mapping[str, str], readings: Mapping[str, Reading], zone: str) -> str:
    return ", ".join(
        f"{_cell(column, readings.get(name, 'as is'), zone)} AS {quote(name)}" for name, column in origin.items()
    )


def _cell(column: str, reading: Reading, zone: str) -> str:
    match reading:
        case "text":
            return f"CAST({column} AS VARCHAR)"
        case "whole":
            return f"TRY_CAST({column} AS BIGINT)"
        case "number":
            return f"TRY_CAST({column} AS DOUBLE)"
        case "day first" | "month first":
            return stamp(column, zone, reading == "day first")
    return column


def _over(raw: RawTable, content: str, readings: Mapping[str, Reading], zone: str) -> str:
    typed = _typed({name: quote(name) for name in raw.columns}, readings, zone)
    return f"SELECT {ROW}, ({content}\n) AS value FROM (SELECT {ROW}, {typed} FROM {raw.table})"


def _bind(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, content: str, readings: Mapping[str, Reading], zone: str
) -> tuple[str, str | None]:
    """Type of an expression, or why it does not bind."""
    statement = _over(raw, content, readings, zone)
    try:
        if len(connection.extract_statements(statement)) != 1:
            return "", "expected one expression"
        described = connection.execute(f"DESCRIBE {statement}").fetchall()
    except (duckdb.Error, RuntimeError) as error:
        return "", one_line(error)
    if len(described) != 2:
        return "", "expected one value"
    return str(described[1][1]), None


def _run(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, content: str, readings: Mapping[str, Reading], zone: str
) -> str | None:
    """Why an expression cannot be evaluated on all rows, or None."""
    try:
        connection.execute(f"SELECT count(value) FROM ({_over(raw, content, readings, zone)})")
    except duckdb.Error as error:
        return one_line(error)
    return None


def _readings(connection: duckdb.DuckDBPyConnection, raw: RawTable, content: str) -> list[dict[str, Reading]]:
    """Combinations of readings of the columns that an expression names, the most natural first."""
    named = [name for name in raw.columns if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", content, re.IGNORECASE)]
    options = [_possible(connection, raw, name) for name in named]
    combined = sorted(product(*(range(len(option)) for option in options)), key=lambda picks: (sum(picks), picks))
    return [
        {name: option[pick] for name, option, pick in zip(named, options, picks, strict=True)}
        for picks in islice(combined, _MOST_READINGS)
    ]


def _possible(connection: duckdb.DuckDBPyConnection, raw: RawTable, name: str) -> Sequence[Reading]:
    """Readings of one source column; digits with leading zeros stay text."""
    if raw.columns[name] != "VARCHAR":
        return ("as is", "text")
    word = f"nullif(trim({quote(name)}), '')"
    row = connection.execute(
        f"""SELECT count({word}), count(*) FILTER (regexp_full_match({word}, '[-+]?(0|[1-9]\\d{{0,17}})')),
        count(*) FILTER (isfinite(TRY_CAST({word} AS DOUBLE)) AND NOT regexp_matches({word}, '^[-+]?0\\d')),
        count(*) FILTER (regexp_matches({word}, '^\\d{{1,4}}[-/.]\\d{{1,2}}[-/.]\\d{{1,4}}')) FROM {raw.table}"""
    ).fetchone()
    filled, whole, numbers, dates = row if row else (0, 0, 0, 0)
    if not filled:
        return ("as is", "number")
    if whole == filled:
        return ("whole", "as is")
    if numbers == filled:
        return ("number", "as is")
    if dates >= _MOSTLY * filled:
        order = day_order(connection, raw.table, quote(name))
        at: Reading = "day first" if order.day_first >= order.month_first else "month first"
        return (at, "as is") if dates == filled else ("as is", at)
    return ("as is", "number") if numbers >= _MOSTLY * filled else ("as is",)
