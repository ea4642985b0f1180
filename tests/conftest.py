"""One simulated world and one finished run on it, shared by the integration and model tests.

Tests that ask for them carry `xdist_group("world")`, so that one worker makes them once.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import succeed, trimmed, write_config

CUSTOMERS, MONTHS, SEED = 1200, 18, 7


@dataclass(frozen=True)
class Finished:
    """A finished run: the working folder (with `mlflow.db`), its config, its output folder and its world."""

    work: Path
    config: Path
    out: Path
    world: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "world"
    succeed(["simulate", "-n", CUSTOMERS, "--months", MONTHS, "--seed", SEED, "-o", folder], folder.parent)
    return folder


@pytest.fixture(scope="session")
def finished(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An unbroken run with two threads."""
    work = tmp_path_factory.mktemp("unbroken")
    config = write_config(work / "holdfast.yaml", trimmed(world / "holdfast.yaml"))
    succeed(["run", "-c", config, "-o", "out"], work)
    return Finished(work, config, work / "out", world)
