"""Running `holdfast` as a user does: as its own process, on small worlds whose configs are trimmed."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

import holdfast

COMMAND = [sys.executable, "-m", "holdfast.cli"]
SOURCE = Path(holdfast.__file__).resolve().parents[1]
LIMIT_S = 600


def environment(**changes: str) -> dict[str, str]:
    """The variables of a run: this package, no telemetry, two threads unless told otherwise."""
    return {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "2",
        **changes,
    }


def holdfast_command(
    arguments: Sequence[Any], cwd: Path, *, before: Sequence[str] = (), **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run one command in `cwd`; `before` goes in front of it (such as `taskset -c 0`)."""
    return subprocess.run(
        [*before, *COMMAND, *map(str, arguments)], cwd=cwd, env=environment(**changes), capture_output=True,
        text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip


def succeed(arguments: Sequence[Any], cwd: Path, **options: Any) -> str:
    """Run one command that must work; gives what it printed."""
    done = holdfast_command(arguments, cwd, **options)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-3000:]}"
    return done.stdout


def complaint(arguments: Sequence[Any], cwd: Path, code: int, **options: Any) -> str:
    """Run one command that must fail with one clear line and this exit code; gives the line."""
    done = holdfast_command(arguments, cwd, **options)
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr[-3000:]}"
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("holdfast: "), lines[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert "unexpected" not in lines[0], lines[0]
    return lines[0]


def write_config(path: Path, content: dict[str, Any]) -> Path:
    """Write a config."""
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def trimmed(config: Path, change: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """The config of a simulated world with fewer cutoffs and trials, its data named absolutely."""
    content: dict[str, Any] = yaml.safe_load(config.read_text(encoding="utf-8"))
    content["source"]["root"] = str(config.parent.resolve())
    content["cutoffs"] = {"test": 2, "every": "30d", "train": 4, "spacing": "horizon"}
    content["tune"] = {"trials": 2, "timeout_s": 600}
    content["targeting"]["gate_by_indicated"] = True
    content["tracking"] = {"uri": "sqlite:///mlflow.db", "experiment": "test"}
    if change:
        change(content)
    return content


def hashes(folder: Path, patterns: Iterable[str]) -> dict[str, str]:
    """SHA-256 of every file in a run's folder that fits one of the patterns."""
    files = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
