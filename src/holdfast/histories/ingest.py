"""From the user's files to canonical tables: read, filter, type, refuse, sort, write, count.

Everything goes through one DuckDB connection. The sources are copied into it first; before any text of the
config is evaluated, the connection is closed to everything but a scratch folder.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from holdfast.errors import ConfigError, DataError
from holdfast.histories.attributes import Attribute, adopt, choose, describe, kept_aside
from holdfast.histories.cells import Cell, Staged, make_cell
from holdfast.histories.columns import Value, raw_places, resolve, resolve_filter, staged, value_of
from holdfast.histories.histories import META_FILE, quote, write_meta
from holdfast.histories.load import FILE, LINE, ROW, RawTable, load, text
from holdfast.histories.quarantine import Body, connected, impossible
from holdfast.histories.report import IngestReport, TableReport
from holdfast.histories.sources import GivenLabel, Source, TableSource
from holdfast.histories.words import nearest, one_line
from holdfast.schema import TABLES, Table
from holdfast.windows import Span, Window, shift

_KEEP = "row is kept"
_REASON = "reason of refusal"
_STATE_GAP = 3653
"""Empty days (ten years) that a table of states (contracts, memberships) may have before a start is impossible."""


@dataclass(frozen=True)
class _Work:
    """One table between its steps."""

    source: TableSource
    table: Table
    raw: RawTable
    checked: str
    columns: tuple[str, ...]
    attributes: tuple[Attribute, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def time(self) -> str | None:
        """The column that dates the rows, if it is there."""
        return self.table.time if self.table.time in self.columns else None


def ingest(
    source: Source,
    out_dir: Path,
    *,
    span: Span | None = None,
    quarantine_dir: Path | None = None,
    today: date | None = None,
    threads: int | None = None,
) -> IngestReport:
    """Read all tables of `source` and write them in canonical form.

    Parameters
    ----------
    source : Source
        What to read.
    out_dir : Path
        Gets one `<table>.parquet` for each table and `histories.json`, which `Histories.open` reads.
    span : Span or None
        Timing of the main task; an empty gap longer than lookback + horizon cuts impossible dates off.
        None: only dates after today are impossible.
    quarantine_dir : Path or None
        Gets one `<table>.parquet` of refused rows for each table (default `out_dir/quarantine`).
    today : date or None
        Last possible day; default: today in the source's zone.
    threads : int or None
        Threads of DuckDB (None: all cores); the result does not depend on them.

    Returns
    -------
    IngestReport
        Counts, assumptions, first and last day, and the hash of the data.

    Raises
    ------
    ConfigError
        A column, expression or filter that cannot be resolved.
    DataError
        A missing, empty or corrupt file, ambiguous dates, or a table with no row left.
    """
    quarantine_dir = quarantine_dir or out_dir / "quarantine"
    today = today or datetime.now(ZoneInfo(source.timezone)).date()
    out_dir.mkdir(parents=True, exist_ok=True)
    quarantine_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".ingest-", dir=out_dir) as folder:
        scratch = Path(folder)
        with duckdb.connect(str(scratch / "scratch.duckdb")) as connection:
            if threads:
                connection.execute(f"SET threads = {int(threads)}")
            raws = _load_all(connection, source, scratch)
            works = [_check(connection, source, table, raw) for table, raw in zip(source.tables, raws, strict=True)]
            works = _refuse_dates(connection, source, works, span, today)
            reports = tuple(_report(connection, work) for work in works)
            hashes = [_write(connection, work, scratch) for work in works]
            start, end = _time_range(connection, source, works)
            attributes = {one.name: one.kind for work in works for one in work.attributes}
        _publish(source, out_dir, quarantine_dir, scratch)
    static = tuple(name for table in source.tables for name in table.static)
    write_meta(out_dir, tuple(table.name for table in source.tables), start, end, attributes, static)
    content = "\n".join(sorted(hashes))
    return IngestReport(reports, start, end, attributes, hashlib.sha256(content.encode()).hexdigest())


def _load_all(connection: duckdb.DuckDBPyConnection, source: Source, scratch: Path) -> list[RawTable]:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(f"SET temp_directory = {text(scratch / 'spill')}")
    raws = [load(connection, source, table, scratch) for table in source.tables]
    connection.execute(f"SET allowed_directories = [{text(scratch)}]")
    connection.execute("SET enable_external_access = false")
    return raws


def _check(connection: duckdb.DuckDBPyConnection, source: Source, table: TableSource, raw: RawTable) -> _Work:
    """Evaluate the config's texts, type every cell, and note the first reason to refuse a row."""
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
    _refuse_repeated(connection, table, raw)
    present = tuple(name for name in schema.names if name in values)
    aside = tuple(kept_aside(label)) if label else ()
    columns = (*present, *(one.name for one in attributes), *(name for name in aside if name not in present))
    return _Work(table, schema, raw, _name("checked", table), columns, attributes, warnings)


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
        make_cell(connection, kept, Staged(table.name, schema.column(name), kinds[value_of(name).strip('"')], values[name].text, source.timezone))
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
    connection: duckdb.DuckDBPyConnection, table: TableSource, cells: Sequence[Cell], keys: Sequence[str], extra: Mapping[str, str]
) -> None:
    """Make the checked table: running number, key columns, canonical and further cells, first reason."""
    others = {name: sql for name, sql in extra.items() if name not in {cell.name for cell in cells}}
    further = [f"{sql} AS {quote(name)}" for name, sql in others.items()]
    passed = [ROW, *keys, *(quote(name) for name in others)]
    inner = ", ".join([ROW, *keys, *further, *(cell.inner for cell in cells)])
    reason = f"coalesce({', '.join(cell.reason for cell in cells)}, NULL) AS {quote(_REASON)}"
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
    values = [str(row[0]) for row in found]
    if label.positive not in values:
        listed = ", ".join(f"{row[0]} ({row[1]})" for row in found[:6])
        raise DataError(
            f"tasks.churn.positive: {label.positive!r} does not occur in column {label.column!r}; its values are {listed}"
        )


