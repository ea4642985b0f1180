"""Whole runs: walk the graph, resume, finish `run.json`; and a single stage for DVC."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from threadpoolctl import threadpool_limits

from holdfast.errors import ConfigError
from holdfast.params import load_config
from holdfast.pipelines.domain import TASKS, task_names
from holdfast.pipelines.graph import Context, Done, clear_unasked, step, walk
from holdfast.pipelines.workspace import Workspace
from holdfast.tracking.connection import require_reachable


def open_context(
    config: Path, out: Path, cutoff: date | None = None, say: Callable[[str], None] = print, models: Path | None = None
) -> Context:
    """Read the config and name the folder; nothing is written yet."""
    return Context(load_config(config), Workspace.at(out, models), cutoff, say)


def run_all(context: Context) -> list[Done]:
    """Walk the whole road; stages whose inputs have not changed are kept.

    Raises
    ------
    BusyError
        When another run writes into the same folder.
    """
    # heavy: mistakes in the config are answered before it loads
    from holdfast.pipelines.act import require_last_list
    from holdfast.pipelines.stages import SOMETIMES, build_stages

    require_last_list(context)
    require_reachable(context.config.tracking.uri)
    # BLAS with several threads sums in another order: one thread keeps the bytes the same on any machine.
    stages, tasks = build_stages(context), task_names(context.config)
    with context.workspace.locked(), threadpool_limits(limits=1):
        clear_unasked(stages, context.workspace, tasks, TASKS, SOMETIMES)
        done = list(walk(stages, context, tasks))
        facts = context.workspace.read_json("run.json")
        timings = {
            each.name: {"seconds": each.seconds, "peak_mb": each.peak_mb, "reused": each.reused} for each in done
        }
        context.workspace.write_json("run.json", facts | {"timings": timings})
    return done


def run_stage(context: Context, name: str, task: str) -> Done:
    """Run one stage of the graph, as DVC does; the same function, without skipping.

    Raises
    ------
    ConfigError
        For an unknown stage or task.
    """
    from holdfast.pipelines.stages import build_stages

    stages = {stage.name: stage for stage in build_stages(context)}
    if name not in stages:
        raise ConfigError(f"stage {name!r} is unknown; expected one of {', '.join(stages)}")
    tasks = task_names(context.config)
    if stages[name].per_task and task not in tasks:
        raise ConfigError(f"stage {name}: task {task!r} is not configured; expected one of {', '.join(tasks)}")
    with threadpool_limits(limits=1):
        return step(stages[name], context, task if stages[name].per_task else "", tasks, keep=False)
