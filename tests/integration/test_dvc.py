"""DVC walks the same stages over params.yaml: in a repository of its own, on a small world."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command_line import environment, succeed, trimmed, write_config

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = (
    "src",
    "pipelines",
    "dvc.yaml",
    "pyproject.toml",
    ".dvcignore",
    ".gitignore",
    ".dvc/config",
    "models/README.md",
)
DVC = Path(sys.executable).with_name("dvc")

pytestmark = [
    pytest.mark.skipif(not DVC.exists(), reason=f"DVC is not installed beside {sys.executable}"),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed; DVC experiments need it"),
]


def command(arguments: list[str], cwd: Path) -> str:
    env = environment(PYTHONPATH=str(cwd / "src"), DVC_NO_ANALYTICS="true", GIT_AUTHOR_NAME="t", GIT_AUTHOR_EMAIL="t@t",
                      GIT_COMMITTER_NAME="t", GIT_COMMITTER_EMAIL="t@t", PYTHONDONTWRITEBYTECODE="1")  # fmt: skip
    done = subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def stages_run(printed: str) -> set[str]:
    """Names of the stages that DVC ran (not those that it skipped or restored)."""
    return set(re.findall(r"Running stage '([^']+)'", printed))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code under git and DVC with a world of 400 customers, reproduced once."""
    folder = tmp_path_factory.mktemp("dvc") / "clone"
    folder.mkdir()
    for part in PARTS:
        source, target = REPOSITORY / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        elif source.is_file():
            shutil.copy(source, target)
    succeed(["simulate", "-n", "400", "--months", "15", "-o", "data/world"], folder)
    content = trimmed(folder / "data/world/holdfast.yaml")
    content["source"]["root"] = "data/world"
    content["cutoffs"] |= {"test": 1, "train": 2}
    content["tune"]["trials"] = 2
    content["checks"] = {"max_single_feature_auroc": 1.0, "allow": []}
    write_config(folder / "params.yaml", content)
    command(["git", "init", "-q"], folder)
    command([str(DVC), "init", "-q", "-f"], folder)
    command(["git", "add", "-A"], folder)
    command(["git", "commit", "-q", "-m", "start"], folder)
    command([str(DVC), "repro"], folder)
    command(["git", "add", "-A"], folder)
    command(["git", "commit", "-q", "-m", "reproduced"], folder)
    return folder


def test_the_road_is_walked(repository: Path) -> None:
    for name in ("run.json", "report.html", "lists/retention.parquet", "predictions/churn.parquet", "record.json"):
        assert (repository / "data/run" / name).is_file(), name
    assert (repository / "models/churn/final/blend.json").is_file()
    assert (repository / "mlflow.db").is_file()
    ignored = command(["git", "status", "--porcelain"], repository)
    assert not ignored.strip(), "what DVC and MLflow write is ignored by git or committed"


def test_a_second_repro_runs_nothing(repository: Path) -> None:
    printed = command([str(DVC), "repro"], repository)
    assert stages_run(printed) == set()
    assert "up to date" in printed


def test_one_tasks_parameters_rerun_that_task_only(repository: Path) -> None:
    """As an experiment, which is also how `-S` is tried."""
    printed = command([str(DVC), "exp", "run", "-n", "often", "-S", "tasks.loyalty.min_active_periods=1"], repository)
    ran = stages_run(printed)
    assert {"label@loyalty", "evaluate@loyalty", "report", "record"} <= ran
    assert not [name for name in ran if name.endswith("@churn")], ran
    assert not ran & {"ingest", "value"}
    assert "often" in command([str(DVC), "exp", "list"], repository)


@pytest.mark.slow
def test_an_experiment_with_another_setting(repository: Path) -> None:
    printed = command([str(DVC), "exp", "run", "-S", "tune.trials=0"], repository)
    ran = stages_run(printed)
    assert {"tune@churn", "tune@loyalty"} <= ran
    assert not [name for name in ran if name.startswith(("ingest", "label", "featurize"))], ran
    assert str(yaml.safe_load((repository / "params.yaml").read_text())["tune"]["trials"]) == "0"
    assert os.path.getsize(repository / "data/run/tune/churn_trials.csv") < 500
    assert command([str(DVC), "exp", "list"], repository).strip()
