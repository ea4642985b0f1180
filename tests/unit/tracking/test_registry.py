from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import HoldfastError, ModelError
from holdfast.tracking.connection import connect
from holdfast.tracking.ledger import RecordInput, TaskRecord, record
from holdfast.tracking.models import find_version, pinned_requirements
from holdfast.tracking.registry import fetch_model, find_model, load_scorer, model_files, promote

from .conftest import Trained
from .test_gate import GOOD


def register(uri: str, trained: Trained, task: str, version: str, *, wins: bool = True) -> str:
    one = TaskRecord(task, {}, None, trained.folder, version, wins)
    return record(RecordInput(uri, "registry", f"{task}-{version}", "d", "c", {}, (one,))).models[task].version


def aliases(uri: str, task: str) -> dict[str, str]:
    found = {name: find_model(task, uri=uri, alias=name) for name in ("champion", "challenger", "previous_champion")}
    return {name: model.model_version for name, model in found.items() if model is not None}


def test_promotion_refusal_and_rollback_move_the_right_aliases(uri: str, trained: Trained):
    register(uri, trained, "p_move", "one")
    register(uri, trained, "p_move", "two")
    refused = promote("p_move", uri=uri, gate={**GOOD, "recipe": "changed"}, experiment="registry")
    assert not refused.promoted
    assert "must be better" in refused.reason
    assert aliases(uri, "p_move") == {"champion": "one", "challenger": "two"}
    done = promote("p_move", uri=uri, gate=GOOD, experiment="registry")
    assert (done.promoted, done.champion, done.previous) == (True, "2", "1")
    assert aliases(uri, "p_move") == {"champion": "two", "challenger": "two", "previous_champion": "one"}
    back = promote("p_move", uri=uri, rollback=True, experiment="registry")
    assert back.promoted
    assert aliases(uri, "p_move") == {"champion": "one", "challenger": "two", "previous_champion": "two"}


def test_the_decision_is_logged_with_its_figures(uri: str, trained: Trained):
    register(uri, trained, "p_log", "one")
    register(uri, trained, "p_log", "two")
    decision = promote("p_log", uri=uri, gate=GOOD, experiment="registry")
    client = connect(uri)
    run = client.get_run(decision.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["p_log/gate/low"] == GOOD["low"]
    assert run.data.params == {"gate.recipe": "refresh", "gate.metric": "average_precision"}
    assert run.data.tags["decision"] == "promoted"
    assert (run.data.tags["champion_before"], run.data.tags["candidate"]) == ("1", "2")
    assert client.get_model_version("holdfast-p_log", "2").tags["promotion_reason"] == decision.reason


def test_a_champion_is_not_promoted_over_itself(uri: str, trained: Trained):
    register(uri, trained, "p_self", "one")
    decision = promote("p_self", uri=uri, gate=GOOD, experiment="registry")
    assert not decision.promoted
    assert "already" in decision.reason
    assert aliases(uri, "p_self") == {"champion": "one", "challenger": "one"}


def test_without_a_champion_the_baselines_decide(uri: str, trained: Trained):
    register(uri, trained, "p_first", "one", wins=False)
    assert not promote("p_first", uri=uri, gate={"beats_baselines": False}, experiment="registry").promoted
    assert promote("p_first", uri=uri, gate={"beats_baselines": True}, experiment="registry").promoted
    assert aliases(uri, "p_first") == {"champion": "one", "challenger": "one"}


def test_nothing_to_promote_or_to_roll_back_to_is_said(uri: str, trained: Trained):
    with pytest.raises(ModelError, match="no challenger"):
        promote("p_never", uri=uri, gate=GOOD)
    register(uri, trained, "p_lonely", "one")
    with pytest.raises(ModelError, match="no previous champion"):
        promote("p_lonely", uri=uri, rollback=True)
    assert find_model("p_never", uri=uri) is None


def test_a_fetched_model_scores_to_the_bit_and_has_a_signature(uri: str, trained: Trained):
    register(uri, trained, "p_load", "one")
    loaded = load_scorer("models:/holdfast-p_load@champion", uri=uri)
    np.testing.assert_array_equal(loaded.predict(trained.frame), trained.model.predict_proba(trained.frame)[:, 1])
    inputs = loaded.metadata.get_input_schema()
    assert [(one.name, str(one.type)) for one in inputs] == [
        ("days_since_last_order", "DataType.double"),
        ("orders_90d", "DataType.double"),
        ("region", "Any"),
    ]
    files = model_files(fetch_model("models:/holdfast-p_load/1", uri=uri))
    assert (files / "boosting.ubj").read_bytes() == (trained.folder / "boosting.ubj").read_bytes()


def test_the_environment_is_pinned_without_hosts(uri: str, trained: Trained):
    register(uri, trained, "p_pins", "one")
    pins = (fetch_model("models:/holdfast-p_pins/1", uri=uri) / "requirements.txt").read_text().splitlines()
    assert set(pinned_requirements()) <= set(pins)
    assert all("==" in pin and "://" not in pin for pin in pins)
    assert {"numpy", "pandas", "scikit-learn"} <= {pin.split("==")[0] for pin in pins}


@pytest.mark.parametrize("address", ["holdfast-churn", "models:/holdfast-churn", "runs:/1/model"])
def test_a_malformed_address_is_refused(uri: str, address: str):
    with pytest.raises(ModelError, match="expected models:/holdfast-churn@champion"):
        fetch_model(address, uri=uri)


def test_an_unknown_model_is_refused_in_one_line(uri: str):
    with pytest.raises(ModelError, match="no such model"):
        fetch_model("models:/holdfast-nothing@champion", uri=uri)
    with pytest.raises(HoldfastError, match="MLflow refused"):
        fetch_model("models:/holdfast-nothing/9", uri=uri)
    assert find_version(connect(uri), "holdfast-nothing", "x") is None


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="not a holdfast model"):
        model_files(tmp_path)
