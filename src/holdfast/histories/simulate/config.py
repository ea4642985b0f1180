"""The config that comes with a simulated world."""

from collections.abc import Mapping

import pyarrow as pa
import yaml

from holdfast.histories.simulate.contracts import PLAN_CHANGE
from holdfast.histories.simulate.leavers import NOT_INFLUENCEABLE_WORDS, REASON_CLASSES
from holdfast.histories.simulate.options import CAUSES, OFFERS, SimulatedOffer
from holdfast.schema import SCHEMA_VERSION, TABLES

_CAPACITY = {"phone": 0.02, "post": 0.2, "email": 0.5}
_BUDGET_PER_CUSTOMER = 0.25
_FOR_EVERYBODY = frozenset({"double_points", "club_year"})
"""Offers that the firm makes whatever the reason; the planted effect still goes by the cause."""

_LOOKBACK_AND_TWO_WINDOWS = 120 + 2 * 67


def config_text(tables: Mapping[str, pa.Table], n_customers: int, days: float, seed: int) -> str:
    """YAML of the config of contract.md for these tables; data are read from the folder of the file."""
    config = {
        "version": 1,
        "seed": seed,
        "source": {
            "name": "simulated",
            "root": ".",
            "timezone": "UTC",
            "tables": {name: _mapping(name, table) for name, table in tables.items()},
        },
        "tasks": {
            "churn": {"kind": "silence", "lookback": "120d", "lead": "7d", "horizon": "60d"},
            "loyalty": {"kind": "repeat", "horizon": "60d", "min_active_periods": 2, "period": "30d"},
        },
        "features": {"levels": False},
        "cutoffs": {
            "test": int(max(1, min(3, 1 + (days - _LOOKBACK_AND_TWO_WINDOWS) // 30))),
            "every": "30d",
            "train": 8,
            "spacing": "horizon",
        },
        "tune": {"trials": 10, "timeout_s": 120},
        "economics": {"margin": 0.4, "discount_rate": 0.1, "value_horizon": "365d", "currency": "EUR"},
        "exits": {
            "reasons": {name: list(group) for name, group in REASON_CLASSES.items()},
            "not_influenceable": list(NOT_INFLUENCEABLE_WORDS),
        },
        "measures": _measures(),
        "offers": [_offer(offer, n_customers) for offer in OFFERS],
        "targeting": {
            "budget": round(_BUDGET_PER_CUSTOMER * n_customers, 2),
            "holdout": 0.1,
            "contact_cap": {"per": "30d", "max": 2},
            # without it reason-gated offers wait for stated or predicted reasons, which few active customers have
            "gate_by_indicated": True,
        },
    }
    head = (
        f"# A simulated world of {n_customers} customers. Its truth lies in truth/ and is no input.\n"
        f"# Contracts end for {PLAN_CHANGE!r} without churn: use not_churn: [{PLAN_CHANGE}] with kind contract_end.\n"
        "# gate_by_indicated lets what the model points at choose the offer: an indication, not a stated reason.\n"
        f"# Table schema version {SCHEMA_VERSION}.\n"
    )
    return head + yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)


def _mapping(name: str, table: pa.Table) -> dict[str, object]:
    canonical = TABLES[name].names
    mapping: dict[str, object] = {
        "path": f"{name}.parquet",
        "columns": {column: column for column in table.column_names if column in canonical},
    }
    attributes = [column for column in table.column_names if column not in canonical]
    if attributes:
        mapping["attributes"] = attributes
        mapping["static"] = [*attributes, "region", "segment", "kind"]
    return mapping


def _measures() -> list[dict[str, object]]:
    return [
        {"reason": "service", "measure": "call back within a day", "owner": "care", "cost": 4.0, "save_rate": 0.2},
        {"reason": "product", "measure": "check returns each week", "owner": "quality", "cost": 6.0, "save_rate": 0.15},
        {"reason": "price", "measure": "compare prices by region", "owner": "sales", "cost": 3.0, "save_rate": 0.1},
        {"reason": "technology", "measure": "renew the app", "owner": "product", "cost": 8.0, "save_rate": 0.15},
    ]


def _offer(offer: SimulatedOffer, n_customers: int) -> dict[str, object]:
    return {
        "name": offer.name,
        "bond": offer.bond,
        "programme": offer.programme,
        "reasons": [] if offer.cause is None or offer.name in _FOR_EVERYBODY else [CAUSES[offer.cause]],
        "contact_cost": offer.contact_cost,
        "incentive_cost": offer.incentive_cost,
        "accept_rate": offer.accept,
        "effect": {"assumed": 0.1, "of": "leavers"},
        "channels": [offer.channel],
        "capacity": max(1, round(_CAPACITY[offer.channel] * n_customers)),
    }
