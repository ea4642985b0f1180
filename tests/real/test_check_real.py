"""`holdfast check` on the public data sets: the suite passes on the clean configs, Telco's traps are caught by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import holdfast_command

from tests.real.test_run_real import DATA, configured

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the public data sets are not at {DATA}; set HOLDFAST_DATA"),
]


def checked(name: str, folder: Path, change: Callable[[dict[str, Any]], None] | None = None) -> tuple[int, str, Any]:
    config = configured(name, folder, change)
    done = holdfast_command(["check", "-c", config, "-o", "out"], folder, HOLDFAST_DATA=str(DATA.resolve()))
    table = pd.read_csv(folder / "out/check.csv", dtype={"point": "str"})
    print(f"\n{name}:\n{table.to_string(index=False, max_colwidth=110)}")
    return done.returncode, done.stderr, table


def only_churn(content: dict[str, Any]) -> None:
    content["tasks"].pop("loyalty", None)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["online_retail", "cdnow", "telco"])
def test_the_suite_passes_on_the_clean_configs(name: str, tmp_path: Path) -> None:
    code, _, table = checked(name, tmp_path, only_churn)
    assert code == 0
    assert "failed" not in set(table["verdict"])
    assert set(table["point"]) == {"data", *"123456789"}


def test_the_traps_of_telco_are_caught_by_name_and_can_be_allowed(tmp_path: Path) -> None:
    traps = ("Churn Score", "Satisfaction Score", "Churn Category")

    def leaky(content: dict[str, Any]) -> None:
        table = content["source"]["tables"]["customers"]
        table["exclude"] = [name for name in table["exclude"] if name not in traps]

    def allowed(content: dict[str, Any]) -> None:
        leaky(content)
        content["checks"] = {"allow": list(traps)}

    (tmp_path / "leaky").mkdir()
    code, said, table = checked("telco", tmp_path / "leaky", leaky)
    assert code == 1
    assert "point 5" in said
    words = " ".join(table.loc[table["verdict"] == "failed", "words"])
    assert all(f"'{name}'" in words for name in traps)
    (tmp_path / "allowed").mkdir()
    code, _, table = checked("telco", tmp_path / "allowed", allowed)
    assert code == 0
    notes = " ".join(table.loc[(table["point"] == "5") & (table["verdict"] == "note"), "words"])
    assert all(f"'{name}'" in notes for name in traps)
