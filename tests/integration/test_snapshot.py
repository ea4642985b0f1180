"""A snapshot with categories: unseen ones are reported, duplicated profiles stay in one fold, the split is named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import succeed, write_config


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred customers; two plans that one customer each has, and thirty profiles that stand there twice."""
    folder = tmp_path_factory.mktemp("snapshot")
    rng = np.random.default_rng(5)
    n = 300
    people = pd.DataFrame({"plan": rng.choice(["basic", "plus", "pro"], n), "age": rng.integers(18, 80, n),
                           "calls": rng.poisson(2, n)})  # fmt: skip
    people.loc[10, "plan"], people.loc[20, "plan"] = "family", "student"
    people["gone"] = np.where(rng.random(n) < 0.15 + 0.5 * (people["plan"] == "basic"), "Yes", "No")
    people = pd.concat([people, people.iloc[100:130]], ignore_index=True)
    people.insert(0, "id", [f"p{i:04d}" for i in range(len(people))])
    people.to_csv(folder / "people.csv", index=False)
    config: dict[str, Any] = {
        "version": 1,
        "source": {"name": "people", "tables": {"customers": {
            "path": "people.csv", "columns": {"customer_id": "id"}, "attributes": "*"}}},
        "tasks": {"churn": {"kind": "given", "label": "gone", "positive": "Yes"}},
        "tune": {"trials": 0},
    }  # fmt: skip
    write_config(folder / "holdfast.yaml", config)
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], folder)
    return folder / "out"


def test_categories_that_no_training_row_has_are_reported(out: Path) -> None:
    metrics = json.loads((out / "metrics/churn.json").read_text())
    assert metrics["unseen_categories"]["score"] == {"attribute_plan": 2}
    warnings = json.loads((out / "run.json").read_text())["warnings"]
    assert any(word.startswith("attribute_plan: 2 scored customers have a category") for word in warnings)


def test_duplicated_profiles_do_not_straddle_the_split(out: Path) -> None:
    folds = (
        pd.read_parquet(out / "labels/churn.parquet").drop_duplicates("customer_id").set_index("customer_id")["fold"]
    )
    first, second = ([f"p{i:04d}" for i in numbers] for numbers in (range(100, 130), range(300, 330)))
    assert folds[first].tolist() == folds[second].tolist()
    assert folds.nunique() > 1


def test_the_split_is_called_random_and_optimistic(out: Path) -> None:
    assert "random" in json.loads((out / "metrics/churn.json").read_text())["split"]
    assert "optimistic" in (out / "report.html").read_text()
