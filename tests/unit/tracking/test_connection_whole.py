"""The ledger appears whole or not at all, and looking something up makes none."""

import fcntl
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from holdfast.tracking.connection import connect, require_existing, require_reachable

OPEN = "import sys; from holdfast.tracking.connection import connect; connect(sys.argv[1])"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database made where an earlier process was killed: its half-made one lies aside."""
    folder = tmp_path_factory.mktemp("ledger")
    (folder / ".aside-mlflow.db").write_bytes(b"half of it")
    connect(f"sqlite:///{folder}/mlflow.db")
    return folder / "mlflow.db"


def tables(database: Path) -> set[str]:
    with sqlite3.connect(database) as ledger:
        return {name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_what_a_killed_process_left_is_replaced(made: Path) -> None:
    assert {"runs", "metrics", "registered_models", "alembic_version"} <= tables(made)
    assert [path.name for path in made.parent.iterdir() if path.is_file()] == ["mlflow.db"]


def test_a_ledger_that_is_there_is_not_made_again(made: Path) -> None:
    number = made.stat().st_ino
    client = connect(f"sqlite:///{made}")
    name = client.create_experiment("kept")
    connect(f"sqlite:///{made}")
    assert made.stat().st_ino == number
    assert connect(f"sqlite:///{made}").get_experiment(name).name == "kept"


def waits_for_a_lock(process: int) -> bool:
    """Whether the kernel lists the process among those that wait for a lock."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any(words[1] == "->" and str(process) in words for words in map(str.split, lines))


def test_who_comes_second_waits_and_takes_what_the_first_made(made: Path, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # this process is making it
    command = [sys.executable, "-c", OPEN, f"sqlite:///{tmp_path}/mlflow.db"]
    second = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        while second.poll() is None and not waits_for_a_lock(second.pid):
            time.sleep(0.05)
        assert second.poll() is None, "it went on without waiting"
        assert not (tmp_path / "mlflow.db").exists()
        (tmp_path / "part").write_bytes(made.read_bytes())
        (tmp_path / "part").rename(tmp_path / "mlflow.db")
        number = (tmp_path / "mlflow.db").stat().st_ino
    finally:
        os.close(folder)
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0, said[-500:]
    assert (tmp_path / "mlflow.db").stat().st_ino == number
    assert not (tmp_path / ".aside-mlflow.db").exists()


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("notes of a meeting, which nobody wants to lose")
    with pytest.raises(ConfigError, match=r"^tracking\.uri: cannot use") as raised:
        connect(f"sqlite:///{tmp_path}/mlflow.db")
    assert "\n" not in str(raised.value)
    assert (tmp_path / "mlflow.db").read_text().startswith("notes")


def test_only_an_absent_file_is_refused(made: Path) -> None:
    require_existing(f"sqlite:///{made}")
    require_existing("http://tracker:5000")  # a server is asked later


@pytest.mark.parametrize("uri", ["sqlite:///x/mlflow.db", "mlruns", "file:///x", "databricks", "http://", "ftp://h:1"])
def test_only_a_server_is_asked_whether_it_answers(uri: str) -> None:
    require_reachable(uri)


def test_a_name_that_nobody_knows_does_not_answer() -> None:
    with pytest.raises(ConfigError, match=r"tracking\.uri: 'http://nowhere\.invalid:5000' does not answer") as raised:
        require_reachable("http://nowhere.invalid:5000")
    assert "\n" not in str(raised.value)
    assert "sqlite:///mlflow.db" in str(raised.value)
