"""Names, types and units of every canonical table.

One place says which columns a table has, which of them must be mapped, which one dates its rows, and
which cells only become known later than the row they stand in (`reveals`). Everything else (ingestion,
`Histories.upto`, features, the simulator, the docs) reads it from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

EXIT_CLASSES = ("price", "product", "service", "market", "technology", "political")
"""The six classes of leavers (domain A3)."""

SCHEMA_VERSION = 1


class Kind(StrEnum):
    """What a column holds; `sql` is the DuckDB type it is stored in."""

    ID = "id"
    TEXT = "text"
    TIME = "time"
    DECIMAL = "decimal"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"

    @property
    def sql(self) -> str:
        """DuckDB type; money and quantities are DECIMAL so that sums do not depend on thread order."""
        return _SQL_TYPES[self]


_SQL_TYPES = {
    Kind.ID: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.TIME: "TIMESTAMP",
    Kind.DECIMAL: "DECIMAL(18,4)",
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.FLAG: "BOOLEAN",
}


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Parameters
    ----------
    name : str
        Canonical name.
    kind : Kind
        What it holds.
    required : bool
        Whether the table cannot be used without it.
    reveals : str or None
        For a cell that becomes known only after its row: the time column that says when
        (`ended_at` reveals itself and `end_reason`). `"never"`: no time is recorded, so the cell
        is unknown at every cutoff.
    words : tuple of str
        Words of a text column that the code knows; they are recognised whatever their capitals.
    closed : bool
        Whether all other words mean nothing to it, which is worth a warning.
    """

    name: str
    kind: Kind
    required: bool = False
    reveals: str | None = None
    words: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True)
class Table:
    """One canonical table: its columns and the column that dates its rows (None: undated)."""

    name: str
    columns: tuple[Column, ...]
    time: str | None = "at"
    customer: str | None = "customer_id"

    def column(self, name: str) -> Column:
        """Return the column called `name`; raises KeyError for an unknown one."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """All canonical column names."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must be mapped."""
        return tuple(column.name for column in self.columns if column.required)


def _columns(text: str) -> tuple[Column, ...]:
    """Read `name:kind` words: `*` required, `<when` a cell revealed later, `[a|b]` known words, `[a|b|…]` some."""
    columns = []
    for word in text.split():
        name, _, rest = word.partition(":")
        rest, _, known = rest.rstrip("]").partition("[")
        kind, _, reveals = rest.partition("<")
        words = tuple(each for each in known.split("|") if each and each != "…")
        closed = bool(words) and not known.endswith("…")
        columns.append(Column(name.rstrip("*"), Kind(kind), name.endswith("*"), reveals or None, words, closed))
    return (*columns, Column("known_at", Kind.TIME))


def _table(name: str, text: str, time: str | None = "at", customer: str | None = "customer_id") -> Table:
    return Table(name, _columns(text), time, customer)


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            _table(
                "purchases",
                "customer_id*:id at*:time amount*:decimal order_id:id product_id:id category:text "
                "quantity:decimal unit_price:decimal list_price:decimal cost:decimal channel:text employee_id:id",
            ),
            _table(
                "customers",
                "customer_id*:id joined_at:time<joined_at birth_date:time region:text segment:text "
                "household_id:id kind:text[consumer|business|retailer|distributor|…] parent_id:id",
                time=None,
            ),
            _table(
                "contracts",
                "contract_id:id customer_id*:id started_at*:time ended_at:time<ended_at end_reason:text<ended_at "
                "plan:text price:decimal term_months:integer market_price:decimal",
                time="started_at",
            ),
            _table("payments", "customer_id*:id at*:time amount*:decimal status:text[paid|failed|refunded]"),
            _table(
                "events",
                "customer_id*:id at*:time kind*:text[visit|open|click|usage|…] "
                "object:text[comparison|new_technology|press|…] value:number",
            ),
            _table(
                "contacts",
                "customer_id*:id at*:time direction:text[inbound|outbound] channel:text purpose:text employee_id:id "
                "responded_at:time<responded_at",
            ),
            _table(
                "complaints",
                "customer_id*:id at*:time topic:text responded_at:time<responded_at "
                "resolved_at:time<resolved_at followed_up_at:time<followed_up_at",
            ),
            _table("surveys", "customer_id*:id at*:time trust:number commitment:number satisfaction:number nps:number"),
            _table("preferences", "customer_id*:id at*:time topic*:text value:text"),
            _table("referrals", "referrer_id*:id referred_id*:id at*:time", customer="referrer_id"),
            _table(
                "memberships",
                "customer_id*:id programme*:text joined_at*:time left_at:time<left_at fee:decimal points:number",
                time="joined_at",
            ),
            _table(
                "campaigns",
                "customer_id*:id offer*:text arm*:text[treated|control] at*:time channel:text cost:decimal "
                "propensity:number delivered_at:time<delivered_at bounced:flag redeemed_at:time<redeemed_at "
                "outcome:number<never outcome_value:number<never",
            ),
            _table("exits", "customer_id*:id at*:time stated_reason:text text:text"),
            _table(
                "winback",
                "customer_id*:id at*:time status*:text[planned|contacted|refused|returned|…] owner:text note:text",
            ),
            _table("consents", "customer_id*:id at*:time purpose*:text channel:text granted*:flag"),
            _table("market", "at*:time signal*:text value*:number region:text", customer=None),
            _table(
                "costs", "at*:time purpose*:text amount*:decimal offer:text kind:text[fixed|per_contact]", customer=None
            ),
            _table(
                "managers",
                "customer_id*:id employee_id*:id from*:time to:time<to plan_due:time report_due:time",
                time="from",
            ),
        )
    }
)
