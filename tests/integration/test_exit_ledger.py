"""The worked example of exit management (A6), end to end from a CSV of 6 600 clients."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import succeed, write_config

CLIENTS, LOST, REVENUE = 6600, 330, 10_000


def run(folder: Path, per_client: float) -> Path:
    rng = np.random.default_rng(3)
    lost = np.zeros(CLIENTS, dtype=bool)
    lost[rng.choice(CLIENTS, LOST, replace=False)] = True
    ids = [f"c{i:05d}" for i in range(CLIENTS)]
    pd.DataFrame({
        "id": ids, "gone": np.where(lost, "Yes", "No"), "per_month": repr(REVENUE / 12),
        "waits": rng.gamma(2, 2 + 2 * lost), "age": rng.integers(18, 90, CLIENTS),
    }).to_csv(folder / "clients.csv", index=False)  # fmt: skip
    pd.DataFrame({"id": np.array(ids)[lost], "why": "slow service"}).to_csv(folder / "exits.csv", index=False)
    config: dict[str, Any] = {
        "version": 1,
        "source": {"name": "clients", "tables": {
            "customers": {"path": "clients.csv", "columns": {"customer_id": "id"},
                          "attributes": ["per_month", "waits", "age"]},
            "exits": {"path": "exits.csv", "columns": {"customer_id": "id", "stated_reason": "why"}}}},
        "tasks": {"churn": {"kind": "given", "label": "gone", "positive": "Yes"}},
        "tune": {"trials": 0},
        "economics": {"margin": 0.10, "monthly_revenue": "per_month"},
        "exits": {"reasons": {"service": ["slow service"]}},
        "measures": [{"reason": "service", "measure": "shorter waits", "owner": "care", "cost": per_client,
                      "save_rate": 1.0}],
        "offers": [{"name": "call", "contact_cost": 1.0, "effect": {"assumed": 0.1}}],
    }  # fmt: skip
    write_config(folder / "holdfast.yaml", config)
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], folder)
    return folder / "out/exits"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("below"), 329_999 / CLIENTS)


def test_a6_what_330_of_6600_cost(below: Path) -> None:
    ledger = json.loads((below / "exit_ledger.json").read_text())
    assert (ledger["clients"], ledger["lost"], ledger["churn_rate"]) == (CLIENTS, LOST, 0.05)
    assert (ledger["revenue_lost"], ledger["profit_lost"]) == (3_300_000.0, 330_000.0)
    assert ledger["break_even"]["spend_below"] == 330_000.0
    # with save rate s the break-even is 330 000 s; per client treated 50 s when all 6 600 are
    half = next(row for row in ledger["break_even_by_save_rate"] if row["save_rate"] == 0.5)
    assert (half["spend_below"], half["per_client_below"]) == (165_000.0, 25.0)
    rates = pd.read_csv(below / "churn_rate.csv")
    assert rates.loc[rates["split"] == "all", "rate"].tolist() == [0.05]


def test_a4_the_stated_reason_of_every_leaver_is_counted(below: Path) -> None:
    found = pd.read_csv(below / "leaver_distribution.csv")
    stated = found[(found["source"] == "stated") & (found["split"] == "all")].set_index("reason")
    assert stated.loc["service", ["leavers", "share"]].tolist() == [LOST, 1.0]
    assert (below / "leaver_distribution.png").stat().st_size > 1000


def test_a6_the_decision_flips_between_329_999_and_330_000(
    below: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    at = run(tmp_path_factory.mktemp("at"), 330_000 / CLIENTS)
    decisions = [pd.read_csv(folder / "fix_list.csv").iloc[0] for folder in (below, at)]
    assert [row["decision"] for row in decisions] == ["go", "no-go"]
    assert [row["cost"] for row in decisions] == [329_999, 330_000]
    assert [row["profit_saved"] for row in decisions] == [330_000, 330_000]
