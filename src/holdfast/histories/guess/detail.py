"""One file as one canonical table: its filter, its repeats, what is unused, what only the user can answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import duckdb

from holdfast.histories.guess.look import FileLook, Shelf, empty_rows, repeated_rows
from holdfast.histories.guess.match import Mapped, Match, spell
from holdfast.histories.guess.names import tokens
from holdfast.histories.guess.people import People, people
from holdfast.histories.load import ROW
from holdfast.histories.sources import GivenLabel, JoinedFile, TableSource

_MANY_EMPTY = 0.01
_FUTURE_END = {"expiry", "expiration", "valid", "until"}


@dataclass(frozen=True)
class TableGuess:
    """One table of the config, with the reason of each guess.

    Parameters
    ----------
    name, path : str
        Canonical table and its file or glob.
    rows : int
        Rows of the file.
    columns : mapping of str to Mapped
        Canonical column → text and reason.
    where, where_why : str
        Row filter and its reason; empty: none.
    notes : tuple of str
        Further words for the user, as comments.
    unused : tuple of str
        Source columns that nothing uses.
    people : People or None
        For `customers`: what becomes of its further columns.
    joins : tuple of JoinedFile
        Further files with one row per customer.
    """

    name: str
    path: str
    rows: int
    columns: Mapping[str, Mapped]
    where: str = ""
    where_why: str = ""
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    people: People | None = None
    joins: tuple[JoinedFile, ...] = ()

    def source(self) -> TableSource:
        """As ingestion takes it."""
        known = self.people
        everything: Literal["*"] = "*"
        return TableSource(
            self.name, self.path, {name: mapped.text for name, mapped in self.columns.items()}, self.where or None,
            attributes=everything if known else (), exclude=tuple(known.exclude) if known else (),
            roles=dict(known.roles) if known else {}, join=self.joins,
        )  # fmt: skip

    def given(self) -> GivenLabel | None:
        """The label that stands in this table."""
        label = self.people.label if self.people else None
        return GivenLabel(label.column, label.positive) if label else None


def guess_table(shelf: Shelf, file: FileLook, match: Match, quoted: frozenset[str]) -> TableGuess:
    """What a config says about a file that was found to be a canonical table."""
    used = {name for name in file.raw.columns if any(_names(mapped.text, name) for mapped in match.columns.values())}
    where, why = _filter(shelf.connection, file, match, quoted)
    known = people(shelf.connection, file, frozenset(used)) if match.table == "customers" else None
    unused = () if known else tuple(column.name for column in file.columns if column.name not in used)
    repeats = 0 if known else repeated_rows(shelf.connection, file)
    said = f"{repeats:,} rows repeat another one in every column; kept, unless `key` names columns"
    notes = (said,) if repeats else ()
    return TableGuess(match.table, file.path, file.rows, match.columns, where, why, notes, unused, known)


def join_files(shelf: Shelf, table: TableGuess, joins: tuple[JoinedFile, ...]) -> TableGuess:
    """The customers table with further files; their columns are looked at as well."""
    whole = shelf.read("joined", table.path, joins)
    mapped = frozenset(one.text for one in table.columns.values())
    return TableGuess(
        table.name, table.path, table.rows, table.columns, table.where, table.where_why, table.notes,
        people=people(shelf.connection, whole, mapped), joins=joins,
    )  # fmt: skip


def questions_of(file: FileLook, match: Match) -> list[str]:
    """What only the user can answer about a file."""
    asked = [
        f"{file.path}: every date in {match.columns[name].text!r}, such as {example!r}, reads both as day/month and as "
        f"month/day; the run refuses it until you write {name}: \"strptime(…, '%d/%m/%Y')\" or '%m/%d/%Y'"
        for name, example in match.undecided
    ]
    if match.columns.get("customer_id", Mapped("")).text == ROW:
        asked.append(
            f"{file.path}: no column names the customer; the number of the row stands in, and lists can name rows only"
        )
    ended = match.columns.get("ended_at")
    if ended is not None and _FUTURE_END & set(tokens(ended.text)):
        asked.append(f"{file.path}: is {ended.text!r} the day a contract really ended? A renewal date would be no end")
    amount = match.columns.get("amount")
    if match.table == "purchases" and amount is not None and amount.text in file.raw.columns and amount.why:
        asked.append(f"{file.path}: {amount.text!r} is {amount.why}; is it what the customer paid for the row?")
    return asked


def _names(content: str, name: str) -> bool:
    return content == name or (f'"{name}"' in content) or name in content.split(" * ")


def _filter(
    connection: duckdb.DuckDBPyConnection, file: FileLook, match: Match, quoted: frozenset[str]
) -> tuple[str, str]:
    """Leave out rows without a customer where they are many; a few are better seen in the quarantine."""
    mapped = match.columns.get("customer_id")
    if mapped is None or mapped.text not in file.raw.columns:
        return "", ""
    column = file.column(mapped.text)
    empty = file.rows - column.filled
    if empty <= _MANY_EMPTY * file.rows or column.filled == 0:
        return "", ""
    name = spell(column.name, quoted)
    blank = "" if empty == empty_rows(connection, file, column.name) else f" and trim(CAST({name} AS VARCHAR)) <> ''"
    return f"{name} is not null{blank}", f"{empty:,} of {file.rows:,} rows have no customer"
