"""Features on their own: list them, or write them for given dates."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd

from holdfast.errors import DataError
from holdfast.histories.histories import Histories
from holdfast.params import load_config
from holdfast.pipelines.domain import main_task
from holdfast.pipelines.features import feature_set, task_features
from holdfast.pipelines.levels import with_levels
from holdfast.pipelines.origin import read_sources
from holdfast.pipelines.prepare import declared_end
from holdfast.pipelines.workspace import Workspace

SHOWN = ["name", "unit", "family", "window", "exit_class", "table"]


@contextmanager
def ingested(config: Path) -> Iterator[Histories]:
    """Canonical tables of a config in a folder that goes away."""
    loaded = load_config(config)
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        out = Path(folder)
        read_sources(loaded, out / "histories", out / "quarantine")
        yield declared_end(Histories.open(out / "histories"), loaded)


def feature_table(config: Path) -> pd.DataFrame:
    """Name, unit, family, window, exit class and table of every feature of a config."""
    with ingested(config) as histories:
        loaded = load_config(config)
        rows = [asdict(feature) for feature in task_features(histories, main_task(loaded), loaded.features.levels)]
    return pd.DataFrame(rows)[SHOWN].fillna("")


def featurize_at(config: Path, out: Path, dates: Sequence[date]) -> tuple[int, int]:
    """Write `features.parquet` for the dates; gives rows and features."""
    with ingested(config) as histories:
        late = [day for day in dates if day > histories.end]
        if late:
            raise DataError(f"--at {late[0]}: lies after the end of the data {histories.end}; expected a date up to it")
        loaded = load_config(config)
        wanted = task_features(histories, main_task(loaded), loaded.features.levels)
        frame = feature_set(histories, main_task(loaded)).compute(histories, dates).frame
        if loaded.features.levels:
            frame = with_levels(histories, frame, sorted(set(dates)))
    Workspace.at(out).write_frame("features.parquet", frame)
    return len(frame), len(wanted)
