import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from holdfast.errors import DataError, ModelError
from holdfast.tracking import ledger
from holdfast.tracking.connection import connect, experiment_id
from holdfast.tracking.ledger import RecordInput, TaskRecord, record

from .conftest import Trained
from .test_flatten import METRICS

TRIALS = pd.DataFrame(
    {
        "number": [0, 1, 2],
        "value": [0.61, 0.60, float("nan")],
        "params_max_depth": [4, 5, 3],
        "C": [0.01, 0.02, float("nan")],
        "state": ["COMPLETE", "COMPLETE", "FAIL"],
        "seconds": [1.5, 1.25, 0.5],
    }
)


@pytest.fixture
def entry(uri: str, request: pytest.FixtureRequest) -> RecordInput:
    """A run in an experiment of its own, named after the test."""
    return RecordInput(
        uri=uri,
        experiment=request.node.name,
        run_id=request.node.name,
        data_hash="d" * 16,
        code_revision="c0ffee",
        config={"seed": 7, "tasks": {"churn": {"horizon": "60d"}}},
        tasks=(TaskRecord("churn", METRICS, TRIALS),),
        figures={"list/expected_cost": 4999.99, "list/unknown": float("nan")},
    )


def runs_of(entry: RecordInput) -> list:
    client = connect(entry.uri)
    return client.search_runs([experiment_id(client, entry.uri, entry.experiment)], max_results=100)


def test_the_parent_holds_config_metrics_tags_and_files(entry: RecordInput, tmp_path: Path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "roc.png").write_bytes(b"png")
    (tmp_path / "report.html").write_text("<p>")
    result = record(replace(entry, artifacts=(tmp_path / "report.html", tmp_path / "plots")))
    client = connect(entry.uri)
    run = client.get_run(result.parent_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "7", "tasks.churn.horizon": "60d"}
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "churn/auroc")] == [
        (0, 0.74),
        (1, 0.72),
    ]
    assert run.data.metrics["churn/mean/auroc"] == 0.73
    assert run.data.metrics["list/expected_cost"] == 4999.99
    assert "list/unknown" not in run.data.metrics
    assert {run.data.tags[key] for key in ("run_id", "data_hash", "code_revision")} == {
        entry.run_id,
        "d" * 16,
        "c0ffee",
    }
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["plots", "report.html"]
    assert [file.path for file in client.list_artifacts(run.info.run_id, "plots")] == ["plots/roc.png"]


def test_each_trial_is_a_child(entry: RecordInput):
    result = record(entry)
    children = {
        r.info.run_name: r for r in runs_of(entry) if r.data.tags.get("mlflow.parentRunId") == result.parent_run_id
    }
    assert sorted(children) == ["churn trial 000", "churn trial 001", "churn trial 002"]
    assert result.trials == 3
    first, failed = children["churn trial 000"], children["churn trial 002"]
    assert first.data.params == {"max_depth": "4", "C": "0.01"}
    assert first.data.metrics == {"value": 0.61, "seconds": 1.5}
    assert (first.info.status, failed.info.status) == ("FINISHED", "FAILED")
    assert failed.data.metrics == {"seconds": 0.5}


def test_the_same_run_twice_adds_nothing(entry: RecordInput):
    first = record(entry)
    count = len(runs_of(entry))
    second = record(entry)
    assert (first.new, second.new) == (True, False)
    assert second.parent_run_id == first.parent_run_id
    assert len(runs_of(entry)) == count


def test_a_failed_run_is_closed_as_failed_and_does_not_count_as_recorded(entry: RecordInput):
    failed = record(replace(entry, status="FAILED", tasks=()))
    assert connect(entry.uri).get_run(failed.parent_run_id).info.status == "FAILED"
    assert record(entry).new


def test_no_run_stays_open_when_recording_breaks(entry: RecordInput, monkeypatch: pytest.MonkeyPatch):
    def broken(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "_trial_params", broken)
    with pytest.raises(KeyboardInterrupt):
        record(entry)
    assert {run.info.status for run in runs_of(entry)} == {"FAILED"}


def test_what_a_killed_attempt_left_open_is_closed(entry: RecordInput):
    client = connect(entry.uri)
    place = experiment_id(client, entry.uri, entry.experiment)
    orphan = client.create_run(place, tags={"run_id": entry.run_id, "part": "run"}).info.run_id
    other = client.create_run(place, tags={"run_id": "another", "part": "run"}).info.run_id
    assert record(entry).new
    assert client.get_run(orphan).info.status == "KILLED"
    assert client.get_run(other).info.status == "RUNNING"


def test_a_table_of_customers_opens_no_run(entry: RecordInput, tmp_path: Path):
    (tmp_path / "list.csv").write_text("customer_id,rank\nC7,1\n")
    with pytest.raises(DataError, match="customer_id"):
        record(replace(entry, artifacts=(tmp_path,)))
    assert runs_of(entry) == []


def with_model(entry: RecordInput, trained: Trained, task: str, version: str, *, wins: bool = True) -> RecordInput:
    one = TaskRecord(task, METRICS, None, trained.folder, version, wins)
    return replace(entry, run_id=f"{entry.run_id}-{version}", tasks=(one,))


def test_models_are_registered_once_per_content(entry: RecordInput, trained: Trained):
    first = record(with_model(entry, trained, "t_once", "v-one"))
    made = first.models["t_once"]
    assert (made.name, made.version, made.model_version, made.new) == ("holdfast-t_once", "1", "v-one", True)
    assert made.aliases == ("challenger", "champion")
    again = record(replace(with_model(entry, trained, "t_once", "v-one"), run_id="another run"))
    assert (again.models["t_once"].version, again.models["t_once"].new) == ("1", False)
    second = record(with_model(entry, trained, "t_once", "v-two")).models["t_once"]
    assert (second.version, second.aliases) == ("2", ("challenger",))
    tags = connect(entry.uri).get_run(first.parent_run_id).data.tags
    assert tags["model_version"] == tags["model_version.t_once"] == "v-one"


def test_a_model_that_loses_to_the_baselines_is_no_champion(entry: RecordInput, trained: Trained):
    lost = record(with_model(entry, trained, "t_lost", "v-one", wins=False)).models["t_lost"]
    assert lost.aliases == ("challenger",)
    won = record(with_model(entry, trained, "t_lost", "v-two")).models["t_lost"]
    assert won.aliases == ("challenger", "champion")


def test_an_incomplete_model_folder_fails_the_run(entry: RecordInput, trained: Trained, tmp_path: Path):
    shutil.copy(trained.folder / "blend.json", tmp_path)
    broken = with_model(entry, replace(trained, folder=tmp_path), "t_broken", "v")
    with pytest.raises(ModelError, match=r"no features\.json"):
        record(broken)
    assert [run.info.status for run in runs_of(broken)] == ["FAILED"]
