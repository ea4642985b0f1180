"""From the user's files to canonical tables: read, filter, type, refuse, sort, write, count.

Everything goes through one DuckDB connection. The sources are copied into it first; before any text of the
config is evaluated, the connection is closed to everything but a scratch folder.
"""

import hashlib
import tempfile
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from holdfast.histories.check import check
from holdfast.histories.histories import write_meta
from holdfast.histories.load import RawTable, load, text
from holdfast.histories.report import IngestReport
from holdfast.histories.settle import refuse_dates, time_range
from holdfast.histories.sources import Source
from holdfast.histories.write import count, publish, write
from holdfast.windows import Span


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
            works = [check(connection, source, table, raw) for table, raw in zip(source.tables, raws, strict=True)]
            works = refuse_dates(connection, source, works, span, today)
            reports = tuple(count(connection, work) for work in works)
            hashes = [write(connection, work, scratch) for work in works]
            start, end = time_range(connection, source, works)
            attributes = {one.name: one.kind for work in works for one in work.attributes}
        publish(source, out_dir, quarantine_dir, scratch)
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
