"""One simulated world and one finished run on it, shared by the integration and model tests of all workers."""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import succeed, trimmed, write_config

CUSTOMERS, MONTHS, SEED = 1200, 18, 7


@dataclass(frozen=True)
class Finished:
    """A finished run: the working folder (with `mlflow.db`), its config, its output folder and its world.

    Tests read it; what changes anything is done on a copy.
    """

    work: Path
    config: Path
    out: Path
    world: Path


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first worker makes while the others wait."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / f"{name}.done").exists():
            (root / name).mkdir()
            make(root / name)
            (root / f"{name}.done").touch()
    return root / name


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        succeed(["simulate", "-n", CUSTOMERS, "--months", MONTHS, "--seed", SEED, "-o", "world"], folder)

    return once(tmp_path_factory, "simulated", make) / "world"


@pytest.fixture(scope="session")
def finished(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An unbroken run with two threads."""

    def make(work: Path) -> None:
        write_config(work / "holdfast.yaml", trimmed(world / "holdfast.yaml"))
        succeed(["run", "-c", "holdfast.yaml", "-o", "out"], work)

    work = once(tmp_path_factory, "unbroken", make)
    return Finished(work, work / "holdfast.yaml", work / "out", world)
