"""Retraining on a later date: run, compare, promote or refuse with a reason, roll back."""

import sqlite3
from pathlib import Path

import pytest
import yaml
from command_line import holdfast_command, succeed


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world on which a model serves from September, one from ten days later, and one from November."""
    work = tmp_path_factory.mktemp("retrain")
    succeed(["simulate", "-n", 500, "-o", "world", "--seed", 11], work)
    content = yaml.safe_load((work / "world/holdfast.yaml").read_text())
    content["tasks"].pop("loyalty", None)
    content["cutoffs"] |= {"test": 2, "train": 2, "every": "60d"}
    content["tune"]["trials"] = 0
    content["source"]["root"] = str(work / "world")
    (work / "holdfast.yaml").write_text(yaml.safe_dump(content))
    succeed(["run", "-c", "holdfast.yaml", "-o", "first", "--cutoff", "2024-08-20"], work)
    return work


def test_a_retrained_model_is_compared_promoted_or_refused_and_rolled_back(twice: Path) -> None:
    assert "champion is version 1" in succeed(["promote"], twice)
    succeed(["run", "-c", "holdfast.yaml", "-o", "early", "--cutoff", "2024-09-01"], twice)
    early = succeed(["promote"], twice)
    assert "refused: not measured" in early
    assert "outcomes are not in" in early
    succeed(["run", "-c", "holdfast.yaml", "-o", "late", "--cutoff", "2024-12-20"], twice)
    late = succeed(["promote"], twice)
    assert "lower bound of the difference in profit_at_budget" in late or "average_precision" in late
    promoted = "promoted" in late
    assert f"champion is version {3 if promoted else 1}" in late
    if promoted:
        assert "champion is version 1" in succeed(["promote", "--rollback"], twice)
    else:
        assert holdfast_command(["promote", "--rollback"], twice).returncode == 1
    with sqlite3.connect(twice / "mlflow.db") as ledger:
        keys = {key for (key,) in ledger.execute("SELECT DISTINCT key FROM metrics WHERE key LIKE '%/gate/%'")}
    assert {"churn/gate/difference", "churn/gate/low", "churn/gate/high", "churn/gate/test_cutoffs"} <= keys
