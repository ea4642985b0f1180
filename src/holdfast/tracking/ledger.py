"""Writes one finished run into MLflow: a parent run, a child per trial, the registered models.

DVC's outputs are the truth; this is the book in which they are listed. Learning code never comes here.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from holdfast.tracking.connection import connect, experiment_id, plain_errors
from holdfast.tracking.flatten import check_public, flatten, metric_name, metric_points, redact
from holdfast.tracking.models import (
    CHALLENGER,
    CHAMPION,
    GATE_TAG,
    ModelVersion,
    describe,
    holder,
    register,
    registered_name,
)

_PARAMS_AT_ONCE = 100
_METRICS_AT_ONCE = 1000
_NOT_PARAMS = frozenset({"number", "value", "state", "seconds", "task"})
_TRIAL_STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}


@dataclass(frozen=True)
class TaskRecord:
    """What one task of a run hands to the ledger.

    Parameters
    ----------
    task : str
        ``churn``, ``loyalty`` …
    metrics : mapping
        Content of `metrics/<task>.json`.
    trials : pandas.DataFrame or None
        One row per Optuna trial: `number, value, state, seconds` and one column per parameter (`params_` is cut off).
    model_dir : Path or None
        Folder of the model that scored the list; None registers nothing.
    model_version : str
        holdfast's version of the model's content.
    beats_baselines : bool
        Lets the model become champion where there is none yet.
    gate : mapping
        Figures for `holdfast.tracking.gate.decide` against the present champion; kept with the version for `promote`.
    """

    task: str
    metrics: Mapping[str, Any]
    trials: pd.DataFrame | None = None
    model_dir: Path | None = None
    model_version: str = ""
    beats_baselines: bool = False
    gate: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordInput:
    """A run to be recorded.

    Parameters
    ----------
    uri : str
        Tracking address; relative SQLite paths are resolved by the caller (`resolve_uri`).
    experiment : str
        Name of the experiment.
    run_id : str
        holdfast's id of the run, derived from config, data and code.
    data_hash, code_revision : str
        Where the run came from.
    config : mapping
        The resolved config.
    tasks : sequence of TaskRecord
        In any order.
    artifacts : sequence of Path
        Report, plots, summaries; folders are walked. Customer tables are refused.
    status : str
        ``FINISHED`` or ``FAILED``.
    figures : mapping
        Further figures of the run as a whole (list length, cost …).
    """

    uri: str
    experiment: str
    run_id: str
    data_hash: str
    code_revision: str
    config: Mapping[str, Any]
    tasks: Sequence[TaskRecord] = ()
    artifacts: Sequence[Path] = ()
    status: Literal["FINISHED", "FAILED"] = "FINISHED"
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordResult:
    """What the ledger wrote.

    Parameters
    ----------
    parent_run_id, experiment_id : str
        MLflow's own ids.
    models : dict of str to ModelVersion
        Registered version by task.
    trials : int
        Child runs under the parent.
    new : bool
        False when this run was in the ledger already and nothing was added.
    """

    parent_run_id: str
    experiment_id: str
    models: dict[str, ModelVersion]
    trials: int
    new: bool


def record(run: RecordInput) -> RecordResult:
    """Write a run into MLflow; the same run twice adds nothing.

    Parameters
    ----------
    run : RecordInput
        The run with its tasks and files.

    Returns
    -------
    RecordResult

    Raises
    ------
    ConfigError
        When the tracking address cannot be used.
    DataError
        When an artifact could hold customer ids; nothing of the run is left open.
    ModelError
        When a model folder is incomplete.
    """
    client = connect(run.uri)
    with plain_errors(f"run {run.run_id} in {redact(run.uri)}"):
        experiment = experiment_id(client, run.uri, run.experiment)
        parent = _recorded(client, experiment, run.run_id)
        if parent is not None:
            return RecordResult(parent, experiment, _register(client, experiment, parent, run), _n_trials(run), False)
        files = [found for path in run.artifacts for found in _files(path)]
        _close_orphans(client, experiment, run.run_id)
        with _open_run(client, experiment, f"run {run.run_id[:12]}", _tags(run), run.status) as parent:
            _write(client, experiment, parent, run, files)
            models = _register(client, experiment, parent, run)
    return RecordResult(parent, experiment, models, _n_trials(run), True)


def _recorded(client: Any, experiment: str, run_id: str) -> str | None:
    """Find the parent run that holds this run already."""
    found = client.search_runs([experiment], f"tags.run_id = '{run_id}' and tags.part = 'run' and status = 'FINISHED'")
    return str(found[0].info.run_id) if found else None


def _close_orphans(client: Any, experiment: str, run_id: str) -> None:
    """End what a killed attempt to record this run left open."""
    for orphan in client.search_runs([experiment], f"tags.run_id = '{run_id}' and status = 'RUNNING'"):
        client.set_terminated(orphan.info.run_id, "KILLED")


@contextmanager
def _open_run(client: Any, experiment: str, name: str, tags: Mapping[str, str], status: str) -> Iterator[str]:
    """Open a run that is closed whatever happens: with `status`, or as FAILED when the block does not finish."""
    opened = str(client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id)
    ended = "FAILED"
    try:
        yield opened
        ended = status
    finally:
        client.set_terminated(opened, ended)


def _write(
    client: Any, experiment: str, parent: str, run: RecordInput, files: Sequence[tuple[Path, str | None]]
) -> None:
    _log(client, parent, flatten(run.config), _points(run))
    for file, folder in files:
        client.log_artifact(parent, str(file), folder)
    for one in run.tasks:
        if one.trials is not None:
            _write_trials(client, experiment, parent, run.run_id, one.task, one.trials)


def _write_trials(client: Any, experiment: str, parent: str, run_id: str, task: str, trials: pd.DataFrame) -> None:
    for trial in trials.to_dict("records"):
        number, state = int(trial["number"]), str(trial.get("state", "COMPLETE")).rsplit(".", 1)[-1].upper()
        tags = {"mlflow.parentRunId": parent, "run_id": run_id, "part": "trial", "task": task, "state": state}
        status = _TRIAL_STATUS.get(state, "KILLED")
        with _open_run(client, experiment, f"{task} trial {number:03d}", tags, status) as child:
            _log(client, child, _trial_params(trial), _trial_points(trial))


def _register(client: Any, experiment: str, parent: str, run: RecordInput) -> dict[str, ModelVersion]:
    """Register each task's model: always `challenger`; `champion` where there is none and the baselines are beaten."""
    models: dict[str, ModelVersion] = {}
    for one in run.tasks:
        if one.model_dir is None or run.status != "FINISHED":
            continue
        name, tags = registered_name(one.task), {**_origin(run), "task": one.task}
        made = register(
            client, task=one.task, model_dir=one.model_dir, model_version=one.model_version, run_id=parent,
            experiment=experiment, tags=tags,
        )  # fmt: skip
        client.set_registered_model_alias(name, CHALLENGER, made.version)
        client.set_model_version_tag(name, made.version, GATE_TAG, json.dumps(dict(one.gate), sort_keys=True))
        if one.beats_baselines and holder(client, name, CHAMPION) is None:
            client.set_registered_model_alias(name, CHAMPION, made.version)
        models[one.task] = describe(client, name, made.version, new=made.new)
    return models


