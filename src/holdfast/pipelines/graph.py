"""One graph of stages, walked by `holdfast run` and called one by one by DVC.

A stage is a function with declared config keys, inputs and outputs. After it ends, a manifest with the hash
of its inputs and of each output is written; a stage whose manifest still matches is not run again, so a
killed run continues where it stopped and gives the same result as an unbroken one.
"""

import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from holdfast.params import Config
from holdfast.pipelines.provenance import code_hash
from holdfast.pipelines.workspace import Workspace, digest, digest_of


@dataclass(frozen=True)
class Context:
    """What every stage gets: the config, the folder, and the scoring date and the last list when they were named."""

    config: Config
    workspace: Workspace
    cutoff: date | None = None
    say: Callable[[str], None] = print
    previous: Path | None = None


@dataclass(frozen=True)
class Stage:
    """One step of the road.

    Parameters
    ----------
    name : str
        Name in `dvc.yaml` and on the command line.
    run : callable
        `run(context, task)`; the task is "" for a stage that is not per task.
    keys : tuple of str
        Config keys it reads; `{task}` stands for the task.
    needs, makes : tuple of str
        Paths it reads and writes, relative to the workspace; `{task}` stands for the task, `{features}` for
        its feature file, and in `needs` `{*}` for every task.
    per_task : bool
        Whether it runs once per task.
    outside : callable or None
        Gives a hash of inputs outside the workspace (the source files).
    """

    name: str
    run: Callable[[Context, str], None]
    keys: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    per_task: bool = False
    outside: Callable[[Context], Any] | None = None


@dataclass(frozen=True)
class Done:
    """One finished step: its name, whether it was reused, seconds and peak memory in MB."""

    name: str
    reused: bool
    seconds: float
    peak_mb: float


def walk(stages: Sequence[Stage], context: Context, tasks: Sequence[str]) -> Iterator[Done]:
    """Run every stage that is not up to date, in order."""
    for stage in stages:
        for task in tasks if stage.per_task else ("",):
            yield step(stage, context, task, tasks)


def step(stage: Stage, context: Context, task: str, tasks: Sequence[str], *, keep: bool = True) -> Done:
    """Run one stage for one task, unless `keep` and its manifest says that nothing has changed."""
    label = f"{stage.name}@{task}" if task else stage.name
    manifest = f".holdfast/{label}.json"
    inputs = {name: _content(context.workspace, name) for name in _paths(stage.needs, task, tasks)}
    key = _key(stage, context, task, inputs)
    kept = _kept(context.workspace, manifest, key) if keep else None
    if kept is not None:
        return Done(label, True, kept["seconds"], kept["peak_mb"])
    context.say(label)
    began = time.perf_counter()
    stage.run(context, task)
    seconds = round(time.perf_counter() - began, 3)
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    outputs = {name: _content(context.workspace, name) for name in _paths(stage.makes, task, tasks)}
    context.workspace.write_json(
        manifest, {"key": key, "inputs": inputs, "outputs": outputs, "seconds": seconds, "peak_mb": peak}
    )
    return Done(label, False, seconds, peak)


def _key(stage: Stage, context: Context, task: str, inputs: Mapping[str, str]) -> str:
    resolved = context.config.resolved()
    settings = {name: _lookup(resolved, name.format(task=task)) for name in stage.keys}
    outside = stage.outside(context) if stage.outside else None
    return digest_of([stage.name, task, str(context.cutoff), settings, inputs, outside, code_hash()])


def changed_inputs(workspace: Workspace, name: str) -> list[str]:
    """Inputs of a finished stage that are no longer what it read; empty when the stage has never run here."""
    manifest = f".holdfast/{name}.json"
    if not workspace.path(manifest).is_file():
        return []
    inputs = workspace.read_json(manifest).get("inputs", {})
    return [name for name, old in inputs.items()
            if not workspace.path(name).exists() or _content(workspace, name) != old]  # fmt: skip


def clear_unasked(
    stages: Sequence[Stage], workspace: Workspace, tasks: Sequence[str], known: Sequence[str], sometimes: Sequence[str]
) -> None:
    """Remove what an earlier config's tasks left behind, so that a folder holds one run's files only."""
    wanted = {path for stage in stages for task in tasks for path in _paths(stage.makes, task, tasks)}
    stale = {*sometimes, *(f"features_{task}.parquet" for task in known)}
    for stage in (stage for stage in stages if stage.per_task):
        for task in set(known) - set(tasks):
            stale |= {*_paths(stage.makes, task, tasks), f".holdfast/{stage.name}@{task}.json"}
    for path in sorted(stale - wanted):
        workspace.remove(path)


def _content(workspace: Workspace, name: str) -> str:
    """Hash of a file or folder; of `run.json` without the timings, which the walk adds at its end."""
    if name == "run.json":
        return digest_of(workspace.read_json(name) | {"timings": None})
    return digest(workspace.existing(name))


def _kept(workspace: Workspace, manifest: str, key: str) -> dict[str, Any] | None:
    """The manifest, when it matches and every output is there unchanged."""
    if not workspace.path(manifest).is_file():
        return None
    found = workspace.read_json(manifest)
    if found["key"] != key:
        return None
    same = all(workspace.path(name).exists() and _content(workspace, name) == old
               for name, old in found["outputs"].items())  # fmt: skip
    return found if same else None


def _paths(names: Sequence[str], task: str, tasks: Sequence[str]) -> list[str]:
    expanded: list[str] = []
    for name in names:
        if "{*}" in name:
            expanded += [name.replace("{*}", each) for each in tasks]
        else:
            expanded.append(name.format(task=task, features=features_file(task, tasks)))
    return expanded


def features_file(task: str, tasks: Sequence[str]) -> str:
    """`features.parquet` for the main task, `features_<task>.parquet` for another."""
    return "features.parquet" if not task or task == tasks[0] else f"features_{task}.parquet"


def _lookup(tree: dict[str, Any], dotted: str) -> Any:
    """The setting under a dotted key; under the empty key, all of them."""
    value: Any = tree
    for part in dotted.split(".") if dotted else ():
        value = value.get(part) if isinstance(value, dict) else None
    return value
