"""Look at unknown files: read each as ingestion would, and describe its columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from holdfast.errors import HoldfastError
from holdfast.histories.dates import day_order, stamp
from holdfast.histories.guess.names import FILE_WORDS, file_words, tokens, variants
from holdfast.histories.histories import quote
from holdfast.histories.load import ROW, RawTable, load, text
from holdfast.histories.sources import JoinedFile, Source, TableSource

_NO_VALUE = "('', 'nan', 'null', 'na', 'n/a', '<na>', '#n/a')"
_STAMPS = ("TIMESTAMP", "DATE")
_SAMPLE = 20_000
_SURE = 0.95
_NUMERIC_SHARE = 0.98
_FEW = 12
_TIME_WORDS = {"date", "time", "timestamp", "datetime", "at", "on", "ts", "day", "created", "start", "end", "datum"}


@dataclass(frozen=True)
class ColumnLook:
    """A source column.

    Parameters
    ----------
    name : str
        As the file spells it.
    spelled : tuple of str
        Collapsed spellings to compare with the lists of names.
    filled, distinct : int
        Rows with a value; different values.
    number, whole, time : bool
        Whether (nearly) all values are numbers, whole numbers, dates.
    undecided : str
        A date that reads both as day/month and as month/day where no row decides; empty otherwise.
    low, high : float
        Range of a number.
    values : tuple of (str, int)
        The values and their counts, most frequent first, where there are at most twelve.
    money : tuple of (str, str)
        For amounts written as text (`$13.46`, `1.234,50 €`): a SQL expression that reads them, and an example.
    """

    name: str
    spelled: tuple[str, ...]
    filled: int
    distinct: int
    number: bool = False
    whole: bool = False
    time: bool = False
    undecided: str = ""
    low: float = 0.0
    high: float = 0.0
    values: tuple[tuple[str, int], ...] = ()
    money: tuple[str, str] | tuple[()] = ()


@dataclass(frozen=True)
class FileLook:
    """A file (or a glob of files of one kind) and its columns; its rows stand in the DuckDB table `raw.table`."""

    path: str
    words: frozenset[str]
    rows: int
    columns: tuple[ColumnLook, ...]
    raw: RawTable

    def column(self, name: str) -> ColumnLook:
        """The column called `name`; raises KeyError for an unknown one."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Shelf:
    """Where files are read: the DuckDB connection, the folder that paths start from, a folder for copies."""

    connection: duckdb.DuckDBPyConnection
    root: Path
    scratch: Path

    def read(self, name: str, path: str, joins: Sequence[JoinedFile] = ()) -> FileLook:
        """Read a file, and files joined to it, as ingestion would, and describe it.

        Raises
        ------
        DataError, ConfigError
            When it cannot be read.
        """
        table = TableSource(name, path, {}, join=tuple(joins))
        source = Source("init", str(self.root), self.root, (table,))
        return describe(self.connection, path, load(self.connection, source, table, self.scratch))


def look(shelf: Shelf, paths: Sequence[str]) -> tuple[list[FileLook], list[str]]:
    """Read and describe files.

    Parameters
    ----------
    shelf : Shelf
        Where they are read.
    paths : sequence of str
        Files or globs, as a config would name them.

    Returns
    -------
    files : list of FileLook
        In the order of `paths`.
    problems : list of str
        One line for each that cannot be read.
    """
    files, problems = [], []
    for number, path in enumerate(paths):
        try:
            files.append(shelf.read(f"file{number}", path))
        except HoldfastError as error:
            problems.append(f"{path}: not read: {str(error).removeprefix(f'table file{number}: ')}")
    return files, problems


def describe(connection: duckdb.DuckDBPyConnection, path: str, raw: RawTable) -> FileLook:
    """Describe the columns of a raw table."""
    words = file_words(path.rsplit("/", 1)[-1].split(".")[0])
    dropped = _prefixes(tuple(raw.columns), words)
    columns = tuple(_describe_column(connection, raw, name, variants(name, dropped)) for name in raw.columns)
    return FileLook(path, words, raw.rows, columns, raw)


