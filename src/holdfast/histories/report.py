"""What ingestion reports: counts that reconcile, files, assumptions, and the hash of the data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from holdfast.errors import DataError
from holdfast.histories.histories import AttributeKind


@dataclass(frozen=True)
class TableReport:
    """Counts of one table; `rows_in = rows_out + filtered + sum(quarantined)`.

    Parameters
    ----------
    name : str
        Canonical table.
    files : tuple of str
        Files it was read from.
    rows_in, filtered, rows_out : int
        Rows read, dropped by `where`, and kept.
    quarantined : mapping of str to int
        Refused rows by reason (without the refused cell).
    notes : tuple of str
        Assumptions of the reader (encoding).
    warnings : tuple of str
        What the user should look at.
    """

    name: str
    files: tuple[str, ...]
    rows_in: int
    filtered: int
    rows_out: int
    quarantined: Mapping[str, int]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def reconcile(self) -> "TableReport":
        """Return self; raises DataError when a row was lost or made."""
        refused = sum(self.quarantined.values())
        if self.rows_in != self.rows_out + self.filtered + refused:
            raise DataError(
                f"table {self.name}: {self.rows_in} rows in, but {self.rows_out} out + {refused} quarantined + "
                f"{self.filtered} filtered; an expression of the config must give one value for each row"
            )
        return self


@dataclass(frozen=True)
class IngestReport:
    """What was read.

    Parameters
    ----------
    tables : tuple of TableReport
        One for each table of the config, in its order.
    start, end : date
        First day of the label's table; end of the data.
    attributes : mapping of str to {"number", "category"}
        Further columns of `customers`.
    data_hash : str
        SHA-256 of the canonical content; the same for the same rows, whatever the order, threads or machine.
    """

    tables: tuple[TableReport, ...]
    start: date
    end: date
    attributes: Mapping[str, AttributeKind]
    data_hash: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notes and warnings of all tables, each with its table's name."""
        return tuple(f"{table.name}: {word}" for table in self.tables for word in (*table.notes, *table.warnings))

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values, for `run.json`."""
        tables = {table.name: {**asdict(table), "quarantined": dict(table.quarantined)} for table in self.tables}
        for content in tables.values():
            content.pop("name")
        return {
            "tables": tables,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "attributes": dict(self.attributes),
            "data_hash": self.data_hash,
        }
