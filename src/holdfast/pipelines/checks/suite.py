"""The whole check of a config: stages up to the features, then the data contract and the leakage suite."""

from collections.abc import Sequence

import pandas as pd
from threadpoolctl import threadpool_limits

from holdfast.features.attributes import attribute_name
from holdfast.pipelines.checks.contract import data_contract
from holdfast.pipelines.checks.finding import Finding, table_of
from holdfast.pipelines.checks.labels import label_findings
from holdfast.pipelines.checks.time import time_findings
from holdfast.pipelines.domain import make_task, task_names
from holdfast.pipelines.graph import Context, features_file, walk
from holdfast.pipelines.learn import load_examples, training_rows
from holdfast.pipelines.prepare import open_histories
from holdfast.pipelines.stages import build_stages
from holdfast.tasks.task import GivenTask

UP_TO = ("ingest", "label", "featurize")
CHECK_FILE = "check.csv"


def check_data(context: Context) -> pd.DataFrame:
    """Read, label and featurize what the config names, and put it to the test.

    Parameters
    ----------
    context : Context
        Its folder gets the stages' files and `check.csv`; files of a finished run that still hold are used.

    Returns
    -------
    DataFrame
        `point, task, check, verdict, words`: the data contract, then the nine points for each task
        (evaluation.md, "Leakage suite").
    """
    tasks = task_names(context.config)
    with context.workspace.locked(), threadpool_limits(limits=1):
        prepare(context, tasks)
        found = data_contract(context)
        for task in tasks:
            found += _task_findings(context, task)
        frame = table_of(found)
        context.workspace.write_frame(CHECK_FILE, frame)
    return frame


def prepare(context: Context, tasks: Sequence[str], stages: Sequence[str] = UP_TO) -> None:
    """Run the first stages, or keep what an earlier run left."""
    wanted = [stage for stage in build_stages(context) if stage.name in stages]
    for _ in walk(wanted, context, tasks):
        pass


def failures(frame: pd.DataFrame) -> str:
    """One line on what failed; empty when everything passed.

    Examples
    --------
    >>> failures(table_of([Finding("5", "single features", "failed", "x", "churn")]))
    'check: 1 finding failed: point 5 single features (churn)'
    """
    failed = frame.loc[frame["verdict"] == "failed"]
    if failed.empty:
        return ""
    named = [_where(str(row["point"]), str(row["check"]), str(row["task"])) for row in failed.to_dict("records")]
    return f"check: {len(failed)} finding{'s' * (len(failed) != 1)} failed: {', '.join(dict.fromkeys(named))}"


def _where(point: str, check: str, task: str) -> str:
    return ("" if point == "data" else f"point {point} ") + check + (f" ({task})" if task else "")


def _task_findings(context: Context, task: str) -> list[Finding]:
    question, config = make_task(context.config, task), context.config
    examples, _, plan = load_examples(context, task)
    histories, at = open_histories(context), plan.test[-1]
    columns = {attribute_name(column): column for column in histories.attributes}
    training = training_rows(examples, at, question)
    newest = (examples.frame["part"] == "test") & (examples.frame["cutoff"] == pd.Timestamp(at))
    test = examples.where(newest & ~examples.frame["in_lead"])
    context.say(f"points of time, {task}")
    stored = context.workspace.read_frame(features_file(task, task_names(config)))
    found = time_findings(histories, question, at, stored, config.features.levels)
    context.say(f"points of labels, {task}")
    found += label_findings(training, test, config.checks, task, columns=columns,
                            dated=not isinstance(question, GivenTask), seed=config.seed)  # fmt: skip
    return sorted(found, key=lambda finding: finding.point)
