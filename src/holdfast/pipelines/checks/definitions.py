"""Churn definitions around the configured one, side by side: rate, AUROC, stability and overlap of the lists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from holdfast.errors import ConfigError, DataError, HoldfastError
from holdfast.evaluation.ranking import auroc
from holdfast.examples import Examples, join
from holdfast.histories.histories import Histories
from holdfast.learners.blend import ChurnClassifier
from holdfast.params import tasks as asked
from holdfast.pipelines.checks.suite import prepare
from holdfast.pipelines.domain import main_task
from holdfast.pipelines.features import feature_set
from holdfast.pipelines.graph import Context
from holdfast.pipelines.plan import Plan, make_plan
from holdfast.pipelines.prepare import end_of, open_histories
from holdfast.tasks.task import GivenTask, LapseTask, RepeatTask, SilenceTask, Task, return_rate
from holdfast.windows import Span

FACTORS = (0.5, 2.0)
"""Horizons and lookbacks beside the configured ones."""
LISTED = 0.1
"""Share of the configured cohort that the compared lists hold."""
DEFINITIONS_FILE = "definitions.csv"
READING = (
    "AUROC says how well a definition can be foreseen, not which one is right: long horizons and short lookbacks make "
    "other questions, not better models. stability = rank correlation of the scores of the same customers from one "
    "test cutoff to the next; list_overlap = share of the configured list's length that both lists hold."
)


@dataclass(frozen=True)
class _Answer:
    row: dict[str, Any]
    scores: "pd.Series[float]"


def compare_definitions(context: Context) -> pd.DataFrame:
    """Measure the configured definition of the main task and its neighbours, with default models.

    Returns
    -------
    DataFrame
        One row per definition: `kind, horizon, lookback, configured, cohort` (at the scoring date), `test_cutoffs,
        churn_rate, lowest_rate, highest_rate` (over test cutoffs), `auroc, lowest_auroc, stability, return_rate,
        list_overlap`, and `not_measured` with the reason where the history does not allow it. Written to
        `definitions.csv`.

    Raises
    ------
    ConfigError
        For a snapshot, whose label is given.
    """
    question = main_task(context.config)
    if isinstance(question, GivenTask):
        raise ConfigError("check --definitions: the label of a snapshot is given; expected a task with dates")
    with context.workspace.locked(), threadpool_limits(limits=1):
        prepare(context, (), ("ingest",))
        histories = open_histories(context)
        answers: list[_Answer] = []
        for each in neighbours(question):
            context.say(f"{each.kind}, horizon {each.span.horizon}d, lookback {each.span.lookback}d")
            answers.append(_measure(context, histories, each, question))
        first = answers[0]
        for answer in answers:
            answer.row["list_overlap"] = _overlap(first.scores, answer.scores)
        frame = pd.DataFrame([answer.row for answer in answers])
        context.workspace.write_frame(DEFINITIONS_FILE, frame)
    return frame


def neighbours(question: Task) -> list[Task]:
    """The configured definition first, then other horizons, other lookbacks, and `lapse` for `silence` or back.

    Examples
    --------
    >>> [(t.kind, t.span.horizon, t.span.lookback) for t in neighbours(SilenceTask("churn", Span(120, 0, 60)))][:3]
    [('silence', 60, 120), ('silence', 30, 120), ('silence', 120, 120)]
    """
    span = question.span
    spans = [replace(span, horizon=max(round(span.horizon * factor), 1)) for factor in FACTORS]
    if span.lookback:
        spans += [replace(span, lookback=max(round(span.lookback * factor), 1)) for factor in FACTORS]
    found: list[Task] = [question, *(replace(question, span=each) for each in spans if _possible(question, each))]
    if isinstance(question, SilenceTask):
        content = {"kind": "lapse", **{name: f"{getattr(span, name)}d" for name in ("lookback", "lead", "horizon")}}
        section = asked.LapseTask.model_validate(content)
        found.append(LapseTask(question.name, span, section.factor, section.floor, section.cap))
    if isinstance(question, LapseTask):
        found.append(SilenceTask(question.name, span))
    return found


def _possible(question: Task, span: Span) -> bool:
    if isinstance(question, RepeatTask):
        return span.horizon // question.period >= question.min_active_periods
    return not isinstance(question, LapseTask) or question.cap < span.lookback + span.lead + span.horizon


def _measure(context: Context, histories: Histories, question: Task, configured: Task) -> _Answer:
    row: dict[str, Any] = {
        "kind": question.kind, "horizon": question.span.horizon, "lookback": question.span.lookback,
        "configured": question == configured,
    }  # fmt: skip
    empty = pd.Series(dtype=float)
    try:
        plan = make_plan(question, histories.start, end_of(context, histories), context.config.cutoffs)
        found, scores = _figures(context, histories, question, plan)
        return _Answer(row | found | {"not_measured": ""}, scores)
    except HoldfastError as error:
        return _Answer(row | {"not_measured": " ".join(str(error).split())}, empty)


def _figures(
    context: Context, histories: Histories, question: Task, plan: Plan
) -> tuple[dict[str, Any], "pd.Series[float]"]:
    wanted = feature_set(histories, question)
    matrix = wanted.compute(histories, plan.all_cutoffs).frame
    leaves = 0 if question.kind == "repeat" else 1
    tests, rates, aurocs = [], [], []
    for at in plan.test:
        model = _model(context, histories, question, plan.train[at], at, matrix, wanted.features)
        rows = join(question.labels(histories, [at]), matrix, wanted.features)
        rows = rows.where(~rows.frame["in_lead"])
        p = model.predict_proba(rows.X)[:, 1]
        tests.append(_by_customer(rows, np.abs(p - (1 - leaves))))
        rates.append(float((rows.y == leaves).mean()))
        aurocs.append(float(auroc(rows.y, p)))
    final = _model(context, histories, question, plan.train[plan.score], plan.score, matrix, wanted.features)
    cohort = join(question.cohort(histories, plan.score).assign(label=-1), matrix, wanted.features)
    scores = _by_customer(cohort, np.abs(final.predict_proba(cohort.X)[:, 1] - (1 - leaves)))
    returned = [back / silent for silent, back in return_rate(histories, question, plan.test).values() if silent]
    return {
        "cohort": len(cohort.frame), "test_cutoffs": len(plan.test), "churn_rate": float(np.mean(rates)),
        "lowest_rate": min(rates), "highest_rate": max(rates), "auroc": float(np.mean(aurocs)),
        "lowest_auroc": min(aurocs),
        "stability": _stability(tests), "return_rate": float(np.mean(returned)) if returned else None,
    }, scores  # fmt: skip


def _model(
    context: Context, histories: Histories, question: Task, cutoffs: Sequence[Any], at: Any, matrix: pd.DataFrame,
    features: Sequence[Any],
) -> ChurnClassifier:  # fmt: skip
    """The default model as it would have served from a date."""
    training = join(question.labels(histories.upto(at), list(cutoffs)), matrix, features)
    training = training.where(~training.frame["in_lead"])
    if len(np.unique(training.y)) < 2:
        raise DataError(f"the training rows that serve {at} hold one class only")
    return ChurnClassifier(seed=context.config.seed).fit(training.X, training.y)


def _by_customer(rows: Examples, scores: Any) -> "pd.Series[float]":
    return pd.Series(scores, index=rows.frame["customer_id"].astype("str"))


def _stability(tests: Sequence["pd.Series[float]"]) -> float | None:
    pairs = [pd.concat(pair, axis=1, join="inner") for pair in pairwise(tests)]
    found = [float(pair.iloc[:, 0].corr(pair.iloc[:, 1], method="spearman")) for pair in pairs if len(pair) > 2]
    return float(np.mean(found)) if found else None


def _overlap(one: "pd.Series[float]", other: "pd.Series[float]") -> float | None:
    if one.empty or other.empty:
        return None
    length = max(round(LISTED * len(one)), 1)
    return len(_top(one, length) & _top(other, length)) / length


def _top(scores: "pd.Series[float]", length: int) -> set[str]:
    frame = scores.rename("score").rename_axis("customer_id").reset_index()
    best = frame.sort_values(["score", "customer_id"], ascending=[False, True], kind="stable")
    return set(best["customer_id"].head(length))
