"""Moves the champion, remembers the one before, and fetches models by alias."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.errors import ModelError
from holdfast.tracking.connection import connect, experiment_id, plain_errors, require_existing
from holdfast.tracking.flatten import metric_name
from holdfast.tracking.gate import Verdict, decide
from holdfast.tracking.models import (
    CHALLENGER,
    CHAMPION,
    GATE_TAG,
    PREVIOUS,
    ModelVersion,
    describe,
    holder,
    registered_name,
)

_MODEL_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True)
class Decision:
    """What a promotion came to.

    Parameters
    ----------
    task : str
        Task of the model.
    promoted : bool
        Whether the champion changed.
    reason : str
        One sentence.
    champion : str or None
        Registry number of the champion afterwards.
    previous : str or None
        Registry number of the champion before this call.
    run_id : str
        MLflow's id of the run that keeps the figures of the decision.
    """

    task: str
    promoted: bool
    reason: str
    champion: str | None
    previous: str | None
    run_id: str


def promote(
    task: str, *, uri: str, gate: Mapping[str, Any] | None = None, rollback: bool = False, experiment: str = "holdfast"
) -> Decision:
    """Let the challenger take the champion's place if the gate allows it, or bring the previous champion back.

    Parameters
    ----------
    task : str
        ``churn``, ``loyalty`` …
    uri : str
        Tracking address.
    gate : mapping or None
        Figures for `holdfast.tracking.gate.decide`; not needed for a rollback.
    rollback : bool
        Swap champion and previous champion.
    experiment : str
        Experiment in which the decision is logged.

    Returns
    -------
    Decision
        A refusal is a decision too: `promoted` is False and `reason` says why.

    Raises
    ------
    ModelError
        When there is no model to promote or to roll back to.
    """
    require_existing(uri)
    client = connect(uri)
    name = registered_name(task)
    with plain_errors(f"promote {task}"):
        champion = holder(client, name, CHAMPION)
        verdict, candidate = _roll(client, name) if rollback else _weigh(client, name, gate or {})
        if verdict.passed:
            _move(client, name, candidate, champion)
        place = experiment_id(client, uri, experiment)
        run_id = _log_decision(client, place, task, gate or {}, verdict, champion, candidate)
        _mark(client, name, candidate, verdict)
    return Decision(task, verdict.passed, verdict.reason, candidate if verdict.passed else champion, champion, run_id)


def remembered_gate(task: str, *, uri: str) -> dict[str, Any]:
    """Figures that the challenger's run measured against the champion of that day; empty without a challenger."""
    require_existing(uri)
    client = connect(uri)
    name = registered_name(task)
    with plain_errors(f"look up {name}@{CHALLENGER}"):
        number = holder(client, name, CHALLENGER)
        kept = {} if number is None else client.get_model_version(name, number).tags
    gate: dict[str, Any] = json.loads(kept.get(GATE_TAG, "{}"))
    return gate


def find_model(task: str, *, uri: str, alias: str = CHAMPION) -> ModelVersion | None:
    """Look up the version that holds an alias; None when there is none."""
    client = connect(uri)
    name = registered_name(task)
    with plain_errors(f"look up {name}@{alias}"):
        number = holder(client, name, alias)
        return None if number is None else describe(client, name, number)


def fetch_model(model_uri: str, *, uri: str) -> Path:
    """Bring a registered model to this machine.

    Parameters
    ----------
    model_uri : str
        ``models:/holdfast-churn@champion`` or ``models:/holdfast-churn/3``.
    uri : str
        Tracking address.

    Returns
    -------
    Path
        Folder in MLflow's layout, for `mlflow.pyfunc.load_model`; `model_files` finds the model's own files in it.

    Raises
    ------
    ModelError
        When the address is malformed or names nothing.
    """
    matched = _MODEL_URI.fullmatch(model_uri)
    if matched is None:
        raise ModelError(
            f"{model_uri!r} is not a model; expected models:/holdfast-churn@champion or models:/holdfast-churn/3"
        )
    client = connect(uri)
    name, number = matched["name"], matched["version"]
    with plain_errors(model_uri):
        number = number or holder(client, name, matched["alias"])
        if number is None:
            raise ModelError(f"{model_uri}: no such model in {uri}; `holdfast run` registers one")
        from mlflow.artifacts import download_artifacts

        source = client.get_model_version_download_uri(name, number)
        return Path(download_artifacts(artifact_uri=source, tracking_uri=uri))


def model_files(fetched: Path) -> Path:
    """Find the folder with `blend.json` inside a fetched model.

    Raises
    ------
    ModelError
        When there is none.
    """
    found = sorted(fetched.glob("artifacts/*/blend.json")) or sorted(fetched.glob("blend.json"))
    if not found:
        raise ModelError(f"{fetched}: not a holdfast model (no blend.json in it)")
    return found[0].parent


def load_scorer(model_uri: str, *, uri: str) -> Any:
    """Load a registered model as a pyfunc, without touching MLflow's global addresses.

    Returns
    -------
    mlflow.pyfunc.PyFuncModel
        `predict(frame)` takes raw features and returns probabilities.
    """
    folder = fetch_model(model_uri, uri=uri)
    from mlflow.pyfunc import load_model

    return load_model(str(folder))


def _weigh(client: Any, name: str, gate: Mapping[str, Any]) -> tuple[Verdict, str]:
    challenger, champion = holder(client, name, CHALLENGER), holder(client, name, CHAMPION)
    if challenger is None:
        raise ModelError(f"{name}: there is no challenger to promote; `holdfast run` registers one")
    if challenger == champion:
        return Verdict(False, f"version {challenger} is the champion already"), challenger
    return decide(gate, has_champion=champion is not None), challenger


def _roll(client: Any, name: str) -> tuple[Verdict, str]:
    previous = holder(client, name, PREVIOUS)
    if previous is None:
        raise ModelError(f"{name}: there is no previous champion to roll back to")
    return Verdict(True, f"rolled back to version {previous} on request"), previous


def _move(client: Any, name: str, candidate: str, champion: str | None) -> None:
    if champion is not None:
        client.set_registered_model_alias(name, PREVIOUS, champion)
    client.set_registered_model_alias(name, CHAMPION, candidate)


def _log_decision(
    client: Any,
    experiment: str,
    task: str,
    gate: Mapping[str, Any],
    verdict: Verdict,
    champion: str | None,
    candidate: str,
) -> str:
    """Keep the decision and its figures as a run of its own."""
    outcome = "promoted" if verdict.passed else "refused"
    tags = {
        "part": "promotion", "task": task, "decision": outcome, "reason": verdict.reason,
        "candidate": candidate, "champion_before": champion or "none",
    }  # fmt: skip
    run_id = str(client.create_run(experiment, run_name=f"promote {task}: {outcome}", tags=tags).info.run_id)
    try:
        for key, value in gate.items():
            if isinstance(value, (int, float)) and math.isfinite(value):
                client.log_metric(run_id, metric_name(f"{task}/gate/{key}"), float(value))
            else:
                client.log_param(run_id, metric_name(f"gate.{key}"), str(value))
    finally:
        client.set_terminated(run_id)
    return run_id


def _mark(client: Any, name: str, candidate: str, verdict: Verdict) -> None:
    client.set_model_version_tag(name, candidate, "promotion", "promoted" if verdict.passed else "refused")
    client.set_model_version_tag(name, candidate, "promotion_reason", verdict.reason)