def _refuse_repeated(connection: duckdb.DuckDBPyConnection, table: TableSource, raw: RawTable) -> None:
    """Later rows that repeat a key, or a customer, among the rows that are still good."""
    place = raw_places(raw)
    rules = []
    if table.key:
        rules.append(([quote(name) if name in table.columns else place[name] for name in table.key], "duplicate by key"))
    if table.name == "customers":
        rules.append((['"customer_id"'], "customer_id: second row for a customer"))
    checked = _name("checked", table)
    for columns, reason in rules:
        connection.execute(
            f"UPDATE {checked} SET {quote(_REASON)} = {text(reason)} WHERE {ROW} IN (SELECT {ROW} FROM {checked} "
            f"WHERE {quote(_REASON)} IS NULL QUALIFY row_number() OVER (PARTITION BY {', '.join(columns)} ORDER BY {ROW}) > 1)"
        )


def _refuse_dates(
    connection: duckdb.DuckDBPyConnection, source: Source, works: list[_Work], span: Span | None, today: date
) -> list[_Work]:
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
    return sorted(done, key=works_order(works))


def works_order(works: Sequence[_Work]):  # type: ignore[no-untyped-def]
    """Sort key that restores the order of the config."""
    names = [work.source.name for work in works]
    return lambda work: names.index(work.source.name)


def _after_today(connection: duckdb.DuckDBPyConnection, work: _Work, today: date) -> None:
    if work.time:
        at = quote(work.time)
        connection.execute(
            f"UPDATE {work.checked} SET {quote(_REASON)} = '{work.time}: impossible date: ' || {at}::DATE || "
            f"' is after today' WHERE {quote(_REASON)} IS NULL AND {at} >= TIMESTAMP '{shift(today, 1)}'"
        )


