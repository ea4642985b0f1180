import re

import pytest

from holdfast.schema import TABLES, Kind

REQUIRED = {
    "purchases": "customer_id at amount", "customers": "customer_id", "contracts": "customer_id started_at",
    "payments": "customer_id at amount", "events": "customer_id at kind", "contacts": "customer_id at",
    "complaints": "customer_id at", "surveys": "customer_id at", "preferences": "customer_id at topic",
    "referrals": "referrer_id referred_id at", "memberships": "customer_id programme joined_at",
    "campaigns": "customer_id offer arm at", "exits": "customer_id at", "winback": "customer_id at status",
    "consents": "customer_id at purpose granted", "market": "at signal value", "costs": "at purpose amount",
    "managers": "customer_id employee_id from",
}  # fmt: skip
HIDDEN = {
    "contracts": {"ended_at", "end_reason"}, "complaints": {"responded_at", "resolved_at", "followed_up_at"},
    "contacts": {"responded_at"}, "memberships": {"left_at"}, "customers": {"joined_at"}, "managers": {"to"},
    "campaigns": {"delivered_at", "redeemed_at", "outcome", "outcome_value"},
}  # fmt: skip
"""Cells that lie in the future of their row (contract.md, "Known then")."""


def test_every_table_of_the_contract_is_there() -> None:
    assert {name: " ".join(table.required) for name, table in TABLES.items()} == REQUIRED


@pytest.mark.parametrize("name", TABLES)
def test_the_cells_that_reveal_themselves_later(name: str) -> None:
    table = TABLES[name]
    assert {column.name for column in table.columns if column.reveals} == HIDDEN.get(name, set())
    for column in table.columns:
        if column.reveals not in {None, "never"}:
            assert table.column(column.reveals).kind is Kind.TIME


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_sound(name: str) -> None:
    table = TABLES[name]
    assert len(set(table.names)) == len(table.names)
    assert all(re.fullmatch(r"[a-z][a-z_]*", column) for column in table.names)
    assert table.column("known_at").kind is Kind.TIME
    assert table.time is None or table.column(table.time).kind is Kind.TIME
    assert table.customer is None or table.column(table.customer).kind is Kind.ID
    with pytest.raises(KeyError):
        table.column("no such column")


def test_money_is_stored_exactly() -> None:
    money = {"amount", "unit_price", "list_price", "price", "market_price", "cost", "quantity", "fee"}
    kinds = {column.kind for table in TABLES.values() for column in table.columns if column.name in money}
    assert kinds == {Kind.DECIMAL}
    assert Kind.DECIMAL.sql == "DECIMAL(18,4)"
