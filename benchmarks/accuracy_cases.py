"""What the accuracy benchmark is measured on: real data where they are at hand, and simulated worlds of three kinds."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from holdfast.histories.simulate.options import WorldOptions
from holdfast.histories.simulate.world import simulate
from holdfast.params import Config
from holdfast.pipelines.graph import Context, walk
from holdfast.pipelines.stages import build_stages
from holdfast.pipelines.workspace import Workspace

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
STAGES = ("ingest", "label", "featurize", "tune", "train")
WORLDS = {
    "world_season": WorldOptions(season_strength=0.7),
    "world_quiet": WorldOptions(season_strength=0.0, technology_shock_at=None),
    "world_drift": WorldOptions(season_strength=0.3, drift=0.7, competitor_shock_at=0.8),
}
"""A strong yearly season; none, and nothing changes; rates that rise year by year, with a shock near the end."""
SNAPSHOT_SEEDS = (7, 8, 9)
"""A snapshot has no later cutoff: its test quarter is drawn anew instead."""
SNAPSHOTS: dict[str, dict[str, Any]] = {
    "iranian": {"path": "iranian_churn", "label": "Churn", "positive": "1", "exclude": []},
    "motor": {"path": "motor_lapse", "label": "lapse", "positive": "1", "exclude": []},
}


@dataclass(frozen=True)
class Case:
    """One data set with its config; a snapshot stands there once per seed.

    Parameters
    ----------
    name : str
    configs : tuple of dict
        One config, or one for each seed of a snapshot.
    base : Path
        Folder that relative paths of the config start from.
    """

    name: str
    configs: tuple[dict[str, Any], ...]
    base: Path


def cases(data: Path, scratch: Path, cutoffs: int, wanted: list[str]) -> Iterator[Case | str]:
    """Every data set that is asked for; a sentence in the place of one that is not at hand."""
    plan = {"test": cutoffs, "every": "30d", "train": 8, "spacing": "horizon"}
    for name in ("online_retail", "cdnow"):
        if name in wanted:
            content = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
            content["source"]["root"] = str(data / name)
            yield _rolling(name, content, CONFIGS, plan) if (data / name).is_dir() else f"{name}: not at hand"
    for name, options in WORLDS.items():
        if name in wanted:
            folder = scratch / name
            simulate(3000, 36, 7, options=options).write(folder)
            yield _rolling(name, yaml.safe_load((folder / "holdfast.yaml").read_text()), folder, plan)
    for name, facts in SNAPSHOTS.items():
        if name in wanted:
            found = sorted((data / facts["path"]).glob("*.csv*")) if (data / facts["path"]).is_dir() else []
            yield _snapshot(name, facts, found[0], scratch) if found else f"{name}: not at hand"
    if "telco" in wanted:
        content = yaml.safe_load((CONFIGS / "telco.yaml").read_text())
        content["source"]["root"] = str(data / "telco_ibm")
        at_hand = (data / "telco_ibm").is_dir()
        yield Case("telco", _seeded(content), CONFIGS) if at_hand else "telco: not at hand"


def prepared(case: Case, scratch: Path) -> Iterator[Context]:
    """Run the library's own stages up to the fitted models, once per config."""
    for number, content in enumerate(case.configs):
        config = Config.from_dict(content, case.base / "holdfast.yaml")
        context = Context(config, Workspace.at(scratch / f"run_{case.name}_{number}"), None, lambda _: None)
        stages = [stage for stage in build_stages(context) if stage.name in STAGES]
        for _ in walk(stages, context, ["churn"]):
            pass
        yield context


def denser(case: Case) -> Case:
    """The same with training cutoffs half a horizon apart."""
    content = {**case.configs[0], "cutoffs": dict(case.configs[0]["cutoffs"])}
    horizon = str(content["tasks"]["churn"]["horizon"])
    content["cutoffs"]["spacing"] = f"{int(horizon.rstrip('d')) // 2}d"
    return Case(f"{case.name}_dense", (content,), case.base)


def _rolling(name: str, content: dict[str, Any], base: Path, plan: dict[str, Any]) -> Case:
    content["tasks"].pop("loyalty", None)
    return Case(name, ({**content, "cutoffs": plan, "tune": {"trials": 0}},), base)


def _seeded(content: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return tuple({**content, "seed": seed, "tune": {"trials": 0}} for seed in SNAPSHOT_SEEDS)


def _snapshot(name: str, facts: dict[str, Any], file: Path, scratch: Path) -> Case:
    """The file with a customer number, since these tables have none."""
    import pandas as pd

    frame = pd.read_csv(file)
    frame.columns = [" ".join(str(column).split()) for column in frame.columns]
    frame.insert(0, "number", [f"c{i:06d}" for i in range(len(frame))])
    target = scratch / f"{name}.csv"
    frame.to_csv(target, index=False)
    content = {
        "version": 1, "seed": 7,
        "source": {"name": name, "root": str(scratch), "tables": {"customers": {
            "path": target.name, "columns": {"customer_id": "number"}, "attributes": "*",
            "exclude": ["number", *facts["exclude"]]}}},
        "tasks": {"churn": {"kind": "given", "label": facts["label"], "positive": facts["positive"],
                            "snapshot_at": str(date(2024, 1, 1))}},
    }  # fmt: skip
    return Case(name, _seeded(content), scratch)


def data_folder(given: str | None) -> Path:
    """Where the real data lie."""
    return Path(given or os.environ.get("HOLDFAST_DATA") or "data/raw")
