"""Which canonical table a file is, and which of its columns stands for which canonical column."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.histories.guess.look import ColumnLook, FileLook
from holdfast.histories.guess.names import FILE_WORDS, SPELLINGS, customer_rank, is_id_like, tokens
from holdfast.histories.histories import quote
from holdfast.histories.load import ROW, text
from holdfast.schema import TABLES, Column, Kind

_NOT_AT = {"birth", "dob", "ship", "shipped", "delivery", "delivered", "due", "expiry", "expires", "valid", "update",
           "updated", "modified", "load", "loaded", "estimated", "limit", "until"}  # fmt: skip
"""Words of dates that do not say when the row happened."""
_TELLING = {
    "purchases": {"amount": 2.0, "order_id": 1.0, "product_id": 1.0, "quantity": 1.0, "list_price": 1.0},
    "contracts": {"ended_at": 3.0, "started_at": 1.0, "end_reason": 1.0, "contract_id": 1.0, "term_months": 2.0},
    "payments": {"status": 3.0},
    "events": {"kind": 1.5, "object": 0.5},
    "contacts": {"direction": 3.0, "purpose": 1.0, "responded_at": 0.5},
    "complaints": {"resolved_at": 3.0, "topic": 1.0, "followed_up_at": 2.0},
    "surveys": {"trust": 2.0, "commitment": 2.0, "satisfaction": 2.0, "nps": 3.0},
    "preferences": {"topic": 1.5, "value": 0.5},
    "referrals": {"referrer_id": 3.0, "referred_id": 3.0},
    "memberships": {"programme": 3.0, "left_at": 1.0, "points": 1.0},
    "campaigns": {"arm": 3.0, "offer": 1.0, "propensity": 2.0, "redeemed_at": 1.0},
    "exits": {"stated_reason": 2.5},
    "winback": {"status": 1.0, "owner": 1.0},
    "consents": {"granted": 3.0, "purpose": 0.5},
    "market": {"signal": 2.0, "value": 0.5},
    "costs": {"purpose": 1.5},
    "managers": {"employee_id": 1.5, "from": 2.0, "plan_due": 1.0},
}
"""How much a matched column speaks for a table."""
_BY_NAME, _BY_SYNONYM, _PEOPLE, _RHYTHM, _LEAST = 3.0, 2.0, 3.0, 2.0, 2.0
_ONE_ROW_EACH = 0.98
_PAID = {"paid", "failed", "refunded", "success", "succeeded", "declined", "pending", "ok", "overdue", "open"}
_ARMS = {"treated", "control", "treatment", "test", "holdout", "none", "a", "b", "0", "1", "true", "false"}
_CONTROL = ("control", "holdout", "none", "no", "0", "false", "c", "no contact", "no e-mail")
_KINDS = {"consumer", "business", "retailer", "distributor"}
_CONSTANTS = {("events", "kind"): "usage", ("memberships", "programme"): "club", ("campaigns", "offer"): "campaign",
              ("consents", "purpose"): "marketing", ("preferences", "topic"): "preference"}  # fmt: skip


@dataclass(frozen=True)
class Mapped:
    """The text of a canonical column, and why it was taken (empty: it bears the name)."""

    text: str
    why: str = ""


@dataclass(frozen=True)
class Match:
    """A file as one canonical table; `undecided` are dates whose order of day and month nobody can tell."""

    table: str
    columns: dict[str, Mapped]
    score: float
    undecided: tuple[tuple[str, str], ...] = ()

    @property
    def sources(self) -> frozenset[str]:
        """Source columns and expressions that it uses."""
        return frozenset(mapped.text for mapped in self.columns.values())


def customer_column(file: FileLook, known: Sequence[str] = ()) -> ColumnLook | None:
    """The column that names the customer.

    Parameters
    ----------
    file : FileLook
        The file.
    known : sequence of str
        Collapsed names of customer columns of other files.
    """
    ranked = []
    for position, column in enumerate(file.columns):
        rank = customer_rank(column.spelled)
        if rank is None and column.spelled[0] in known:
            rank = 100
        possible = column.distinct > 1 and not column.undecided and not (column.number and not column.whole)
        if rank is None and column.name.strip().lower() == "id" and column.distinct < column.filled:
            rank = 200  # a plain id that repeats names somebody, if no better name is there
        if rank is not None and possible and not (column.time and not column.whole):
            ranked.append((rank, position, column))
    return min(ranked)[2] if ranked else None


def only_row_each(file: FileLook, column: ColumnLook) -> bool:
    """Whether a file has one row per value of a column."""
    return column.filled > 1 and column.distinct >= _ONE_ROW_EACH * file.rows


def unique_id(file: FileLook) -> ColumnLook | None:
    """A column that names the rows as identifiers do; of several the first."""
    for column in file.columns:
        numbered = column.number and not column.whole
        if column.distinct == column.filled == file.rows and is_id_like(column.name) and not numbered:
            return column
    return None


def matches(file: FileLook, known: Sequence[str], quoted: frozenset[str]) -> list[Match]:
    """All canonical tables that a file could be, the best first.

    Parameters
    ----------
    file : FileLook
        The file.
    known : sequence of str
        Collapsed names of customer columns of other files.
    quoted : frozenset of str
        Words that SQL keeps for itself.
    """
    found = []
    for table in TABLES:
        match = _match(file, table, known, quoted)
        if match is not None and match.score >= _LEAST:
            found.append(match)
    return sorted(found, key=lambda match: (-match.score, list(TABLES).index(match.table)))


def _match(file: FileLook, table: str, known: Sequence[str], quoted: frozenset[str]) -> Match | None:
    schema = TABLES[table]
    customer = customer_column(file, known)
    if (schema.customer is None) != (customer is None) and table != "referrals":
        return None
    taken: dict[str, Mapped] = {}
    if customer is not None and schema.customer == "customer_id":
        if (table == "customers") is not only_row_each(file, customer) and table in ("customers", "purchases"):
            return None
        taken["customer_id"] = Mapped(customer.name)
    order = sorted(schema.columns, key=lambda column: (not column.required, column.name == schema.time))
    for column in order:
        if column.name not in taken:
            mapped = _find(file, table, column, taken)
            if mapped is not None:
                taken[column.name] = mapped
    _complete(file, table, taken, quoted)
    if any(name not in taken for name in schema.required):
        return None
    used = [file.column(one.text) for one in taken.values() if one.text in file.raw.columns]
    undecided = tuple((column.name, column.undecided) for column in used if column.undecided and column.time)
    listed = {column.name: taken[column.name] for column in schema.columns if column.name in taken}
    return Match(table, listed, _score(file, table, listed), undecided)


def _find(file: FileLook, table: str, column: Column, taken: dict[str, Mapped]) -> Mapped | None:
    """The source column of a canonical one: by its spelling, the most telling first."""
    used = {mapped.text for mapped in taken.values()}
    free = [one for one in file.columns if one.name not in used and _fits(table, column, one)]
    for wanted in SPELLINGS.get((table, column.name), (column.name.replace("_", ""),)):
        for depth in (0, 1):
            for one in free:
                if len(one.spelled) > depth and one.spelled[depth] == wanted:
                    if one.money and column.kind is not Kind.TEXT:
                        return Mapped(one.money[0], f"{one.name} is text such as {one.money[1]!r}")
                    return Mapped(one.name)
    return None


def _fits(table: str, column: Column, one: ColumnLook) -> bool:
    """Whether the values can be what the canonical column asks for."""
    values = {value.lower() for value, _ in one.values}
    if not one.filled and (column.required or one.name != column.name):
        return False
    match column.kind:
        case Kind.TIME:
            return one.time
        case Kind.DECIMAL | Kind.NUMBER:
            return one.number or bool(one.money)
        case Kind.INTEGER:
            return one.number
        case Kind.FLAG:
            return 0 < one.distinct <= 2
    if (table, column.name) == ("payments", "status"):
        return bool(values & _PAID)
    if (table, column.name) == ("campaigns", "arm"):
        return one.distinct == 2 and bool(values & _ARMS)
    if (table, column.name) == ("customers", "kind"):
        return values <= _KINDS and bool(values)
    return column.kind is Kind.ID or (not (one.time and not one.whole))


def _complete(file: FileLook, table: str, taken: dict[str, Mapped], quoted: frozenset[str]) -> None:
    """Fill what no name gave: the only date, price times quantity, the arm in the words of the contract."""
    schema = TABLES[table]
    if schema.time and schema.time not in taken and schema.column(schema.time).required:
        at = _some_date(file, taken)
        if at is not None:
            taken[schema.time] = Mapped(at.name, "the only date left")
    if table == "purchases" and "amount" not in taken and "unit_price" in taken:
        price = taken["unit_price"].text
        if "quantity" in taken:
            both = (taken["quantity"].text, price)
            # what is no column is an expression that reads text as a number
            product = " * ".join(spell(one, quoted) if one in file.raw.columns else f"({one})" for one in both)
            taken["amount"] = Mapped(product, "no column holds the amount: quantity times price")
        else:
            taken["amount"] = Mapped(price, "a price without a quantity, taken as the amount")
    if table == "campaigns" and "arm" in taken:
        taken["arm"] = _arm(file.column(taken["arm"].text))
    word = _CONSTANTS.get((table, next((name for name in schema.required if name not in taken), "")))
    if word is not None and file.words & set(FILE_WORDS[table]):
        missing = next(name for name in schema.required if name not in taken)
        taken[missing] = Mapped(text(word), "no such column: one word for all rows")


def _some_date(file: FileLook, taken: dict[str, Mapped]) -> ColumnLook | None:
    used = {mapped.text for mapped in taken.values()}
    left = [one for one in file.columns if one.time and one.name not in used and not _NOT_AT & set(tokens(one.name))]
    return left[0] if len(left) == 1 else None


def _arm(column: ColumnLook) -> Mapped:
    values = {value.lower() for value, _ in column.values}
    if values <= {"treated", "control"}:
        return Mapped(column.name)
    listed = ", ".join(text(word) for word in _CONTROL)
    cell = f"lower(trim(CAST({quote(column.name)} AS VARCHAR)))"
    return Mapped(f"CASE WHEN {cell} IN ({listed}) THEN 'control' ELSE 'treated' END", "in the words of the contract")


def spell(name: str, quoted: frozenset[str]) -> str:
    """A source column as SQL reads it.

    Examples
    --------
    >>> spell("Quantity", frozenset()), spell("Unit Price", frozenset()), spell("order", frozenset({"order"}))
    ('Quantity', '"Unit Price"', '"order"')
    """
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) and name.lower() not in quoted else quote(name)


def _score(file: FileLook, table: str, columns: dict[str, Mapped]) -> float:
    own, *synonyms = FILE_WORDS[table]
    score = _BY_NAME if own in file.words else _BY_SYNONYM if file.words & set(synonyms) else 0.0
    telling = _TELLING.get(table, {})
    score += sum(telling.get(name, 0.3) for name in columns if name not in ("customer_id", "at"))
    score += sum(0.3 for name, mapped in columns.items() if mapped.text == name)
    if table == "customers":
        score += _PEOPLE
    if table == "purchases":
        score += _RHYTHM
    return score


def snapshot_match(file: FileLook) -> Match:
    """A file with one row per customer whose id has no telling name, or none at all."""
    column = unique_id(file)
    if column is not None:
        mapped = Mapped(column.name, "different in every row")
    else:
        mapped = Mapped(ROW, "no column names the customer: the number of the row stands in")
    return Match("customers", {"customer_id": mapped}, _LEAST)
