"""What the accuracy benchmark is measured on: real data where they are at hand, and simulated worlds of three kinds."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from holdfast.histories.simulate.options import WorldOptions
from holdfast.histories.simulate.world import simulate
from holdfast.params import Config
from holdfast.params.yaml_reader import read_yaml
from holdfast.pipelines.graph import Context, walk
from holdfast.pipelines.stages import build_stages
from holdfast.pipelines.workspace import Workspace

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
PREPARE = ("ingest", "label", "featurize")
LEARN = ("tune", "train")
SHOPS = ("online_retail", "cdnow")
WORLDS = {
    "world_season": WorldOptions(season_strength=0.7),
    "world_quiet": WorldOptions(season_strength=0.0, technology_shock_at=None),
    "world_drift": WorldOptions(season_strength=0.3, drift=0.7, competitor_shock_at=0.8),
}
"""A strong yearly season; none, and nothing changes; rates that rise year by year, with a shock near the end."""
WORLD_SIZE = (3000, 36, 7)
"""Customers, months and seed of a world."""
SNAPSHOTS = {"iranian": ("iranian_churn", "Churn"), "motor": ("motor_lapse", "lapse")}
"""Folder and label of the tables that need no config of their own; 1 is leaving, no column leaks."""
SETS = (*SHOPS, *WORLDS, *SNAPSHOTS, "telco")
SNAPSHOT_SEEDS = (7, 8, 9)
"""A snapshot has no later cutoff: its test quarter is drawn anew instead."""


@dataclass(frozen=True)
class Case:
    """One data set with its config; a snapshot's stands there once per seed.

    Parameters
    ----------
    name : str
    configs : tuple of dict
        One config, or one for each seed of a snapshot.
    base : Path
        Folder that relative paths of the config start from.
    rolling : bool
        Whether it has cutoffs; else it is a snapshot.
    """

    name: str
    configs: tuple[dict[str, Any], ...]
    base: Path
    rolling: bool


def find_cases(data: Path, work: Path, cutoffs: int, wanted: Sequence[str]) -> Iterator[Case | str]:
    """Every data set that is asked for; a sentence in the place of one that is not at hand."""
    plan = {"test": cutoffs, "every": "30d", "train": 8, "spacing": "horizon"}
    for name in (name for name in SETS if name in wanted):
        folder = data / {"telco": "telco_ibm", **{key: path for key, (path, _) in SNAPSHOTS.items()}}.get(name, name)
        if name in WORLDS:
            yield _rolling(name, _world(work / name, WORLDS[name]), work / name, plan)
        elif not folder.is_dir():
            yield f"{name}: not at hand, skipped"
        elif name in SHOPS:
            yield _rolling(name, _config(name, folder), CONFIGS, plan)
        elif name == "telco":
            yield _snapshot(name, _config(name, folder), CONFIGS, cutoffs)
        else:
            yield _snapshot(name, _table_config(name, folder, work), work, cutoffs)


def prepare(case: Case, work: Path, number: int, steps: Sequence[str] = (*PREPARE, *LEARN)) -> Context:
    """Run the library's own stages with the config `number` of a case, by default up to the fitted models."""
    config = Config.from_dict(case.configs[number], case.base / "holdfast.yaml")
    context = Context(config, Workspace.at(work / f"run_{case.name}_{number}"), None, lambda _: None)
    stages = [stage for stage in build_stages(context) if stage.name in steps]
    for _ in walk(stages, context, ["churn"]):
        pass
    return context


def denser(case: Case) -> Case:
    """The same with twice as many training cutoffs, half a horizon apart."""
    content = case.configs[0]
    half = int(str(content["tasks"]["churn"]["horizon"]).removesuffix("d")) // 2
    cutoffs = content["cutoffs"] | {"spacing": f"{half}d", "train": 2 * content["cutoffs"]["train"]}
    return replace(case, configs=({**content, "cutoffs": cutoffs},))


def data_folder(given: str | None) -> Path:
    """Where the real data lie."""
    return Path(given or os.environ.get("HOLDFAST_DATA") or "data/raw")


def _config(name: str, folder: Path) -> dict[str, Any]:
    """A config of the repository that reads its tables from `folder`."""
    content = read_yaml(CONFIGS / f"{name}.yaml")
    content["source"]["root"] = str(folder.resolve())
    return content


def _world(folder: Path, options: WorldOptions) -> dict[str, Any]:
    if not (folder / "holdfast.yaml").is_file():
        customers, months, seed = WORLD_SIZE
        simulate(customers, months, seed, options=options).write(folder)
    return read_yaml(folder / "holdfast.yaml")


def _table_config(name: str, folder: Path, work: Path) -> dict[str, Any]:
    """A config for a single file, written anew with a customer number, since these tables have none."""
    frame = pd.read_csv(sorted(folder.glob("*.csv*"))[0])
    frame.columns = [" ".join(str(column).split()) for column in frame.columns]
    frame.insert(0, "number", [f"c{row:06d}" for row in range(len(frame))])
    frame.to_csv(work / f"{name}.csv", index=False)
    table = {"path": f"{name}.csv", "columns": {"customer_id": "number"}, "attributes": "*", "exclude": ["number"]}
    churn = {"kind": "given", "label": SNAPSHOTS[name][1], "positive": "1", "snapshot_at": "2024-01-01"}
    source = {"name": name, "root": str(work.resolve()), "tables": {"customers": table}}
    return {"version": 1, "source": source, "tasks": {"churn": churn}}


def _rolling(name: str, content: dict[str, Any], base: Path, plan: dict[str, Any]) -> Case:
    tasks = {"churn": content["tasks"]["churn"]}
    return Case(name, ({**content, "tasks": tasks, "cutoffs": plan, "tune": {"trials": 0}},), base, True)


def _snapshot(name: str, content: dict[str, Any], base: Path, draws: int) -> Case:
    seeds = SNAPSHOT_SEEDS[:draws]
    return Case(name, tuple({**content, "seed": seed, "tune": {"trials": 0}} for seed in seeds), base, False)
