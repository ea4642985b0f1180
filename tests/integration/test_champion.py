"""What the registry gives to a user with plain MLflow is what the list holds, to the bit."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import environment
from conftest import Finished

LOAD = """
import sys
import mlflow.pyfunc
import pandas as pd
frame = pd.read_parquet(sys.argv[1])
task, out = sys.argv[2:4]
model = mlflow.pyfunc.load_model(f"models:/holdfast-{task}@champion")
pd.DataFrame({"score": model.predict(frame), "backwards": model.predict(frame.iloc[::-1])[::-1]}).to_parquet(out)
"""


@pytest.mark.parametrize(
    ("task", "features", "column"),
    [("churn", "features.parquet", "p_churn"), ("loyalty", "features_loyalty.parquet", "p_loyal")],
)
def test_the_champion_gives_the_scores_of_the_list(
    finished: Finished, tmp_path: Path, task: str, features: str, column: str
) -> None:
    listed = pd.read_parquet(finished.out / "lists/retention.parquet").set_index("customer_id")
    known = pd.read_parquet(finished.out / features)
    assert (known.dtypes == "category").any(), "categories come back from the file"
    raw = known[known["cutoff"] == listed["cutoff"].iloc[0]]
    raw = raw[raw["customer_id"].isin(listed.index)]
    raw.to_parquet(tmp_path / "features.parquet")
    done = subprocess.run(
        [sys.executable, "-c", LOAD, "features.parquet", task, "scores.parquet"], cwd=tmp_path, capture_output=True,
        env=environment(MLFLOW_TRACKING_URI=f"sqlite:///{finished.work / 'mlflow.db'}"), text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    expected = listed[column].reindex(raw["customer_id"]).to_numpy()
    assert len(expected) > 100
    assert not np.isnan(expected).any()
    np.testing.assert_array_equal(scores["score"].to_numpy(), expected)
    np.testing.assert_array_equal(scores["backwards"].to_numpy(), expected)
