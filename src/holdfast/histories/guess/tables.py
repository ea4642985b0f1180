"""All files together: one file per canonical table, what joins, what is left over, what to ask the user."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from holdfast.histories.guess.detail import TableGuess, guess_table, join_files, questions_of
from holdfast.histories.guess.look import FileLook, Shelf, overlap, reserved_words, words_in
from holdfast.histories.guess.match import (
    Mapped,
    Match,
    customer_column,
    matches,
    only_row_each,
    snapshot_match,
    spell,
    unique_id,
)
from holdfast.histories.guess.names import SPELLINGS, collapsed, currency_of
from holdfast.histories.guess.people import find_label
from holdfast.histories.sources import JoinedFile

_OVERLAP = 0.5
_MOST_REASONS = 60
_CLOSE = 1.5
"""How much worse than its best a file's second table may fit."""
_FIRST = ("purchases", "contracts", "customers", "campaigns")
"""Tables that a question can be asked of stand first."""


@dataclass(frozen=True)
class Found:
    """What the files hold.

    Parameters
    ----------
    tables : tuple of TableGuess
        One for each canonical table.
    questions : tuple of str
        What only the user can answer.
    currency : str or None
        ISO code, where a column's name says it.
    reasons : tuple of str
        The firm's own words for why customers leave.
    """

    tables: tuple[TableGuess, ...]
    questions: tuple[str, ...] = ()
    currency: str | None = None
    reasons: tuple[str, ...] = ()

    def table(self, name: str) -> TableGuess | None:
        """The guess for a canonical table."""
        return next((table for table in self.tables if table.name == name), None)


def find_tables(shelf: Shelf, files: Sequence[FileLook]) -> Found:
    """Give each file its canonical table.

    Parameters
    ----------
    shelf : Shelf
        Where the raw tables are.
    files : sequence of FileLook
        The files.
    """
    quoted = reserved_words(shelf.connection)
    known = _customer_names(files)
    options = {file.path: matches(file, known, quoted) or _snapshot(file) for file in files}
    chosen, others = _assign(files, options)
    questions = [f"{file.path}: {_why_none(file, known)}; it is left out" for file in files if not options[file.path]]
    joins, left = _joins(shelf, chosen.get("customers"), others)
    tables = {name: guess_table(shelf, file, match, quoted) for name, (file, match) in chosen.items()}
    if joins:
        tables["customers"] = join_files(shelf, tables["customers"], joins)
    if "exits" not in tables:
        tables |= _stated_exits(files, tables, quoted)
    asked = [line for file, match in chosen.values() for line in questions_of(file, match)]
    order = [*_FIRST, *sorted(set(tables) - set(_FIRST))]
    return Found(
        tuple(tables[name] for name in order if name in tables),
        (*asked, *questions, *left),
        _currency(files),
        _reasons(shelf, files, tables),
    )


def _assign(
    files: Sequence[FileLook], options: dict[str, list[Match]]
) -> tuple[dict[str, tuple[FileLook, Match]], list[tuple[FileLook, Match]]]:
    """Files that fit best choose first; a file whose table is taken may take another one that fits nearly as well."""
    chosen: dict[str, tuple[FileLook, Match]] = {}
    others: list[tuple[FileLook, Match]] = []
    fitting = [file for file in files if options[file.path]]
    for file in sorted(fitting, key=lambda one: (-options[one.path][0].score, -one.rows, one.path)):
        near = [match for match in options[file.path] if match.score >= options[file.path][0].score - _CLOSE]
        match = next((one for one in near if one.table not in chosen), None)
        if match is None:
            others.append((file, near[0]))
            continue
        chosen[match.table] = (file, match)
    _contract_people(chosen, options)
    return chosen, others


