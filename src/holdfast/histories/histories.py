"""`Histories`: the canonical tables of one firm, and what of them was known at a cutoff.

`upto(c)` is the one place where the future is cut away (contract.md, "Known then"): rows stamped at or
after c (or known only at or after c) vanish, and cells that reveal themselves at or after c are blanked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.errors import DataError
from holdfast.schema import TABLES, Kind, Table
from holdfast.windows import shift

AttributeKind = Literal["number", "category"]
META_FILE = "histories.json"


@dataclass(frozen=True)
class Histories:
    """Canonical tables, read through DuckDB.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table or Path
        Canonical tables by name: in memory, or a Parquet file each.
    start : date
        Day of the first valid row of the table that the label reads.
    end : date
        End of the data: the midnight after its last valid row, or `source.as_of`.
    attributes : mapping of str to {"number", "category"}
        Further columns of `customers`.
    static : tuple of str
        Attributes declared constant over time by the user.
    until : date or None
        The cutoff applied by `upto`.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": ["a", "a"], "at": ["2024-01-01", "2024-02-01"], "amount": [5, 7]})
    >>> histories = Histories.from_frames({"purchases": frame})
    >>> histories.end, len(histories.upto(date(2024, 2, 1)).frame("purchases"))
    (datetime.date(2024, 2, 2), 1)
    """

    tables: Mapping[str, pa.Table | Path]
    start: date
    end: date
    attributes: Mapping[str, AttributeKind] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    until: date | None = None

    @classmethod
    def from_frames(
        cls, frames: Mapping[str, pd.DataFrame], *, end: date | None = None, static: tuple[str, ...] = ()
    ) -> "Histories":
        """Build from pandas frames with canonical column names (tests, notebooks, small data).

        Raises
        ------
        DataError
            For an unknown table, a missing required column, or when no row is dated.
        """
        tables = {name: _conform(name, frame) for name, frame in frames.items()}
        first, last = _time_range(tables)
        attributes = _attribute_kinds(tables["customers"]) if "customers" in tables else {}
        return cls(tables, first, end or shift(last, 1), attributes, static)

    @classmethod
    def open(cls, folder: Path) -> "Histories":
        """Open what `save` wrote.

        Raises
        ------
        DataError
            When the folder holds no histories.
        """
        meta_path = folder / META_FILE
        if not meta_path.is_file():
            raise DataError(f"{folder}: no {META_FILE}; run the ingest stage first")
        meta = json.loads(meta_path.read_text())
        return cls(
            {name: folder / f"{name}.parquet" for name in meta["tables"]},
            date.fromisoformat(meta["start"]),
            date.fromisoformat(meta["end"]),
            meta["attributes"],
            tuple(meta["static"]),
        )

    def save(self, folder: Path) -> None:
        """Write one Parquet file per table and `histories.json`; raises DataError on an `upto` view."""
        if self.until is not None:
            raise DataError("a view made by upto() cannot be saved: save the whole histories")
        folder.mkdir(parents=True, exist_ok=True)
        with self.connect() as connection:
            for name in self.tables:
                target = str(folder / f"{name}.parquet").replace("'", "''")
                connection.execute(f"COPY (SELECT * FROM {name}) TO '{target}' (FORMAT parquet)")
        write_meta(folder, tuple(self.tables), self.start, self.end, self.attributes, self.static)

    def upto(self, cutoff: date) -> "Histories":
        """What was known just before midnight `cutoff`; nested calls keep the earlier one."""
        until = cutoff if self.until is None else min(cutoff, self.until)
        return replace(self, until=until)

    def has(self, table: str) -> bool:
        """Whether `table` is present."""
        return table in self.tables

    def columns(self, table: str) -> tuple[str, ...]:
        """Columns that `table` has; empty when the table is absent."""
        source = self.tables.get(table)
        if source is None:
            return ()
        if isinstance(source, pa.Table):
            return tuple(source.column_names)
        import pyarrow.parquet as pq

        return tuple(pq.read_schema(source).names)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open a DuckDB connection with one view per present table, cut at `until`."""
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = true")
        for name, source in self.tables.items():
            if isinstance(source, pa.Table):
                connection.register(f"raw_{name}", source)
                origin = f"raw_{name}"
            else:
                quoted = str(source).replace("'", "''")
                origin = f"read_parquet('{quoted}')"
            connection.execute(f"CREATE VIEW {name} AS {self._select(name, origin)}")
        return connection

    def frame(self, table: str) -> pd.DataFrame:
        """One table as a pandas frame, cut at `until`; raises DataError when the table is absent."""
        if not self.has(table):
            raise DataError(f"table {table!r} is not in these histories; present: {', '.join(self.tables)}")
        with self.connect() as connection:
            rows: pd.DataFrame = connection.execute(f"SELECT * FROM {table}").df()
        return rows

    def bounds(self, table: str) -> tuple[date, date]:
        """Day of the first and of the last dated row of `table`; raises DataError when it has none."""
        time = TABLES[table].time
        if time not in self.columns(table):
            raise DataError(f"table {table!r} has no dated rows; expected the column {time!r}")
        with self.connect() as connection:
            ((first, last),) = connection.execute(
                f"SELECT min({quote(time)}), max({quote(time)}) FROM {table}"
            ).fetchall()
        if first is None:
            raise DataError(f"table {table!r} has no dated rows")
        return first.date(), last.date()

    def has_late_rows(self, table: str, cutoffs: list[date]) -> bool:
        """Whether a row dated before one of the cutoffs becomes known only at or after it."""
        time = TABLES[table].time
        if not cutoffs or "known_at" not in self.columns(table):
            return False
        dated = f"t.{quote(time)} < c.cutoff" if time in self.columns(table) else "true"
        values = ", ".join(f"(TIMESTAMP '{cutoff}')" for cutoff in cutoffs)
        sql = f"SELECT count(*) FROM {table} t, (VALUES {values}) c(cutoff) WHERE {dated} AND t.known_at >= c.cutoff"
        with self.connect() as connection:
            ((late,),) = connection.execute(sql).fetchall()
        return bool(late)

    def _select(self, name: str, origin: str) -> str:
        if self.until is None:
            return f"SELECT * FROM {origin}"
        table, present = TABLES[name], self.columns(name)
        at = f"TIMESTAMP '{self.until}'"
        cells = [_blanked(table, column, present, at) for column in present]
        conditions = [f"{quote(table.time)} < {at}"] if table.time in present else []
        if "known_at" in present:
            conditions.append(f"(known_at IS NULL OR known_at < {at})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(cells)} FROM {origin}{where}"


def write_meta(
    folder: Path,
    tables: tuple[str, ...],
    start: date,
    end: date,
    attributes: Mapping[str, AttributeKind],
    static: tuple[str, ...],
) -> None:
    """Write `histories.json`, which `Histories.open` reads."""
    meta: dict[str, Any] = {
        "tables": list(tables),
        "start": start.isoformat(),
        "end": end.isoformat(),
        "attributes": dict(attributes),
        "static": list(static),
    }
    (folder / META_FILE).write_text(json.dumps(meta, indent=2) + "\n")


def quote(name: str | None) -> str:
    """Quote a SQL identifier."""
    return '"' + str(name).replace('"', '""') + '"'


def _blanked(table: Table, column: str, present: tuple[str, ...], at: str) -> str:
    """Select list entry that hides a cell which reveals itself at or after `at`."""
    name = quote(column)
    reveals = table.column(column).reveals if column in table.names else None
    if reveals is None:
        return name
    if reveals == "never" or reveals not in present:
        return f"CAST(NULL AS {table.column(column).kind.sql}) AS {name}"
    return f"CASE WHEN {quote(reveals)} < {at} THEN {name} END AS {name}"


def _conform(name: str, frame: pd.DataFrame) -> pa.Table:
    """Cast a frame to the canonical types of its table."""
    if name not in TABLES:
        raise DataError(f"table {name!r} is unknown; expected one of {', '.join(TABLES)}")
    table = TABLES[name]
    missing = [column for column in table.required if column not in frame.columns and column != table.time]
    if missing:
        raise DataError(f"table {name!r}: missing column {missing[0]!r}; required: {', '.join(table.required)}")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("frame", pa.Table.from_pandas(frame, preserve_index=False))
        cells = []
        for column in frame.columns:
            known = column in table.names
            kind = table.column(column).kind if known else _attribute_type(frame[column])
            cells.append(f"CAST({quote(column)} AS {kind.sql}) AS {quote(column)}")
        return connection.sql(f"SELECT {', '.join(cells)} FROM frame").to_arrow_table()


def _attribute_type(values: "pd.Series[Any]") -> Kind:
    return Kind.NUMBER if pd.api.types.is_numeric_dtype(values) else Kind.TEXT


def _attribute_kinds(customers: pa.Table) -> dict[str, AttributeKind]:
    known = TABLES["customers"].names
    return {
        field.name: "number" if pa.types.is_floating(field.type) else "category"
        for field in customers.schema
        if field.name not in known
    }


def _time_range(tables: Mapping[str, pa.Table]) -> tuple[date, date]:
    """First and last day of purchases, else of contracts, else of every dated table."""
    for names in (("purchases",), ("contracts",), tuple(tables)):
        days: list[datetime] = []
        for name in names:
            time = TABLES[name].time
            if name in tables and time in tables[name].column_names:
                bounds = pc.min_max(tables[name].column(time)).as_py()
                days += [value for value in bounds.values() if value is not None]
        if days:
            return min(days).date(), max(days).date()
    today = date(1970, 1, 1)
    if "customers" in tables:
        return today, today
    raise DataError("no dated row in any table: expected purchases, contracts or a snapshot of customers")
