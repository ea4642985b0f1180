"""Simulated world: planted causes are among the top drivers of those whom they hit, above a shuffled control.

The figure says that the road from cause to contribution works in a world whose causes leave the traces that the
simulator plants; it says nothing about real customers.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import succeed, trimmed, write_config
from conftest import Finished

from holdfast.drivers.recovery import cause_recovery
from holdfast.schema import EXIT_CLASSES


def recovered(out: Path, world: Path) -> dict[str, Any]:
    """Recovery among the scored customers who are under exactly one cause on the scoring date or left of it since."""
    drivers = pd.read_parquet(out / "drivers/churn.parquet").set_index("customer_id")
    at = drivers["cutoff"].iloc[0]
    sums = drivers[[f"class_{name}" for name in EXIT_CLASSES]].rename(columns=lambda name: name.removeprefix("class_"))
    causes = pd.read_parquet(world / "truth/causes.parquet")
    open_now = causes[(causes["onset_at"] < at) & ~(causes["resolved_at"] < at)]
    strongest = open_now.sort_values(["strength", "cause"]).drop_duplicates("customer_id", keep="last")
    hit = strongest.set_index("customer_id")["cause"].reindex(sums.index).fillna("none")
    return cause_recovery(sums, hit, seed=7)


def tell(name: str, found: dict[str, Any]) -> None:
    print(f"\nplanted causes, {name}: {found['hit_rate']:.3f} of {found['n']} have theirs among the top three drivers; "
          f"shuffled {found['control_rate']:.3f} (97.5 %: {found['control_high']:.3f})")  # fmt: skip
    print(json.dumps(found["by_class"], indent=1))


def test_planted_causes_are_found(finished: Finished) -> None:
    found = recovered(finished.out, finished.world)
    tell("1 200 customers", found)
    assert found["n"] > 30
    assert found["hit_rate"] > found["control_high"]


@pytest.mark.slow
def test_planted_causes_are_found_in_a_larger_world(tmp_path: Path) -> None:
    succeed(["simulate", "-n", 12_000, "--months", 24, "-o", "world"], tmp_path)
    config = write_config(tmp_path / "holdfast.yaml", trimmed(tmp_path / "world/holdfast.yaml"))
    succeed(["run", "-c", config, "-o", "out"], tmp_path)
    found = recovered(tmp_path / "out", tmp_path / "world")
    tell("12 000 customers", found)
    assert found["n"] > 300
    assert found["hit_rate"] > 1.2 * found["control_rate"]
    assert found["hit_rate"] > found["control_high"]
