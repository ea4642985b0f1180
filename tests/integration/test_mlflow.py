"""The road of a user of the registry: record here, load elsewhere with plain MLflow, compare to the bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import holdfast
from holdfast.features.feature import Feature
from holdfast.learners.blend import ChurnClassifier
from holdfast.tracking.connection import artifact_folder, resolve_uri
from holdfast.tracking.ledger import RecordInput, TaskRecord, record
from holdfast.tracking.pyfunc_model import write_features

CANARY = "canary.bird@example.com"
N = 300
LOAD = """
import sys
import mlflow.pyfunc
import pandas as pd
raw = pd.read_parquet(sys.argv[1])
scores = mlflow.pyfunc.load_model("models:/holdfast-churn@champion").predict(raw)
pd.DataFrame({"score": scores}).to_parquet(sys.argv[2])
"""


def features_frame() -> pd.DataFrame:
    """What `features.parquet` holds: keys, float32 numbers, pandas categories with a missing value."""
    rng = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in range(N)],
            "cutoff": pd.Timestamp("2011-10-01"),
            "days_since_last_order": rng.exponential(50, N).astype(np.float32),
            "orders_90d": rng.poisson(3, N).astype(np.float32),
            "country": pd.Categorical(np.array(["UK", "France", None], dtype=object)[rng.integers(0, 3, N)]),
        }
    )


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def recorded(work: Path) -> tuple[RecordInput, pd.DataFrame, np.ndarray]:
    frame = features_frame()
    inputs = frame.drop(columns=["customer_id", "cutoff"])
    label = (inputs["days_since_last_order"] + 20 * inputs["country"].isna() > 50).astype(int)
    model = ChurnClassifier(n_trees=25).fit(inputs, label).shifted(0.125)
    model.to_files(work / "models" / "churn")
    listed = (
        Feature("days_since_last_order", "days", "recency", "all", None, "last order"),
        Feature("orders_90d", "orders", "frequency", "90d", None, "orders"),
        Feature("country", "level", "attributes", "all", "market", "country", "customers", categorical=True),
    )
    write_features(work / "models" / "churn", listed)
    (work / "report.html").write_text("<!doctype html><title>report</title>", encoding="utf-8")
    trials = pd.DataFrame({"number": [0], "value": [0.6], "max_depth": [4], "state": ["COMPLETE"], "seconds": [1.0]})
    metrics = {"cutoffs": [{"cutoff": "2011-08-01", "auroc": 0.8}], "mean": {"auroc": 0.8}}
    run = RecordInput(
        uri=resolve_uri("sqlite:///mlflow.db", work),
        experiment="holdfast",
        run_id="run-1",
        data_hash="abc",
        code_revision="def",
        config={"source": {"root": "data", "contact": CANARY}},
        tasks=(TaskRecord("churn", metrics, trials, work / "models" / "churn", "v1", beats_baselines=True),),
        artifacts=(work / "report.html",),
    )
    result = record(run)
    assert result.models["churn"].aliases == ("challenger", "champion")
    return run, frame, model.predict_proba(inputs)[:, 1]


def test_the_champion_gives_the_lists_scores_in_a_fresh_process(recorded, work: Path, tmp_path: Path):
    run, frame, expected = recorded
    frame.to_parquet(tmp_path / "features.parquet")
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": run.uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONPATH": str(Path(holdfast.__file__).parents[1]),
    }
    command = [sys.executable, "-c", LOAD, "features.parquet", "scores.parquet"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    np.testing.assert_array_equal(pd.read_parquet(tmp_path / "scores.parquet")["score"].to_numpy(), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.parquet", "scores.parquet"]


def test_neither_ids_nor_addresses_reach_the_ledger(recorded, work: Path):
    run, frame, _ = recorded
    folder = artifact_folder(run.uri)
    assert folder is not None
    written = [work / "mlflow.db", *(path for path in folder.rglob("*") if path.is_file())]
    assert len(written) > 5
    for path in written:
        content = path.read_bytes()
        assert CANARY.encode() not in content, path
        assert not any(customer.encode() in content for customer in frame["customer_id"].iloc[:20]), path


def test_the_model_lies_beside_the_database_as_plain_files(recorded, work: Path):
    run, _, _ = recorded
    files = {path.name for path in (artifact_folder(run.uri) or Path()).rglob("*")}
    assert {"MLmodel", "requirements.txt", "blend.json", "boosting.ubj", "features.json", "report.html"} <= files
    assert not any(name.endswith((".pkl", ".pickle", ".joblib")) for name in files)
    stored = next((artifact_folder(run.uri) or Path()).rglob("features.json"))
    assert [one["name"] for one in json.loads(stored.read_text())["features"]][-1] == "country"
