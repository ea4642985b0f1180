"""Stages ingest, label and featurize: from source files to labelled cutoffs and the feature matrix."""

from datetime import date
from typing import Any

import pandas as pd

from holdfast.errors import DataError
from holdfast.histories.histories import Histories
from holdfast.histories.settle import UNDATED
from holdfast.params import Config
from holdfast.pipelines.domain import main_task, make_task, task_names
from holdfast.pipelines.features import feature_set
from holdfast.pipelines.graph import Context, features_file
from holdfast.pipelines.levels import with_levels
from holdfast.pipelines.origin import read_sources, remember
from holdfast.pipelines.plan import Plan, make_plan
from holdfast.pipelines.snapshot import snapshot_folds
from holdfast.tasks.task import GivenTask, Task, return_rate
from holdfast.windows import label_window, shift

YEAR = 365


def run_ingest(context: Context, task: str) -> None:
    """Read the sources into canonical tables; what is refused goes to quarantine with its reason."""
    workspace = context.workspace
    with workspace.aside("histories") as histories, workspace.aside("quarantine") as quarantine:
        report = read_sources(context.config, histories, quarantine)
    workspace.write_json("ingest.json", report.to_dict())
    remember(context.config, workspace)


def open_histories(context: Context) -> Histories:
    """The canonical tables, cut at the end of the data where the config names it, and at the asked scoring date."""
    histories = declared_end(Histories.open(context.workspace.existing("histories")), context.config)
    return histories if context.cutoff is None else histories.upto(context.cutoff)


def declared_end(histories: Histories, config: Config) -> Histories:
    """Cut at `source.as_of`: rows after it are not part of the data."""
    return histories if config.source.as_of is None else histories.upto(histories.end)


def end_of(context: Context, histories: Histories) -> date:
    """Where the known data end: the asked scoring date, or the end of the data."""
    if context.cutoff is not None and context.cutoff > histories.end:
        raise DataError(
            f"scoring date {context.cutoff} lies after the end of the data {histories.end}; expected a date up to it"
        )
    return context.cutoff or histories.end


def run_label(context: Context, task: str) -> None:
    """Plan the cutoffs and write cohort and label of each, as known to the model that uses them."""
    histories = open_histories(context)
    question = make_task(context.config, task)
    if isinstance(question, GivenTask):
        labels, plan = _label_snapshot(context, histories, question)
    else:
        start, end = _bounds(context, histories, question)
        plan = make_plan(question, start, end, context.config.cutoffs)
        labels = _label_rolling(histories, question, plan)
    _require_both_classes(labels, task)
    context.workspace.write_frame(f"labels/{task}.parquet", labels)
    context.workspace.write_json(f"plan/{task}.json", plan.to_dict() | _counts(labels, histories, question, plan))


def _bounds(context: Context, histories: Histories, question: Task) -> tuple[date, date]:
    """First day and end of the table that the task reads; each task walks its own cutoffs."""
    end = end_of(context, histories)
    if question.table == main_task(context.config).table or context.config.source.as_of:
        return histories.start, end
    first, last = histories.bounds(question.table)
    return first, min(shift(last, 1), end)  # never after the date of the list


def _label_rolling(histories: Histories, question: Task, plan: Plan) -> pd.DataFrame:
    parts = []
    for serves, cutoffs in plan.train.items():
        if cutoffs:
            known = question.labels(histories.upto(serves), cutoffs)
            parts.append(known.assign(serves=pd.Timestamp(serves), part="train"))
    tests = question.labels(histories, plan.test)
    parts.append(tests.assign(serves=tests["cutoff"], part="test"))
    scored = question.cohort(histories, plan.score)
    blank = {"label": -1, "competing": False, "in_lead": False}
    parts.append(scored.assign(**blank, serves=scored["cutoff"], part="score"))
    if not any(len(part) for part in parts):
        raise DataError(
            f"task {question.name}: nobody is in the cohort at any cutoff up to {plan.score}; expected customers with "
            f"a sign of life (an amount above 0) in the {question.span.lookback} days before one"
        )
    return pd.concat([part.astype({"label": "int8"}) for part in parts if len(part)], ignore_index=True)


