"""Further columns of `customers`: which ones are kept, and whether each is a number or a category."""

from dataclasses import dataclass, replace

import duckdb

from holdfast.errors import ConfigError
from holdfast.histories.histories import AttributeKind, quote
from holdfast.histories.load import RawTable
from holdfast.histories.sources import ALL, GivenLabel, TableSource
from holdfast.histories.words import nearest
from holdfast.schema import TABLES

_NUMERIC = ("DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
            "UINTEGER", "UBIGINT")  # fmt: skip
_NO_VALUE = "('', 'nan', 'null', 'na', 'n/a', '<na>', '#n/a')"
_UNIQUE_SHARE = 0.5
_UNIQUE_ROWS = 100


@dataclass(frozen=True)
class Attribute:
    """One kept column of `customers`: its name, its kind and the SQL of its cell."""

    name: str
    kind: AttributeKind
    sql: str


def adopt(table: TableSource, raw: RawTable) -> TableSource:
    """Map attributes that bear the name of a canonical column onto that column.

    Raises
    ------
    ConfigError
        For an attribute that differs from a mapped canonical column in case only.
    """
    if table.name != "customers":
        return table
    taken = {name.lower() for name in table.columns}
    if table.attributes != ALL:
        clash = [name for name in table.attributes if name.lower() in taken]
        if clash:
            raise ConfigError(f"tables.customers.attributes: {clash[0]!r} is mapped as a canonical column already")
    wanted = tuple(raw.columns) if table.attributes == ALL else table.attributes
    closed = {*table.exclude, *table.roles}
    known = TABLES["customers"].names
    new = {name: name for name in wanted if name in known and name.lower() not in taken and name not in closed}
    left = table.attributes if table.attributes == ALL else tuple(name for name in table.attributes if name not in new)
    return replace(table, columns={**table.columns, **new}, attributes=left)


def choose(table: TableSource, raw: RawTable, label: GivenLabel | None) -> tuple[str, ...]:
    """Names of the source columns that are kept as attributes.

    Raises
    ------
    ConfigError
        For a name in `attributes`, `exclude`, `static`, `roles` or the label that is no source column.
    """
    wanted = {
        "attributes": () if table.attributes == ALL else table.attributes,
        "exclude": table.exclude,
        "static": table.static,
        "roles": tuple(table.roles),
    }
    for key, names in wanted.items():
        for name in names:
            if name not in raw.columns and not (key == "static" and name in table.columns):
                raise ConfigError(
                    f"tables.{table.name}.{key}: {name!r} is not a column of {', '.join(raw.files)}"
                    f"{nearest(name, raw.columns)}"
                )
    for name, content in table.columns.items():
        if content in table.roles:
            raise ConfigError(
                f"tables.{table.name}.columns.{name}: {content!r} has the role {table.roles[content]} and cannot pass"
            )
    closed = {*table.exclude, *table.roles, *(kept_aside(label) if label else ())}
    canonical = {name.lower() for name in (*table.columns, *table.key)}
    if table.attributes != ALL:
        return tuple(name for name in dict.fromkeys(table.attributes) if name not in closed)
    mapped = set(table.columns.values())
    return tuple(
        name for name in raw.columns if name not in closed and name not in mapped and name.lower() not in canonical
    )


def kept_aside(label: GivenLabel) -> tuple[str, ...]:
    """Source columns that are stored beside the attributes: the label and the date of the snapshot."""
    return tuple(dict.fromkeys(name for name in (label.column, label.snapshot_at) if name))


def describe(
    connection: duckdb.DuckDBPyConnection, table: TableSource, raw: RawTable, names: tuple[str, ...]
) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
    """Kinds of the kept columns, and warnings about those that ``attributes: "*"`` leaves out.

    Under ``"*"`` a column with one value says nothing, and a text that differs from row to row (a name, an
    address, a number of a document) identifies people instead of describing them: neither is taken.
    """
    attributes, warnings = [], []
    for name in names:
        rows, distinct, numeric = _look(connection, raw, name)
        is_number = raw.columns[name] in _NUMERIC or raw.columns[name].startswith("DECIMAL") or numeric
        if table.attributes == ALL and distinct <= 1:
            warnings.append(f"attribute {name!r} left out: it has one value")
            continue
        if table.attributes == ALL and not is_number and rows > _UNIQUE_ROWS and distinct > _UNIQUE_SHARE * rows:
            warnings.append(f"attribute {name!r} left out: its text differs from row to row; list it to keep it")
            continue
        attributes.append(Attribute(name, "number" if is_number else "category", _cell(quote(name), is_number)))
    return tuple(attributes), tuple(warnings)


def _cell(column: str, number: bool) -> str:
    if number:
        return f"CASE WHEN isfinite(TRY_CAST({column} AS DOUBLE)) THEN TRY_CAST({column} AS DOUBLE) END"
    return f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def _look(connection: duckdb.DuckDBPyConnection, raw: RawTable, name: str) -> tuple[int, int, bool]:
    """Filled rows, distinct values, and whether all filled cells of a text column are numbers."""
    cell = f"trim(CAST({quote(name)} AS VARCHAR))"
    word = f"CASE WHEN lower({cell}) NOT IN {_NO_VALUE} THEN {cell} END"
    row = connection.execute(
        f"SELECT count({word}), count(DISTINCT {word}), count(*) FILTER (isfinite(TRY_CAST({word} AS DOUBLE)) "
        f"AND NOT regexp_matches({word}, '^[-+]?0\\d')) FROM {raw.table}"
    ).fetchone()
    rows, distinct, numbers = row if row else (0, 0, 0)
    return rows, distinct, raw.columns[name] == "VARCHAR" and rows > 0 and numbers == rows
