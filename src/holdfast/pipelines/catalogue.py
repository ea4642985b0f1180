"""Features on their own: list them, or write them for given dates."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.params import load_config
from holdfast.pipelines.domain import main_task
from holdfast.pipelines.features import feature_set, task_features
from holdfast.pipelines.workspace import Workspace

SHOWN = ["name", "unit", "family", "window", "exit_class", "table"]


@contextmanager
def ingested(config: Path) -> Iterator[Histories]:
    """Canonical tables of a config in a folder that goes away."""
    loaded = load_config(config)
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        out = Path(folder)
        ingest(loaded.build_source(), out / "histories", span=loaded.span, quarantine_dir=out / "quarantine")
        yield Histories.open(out / "histories")


def feature_table(config: Path) -> pd.DataFrame:
    """Name, unit, family, window, exit class and table of every feature of a config."""
    with ingested(config) as histories:
        rows = [asdict(feature) for feature in task_features(histories, main_task(load_config(config)))]
    return pd.DataFrame(rows)[SHOWN].fillna("")


def featurize_at(config: Path, out: Path, dates: Sequence[date]) -> tuple[int, int]:
    """Write `features.parquet` for the dates; gives rows and features."""
    with ingested(config) as histories:
        wanted = feature_set(histories, main_task(load_config(config)))
        matrix = wanted.compute(histories, dates)
    Workspace.at(out).write_frame("features.parquet", matrix.frame)
    return len(matrix.frame), len(wanted.features)
