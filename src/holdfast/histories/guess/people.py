"""The columns of a customers file: the label, what leaks it, what must not pass, what says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from holdfast.histories.guess.look import ColumnLook, FileLook, settles
from holdfast.histories.guess.names import collapsed, tokens
from holdfast.histories.sources import Role

_LEFT = {"churn", "churned", "churner", "attrition", "attrited", "exited", "left", "lapse", "lapsed", "cancelled",
         "canceled", "defected", "departed", "terminated", "closed", "lost", "leaver", "quit", "leave"}  # fmt: skip
_STAYED = {"retained", "renewed", "stayed"}
_NOT_LABEL = {"score", "reason", "category", "probability", "prob", "date", "risk", "month", "days", "at", "propensity",
              "count", "number", "total", "amount"}  # fmt: skip
_YES, _NO = ("yes", "y", "true", "t", "1", "1.0"), ("no", "n", "false", "f", "0", "0.0")
_MOST_VALUES = 6

_CONTACT = {"email", "mail", "phone", "telephone", "mobile", "cell", "cellphone", "fax", "address", "street", "surname",
            "firstname", "lastname", "fullname", "username", "iban", "ssn", "passport", "msisdn", "ip"}  # fmt: skip
_NAMES = {"name", "customername", "clientname", "accountname", "companyname", "contactname", "lname",
          "fname", "givenname", "familyname", "middlename"}  # fmt: skip
_SENSITIVE = {"gender", "sex", "religion", "religious", "ethnicity", "ethnic", "race", "nationality", "disability",
              "disabled", "health", "illness", "pregnant", "political", "politics", "union", "orientation", "sexuality",
              "caste", "geschlecht"}  # fmt: skip
_PLACE = {"zip", "zipcode", "postcode", "postal", "postalcode", "latitude", "longitude", "lat", "lon", "lng", "latlong"}
_FEW = 20
_UNIQUE_ROWS, _UNIQUE_SHARE = 100, 0.5


@dataclass(frozen=True)
class Label:
    """A column that says who left, and the value of those who did; `sure` unless the value is a mere guess."""

    column: str
    positive: str
    share: float
    sure: bool = True


@dataclass(frozen=True)
class People:
    """What a customers file holds beyond its canonical columns.

    Parameters
    ----------
    label : Label or None
        Who left.
    exclude : mapping of str to str
        Columns to leave out, with the reason.
    roles : mapping of str to {"contact", "sensitive"}
        Columns that never pass.
    """

    label: Label | None
    exclude: Mapping[str, str]
    roles: Mapping[str, Role]


def people(connection: duckdb.DuckDBPyConnection, file: FileLook, mapped: frozenset[str]) -> People:
    """Look at the columns of a customers file that are not mapped.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where the raw table is.
    file : FileLook
        The file.
    mapped : frozenset of str
        Its columns that stand for canonical ones.
    """
    free = [column for column in file.columns if column.name not in mapped]
    label = find_label(free)
    roles: dict[str, Role] = {}
    exclude: dict[str, str] = {}
    for column in free:
        role = _role(column, file.rows)
        if label is not None and column.name == label.column:
            continue
        if role is not None:
            roles[column.name] = role
            continue
        reason = _useless(column, file.rows) or _leak(connection, file, column, label)
        if reason:
            exclude[column.name] = reason
    return People(label, exclude, roles)


def find_label(columns: list[ColumnLook]) -> Label | None:
    """The column that says who left: by its name, else by its values."""
    ranked = []
    for position, column in enumerate(columns):
        rank = _label_rank(column)
        if rank is not None:
            ranked.append((rank, position, column))
    if not ranked:
        return None
    column = min(ranked, key=lambda one: one[:2])[2]
    return _positive(column)


def _label_rank(column: ColumnLook) -> int | None:
    """Small for a telling label; None for a column that is none."""
    words, values = set(tokens(column.name)), [value.lower() for value, _ in column.values]
    if not 2 <= column.distinct <= _MOST_VALUES or words & _NOT_LABEL:
        return None
    two, named = column.distinct == 2, bool(words & (_LEFT | _STAYED)) or collapsed(column.name) in _LEFT
    spoken = any(_LEFT & set(tokens(value)) for value in values)
    if named and two and (spoken or set(values) <= {*_YES, *_NO}):
        plain = len(words - {"is", "has", "flag", "label", "status"}) == 1
        return 0 if plain else 1
    if named and two:
        return 2
    return 3 if spoken else None


def _positive(column: ColumnLook) -> Label:
    words = set(tokens(column.name))
    values = [value for value, _ in column.values]
    total = sum(count for _, count in column.values)
    spoken = [value for value in values if _LEFT & set(tokens(value)) and "not" not in tokens(value)]
    wanted = _NO if words & _STAYED and not words & _LEFT else _YES
    plain = [value for value in values if value.lower() in wanted]
    found = spoken or plain
    value = found[0] if found else min(column.values, key=lambda pair: (pair[1], pair[0]))[0]
    return Label(column.name, value, dict(column.values)[value] / total, len(found) == 1)


def _role(column: ColumnLook, rows: int) -> Role | None:
    words, whole = set(tokens(column.name)), collapsed(column.name)
    if words & _SENSITIVE:
        return "sensitive"
    many = column.distinct > min(_FEW, rows // 2)
    named = words & _CONTACT or whole in _NAMES or words in ({"first", "name"}, {"last", "name"}, {"full", "name"})
    text_like = not column.number or column.whole
    return "contact" if named and many and text_like else None


def _useless(column: ColumnLook, rows: int) -> str:
    words = set(tokens(column.name))
    if column.filled == 0:
        return "empty"
    if column.distinct == 1:
        return "the same in every row"
    if words & _PLACE or collapsed(column.name) in _PLACE:
        return "where a person lives"
    if column.time:
        return "a date; an attribute is a number or a word"
    if column.whole and column.distinct == column.filled == rows and column.high - column.low == rows - 1:
        return "a running number"
    if not column.number and rows > _UNIQUE_ROWS and column.distinct > _UNIQUE_SHARE * column.filled:
        return "differs from row to row"
    return ""


def _leak(connection: duckdb.DuckDBPyConnection, file: FileLook, column: ColumnLook, label: Label | None) -> str:
    words = set(tokens(column.name))
    spoken = any(_LEFT & set(tokens(value)) for value, _ in column.values)
    if words & {"churn", "churned", "attrition", "attrited"} or _label_rank(column) in (0, 1):
        return "speaks of leaving: known only afterwards"
    if (
        label is not None
        and spoken
        and column.distinct <= _MOST_VALUES
        and settles(connection, file, column.name, label.column)
    ):
        return "the label in other words"
    few = 2 <= column.distinct <= _MOST_VALUES and file.rows >= _UNIQUE_ROWS
    if label is not None and few and settles(connection, file, column.name, label.column):
        return f"settles {label.column} in every row: the label in other words"
    return ""