def _body(connection: duckdb.DuckDBPyConnection, work: _Work, gap: int) -> Body | None:
    if not work.time:
        return None
    days = connection.execute(
        f"SELECT CAST({quote(work.time)} AS DATE) AS d, count(*) FROM {work.checked} "
        f"WHERE {quote(_REASON)} IS NULL AND {quote(work.time)} IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    longest = gap if work.time == "at" else max(gap, _STATE_GAP)
    return connected([(row[0], int(row[1])) for row in days], longest) if days else None


def _cut_off(connection: duckdb.DuckDBPyConnection, work: _Work, window: Window, gap: int) -> int:
    at = quote(work.time)
    row = connection.execute(
        f"UPDATE {work.checked} SET {quote(_REASON)} = '{work.time}: impossible date: ' || {at}::DATE || "
        f"' is more than {gap} days from all other rows' WHERE {quote(_REASON)} IS NULL "
        f"AND {at} >= TIMESTAMP '{window.start}' AND {at} < TIMESTAMP '{window.end}'"
    ).fetchone()
    return int(row[0]) if row else 0


def _report(connection: duckdb.DuckDBPyConnection, work: _Work) -> TableReport:
    """Count, and refuse a table that nothing is left of."""
    rows = dict(connection.execute(
        f"SELECT CASE WHEN {quote(_REASON)} IS NULL THEN '' ELSE regexp_extract({quote(_REASON)}, "
        f"'^[^:]*(: [^:]*)?') END AS kind, count(*) FROM {work.checked} GROUP BY 1 ORDER BY 1"
    ).fetchall())  # fmt: skip
    malformed = dict(connection.execute(
        f"SELECT reason, count(*) FROM {work.raw.malformed} GROUP BY reason ORDER BY reason"
    ).fetchall())  # fmt: skip
    rows_out = int(rows.pop("", 0))
    read = connection.execute(f"SELECT count(*) FROM {work.raw.table}").fetchone()
    kept = rows_out + sum(rows.values())
    filtered = max((int(read[0]) if read else 0) - kept, 0) if work.source.where else 0
    report = TableReport(
        work.source.name, work.raw.files, work.raw.rows, filtered, rows_out, {**rows, **malformed}, work.raw.notes,
        work.warnings,
    ).reconcile()  # fmt: skip
    if rows_out == 0:
        raise DataError(f"table {work.source.name}: no row is left of {work.raw.rows}; {_why_empty(report)}")
    return report


def _why_empty(report: TableReport) -> str:
    refused = sorted(report.quarantined.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [f"{count} refused ({reason})" for reason, count in refused[:3]]
    if report.filtered:
        parts.append(f"{report.filtered} dropped by where")
    return ", ".join(parts)


def _write(connection: duckdb.DuckDBPyConnection, work: _Work, scratch: Path) -> str:
    """Write the good and the refused rows; return the content hash of the good ones."""
    name = work.source.name
    first = [column for column in (work.time, work.table.customer) if column in work.columns]
    order = ", ".join(quote(column) for column in dict.fromkeys([*first, *work.columns]))
    picked = ", ".join(quote(column) for column in work.columns)
    good = f"SELECT {picked} FROM {work.checked} WHERE {quote(_REASON)} IS NULL"
    closed = set(work.source.roles)
    raws = [f"CAST({quote(column)} AS VARCHAR) AS {quote(column)}" for column in work.raw.columns if column not in closed]
    shown = "NULL" if closed else "text"
    bad = (
        f"SELECT {', '.join(raws)}, {quote(_REASON)} AS reason, {FILE} AS file, {LINE} AS row_number, "
        f"CAST(NULL AS VARCHAR) AS line FROM {work.raw.table} JOIN (SELECT {ROW}, {quote(_REASON)} FROM {work.checked} "
        f"WHERE {quote(_REASON)} IS NOT NULL) USING ({ROW}) "
        f"UNION ALL BY NAME SELECT reason, file, CAST(line AS BIGINT) AS row_number, {shown} AS line "
        f"FROM {work.raw.malformed} ORDER BY file, row_number"
    )
    for sql, folder in ((f"{good} ORDER BY {order}", "tables"), (bad, "refused")):
        (scratch / folder).mkdir(exist_ok=True)
        target = scratch / folder / f"{name}.parquet"
        connection.execute(f"CREATE OR REPLACE TABLE sorted AS {sql}")
        connection.execute("SET threads = 1")
        connection.execute(f"COPY sorted TO {text(target)} (FORMAT parquet)")
        connection.execute("RESET threads")
    return _content_hash(connection, name, good, work.columns)


def _content_hash(connection: duckdb.DuckDBPyConnection, name: str, sql: str, columns: Sequence[str]) -> str:
    """Sum of row hashes: it does not depend on the order of rows, on threads or on the file format."""
    cells = " || ".join(f"coalesce(CAST({quote(column)} AS VARCHAR), chr(0)) || chr(31)" for column in columns)
    row = connection.execute(
        f"SELECT count(*), sum(CAST(md5_number_lower(line) AS HUGEINT)), sum(CAST(md5_number_upper(line) AS HUGEINT)) "
        f"FROM (SELECT {cells} AS line FROM ({sql}))"
    ).fetchone()
    return f"{name} {','.join(columns)} {row}"


def _time_range(connection: duckdb.DuckDBPyConnection, source: Source, works: Sequence[_Work]) -> tuple[date, date]:
    """First day of the label's table, and the end of the data."""
    dated = [work for work in works if work.time]
    leading = [work for work in dated if work.source.name == source.label_table] or dated
    columns = [(work.checked, quote(work.time)) for work in leading]
    if source.label and source.label.snapshot_at:
        checked = next(work.checked for work in works if work.source.name == "customers")
        columns = [(checked, f"TRY_CAST({quote(source.label.snapshot_at)} AS TIMESTAMP)")]
    bounds = [
        connection.execute(f"SELECT min({at}), max({at}) FROM {table} WHERE {quote(_REASON)} IS NULL").fetchone()
        for table, at in columns
    ]
    found = [row for row in bounds if row and row[0] is not None]
    if not found:
        day = source.as_of or date(1970, 1, 1)
        return day, day
    start = min(row[0] for row in found).date()
    end = source.as_of or shift(max(row[1] for row in found).date(), 1)
    if end <= start:
        raise DataError(f"source.as_of {end} is not after the first row of the data ({start})")
    return start, end


def _publish(source: Source, out_dir: Path, quarantine_dir: Path, scratch: Path) -> None:
    """Move whole files into place; what an earlier config left there goes."""
    wanted = {table.name for table in source.tables}
    (out_dir / META_FILE).unlink(missing_ok=True)
    for folder, target in (("tables", out_dir), ("refused", quarantine_dir)):
        for name in TABLES:
            if name in wanted:
                os.replace(scratch / folder / f"{name}.parquet", target / f"{name}.parquet")
            else:
                (target / f"{name}.parquet").unlink(missing_ok=True)


