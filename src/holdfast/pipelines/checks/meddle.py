"""Histories altered on purpose: the future deleted or scrambled, rows planted at and after a cutoff, rows doubled.

The statements here do not use `Histories.upto`: what cuts the future away is what they put to the test.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from holdfast.histories.histories import Histories, quote
from holdfast.schema import TABLES, Kind

PLANTED = 2000
"""Rows planted per table, at most."""
RECENT = 180
"""Days before the cutoff from which planted rows are copied."""


def dated_tables(histories: Histories) -> list[str]:
    """Tables whose rows carry a time."""
    return [name for name in histories.tables if TABLES[name].time in histories.columns(name)]


def sampled(histories: Histories, folder: Path, one_in: int) -> Histories:
    """The histories of one customer in `one_in`, chosen by a hash of the id."""
    kept = {
        name: f"SELECT * FROM {name} WHERE hash(customer_id) % {one_in} = 0"
        for name in histories.tables
        if "customer_id" in histories.columns(name)
    }
    return _rewritten(histories, folder, kept)


def without_future(histories: Histories, folder: Path, at: date) -> Histories:
    """Rows and cells at or after the cutoff are gone."""
    edits = {}
    for name in dated_tables(histories):
        cells = [_hidden(histories, name, column, at, "NULL") for column in histories.columns(name)]
        edits[name] = f"SELECT {', '.join(cells)} FROM {name} WHERE NOT ({_future(histories, name, at)})"
    return _rewritten(histories, folder, edits)


def scrambled_future(histories: Histories, folder: Path, at: date) -> Histories:
    """Rows at or after the cutoff belong to other customers and say other things; later cells too."""
    edits = {}
    for name in dated_tables(histories):
        cells = [_scrambled(histories, name, column, at) for column in histories.columns(name)]
        edits[name] = f"SELECT {', '.join(cells)} FROM (SELECT *, {_future(histories, name, at)} AS later_ FROM {name})"
    return _rewritten(histories, folder, edits)


def planted_at(histories: Histories, folder: Path, at: date) -> Histories:
    """Copies of recent rows, dated exactly at the cutoff."""
    edits = {}
    for name in dated_tables(histories):
        time = quote(TABLES[name].time)
        changed: dict[str | None, str] = {TABLES[name].time: f"TIMESTAMP '{at}'", "known_at": "NULL"}
        edits[name] = _with_copies(histories, name, at, changed, f"{time} < TIMESTAMP '{at}'")
    return _rewritten(histories, folder, edits)


def planted_late(histories: Histories, folder: Path, at: date) -> Histories:
    """Copies of recent rows that become known only at the cutoff, with five times the money."""
    edits = {}
    for name in dated_tables(histories):
        changed: dict[str | None, str] = {"known_at": f"TIMESTAMP '{at}'"}
        if "amount" in histories.columns(name):
            changed["amount"] = "5 * amount"
        edits[name] = _with_copies(histories, name, at, changed, f"{quote(TABLES[name].time)} < TIMESTAMP '{at}'")
    return _rewritten(histories, folder, edits)


def doubled(histories: Histories, folder: Path, one_in: int) -> Histories:
    """Every purchase of one customer in `one_in` stands there twice."""
    again = f"SELECT * FROM purchases UNION ALL SELECT * FROM purchases WHERE hash(customer_id) % {one_in} = 0"
    return _rewritten(histories, folder, {"purchases": again})


def bought_at(histories: Histories, folder: Path, ids: list[str], at: date) -> Histories:
    """Each of `ids` buys once, exactly at midnight `at`."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in ids)
    row = f"""SELECT * FROM purchases UNION ALL BY NAME
              SELECT unnest([{listed}])::VARCHAR AS customer_id, TIMESTAMP '{at}' AS "at", 1::DECIMAL(18,4) AS amount"""
    return _rewritten(histories, folder, {"purchases": row})


