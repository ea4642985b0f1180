"""One raw table: filter it, evaluate the config's texts, type every cell, note why a row is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from holdfast.errors import ConfigError, DataError
from holdfast.histories.attributes import Attribute, adopt, choose, describe, kept_aside
from holdfast.histories.cells import Cell, Staged, make_cell
from holdfast.histories.columns import Value, raw_places, resolve, resolve_filter, staged, value_of
from holdfast.histories.histories import quote
from holdfast.histories.load import ROW, RawTable, text
from holdfast.histories.sources import GivenLabel, Source, TableSource
from holdfast.histories.words import nearest, one_line, same_value
from holdfast.schema import TABLES, Table

REASON = "reason of refusal"
"""Column of a checked table: why the row is refused, NULL for a good one."""
_KEEP = "row is kept"


@dataclass(frozen=True)
class Work:
    """One table between its steps: the checked rows stand in the DuckDB table `checked`, refused ones with REASON."""

    source: TableSource
    table: Table
    raw: RawTable
    checked: str
    columns: tuple[str, ...]
    filtered: int
    attributes: tuple[Attribute, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def time(self) -> str | None:
        """The column that dates the rows, if it is there."""
        return self.table.time if self.table.time in self.columns else None


def check(connection: duckdb.DuckDBPyConnection, source: Source, table: TableSource, raw: RawTable) -> Work:
    """Evaluate the config's texts, type every cell, and note the first reason to refuse a row.

    Raises
    ------
    ConfigError
        A column, expression, filter, key or attribute that cannot be resolved.
    DataError
        Dates whose order of day and month cannot be told; a label that is never positive.
    """
    schema, label = TABLES[table.name], source.label if table.name == "customers" else None
    table = adopt(table, raw)
    names = choose(table, raw, label)
    where = resolve_filter(connection, table.name, raw, table.where, source.timezone)
    values = resolve(connection, table.name, raw, table.columns, source.timezone)
    cells = _stage(connection, source, table, raw, values, where)
    if label:
        _check_label(connection, raw, label)
    attributes, warnings = describe(connection, table, raw, names)
    extra = _extra_columns(raw, attributes, label)
    for name in table.key:
        if name not in table.columns and name not in raw.columns:
            near = nearest(name, [*table.columns, *raw.columns])
            raise ConfigError(f"tables.{table.name}.key: {name!r} is neither a mapped nor a source column{near}")
    keys = [raw_places(raw)[name] for name in table.key if name not in table.columns]
    _type(connection, table, cells, keys, extra)
    if label:
        _refuse_unlabelled(connection, table, label)
    _refuse_repeated(connection, table, raw)
    warnings = (*warnings, *_unknown_words(connection, table, schema, tuple(values)))
    filtered = connection.execute(
        f"SELECT count(*) FROM {_name('staged', table)} WHERE NOT {value_of(_KEEP)}"
    ).fetchone()
    present = tuple(name for name in schema.names if name in values)
    aside = tuple(kept_aside(label)) if label else ()
    columns = (*present, *(one.name for one in attributes), *(name for name in aside if name not in present))
    return Work(
        table, schema, raw, _name("checked", table), columns, int(filtered[0]) if filtered else 0, attributes, warnings
    )


def _unknown_words(
    connection: duckdb.DuckDBPyConnection, table: TableSource, schema: Table, given: Sequence[str]
) -> list[str]:
    """Words in columns whose meaning the code reads: those that it does not know count for nothing there."""
    told = []
    for column in schema.columns:
        if not column.closed or column.name not in given:
            continue
        known = ", ".join(text(word) for word in column.words)
        cell = quote(column.name)
        found = connection.execute(
            f"SELECT {cell}, count(*) FROM {_name('checked', table)} WHERE {quote(REASON)} IS NULL "
            f"AND {cell} IS NOT NULL AND {cell} NOT IN ({known}) GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        if found:
            shown = ", ".join(f"{row[0]!r} ({row[1]})" for row in found[:3])
            rows = sum(row[1] for row in found)
            told.append(
                f"{column.name}: {rows} rows hold words without a meaning here, such as {shown}; "
                f"known are {', '.join(column.words)}: map them with a SQL expression in `columns`"
            )
    return told


def _name(step: str, table: TableSource) -> str:
    return quote(f"{step}_{table.name}")


def _stage(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    table: TableSource,
    raw: RawTable,
    values: Mapping[str, Value],
    where: Value,
) -> list[Cell]:
    """Evaluate filter and expressions on every row; give the cells to make of them."""
    target = _name("staged", table)
    sql = staged(raw, {_KEEP: where, **values}, source.timezone)
    connection.execute(f"CREATE VIEW {target} AS {sql}")
    kinds = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE {target}").fetchall()}
    kept = f"(SELECT * FROM {target} WHERE {value_of(_KEEP)})"
    schema = TABLES[table.name]
    return [
        make_cell(
            connection,
            kept,
            Staged(table.name, schema.column(name), kinds[f"value of {name}"], values[name].text, source.timezone),
        )
        for name in schema.names
        if name in values
    ]


def _extra_columns(raw: RawTable, attributes: Sequence[Attribute], label: GivenLabel | None) -> dict[str, str]:
    """SQL over the staged raw columns of what `customers` keeps beyond its canonical columns."""
    place = raw_places(raw)
    cells = {one.name: one.sql.replace(quote(one.name), place[one.name]) for one in attributes}
    for name in kept_aside(label) if label else ():
        cells.setdefault(name, f"nullif(trim(CAST({place[name]} AS VARCHAR)), '')")
    return cells


def _type(
    connection: duckdb.DuckDBPyConnection,
    table: TableSource,
    cells: Sequence[Cell],
    keys: Sequence[str],
    extra: Mapping[str, str],
) -> None:
    """Make the checked table: running number, key columns, canonical and further cells, first reason."""
    others = {name: sql for name, sql in extra.items() if name not in {cell.name for cell in cells}}
    further = [f"{sql} AS {quote(name)}" for name, sql in others.items()]
    passed = [ROW, *keys, *(quote(name) for name in others)]
    inner = ", ".join([ROW, *keys, *further, *(cell.inner for cell in cells)])
    reason = f"coalesce({', '.join(cell.reason for cell in cells)}, NULL) AS {quote(REASON)}"
    outer = ", ".join([*passed, *(cell.outer for cell in cells), reason])
    sql = f"SELECT {outer} FROM (SELECT {inner} FROM {_name('staged', table)} WHERE {value_of(_KEEP)})"
    try:
        connection.execute(f"CREATE TABLE {_name('checked', table)} AS {sql}")
    except duckdb.Error as error:
        raise DataError(f"table {table.name}: its columns cannot be computed: {one_line(error)}") from error


def _check_label(connection: duckdb.DuckDBPyConnection, raw: RawTable, label: GivenLabel) -> None:
    for key, column in (("label", label.column), ("snapshot_at", label.snapshot_at)):
        if column and column not in raw.columns:
            raise DataError(
                f"tasks.churn.{key}: {column!r} is not a column of {', '.join(raw.files)}{nearest(column, raw.columns)}"
            )
    cell = f"trim(CAST({quote(label.column)} AS VARCHAR))"
    found = connection.execute(
        f"SELECT {cell} AS word, count(*) FROM {raw.table} WHERE {cell} <> '' GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    matched = connection.execute(
        f"SELECT count(*) FROM {raw.table} WHERE {same_value(quote(label.column), label.positive)}"
    ).fetchone()
    if not matched or not matched[0]:
        listed = ", ".join(f"{row[0]} ({row[1]})" for row in found[:6])
        raise DataError(
            f"tasks.churn.positive: {label.positive!r} does not occur in column {label.column!r}; "
            f"its values are {listed}"
        )


def _refuse_repeated(connection: duckdb.DuckDBPyConnection, table: TableSource, raw: RawTable) -> None:
    """Later rows that repeat a key, or a customer, among the rows that are still good."""
    place = raw_places(raw)
    rules = []
    if table.key:
        rules.append(
            ([quote(name) if name in table.columns else place[name] for name in table.key], "duplicate by key")
        )
    if table.name == "customers":
        rules.append((['"customer_id"'], "customer_id: second row for a customer"))
    checked = _name("checked", table)
    for columns, reason in rules:
        connection.execute(
            f"UPDATE {checked} SET {quote(REASON)} = {text(reason)} WHERE {ROW} IN (SELECT {ROW} FROM {checked} "
            f"WHERE {quote(REASON)} IS NULL "
            f"QUALIFY row_number() OVER (PARTITION BY {', '.join(columns)} ORDER BY {ROW}) > 1)"
        )


def _refuse_unlabelled(connection: duckdb.DuckDBPyConnection, table: TableSource, label: GivenLabel) -> None:
    connection.execute(
        f"UPDATE {_name('checked', table)} SET {quote(REASON)} = {text(label.column + ': label missing')} "
        f"WHERE {quote(REASON)} IS NULL AND {quote(label.column)} IS NULL"
    )
