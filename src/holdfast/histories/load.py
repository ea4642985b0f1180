"""Source files into raw DuckDB tables: every row of every file, nothing interpreted yet.

A raw table holds the source columns (text for csv and txt, native types for Parquet and DuckDB) and the
three columns of `PLACE`: running number, file and row in the file. Lines that cannot be split into the
header's columns are kept in a table of their own and quarantined.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from holdfast.errors import ConfigError, DataError
from holdfast.histories.files import WHITESPACE, TextFile, inspect, to_utf8
from holdfast.histories.histories import quote
from holdfast.histories.sources import Source, TableSource, list_files
from holdfast.histories.words import nearest, one_line

ROW, FILE, LINE = "__row", "__file", "__line"
PLACE = (ROW, FILE, LINE)
_UTF8 = ("utf-8", "utf-8-sig")
_TEXT_ENDINGS = (".csv", ".txt", ".tsv", ".dat", ".csv.gz", ".txt.gz", ".tsv.gz", ".dat.gz")
_PARQUET_ENDINGS = (".parquet", ".pq")


@dataclass(frozen=True)
class RawTable:
    """A raw table in DuckDB.

    Parameters
    ----------
    table : str
        Its name in DuckDB, quoted.
    columns : mapping of str to str
        Source columns and their DuckDB types.
    malformed : str
        Name in DuckDB of the table of malformed lines (`line`, `file`, `text`, `reason`).
    rows : int
        Rows read, malformed lines included.
    files : tuple of str
        Files (or database tables) it came from.
    notes : tuple of str
        What the reader had to assume.
    """

    table: str
    columns: dict[str, str]
    malformed: str
    rows: int
    files: tuple[str, ...]
    notes: tuple[str, ...]


def text(value: object) -> str:
    """Quote a SQL text literal.

    Examples
    --------
    >>> text("it's")
    "'it''s'"
    """
    return "'" + str(value).replace("'", "''") + "'"


def load(connection: duckdb.DuckDBPyConnection, source: Source, table: TableSource, scratch: Path) -> RawTable:
    """Read the table's files, and the files joined to it, into a raw table.

    Raises
    ------
    DataError
        Missing, empty, truncated or corrupt file; a joined file with several rows for one key.
    ConfigError
        A join key that is not a column of both files.
    """
    raw = _load_one(connection, source, table.name, table.path, table.name, scratch)
    for number, joined in enumerate(table.join):
        other = _load_one(connection, source, table.name, joined.path, f"{table.name}__join{number}", scratch)
        raw = _joined(connection, table, raw, other, joined.on)
    if raw.rows == 0:
        raise DataError(f"table {table.name}: {', '.join(raw.files)} holds no row; expected at least one")
    return raw


def _load_one(
    connection: duckdb.DuckDBPyConnection, source: Source, table: str, path: str, name: str, scratch: Path
) -> RawTable:
    target, malformed = quote(f"raw_{name}"), quote(f"malformed_{name}")
    connection.execute(f"CREATE TABLE {malformed} (line BIGINT, file VARCHAR, text VARCHAR, reason VARCHAR)")
    database = source.database
    notes: tuple[str, ...] = ()
    if database is not None:
        _from_database(connection, database, table, path, target)
        files: tuple[str, ...] = (f"{database.name}:{path}",)
    else:
        paths = list_files(source, table, path)
        files = tuple(str(file.relative_to(source.folder)) if file.is_relative_to(source.folder) else file.name
                      for file in paths)  # fmt: skip
        if all(str(file).lower().endswith(_PARQUET_ENDINGS) for file in paths):
            _from_parquet(connection, table, paths, files, target)
        elif all(str(file).lower().endswith(_TEXT_ENDINGS) for file in paths):
            notes = _from_text(connection, table, paths, files, target, malformed, scratch)
        else:
            raise ConfigError(
                f"table {table}: cannot read {paths[0].name!r}; expected files of one kind: csv, csv.gz, txt, txt.gz "
                "or parquet"
            )
    described = connection.execute(f"DESCRIBE {target}").fetchall()
    columns = {str(row[0]): str(row[1]) for row in described if row[0] not in PLACE}
    rows = _count(connection, target) + _count(connection, malformed)
    return RawTable(target, columns, malformed, rows, files, notes)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _from_database(connection: duckdb.DuckDBPyConnection, database: Path, table: str, path: str, target: str) -> None:
    if not database.is_file():
        raise DataError(f"table {table}: database file {database} does not exist; check source.root")
    try:
        connection.execute(f"ATTACH {text(database)} AS source_db (READ_ONLY)")
    except duckdb.Error as error:
        raise DataError(f"table {table}: {database} is not a readable DuckDB file: {one_line(error)}") from error
    try:
        name = ".".join(quote(part) for part in path.split("."))
        known = [str(row[0]) for row in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'source_db' "
            "UNION ALL SELECT view_name FROM duckdb_views() WHERE database_name = 'source_db' AND NOT internal"
        ).fetchall()]  # fmt: skip
        if path.split(".")[-1].lower() not in {one.lower() for one in known}:
            raise ConfigError(f"table {table}: no table {path!r} in {database}{nearest(path, known)}")
        connection.execute(
            f"CREATE TABLE {target} AS SELECT row_number() OVER () AS {ROW}, {text(path)} AS {FILE}, "
            f"row_number() OVER () AS {LINE}, * FROM source_db.{name}"
        )
    finally:
        connection.execute("DETACH source_db")


def _from_parquet(
    connection: duckdb.DuckDBPyConnection, table: str, paths: Sequence[Path], names: Sequence[str], target: str
) -> None:
    for path in paths:
        try:
            connection.execute(f"SELECT count(*) FROM parquet_metadata({text(path)})")
        except duckdb.Error as error:
            raise DataError(f"table {table}: {path} is not a whole Parquet file: {one_line(error)}") from error
    listed = ", ".join(text(path) for path in paths)
    labels = ", ".join(f"{text(path)}: {text(name)}" for path, name in zip(paths, names, strict=True))
    try:
        connection.execute(
            f"CREATE TABLE {target} AS SELECT row_number() OVER () AS {ROW}, (MAP {{{labels}}})[__path] AS {FILE}, "
            f"file_row_number + 1 AS {LINE}, * EXCLUDE (__path, file_row_number) FROM read_parquet([{listed}], "
            "filename = '__path', file_row_number = true, union_by_name = true)"
        )
    except duckdb.Error as error:
        raise DataError(f"table {table}: {names[0]} cannot be read as Parquet: {one_line(error)}") from error


def _from_text(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    paths: Sequence[Path],
    names: Sequence[str],
    target: str,
    malformed: str,
    scratch: Path,
) -> tuple[str, ...]:
    looked = [inspect(path) for path in paths]
    columns: dict[str, str] = {}
    for file in looked:
        for name in file.names:
            columns.setdefault(name.lower(), name)
    spelled = ", ".join(f"{quote(name)} VARCHAR" for name in columns.values())
    connection.execute(f"CREATE TABLE {target} ({ROW} BIGINT, {FILE} VARCHAR, {LINE} BIGINT, {spelled})")
    notes = []
    for number, (file, name) in enumerate(zip(looked, names, strict=True)):
        if file.encoding not in _UTF8:
            notes.append(f"{name}: not UTF-8; read as {file.encoding}")
        if file.renamed:
            notes.append(f"{name}: a column name stands there twice; the later one became {', '.join(file.renamed)}")
        if file.empty:
            continue
        path = file.path if file.encoding in _UTF8 else to_utf8(file, scratch / f"{table}_{number}.txt")
        _insert_text(connection, file, path, name, target, malformed)
    return tuple(notes)


def _insert_text(
    connection: duckdb.DuckDBPyConnection, file: TextFile, path: Path, name: str, target: str, malformed: str
) -> None:
    split = file.delimiter == WHITESPACE
    cells = ["line"] if split else list(file.names)
    options = (
        "delim = '\x01', quote = '', escape = ''"
        if split
        else f"delim = {text(file.delimiter)}, quote = '\"', escape = '\"'"
    )
    types = ", ".join(f"{text(cell)}: 'VARCHAR'" for cell in cells)
    packed = "gzip" if str(path).lower().endswith(".gz") else "none"
    reader = (
        f"read_csv({text(path)}, compression = '{packed}', auto_detect = false, header = false, "
        f"skip = {file.header_lines}, {options}, "
        f"columns = {{{types}}}, ignore_errors = true, store_rejects = true, null_padding = false, "
        "max_line_size = 10000000)"
    )
    width = len(file.names)
    picked = (
        ", ".join(f"cells[{i + 1}]" for i in range(width)) if split else ", ".join(quote(cell) for cell in file.names)
    )
    listed = ", ".join(quote(cell) for cell in file.names)
    origin = reader
    if split:
        origin = (
            "(SELECT string_split_regex(trim(line, ' \t\r'), '[ \t]+') AS cells "
            f"FROM {reader} WHERE trim(line, ' \t\r') <> '')"
        )
    try:
        if split:
            connection.execute(f"CREATE TABLE lines AS SELECT row_number() OVER () AS line, cells FROM {origin}")
            connection.execute(
                f"INSERT INTO {malformed} SELECT line + {file.header_lines}, {text(name)}, "
                f"array_to_string(cells, ' '), 'malformed line: expected {width} columns, found ' || len(cells) "
                f"FROM lines WHERE len(cells) <> {width}"
            )
            origin = f"(SELECT line, cells FROM lines WHERE len(cells) = {width})"
        place = "line" if split else "row_number() OVER ()"
        before = _count(connection, target)
        connection.execute(
            f"INSERT INTO {target} ({ROW}, {FILE}, {LINE}, {listed}) "
            f"SELECT {before} + row_number() OVER (), {text(name)}, {place}, {picked} FROM {origin}"
        )
        if split:
            connection.execute("DROP TABLE lines")
            return
        connection.execute(
            f"INSERT INTO {malformed} SELECT line, {text(name)}, any_value(csv_line), 'malformed line: ' || CASE "
            "first(error_type ORDER BY error_type)::VARCHAR "
            "WHEN 'MISSING COLUMNS' THEN 'too few columns' WHEN 'TOO MANY COLUMNS' THEN 'too many columns' "
            "WHEN 'UNQUOTED VALUE' THEN 'a quote that does not close' WHEN 'INVALID ENCODING' THEN 'not UTF-8' "
            "ELSE 'cannot be split into columns' END FROM reject_errors GROUP BY line ORDER BY line"
        )
        connection.execute("DROP TABLE reject_errors")
        connection.execute("DROP TABLE reject_scans")
    except duckdb.Error as error:
        raise DataError(f"{file.path}: cannot be read as delimited text: {one_line(error)}") from error


def _joined(
    connection: duckdb.DuckDBPyConnection, table: TableSource, raw: RawTable, other: RawTable, on: str
) -> RawTable:
    for side in (raw, other):
        if on not in side.columns:
            raise ConfigError(
                f"tables.{table.name}.join: {on!r} is not a column of {', '.join(side.files)}"
                f"{nearest(on, side.columns)}"
            )
    repeated = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {other.table} WHERE {quote(on)} IS NOT NULL "
        f"GROUP BY {quote(on)} HAVING count(*) > 1)"
    ).fetchone()
    if repeated and repeated[0]:
        raise DataError(
            f"table {table.name}: joined file {', '.join(other.files)} has several rows for {repeated[0]} values of "
            f"{on!r}; expected one row each"
        )
    taken = {name.lower() for name in raw.columns}
    new = {name: kind for name, kind in other.columns.items() if name.lower() not in taken}
    picked = "".join(f", other.{quote(name)}" for name in new)
    connection.execute(
        f"CREATE TABLE joined AS SELECT own.*{picked} FROM {raw.table} own LEFT JOIN {other.table} other "
        f"ON CAST(own.{quote(on)} AS VARCHAR) = CAST(other.{quote(on)} AS VARCHAR) ORDER BY own.{ROW}"
    )
    connection.execute(f"DROP TABLE {raw.table}")
    connection.execute(f"DROP TABLE {other.table}")
    connection.execute(f"ALTER TABLE joined RENAME TO {raw.table}")
    notes = [*raw.notes, *other.notes]
    lost = _count(connection, other.malformed)
    if lost:
        notes.append(f"{', '.join(other.files)}: {lost} malformed lines of the joined file were left out")
    return RawTable(raw.table, raw.columns | new, raw.malformed, raw.rows, raw.files + other.files, tuple(notes))
