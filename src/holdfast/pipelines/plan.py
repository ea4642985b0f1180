"""The plan of a task: which cutoffs train, test and score (evaluation.md, "Splits")."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from holdfast.errors import DataError
from holdfast.params.sections import CutoffsSection
from holdfast.tasks.task import Task
from holdfast.windows import days_between, label_window, require_no_overlap, rolling_cutoffs, training_cutoffs


@dataclass(frozen=True)
class Plan:
    """Cutoffs of one task.

    Parameters
    ----------
    score : date
        The scoring date.
    test : tuple of date
        Test cutoffs, oldest first.
    train : mapping of date to tuple of date
        For each date that a model serves (every test cutoff and the scoring date) its training cutoffs.
    start, end : date
        First day and end of the data.
    """

    score: date
    test: tuple[date, ...]
    train: Mapping[date, tuple[date, ...]]
    start: date
    end: date

    @property
    def all_cutoffs(self) -> list[date]:
        """Every cutoff once, oldest first."""
        return sorted({self.score, *self.test, *(c for cutoffs in self.train.values() for c in cutoffs)})

    def follow_up_days(self, cutoff: date, task: Task) -> int:
        """Days of data after the label window of a test cutoff."""
        return days_between(label_window(cutoff, task.span).end, self.end)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "score": str(self.score),
            "test": [str(cutoff) for cutoff in self.test],
            "train": {str(at): [str(cutoff) for cutoff in cutoffs] for at, cutoffs in self.train.items()},
            "start": str(self.start),
            "end": str(self.end),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Plan":
        """Read what `to_dict` gave."""
        day = date.fromisoformat
        return cls(
            day(data["score"]),
            tuple(day(cutoff) for cutoff in data["test"]),
            {day(at): tuple(day(cutoff) for cutoff in cutoffs) for at, cutoffs in data["train"].items()},
            day(data["start"]),
            day(data["end"]),
        )


def make_plan(task: Task, start: date, end: date, cutoffs: CutoffsSection) -> Plan:
    """Walk the cutoffs of a task back from the end of the data.

    Raises
    ------
    DataError
        When the history is too short for one test cutoff with one training cutoff.
    """
    spacing = cutoffs.spacing_days(task.span.horizon)
    try:
        test = rolling_cutoffs(start, end, task.span, cutoffs.every, cutoffs.test)
    except DataError as error:
        raise DataError(f"task {task.name}: {error}") from error
    train = {}
    for at in [*test, end]:
        found = training_cutoffs(at, start, task.span, spacing, cutoffs.train)
        if not found:
            raise DataError(
                f"task {task.name}: no training cutoff with {task.span.lookback} days of history serves {at}"
            )
        require_no_overlap(found, at, task.span)
        train[at] = tuple(found)
    return Plan(end, tuple(test), train, start, end)