def _label_snapshot(context: Context, histories: Histories, question: GivenTask) -> tuple[pd.DataFrame, Plan]:
    """A snapshot has no time: customers are folded, the first fold is the test part."""
    at = question.snapshot_at or context.cutoff or _snapshot_day(histories)
    labels = question.labels(histories, [at])
    folds = snapshot_folds(histories.frame("customers"), labels["customer_id"], question.label, context.config.seed)
    labels = labels.assign(fold=folds, serves=pd.Timestamp(at), part="train")
    labels.loc[labels["fold"] == 0, "part"] = "test"
    scored = labels.assign(part="score")
    return pd.concat([labels, scored], ignore_index=True), Plan(at, (at,), {at: (at,)}, histories.start, histories.end)


def _snapshot_day(histories: Histories) -> date:
    """The day that a snapshot stands for: the end of what is dated in it, else the day of the run."""
    return histories.end if histories.end != UNDATED else date.today()


def _require_both_classes(labels: pd.DataFrame, task: str) -> None:
    known = labels.loc[labels["part"] != "score"]
    for (part, serves), rows in known.groupby(["part", "serves"], sort=True):
        found = set(rows.loc[~rows["in_lead"], "label"])
        if found != {0, 1} and part == "train":
            word = "no positive label" if found == {0} else "all labels positive" if found == {1} else "no customer"
            raise DataError(
                f"task {task}: {word} among the {len(rows)} training rows that serve {serves:%Y-%m-%d}; "
                "expected both classes: change the horizon or lookback, or bring more history"
            )
    if not len(labels.loc[labels["part"] == "score"]):
        raise DataError(
            f"task {task}: nobody in the cohort at the scoring date; expected customers active in the lookback"
        )


def _counts(labels: pd.DataFrame, histories: Histories, question: Task, plan: Plan) -> dict[str, Any]:
    """Figures beside the plan: base rates a year apart, return of the silent, who left inside the lead."""
    if isinstance(question, GivenTask):
        return {"return_rate": {}, "rates": [], "left_in_lead": 0}
    returns = return_rate(histories, question, plan.test)
    year_ago = {c: shift(c, -YEAR) for c in plan.all_cutoffs}
    first = shift(histories.start, question.span.lookback)
    reachable = [past for at, past in year_ago.items() if past >= first and label_window(past, question.span).end <= at]
    past_rates = question.labels(histories, reachable).groupby("cutoff")["label"].mean() if reachable else pd.Series()
    known = labels.loc[labels["part"] != "score"].drop_duplicates(["cutoff", "customer_id"])
    grouped = known.loc[~known["in_lead"]].groupby("cutoff")["label"]
    rates = [
        {
            "cutoff": cutoff,
            "n": int(grouped.size().get(pd.Timestamp(cutoff), 0)),
            "rate": grouped.mean().get(pd.Timestamp(cutoff)),
            "year_ago_rate": past_rates.get(pd.Timestamp(past)),
        }
        for cutoff, past in year_ago.items()
    ]
    return {
        "rates": rates,
        "left_in_lead": int(known["in_lead"].sum()),
        "return_rate": {
            str(cutoff): _returned(silent, back, plan.follow_up_days(cutoff, question))
            for cutoff, (silent, back) in returns.items()
        },
    }


def _returned(silent: int, back: int, days: int) -> dict[str, Any]:
    if days <= 0:
        return {
            "rate": None,
            "silent": silent,
            "follow_up_days": 0,
            "not_measured": "the data end with the label window",
        }
    return {"rate": back / silent if silent else None, "silent": silent, "returned": back, "follow_up_days": days}


def run_featurize(context: Context, task: str) -> None:
    """Features of every customer with a history at each cutoff of the task."""
    histories = open_histories(context)
    plan = Plan.from_dict(context.workspace.read_json(f"plan/{task}.json"))
    question = make_task(context.config, task)
    matrix = feature_set(histories, question).compute(histories, plan.all_cutoffs)
    levels = context.config.features.levels
    frame = with_levels(histories, matrix.frame, plan.all_cutoffs) if levels else matrix.frame
    context.workspace.write_frame(features_file(task, task_names(context.config)), frame)
    context.workspace.write_json(
        f"population/{task}.json", {str(cutoff): state.to_dict() for cutoff, state in matrix.states.items()}
    )
