"""Same in, same out: one thread and two write the same bytes, and so does a run that was killed again and again."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pandas as pd
from command_line import COMMAND, environment, hashes, succeed
from conftest import Finished

RESULT = ("features*.parquet", "predictions/*", "lists/*")
KILLED_AFTER = ("ingest", "label@loyalty", "tune@churn", "train@churn", "evaluate@churn", "value", "target", "report")
PATIENCE_S = 300


def test_one_thread_and_two_write_the_same_bytes(finished: Finished, tmp_path: Path) -> None:
    """The unbroken run had two threads; this one has one processor and one thread."""
    one = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    succeed(["run", "-c", finished.config, "-o", "out"], tmp_path, before=one, OMP_NUM_THREADS="1")
    expected = hashes(finished.out, RESULT)
    assert len(expected) >= 8
    assert hashes(tmp_path / "out", RESULT) == expected


def test_a_killed_run_continues_to_the_same_bytes(finished: Finished, tmp_path: Path) -> None:
    """Killed soon after each of several stages has ended, so in the middle of the next one."""
    out = tmp_path / "out"
    for moment, stage in enumerate(KILLED_AFTER):
        kill_after(finished.config, tmp_path, out / f".holdfast/{stage}.json", wait=0.15 * (moment % 4))
        assert_whole(out)
    succeed(["run", "-c", finished.config, "-o", "out"], tmp_path)
    assert hashes(out, ("predictions/*", "lists/*")) == hashes(finished.out, ("predictions/*", "lists/*"))
    assert not [path for path in out.rglob("*") if path.name.startswith(".aside")]
    with sqlite3.connect(tmp_path / "mlflow.db") as ledger:
        runs = ledger.execute("SELECT name, status FROM runs").fetchall()
        versions = ledger.execute("SELECT name, count(*) FROM model_versions GROUP BY name").fetchall()
    assert not [run for run in runs if run[1] == "RUNNING"]
    assert len([run for run in runs if run[1] == "FINISHED" and run[0].startswith("run ")]) == 1
    assert dict(versions) == {"holdfast-churn": 1, "holdfast-loyalty": 1}


def test_killed_while_recording_leaves_one_finished_run(finished: Finished, tmp_path: Path) -> None:
    """The ledger is outside the folder: a kill in the middle of writing it must not double or orphan anything."""
    copied = tmp_path / "out"
    subprocess.run(["cp", "-r", str(finished.out), str(copied)], check=True)
    (copied / ".holdfast/record.json").unlink()
    (copied / "record.json").unlink()
    for wait in (0.0, 1.0):
        with running(finished.config, tmp_path) as process:
            wait_for(lambda: started_runs(tmp_path / "mlflow.db"), process)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
    succeed(["run", "-c", finished.config, "-o", "out"], tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as ledger:
        runs = ledger.execute("SELECT name, status FROM runs").fetchall()
        metric_rows = ledger.execute(
            "SELECT count(*) FROM (SELECT run_uuid, key, step FROM metrics GROUP BY 1, 2, 3 HAVING count(*) > 1)"
        ).fetchone()
    assert not [run for run in runs if run[1] == "RUNNING"], runs
    assert len([run for run in runs if run[1] == "FINISHED" and run[0].startswith("run ")]) == 1
    assert metric_rows == (0,)


def running(config: Path, cwd: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*COMMAND, "run", "-c", str(config), "-o", "out"], cwd=cwd, env=environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill_after(config: Path, cwd: Path, manifest: Path, wait: float) -> None:
    with running(config, cwd) as process:
        wait_for(manifest.exists, process)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)


def wait_for(happened, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE_S
    while not happened() and process.poll() is None:
        assert time.monotonic() < until, "the moment to kill never came"
        time.sleep(0.01)


def started_runs(ledger: Path) -> bool:
    """Whether a run is being written."""
    if not ledger.is_file():
        return False
    try:
        with sqlite3.connect(ledger, timeout=0.1) as connection:
            return connection.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'").fetchone()[0] > 0
    except sqlite3.OperationalError:  # the tables are being made
        return False


def assert_whole(out: Path) -> None:
    """Every visible file can be read: nothing is half written."""
    for path in out.rglob("*"):
        hidden = any(part.startswith(".aside") for part in path.relative_to(out).parts)
        if path.is_file() and not hidden and path.name != "lock":
            if path.suffix == ".parquet":
                pd.read_parquet(path)
            elif path.suffix in {".json", ".ubj"}:
                assert path.stat().st_size > 0, path
                if path.suffix == ".json":
                    json.loads(path.read_text())
            elif path.suffix == ".html":
                assert path.read_text().rstrip().endswith("</html>")
