"""Walking some stages of the graph in this process, on a small config."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from command_line import write_config

from holdfast.params import load_config
from holdfast.pipelines.domain import task_names
from holdfast.pipelines.graph import Context
from holdfast.pipelines.runs import run_stage
from holdfast.pipelines.stages import build_stages
from holdfast.pipelines.workspace import Workspace

TO_VALUE = ("ingest", "label", "featurize", "value")
"""The value of a customer needs no model of churn."""
TO_TRAIN = ("ingest", "label", "featurize", "tune", "train")
TO_REPORT = (*TO_TRAIN, "evaluate", "explain", "reasons", "relate", "value", "economics", "target", "exits", "report")
"""All but the ledger."""


def walked(folder: Path, content: dict[str, Any], names: Sequence[str]) -> Workspace:
    """The workspace after these stages, each for every task of the config."""
    config = load_config(write_config(folder / "holdfast.yaml", content))
    context = Context(config, Workspace.at(folder / "out"), None, lambda line: None)
    per_task = {stage.name: stage.per_task for stage in build_stages(context)}
    for name in names:
        for task in task_names(config) if per_task[name] else ("",):
            run_stage(context, name, task)
    return context.workspace