def _prefixes(names: Sequence[str], words: frozenset[str]) -> tuple[str, ...]:
    """Leading words that say only the table: the file's own, and one that most columns share."""
    own = [word for known in FILE_WORDS.values() for word in known if word in words]
    first = [tokens(name)[0] for name in names if len(tokens(name)) > 1]
    shared = [word for word in sorted(set(first)) if first.count(word) > max(len(names) // 2, 2)]
    return (*own, *shared)


def word_of(name: str) -> str:
    """SQL of a cell as text, NULL where it holds no value."""
    cell = f"trim(CAST({quote(name)} AS VARCHAR))"
    return f"CASE WHEN lower({cell}) NOT IN {_NO_VALUE} THEN {cell} END"


def _describe_column(
    connection: duckdb.DuckDBPyConnection, raw: RawTable, name: str, spelled: tuple[str, ...]
) -> ColumnLook:
    kind = raw.columns[name]
    row = connection.execute(
        f"SELECT count(w), count(DISTINCT w), count(*) FILTER (isfinite(n) AND (NOT regexp_matches(w, '^[-+]?0\\d'))), "
        f"count(*) FILTER (regexp_full_match(w, '[-+]?\\d+(\\.0+)?')), min(n) FILTER (isfinite(n)), "
        f"max(n) FILTER (isfinite(n)) "
        f"FROM (SELECT w, TRY_CAST(w AS DOUBLE) AS n FROM (SELECT {word_of(name)} AS w FROM {raw.table}))"
    ).fetchone()
    filled, distinct, numbers, whole, low, high = row or (0, 0, 0, 0, None, None)
    time, undecided = _time(connection, raw, name)
    values: tuple[tuple[str, int], ...] = ()
    if 0 < distinct <= _FEW:
        values = tuple(
            (str(value), int(count))
            for value, count in connection.execute(
                f"SELECT {word_of(name)} AS w, count(*) FROM {raw.table} WHERE {word_of(name)} IS NOT NULL "
                "GROUP BY 1 ORDER BY 2 DESC, 1"
            ).fetchall()
        )
    number = kind != "BOOLEAN" and filled > 0 and numbers >= _NUMERIC_SHARE * filled
    money = () if number or time or kind != "VARCHAR" else _money(connection, raw, name)
    return ColumnLook(
        name, spelled, int(filled), int(distinct), number, number and whole == filled, time, undecided,
        float(low or 0), float(high or 0), values, money,
    )  # fmt: skip


def _money(connection: duckdb.DuckDBPyConnection, raw: RawTable, name: str) -> tuple[str, str] | tuple[()]:
    """How to read amounts that are text: with a currency, with thousands, with a decimal comma."""
    currency = r"(?:[A-Z]{3}|[$€£¥₹])?"
    styles = {
        ".": rf"{currency}\s*[-+]?\s*{currency}\s*(?:\d+|\d{{1,3}}(?:[, ]\d{{3}})+)(?:\.\d+)?\s*{currency}",
        ",": rf"{currency}\s*[-+]?\s*{currency}\s*(?:\d+|\d{{1,3}}(?:[. ]\d{{3}})+)(?:,\d+)?\s*{currency}",
    }
    for point, shape in styles.items():
        row = connection.execute(
            f"SELECT count(*), count(*) FILTER (regexp_full_match(w, {text(shape)})), min(w) "
            f"FROM (SELECT {word_of(name)} AS w FROM {raw.table}) WHERE w IS NOT NULL"
        ).fetchone()
        if row and row[0] and row[1] >= _NUMERIC_SHARE * row[0]:
            kept = f"regexp_replace({quote(name)}, '[^0-9{point}-]', '', 'g')"
            plain = kept if point == "." else f"replace({kept}, ',', '.')"
            return f"TRY_CAST({plain} AS DOUBLE)", str(row[2])
    return ()


def _time(connection: duckdb.DuckDBPyConnection, raw: RawTable, name: str) -> tuple[bool, str]:
    """Whether a column holds dates, and a date that nobody can read for sure."""
    kind = raw.columns[name]
    if kind.startswith(_STAMPS):
        return True, ""
    if kind not in ("VARCHAR", "BIGINT", "INTEGER", "HUGEINT", "UBIGINT"):
        return False, ""
    step = max(raw.rows // _SAMPLE, 1)
    # ten or thirteen digits are seconds since 1970 only where the name speaks of time; else they are phone numbers
    seconds = "" if _TIME_WORDS & set(tokens(name)) else "AND NOT regexp_full_match(w, '\\d{10}|\\d{13}')"
    shaped = (
        "regexp_matches(w, '^\\d{1,4}[-/.]\\d{1,2}[-/.]\\d{1,4}') OR regexp_full_match(w, '\\d{8}|\\d{10}|\\d{13,14}')"
        " OR regexp_matches(w, '^\\d{8}T\\d{6}') OR regexp_matches(w, '[A-Za-z]{3}.*\\d{2}')"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE sampled AS SELECT w FROM (SELECT {ROW}, {word_of(name)} AS w FROM {raw.table}) "
        f"WHERE w IS NOT NULL AND {ROW} % {step} = 0"
    )
    filled, dated = _pair(connection, f"SELECT count(*), count(*) FILTER ({shaped}) FROM sampled")
    if not filled or dated < _SURE * filled:
        return False, ""
    order = day_order(connection, raw.table, word_of(name))
    read = stamp("w", "UTC", order.day_first >= order.month_first)
    filled, good = _pair(
        connection, f"SELECT count(*), count(*) FILTER (year({read}) BETWEEN 1900 AND 2100 {seconds}) FROM sampled"
    )
    undecided = order.example if order.either and not order.day_first and not order.month_first else ""
    return good >= _SURE * filled, undecided


def _pair(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, int]:
    row = connection.execute(sql).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def overlap(connection: duckdb.DuckDBPyConnection, one: FileLook, other: FileLook, name: str) -> float:
    """Share of the values of column `name` in `one` that `other` has too."""
    row = connection.execute(
        f"SELECT avg(CASE WHEN w IN (SELECT {word_of(name)} FROM {other.raw.table} WHERE {word_of(name)} IS NOT NULL) "
        f"THEN 1.0 ELSE 0.0 END) FROM (SELECT DISTINCT {word_of(name)} AS w FROM {one.raw.table}) WHERE w IS NOT NULL"
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else 0.0


def repeated_rows(connection: duckdb.DuckDBPyConnection, file: FileLook) -> int:
    """Rows that equal an earlier one in every column."""
    cells = " || ".join(f"coalesce({word_of(column.name)}, chr(0)) || chr(31)" for column in file.columns)
    rows, distinct = _pair(
        connection, f"SELECT count(*), count(DISTINCT md5_number_lower({cells})) FROM {file.raw.table}"
    )
    return rows - distinct


def settles(connection: duckdb.DuckDBPyConnection, file: FileLook, name: str, label: str) -> bool:
    """Whether the value of a column settles the label in every row: the label in other words.

    Rows without a value count as a value of their own.
    """
    row = connection.execute(
        f"SELECT sum(most), sum(n) FROM (SELECT max(n) AS most, sum(n) AS n FROM (SELECT {word_of(name)} AS v, "
        f"{word_of(label)} AS l, count(*) AS n FROM {file.raw.table} WHERE {word_of(label)} IS NOT NULL "
        "GROUP BY 1, 2) GROUP BY v)"
    ).fetchone()
    return bool(row and row[1] and row[0] == row[1])


def empty_rows(connection: duckdb.DuckDBPyConnection, file: FileLook, name: str) -> int:
    """Rows where a column holds nothing at all."""
    row = connection.execute(f"SELECT count(*) FROM {file.raw.table} WHERE {quote(name)} IS NULL").fetchone()
    return int(row[0]) if row else 0


def reserved_words(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Words that SQL keeps for itself."""
    found = connection.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'")
    return frozenset(str(row[0]) for row in found.fetchall())


def words_in(connection: duckdb.DuckDBPyConnection, file: FileLook, name: str, most: int) -> tuple[str, ...]:
    """The most frequent values of a column; empty when there are more than `most`."""
    found = connection.execute(
        f"SELECT {word_of(name)} AS w, count(*) FROM {file.raw.table} WHERE {word_of(name)} IS NOT NULL "
        f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most + 1}"
    ).fetchall()
    return tuple(str(value) for value, _ in found) if len(found) <= most else ()
