import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.errors import ConfigError, HoldfastError, ModelError
from holdfast.tracking.connection import (
    artifact_folder,
    connect,
    experiment_id,
    plain_errors,
    require_existing,
    require_reachable,
    resolve_uri,
)


def test_relative_databases_lie_beside_the_config(tmp_path: Path):
    resolved = resolve_uri("sqlite:///mlflow.db", tmp_path)
    assert resolved == f"sqlite:///{tmp_path}/mlflow.db"
    assert resolve_uri(resolved, Path("/elsewhere")) == resolved
    assert artifact_folder(resolved) == tmp_path / "mlartifacts"
    assert artifact_folder("http://tracker:5000") is None


@pytest.mark.parametrize("uri", ["nonsense://x", "./mlruns"])
def test_an_unusable_address_is_one_clear_line(uri: str):
    with pytest.raises(ConfigError, match=r"^tracking\.uri: cannot use .* for example sqlite") as raised:
        connect(uri)
    assert "\n" not in str(raised.value)


def test_a_database_in_a_new_folder_leaves_no_trace_elsewhere(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    client = connect(uri)
    place = client.get_experiment(experiment_id(client, uri, "elsewhere")).artifact_location
    assert place == (artifact_folder(uri) or Path()).as_uri()
    assert list(tmp_path.iterdir()) == []
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_deleted_experiment_is_brought_back(uri: str):
    client = connect(uri)
    first = experiment_id(client, uri, "gone")
    client.delete_experiment(first)
    assert experiment_id(client, uri, "gone") == first
    assert client.get_experiment(first).lifecycle_stage == "active"


def test_mlflows_errors_become_one_line(uri: str):
    client = connect(uri)
    with pytest.raises(HoldfastError, match=r"^look up: MLflow refused \("), plain_errors("look up"):
        client.get_run("0" * 32)


def test_looking_something_up_makes_no_database(tmp_path: Path):
    address = f"sqlite:///{tmp_path}/none.db"
    with pytest.raises(ModelError, match="no such database"):
        require_existing(address)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_refused_before_the_work():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        with pytest.raises(ConfigError, match="does not answer"):
            require_reachable(f"http://127.0.0.1:{taken.getsockname()[1]}")
        taken.listen()
        require_reachable(f"http://127.0.0.1:{taken.getsockname()[1]}")
    require_reachable("sqlite:///anywhere.db")


def test_two_processes_may_make_the_ledger_at_once(tmp_path: Path):
    code = "import sys; from holdfast.tracking.connection import connect; connect(sys.argv[1]).search_experiments()"
    address = f"sqlite:///{tmp_path}/mlflow.db"
    running = [subprocess.Popen([sys.executable, "-c", code, address], stderr=subprocess.PIPE) for _ in range(2)]
    for one in running:
        _, said = one.communicate(timeout=120)
        assert one.returncode == 0, said[-500:]
    assert not list(tmp_path.glob(".aside-*"))
    assert connect(address).search_experiments()