def ended_at(histories: Histories, folder: Path, ids: list[str], at: date) -> Histories:
    """The contracts in force of each of `ids` end exactly at midnight `at`, without a reason."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in ids)
    time = f"TIMESTAMP '{at}'"
    hit = f"customer_id IN ({listed}) AND started_at < {time} AND (ended_at IS NULL OR ended_at >= {time})"
    changed = [f"CASE WHEN {hit} THEN {time} ELSE ended_at END AS ended_at"]
    if "end_reason" in histories.columns("contracts"):
        changed.append(f"CASE WHEN {hit} THEN NULL ELSE end_reason END AS end_reason")
    later = f"customer_id IN ({listed}) AND started_at >= {time}"
    text = f"SELECT * REPLACE ({', '.join(changed)}) FROM contracts WHERE NOT ({later})"
    return _rewritten(histories, folder, {"contracts": text})


def _rewritten(histories: Histories, folder: Path, edits: Mapping[str, str]) -> Histories:
    """The same histories with some tables replaced by the answer to a statement over the uncut tables."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = dict(histories.tables)
    with replace(histories, until=None).connect() as connection:
        for name, sql in edits.items():
            target = folder / f"{name}.parquet"
            connection.execute(f"COPY ({sql}) TO '{str(target).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
            tables[name] = target
    return replace(histories, tables=tables)


def _future(histories: Histories, name: str, at: date) -> str:
    late = f" OR coalesce(known_at >= TIMESTAMP '{at}', false)" if "known_at" in histories.columns(name) else ""
    return f"{quote(TABLES[name].time)} >= TIMESTAMP '{at}'{late}"


def _reveals(histories: Histories, name: str, column: str) -> str | None:
    """The column whose time says when a cell became known; None for cells known with their row."""
    table = TABLES[name]
    source = table.column(column).reveals if column in table.names else None
    return source if source in histories.columns(name) else None


def _hidden(histories: Histories, name: str, column: str, at: date, instead: str) -> str:
    reveals = _reveals(histories, name, column)
    if reveals is None:
        return quote(column)
    known = f"coalesce({quote(reveals)} < TIMESTAMP '{at}', false)"
    return f"CASE WHEN {known} THEN {quote(column)} ELSE {instead} END AS {quote(column)}"


def _scrambled(histories: Histories, name: str, column: str, at: date) -> str:
    cell, table = quote(column), TABLES[name]
    if column == table.time or column == "known_at":
        return cell
    if _reveals(histories, name, column) is not None:
        return _hidden(histories, name, column, at, _other(table.column(column).kind, cell, at))
    if column == "customer_id":
        order = f"hash(customer_id, {quote(table.time)})"
        return f"CASE WHEN later_ THEN coalesce(lag(customer_id) OVER (PARTITION BY later_ ORDER BY {order}), " \
               "customer_id) ELSE customer_id END AS customer_id"  # fmt: skip
    if column not in table.names:
        return cell
    if table.column(column).reveals == "never":
        return f"{_other(table.column(column).kind, cell, at)} AS {cell}"
    return f"CASE WHEN later_ THEN {_other(table.column(column).kind, cell, at)} ELSE {cell} END AS {cell}"


def _other(kind: Kind, cell: str, at: date) -> str:
    """Another value of the same kind."""
    if kind is Kind.TIME:
        return f"TIMESTAMP '{at}' + INTERVAL 1 DAY"
    if kind is Kind.FLAG:
        return f"NOT coalesce({cell}, false)"
    if kind in (Kind.ID, Kind.TEXT):
        return "'scrambled'"
    return f"CAST(17 - coalesce({cell}, 0) AS {kind.sql})"


def _with_copies(histories: Histories, name: str, at: date, changed: Mapping[str | None, str], past: str) -> str:
    """All rows, and copies of some recent ones with `changed` cells; cells that come later are empty in the copies."""
    time = quote(TABLES[name].time)
    cells = {column: quote(column) for column in histories.columns(name)}
    for column in cells:
        if _reveals(histories, name, column) is not None:
            cells[column] = "NULL"
    cells |= {str(column): f"CAST({value} AS {_kind(name, str(column)).sql})" for column, value in changed.items()}
    listed = ", ".join(f"{value} AS {quote(column)}" for column, value in cells.items())
    recent = f"{time} >= TIMESTAMP '{at}' - INTERVAL {RECENT} DAY"
    return f"SELECT * FROM {name} UNION ALL BY NAME (SELECT {listed} FROM {name} WHERE {past} AND {recent} " \
           f"ORDER BY hash({time}), {time} LIMIT {PLANTED})"  # fmt: skip


def _kind(name: str, column: str) -> Kind:
    return TABLES[name].column(column).kind if column in TABLES[name].names else Kind.TIME
