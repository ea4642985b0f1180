"""Where the tables of one firm come from: frozen descriptions, and the files they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from glob import glob, has_magic
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from holdfast.errors import ConfigError, DataError

Role = Literal["contact", "sensitive"]
ALL = "*"
_POSTGRES = ("postgresql://", "postgres://")
_DUCKDB = "duckdb:///"


@dataclass(frozen=True)
class JoinedFile:
    """A further one-row-per-key file, left-joined to a table's own rows.

    Parameters
    ----------
    path : str
        File (or table of the database) as the config names it.
    on : str
        Key column, of that name in both files.
    """

    path: str
    on: str


@dataclass(frozen=True)
class TableSource:
    """One canonical table: its file and how its columns are read (contract.md, "Column resolution").

    Parameters
    ----------
    name : str
        Canonical table name.
    path : str
        csv, csv.gz, txt, txt.gz, parquet, a glob of these, or a table name in the database.
    columns : mapping of str to str
        Canonical column → exact source column, else a SQL expression over source columns.
    where : str or None
        Row filter, SQL over source columns.
    key : tuple of str
        Rows equal in these columns are duplicates; empty: all rows are kept.
    attributes : tuple of str or "*"
        Further source columns to keep (`customers` only).
    exclude : tuple of str
        Source columns that ``attributes: "*"`` must not take.
    static : tuple of str
        Attributes that the user declares constant over time.
    roles : mapping of str to {"contact", "sensitive"}
        Source columns that never pass.
    join : tuple of JoinedFile
        Further files with one row per key.
    """

    name: str
    path: str
    columns: Mapping[str, str]
    where: str | None = None
    key: tuple[str, ...] = ()
    attributes: tuple[str, ...] | Literal["*"] = ()
    exclude: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    join: tuple[JoinedFile, ...] = ()


@dataclass(frozen=True)
class GivenLabel:
    """A label that stands in a column of `customers` (task kind `given`).

    Parameters
    ----------
    column : str
        Source column of the label.
    positive : str
        Its value, as text, of those who left.
    snapshot_at : str or None
        Source column with the date of the row, if there is one.
    """

    column: str
    positive: str
    snapshot_at: str | None = None


@dataclass(frozen=True)
class Source:
    """All tables of one firm.

    Parameters
    ----------
    name : str
        What the user calls it.
    root : str
        Folder of the files, absolute or relative to `base`, or ``duckdb:///file``.
    base : Path
        Folder of the config file.
    timezone : str
        Zone of naive stamps, and the zone in which all times are stored.
    as_of : date or None
        End of the data, where the last row should not decide it.
    tables : tuple of TableSource
        The mapped tables.
    label_table : str or None
        The table that the label reads; its last valid row ends the data.
    label : GivenLabel or None
        The label column of a snapshot; a snapshot has no times, so time columns may be absent.
    """

    name: str
    root: str
    base: Path
    tables: tuple[TableSource, ...]
    timezone: str = "UTC"
    as_of: date | None = None
    label_table: str | None = None
    label: GivenLabel | None = None

    @property
    def database(self) -> Path | None:
        """The DuckDB file that `root` names, or None for a folder of files.

        Raises
        ------
        ConfigError
            For a database URL that cannot be read here.
        """
        if self.root.startswith(_POSTGRES):
            raise ConfigError(
                "source.root: reading PostgreSQL needs the extra holdfast[postgres] and is not part of this version; "
                "export the tables to Parquet or to a DuckDB file (duckdb:///file.duckdb)"
            )
        if self.root.startswith(_DUCKDB):
            return self.base / self.root.removeprefix(_DUCKDB)
        if "://" in self.root:
            raise ConfigError(
                f"source.root: {self.root!r} is not supported; expected a folder or duckdb:///file.duckdb"
            )
        return None

    @property
    def folder(self) -> Path:
        """The folder of the files; meaningless for a database."""
        return self.base / self.root


def list_files(source: Source, table: str, path: str) -> tuple[Path, ...]:
    """Return the files that `path` names, sorted by name.

    Raises
    ------
    DataError
        When there is none, naming the folder that was looked in.
    """
    full = source.folder / path
    if not has_magic(path):
        if full.is_file():
            return (full,)
        if not full.is_dir():
            near = "" if full.parent.is_dir() else f"; the folder {full.parent} does not exist"
            raise DataError(
                f"table {table}: file {full} does not exist{near}; check source.root and tables.{table}.path"
            )
        raise DataError(f"table {table}: {full} is a folder; expected a file or a glob such as {path}/*.parquet")
    files = sorted(Path(name) for name in glob(str(full), recursive=True) if Path(name).is_file())
    if not files:
        raise DataError(f"table {table}: no file matches {full}; check source.root and tables.{table}.path")
    return tuple(files)
