"""Count what became of a table's rows, and write the good and the refused ones."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from holdfast.errors import DataError
from holdfast.histories.check import REASON, Work
from holdfast.histories.histories import META_FILE, quote
from holdfast.histories.load import FILE, LINE, ROW, text
from holdfast.histories.report import TableReport
from holdfast.histories.sources import Source
from holdfast.schema import TABLES

_GOOD, _REFUSED = "tables", "refused"
_OWN = frozenset({"reason", "file", "row_number", "line"})
"""Columns that the quarantine adds to those of the source."""
_MANY = 0.05
"""Share of refused rows from which on the user is warned."""


def count(connection: duckdb.DuckDBPyConnection, work: Work) -> TableReport:
    """Count, and refuse a table that nothing is left of."""
    rows = dict(connection.execute(
        f"SELECT CASE WHEN {quote(REASON)} IS NULL THEN '' ELSE regexp_extract({quote(REASON)}, "
        f"'^[^:]*(: [^:]*)?') END AS kind, count(*) FROM {work.checked} GROUP BY 1 ORDER BY 1"
    ).fetchall())  # fmt: skip
    malformed = dict(connection.execute(
        f"SELECT reason, count(*) FROM {work.raw.malformed} GROUP BY reason ORDER BY reason"
    ).fetchall())  # fmt: skip
    rows_out = int(rows.pop("", 0))
    report = TableReport(
        work.source.name, work.raw.files, work.raw.rows, work.filtered, rows_out, {**rows, **malformed}, work.raw.notes,
        (*work.warnings, *_many_refused(work.raw.rows, {**rows, **malformed})),
    ).reconcile()  # fmt: skip
    if rows_out == 0:
        why = f"{_why_empty(report)}{_example(connection, work)}"
        raise DataError(f"table {work.source.name}: no row is left of {work.raw.rows}; {why}")
    return report


def _many_refused(rows_in: int, refused: Mapping[str, int]) -> list[str]:
    total = sum(refused.values())
    if total <= _MANY * rows_in:
        return []
    reason, most = max(refused.items(), key=lambda pair: (pair[1], pair[0]))
    return [f"{total} of {rows_in} rows refused, most often ({most}) because {reason}; see the quarantine"]


def _example(connection: duckdb.DuckDBPyConnection, work: Work) -> str:
    """The first refused cell as it stands, unless the table holds columns that nobody may see."""
    if work.source.roles:
        return ""
    row = connection.execute(
        f"SELECT {quote(REASON)} FROM {work.checked} WHERE {quote(REASON)} IS NOT NULL ORDER BY {ROW} LIMIT 1"
    ).fetchone()
    shown = str(row[0]) if row else ""
    hint = "; map it with a SQL expression" if "not a number" in shown or "not a date" in shown else ""
    return f"; the first: {shown}{hint}" if shown.count(":") > 1 else ""


def _why_empty(report: TableReport) -> str:
    refused = sorted(report.quarantined.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [f"{count} refused ({reason})" for reason, count in refused[:3]]
    if report.filtered:
        parts.append(f"{report.filtered} dropped by where")
    return ", ".join(parts)


def _free_names(columns: Iterable[str]) -> dict[str, str]:
    """Names for source columns in the quarantine; `source_` goes before those that the quarantine uses itself.

    Examples
    --------
    >>> _free_names(["id", "Reason"])
    {'id': 'id', 'Reason': 'source_Reason'}
    """
    taken = {column.lower() for column in columns} | set(_OWN)
    free = {}
    for column in columns:
        name = column
        while name.lower() in _OWN or (name != column and name.lower() in taken):
            name = f"source_{name}"
        free[column] = name
    return free


def write(connection: duckdb.DuckDBPyConnection, work: Work, scratch: Path) -> str:
    """Write the good and the refused rows; return the content hash of the good ones."""
    name = work.source.name
    first = [column for column in (work.time, work.table.customer) if column in work.columns]
    order = ", ".join(quote(column) for column in dict.fromkeys([*first, *work.columns]))
    picked = ", ".join(quote(column) for column in work.columns)
    good = f"SELECT {picked} FROM {work.checked} WHERE {quote(REASON)} IS NULL"
    closed = set(work.source.roles)
    named = _free_names(work.raw.columns)
    raws = [
        f"CAST({quote(column)} AS VARCHAR) AS {quote(named[column])}"
        for column in work.raw.columns
        if column not in closed
    ]
    shown = "NULL" if closed else "text"
    bad = (
        f"SELECT {', '.join(raws)}, {quote(REASON)} AS reason, {FILE} AS file, {LINE} AS row_number, "
        f"CAST(NULL AS VARCHAR) AS line FROM {work.raw.table} JOIN (SELECT {ROW}, {quote(REASON)} FROM {work.checked} "
        f"WHERE {quote(REASON)} IS NOT NULL) USING ({ROW}) "
        f"UNION ALL BY NAME SELECT reason, file, CAST(line AS BIGINT) AS row_number, {shown} AS line "
        f"FROM {work.raw.malformed} ORDER BY file, row_number"
    )
    used = connection.execute("SELECT current_setting('threads')").fetchone()
    for sql, folder in ((f"{good} ORDER BY {order}", _GOOD), (bad, _REFUSED)):
        (scratch / folder).mkdir(exist_ok=True)
        target = scratch / folder / f"{name}.parquet"
        connection.execute(f"CREATE OR REPLACE TABLE sorted AS {sql}")
        # one thread writes, so that the row groups, and with them the bytes, do not depend on the machine
        connection.execute("SET threads = 1")
        connection.execute(f"COPY sorted TO {text(target)} (FORMAT parquet)")
        connection.execute(f"SET threads = {int(used[0]) if used else 1}")
    return _content_hash(connection, name, good, work.columns)


def _content_hash(connection: duckdb.DuckDBPyConnection, name: str, sql: str, columns: Sequence[str]) -> str:
    """Sum of row hashes: it does not depend on the order of rows, on threads or on the file format."""
    cells = " || ".join(f"coalesce(CAST({quote(column)} AS VARCHAR), chr(0)) || chr(31)" for column in columns)
    row = connection.execute(
        f"SELECT count(*), sum(CAST(md5_number_lower(line) AS HUGEINT)) FROM (SELECT {cells} AS line FROM ({sql}))"
    ).fetchone()
    return f"{name} {','.join(columns)} {row}"


def publish(source: Source, out_dir: Path, quarantine_dir: Path, scratch: Path) -> None:
    """Move whole files into place; what an earlier config left there goes."""
    wanted = {table.name for table in source.tables}
    (out_dir / META_FILE).unlink(missing_ok=True)
    for folder, target in ((_GOOD, out_dir), (_REFUSED, quarantine_dir)):
        for name in TABLES:
            if name in wanted:
                os.replace(scratch / folder / f"{name}.parquet", target / f"{name}.parquet")
            else:
                (target / f"{name}.parquet").unlink(missing_ok=True)