def _log(client: Any, run_id: str, params: Mapping[str, str], points: Sequence[tuple[str, float, int]]) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    pairs = [Param(key, value) for key, value in params.items()]
    metrics = [Metric(name, value, now, step) for name, value, step in points]
    for start in range(0, len(pairs), _PARAMS_AT_ONCE):
        client.log_batch(run_id, params=pairs[start : start + _PARAMS_AT_ONCE])
    for start in range(0, len(metrics), _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_AT_ONCE])


def _points(run: RecordInput) -> list[tuple[str, float, int]]:
    points = [(metric_name(key), float(value), 0) for key, value in run.figures.items() if math.isfinite(value)]
    return points + [point for one in run.tasks for point in metric_points(one.task, one.metrics)]


def _trial_params(trial: Mapping[Any, Any]) -> dict[str, str]:
    chosen = {str(key).removeprefix("params_"): value for key, value in trial.items() if key not in _NOT_PARAMS}
    return flatten({key: value for key, value in chosen.items() if not pd.isna(value)})


def _trial_points(trial: Mapping[Any, Any]) -> list[tuple[str, float, int]]:
    numbers = {key: trial[key] for key in ("value", "seconds") if trial.get(key) is not None}
    return [(key, float(number), 0) for key, number in numbers.items() if math.isfinite(number)]


def _origin(run: RecordInput) -> dict[str, str]:
    return {"run_id": run.run_id, "data_hash": run.data_hash, "code_revision": run.code_revision}


def _tags(run: RecordInput) -> dict[str, str]:
    """Tags of the parent; `model_version` is that of the first task with a model, each task has its own beside it."""
    versions = {one.task: one.model_version for one in run.tasks if one.model_version}
    own = {f"model_version.{task}": version for task, version in versions.items()}
    first = {"model_version": next(iter(versions.values()))} if versions else {}
    return {**_origin(run), "part": "run", **own, **first}


def _files(path: Path) -> list[tuple[Path, str | None]]:
    """List a file, or every file of a folder with its place, after making sure that none can hold customers."""
    found: list[tuple[Path, str | None]] = [(path, None)]
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        found = [(file, file.parent.relative_to(path.parent).as_posix()) for file in inside]
    for file, _ in found:
        check_public(file)
    return found


def _n_trials(run: RecordInput) -> int:
    return sum(0 if one.trials is None else len(one.trials) for one in run.tasks)
