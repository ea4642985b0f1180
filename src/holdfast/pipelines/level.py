"""Where the level of the scores is moved to: from the run's files to the rules of `learners`."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast.features.population import PopulationState
from holdfast.histories.histories import Histories
from holdfast.learners.activity import LabelShare, PurchaseDays, activity_shift, repeat_share, silence_share
from holdfast.learners.calibrate import LevelShift, Slice, level_shift
from holdfast.pipelines.graph import Context
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.tasks.task import GivenTask, RepeatTask, SilenceTask, Task


def level_shifts(
    context: Context, task: str, plan: Plan, logits: Mapping[date, npt.NDArray[np.float64]], question: Task
) -> dict[date, LevelShift]:
    """The decision for each date that a model serves; none for a snapshot, which has no time."""
    if isinstance(question, GivenTask):
        return {}
    share = label_share(question)
    states = context.workspace.read_json(f"population/{task}.json")
    rates = {row["cutoff"]: row for row in context.workspace.read_json(f"plan/{task}.json")["rates"]}
    histories = open_histories(context)
    found = {}
    for at, raw in logits.items():
        closed = [row for cutoff in plan.train[at] if (row := rates[str(cutoff)])["rate"] is not None]
        model = PopulationState.from_dict(states[str(at)]).bgnbd if str(at) in states else None
        if share is not None and model is not None:
            days = purchase_days(histories.upto(at))
            trained = {date.fromisoformat(row["cutoff"]): row["rate"] for row in closed}
            found[at] = activity_shift(days, model, at, question.span, share, trained, raw)
        else:
            past = [_slice(row) for row in closed]
            found[at] = level_shift(past, raw, rates[str(at)]["year_ago_rate"])
    return found


def label_share(question: Task) -> LabelShare | None:
    """How the share of label 1 follows from buying rates; None for kinds that are not about buying or not."""
    if isinstance(question, SilenceTask):
        return silence_share(question.span.horizon)
    if isinstance(question, RepeatTask):
        return repeat_share(question.span.horizon // question.period, question.period, question.min_active_periods)
    return None


def purchase_days(histories: Histories) -> PurchaseDays:
    """Days with a sign of life."""
    with histories.connect() as connection:
        rows = connection.sql(
            'SELECT DISTINCT customer_id, CAST("at" AS DATE) AS "at" FROM purchases WHERE amount > 0'
        ).df()
    return PurchaseDays.of(rows, histories.start)


def _slice(row: Mapping[str, Any]) -> Slice:
    return Slice(date.fromisoformat(row["cutoff"]), row["rate"], row["year_ago_rate"], None, row["n"])