def _contract_people(chosen: dict[str, tuple[FileLook, Match]], options: dict[str, list[Match]]) -> None:
    """Contracts with one row for each customer say also who the customers are."""
    if "contracts" not in chosen or "customers" in chosen:
        return
    file, contracts = chosen["contracts"]
    both = next((one for one in options[file.path] if one.table == "customers"), None)
    if both is not None:
        used = {mapped.text for name, mapped in contracts.columns.items() if name != "customer_id"}
        columns = {name: mapped for name, mapped in both.columns.items() if mapped.text not in used}
        chosen["customers"] = (file, replace(both, columns=columns))


def _customer_names(files: Sequence[FileLook]) -> tuple[str, ...]:
    """Names of ids of files with one row each, which other files may use for the customer."""
    names = []
    for file in files:
        column = customer_column(file)
        if column is not None and only_row_each(file, column):
            names.append(column.spelled[0])
    return tuple(dict.fromkeys(names)) if len(files) > 1 else ()


def _snapshot(file: FileLook) -> list[Match]:
    """A file with a label whose customers have no telling name is a snapshot."""
    if customer_column(file) is not None or find_label(list(file.columns)) is None:
        return []
    return [snapshot_match(file)]


def _why_none(file: FileLook, known: Sequence[str]) -> str:
    customer = customer_column(file, known)
    if customer is None:
        named = unique_id(file)
        seen = f" ({named.name!r} differs from row to row, but nothing says whose it is)" if named else ""
        return f"no column names the customer{seen}, and none says who left"
    if not any(column.time for column in file.columns):
        return f"several rows for one {customer.name}, but no date"
    return "no table of holdfast fits its columns"


def _joins(
    shelf: Shelf, main: tuple[FileLook, Match] | None, others: Sequence[tuple[FileLook, Match]]
) -> tuple[tuple[JoinedFile, ...], list[str]]:
    """Further files with one row per customer are joined; the rest is named."""
    joins, left = [], []
    for file, match in others:
        on = main[1].columns["customer_id"].text if main else ""
        same = match.table == "customers" and on in file.raw.columns and only_row_each(file, file.column(on))
        unique = same and file.column(on).distinct == file.column(on).filled
        if main and unique and overlap(shelf.connection, main[0], file, on) >= _OVERLAP:
            joins.append(JoinedFile(file.path, on))
        else:
            left.append(f"{file.path}: looks like {match.table} too, which another file gives already; it is left out")
    return tuple(joins), left


def _stated_exits(
    files: Sequence[FileLook], tables: dict[str, TableGuess], quoted: frozenset[str]
) -> dict[str, TableGuess]:
    """A snapshot in which those who left say why gives a table of exits as well."""
    customers = tables.get("customers")
    if customers is None or customers.people is None or customers.people.label is None or set(tables) != {"customers"}:
        return {}
    spelled = set(SPELLINGS["exits", "stated_reason"])
    paths = [customers.path, *(join.path for join in customers.joins)]
    for file in (file for path in paths for file in files if file.path == path):
        key = customers.columns["customer_id"]
        reason = next((one for one in file.columns if collapsed(one.name) in spelled and one.distinct > 1), None)
        if reason is not None and key.text in file.raw.columns and reason.filled < file.rows:
            columns = {"customer_id": key, "stated_reason": Mapped(reason.name)}
            where = f"{spell(reason.name, quoted)} is not null"
            return {"exits": TableGuess("exits", file.path, file.rows, columns, where, "only leavers say why")}
    return {}


def _currency(files: Sequence[FileLook]) -> str | None:
    named = {currency_of(column.name) for file in files for column in file.columns if column.number} - {None}
    return named.pop() if len(named) == 1 else None


def _reasons(shelf: Shelf, files: Sequence[FileLook], tables: dict[str, TableGuess]) -> tuple[str, ...]:
    for name, column in (("exits", "stated_reason"), ("contracts", "end_reason")):
        table = tables.get(name)
        if table is not None and column in table.columns and table.columns[column].text:
            file = next(file for file in files if file.path == table.path)
            return words_in(shelf.connection, file, table.columns[column].text, _MOST_REASONS)
    return ()
