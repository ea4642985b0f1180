"""One real MLflow database and one real model for the whole room: both are slow to make."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.features.feature import Feature
from holdfast.learners.blend import ChurnClassifier
from holdfast.tracking.connection import connect
from holdfast.tracking.pyfunc_model import write_features

FEATURES = (
    Feature("days_since_last_order", "days", "recency", "all", None, "last order {days_since_last_order:.0f} days ago"),
    Feature("orders_90d", "orders", "frequency", "90d", None, "{orders_90d:.0f} orders"),
    Feature("region", "level", "attributes", "all", "market", "lives in {region}", "customers", categorical=True),
)


@dataclass(frozen=True)
class Trained:
    """A fitted model, its folder and the frame it was fitted on."""

    model: ChurnClassifier
    folder: Path
    frame: pd.DataFrame


def raw_frame(rows: int = 240, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    region = np.array(["north", "south", None], dtype=object)[rng.integers(0, 3, rows)]
    days = rng.exponential(40, rows).astype(np.float32)
    days[::17] = np.nan
    return pd.DataFrame(
        {
            "days_since_last_order": days,
            "orders_90d": rng.poisson(2, rows).astype(np.float32),
            "region": pd.Categorical(region),
        }
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    frame = raw_frame()
    noise = np.random.default_rng(4).normal(0, 20, len(frame))
    label = (frame["days_since_last_order"].fillna(30).to_numpy() + noise > 40).astype(int)
    model = ChurnClassifier(n_trees=20).fit(frame, label)
    folder = tmp_path_factory.mktemp("model")
    model.to_files(folder)
    write_features(folder, FEATURES)
    return Trained(model, folder, frame)


@pytest.fixture(scope="session")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a fresh tracking database."""
    address = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'mlflow.db'}"
    connect(address)
    return address
