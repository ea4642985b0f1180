"""Points 1, 2, 3, 8 and 9 of the leakage suite: what may be seen at a cutoff, on altered copies of the user's data."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.pipelines.checks import meddle
from holdfast.pipelines.checks.finding import Finding, judged
from holdfast.pipelines.features import feature_set
from holdfast.pipelines.levels import with_levels
from holdfast.tasks.task import GivenTask, Task
from holdfast.windows import label_window

MOST_CUSTOMERS = 20_000
"""Larger histories are checked on a sample of customers of about this size."""
DOUBLED = 3
PLANTED_LABELS = 300
_FEATURES = "feature matrix"


@dataclass(frozen=True)
class Subject:
    """What the points of time are checked on.

    Parameters
    ----------
    histories : Histories
        Uncut, or cut at the scoring date that was asked for.
    question : Task
        Whose features, cohort and label are looked at.
    at : date
        The cutoff.
    levels : bool
        Whether the levels of the relationship are among the features.
    """

    histories: Histories
    question: Task
    at: date
    levels: bool = False

    def matrix(self, histories: Histories) -> pd.DataFrame:
        """Features at the cutoff from other histories with the same tables and columns."""
        frame = feature_set(self.histories, self.question).compute(histories, [self.at]).frame
        return with_levels(histories, frame, [self.at]) if self.levels else frame

    def cohort(self, histories: Histories) -> set[str]:
        """Who is asked at the cutoff."""
        return set(self.question.cohort(histories, self.at)["customer_id"])


def time_findings(
    histories: Histories, question: Task, at: date, stored: pd.DataFrame, levels: bool = False
) -> list[Finding]:
    """Points 1, 2, 3, 8 and 9.

    Parameters
    ----------
    histories : Histories
        The canonical tables.
    question : Task
    at : date
        The newest test cutoff.
    stored : DataFrame
        The feature matrix of the run: `customer_id, cutoff` and features.
    levels : bool
        Whether the levels of the relationship are among them.

    Returns
    -------
    list of Finding
    """
    batch = _batch(Subject(histories, question, at, levels), stored)
    if isinstance(question, GivenTask) or not meddle.dated_tables(histories):
        why = "a snapshot has no time: what was filled in after the customer left cannot be seen from the dates"
        names = {
            "1": "the future is out of sight",
            "2": "an event at the cutoff",
            "3": "late rows",
            "8": "shared moments",
        }
        return [*(Finding(point, check, "not measured", why, question.name) for point, check in names.items()), batch]
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        subject, seen = _subject(histories, question, at, Path(folder), levels)
        return [*_altered(subject, Path(folder), seen), batch]


def differing(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """Columns in which two feature matrices are not the same to the byte; `customer_id` when the rows differ.

    Examples
    --------
    >>> one = pd.DataFrame({"customer_id": ["a"], "x": [np.nan], "y": [1.0]})
    >>> differing(one, one.assign(y=2.0)), differing(one, one.copy())
    (['y'], [])
    """
    if one["customer_id"].astype("str").tolist() != other["customer_id"].astype("str").tolist():
        return ["customer_id"]
    return [str(name) for name in one.columns if name not in other.columns or _bytes(one[name]) != _bytes(other[name])]


def _bytes(column: "pd.Series[Any]") -> bytes:
    if pd.api.types.is_float_dtype(column.dtype):
        return np.ascontiguousarray(column.to_numpy()).tobytes()
    return "\x1f".join(column.astype("str").fillna("\x00").tolist()).encode()


def _subject(histories: Histories, question: Task, at: date, folder: Path, levels: bool) -> tuple[Subject, str]:
    """The whole data, or a sample of customers where there are many; and words on which."""
    with histories.connect() as connection:
        ((n,),) = connection.execute(f"SELECT count(DISTINCT customer_id) FROM {question.table}").fetchall()
    one_in = -(-n // MOST_CUSTOMERS)
    if one_in <= 1:
        return Subject(histories, question, at, levels), f"all {n:,} customers, cutoff {at}"
    return (
        Subject(meddle.sampled(histories, folder / "sample", one_in), question, at, levels),
        f"one customer in {one_in} of {n:,}, cutoff {at}",
    )


def _altered(subject: Subject, folder: Path, seen: str) -> list[Finding]:
    histories, at, name = subject.histories, subject.at, subject.question.name
    plain, asked = subject.matrix(histories), subject.cohort(histories)

    def same(point: str, check: str, words: str, alter: Callable[[Histories, Path, date], Histories]) -> Finding:
        altered = alter(histories, folder / alter.__name__, at)
        changed = differing(plain, subject.matrix(altered))
        cohort = subject.cohort(altered) == asked
        told = f"{words}: {_FEATURES} and cohort the same to the byte" if not changed and cohort else (
            f"{words}: {'features ' + ', '.join(changed[:5]) if changed else 'the cohort'} changed: the future is seen"
        )  # fmt: skip
        return judged(point, check, not changed and cohort, f"{told} ({seen})", name)

    return [
        same("1", "the future is out of sight", "everything at or after the cutoff deleted", meddle.without_future),
        same("1", "the future is out of sight", "everything at or after the cutoff scrambled", meddle.scrambled_future),
        same("2", "an event at the cutoff", "rows of every table planted exactly at the cutoff", meddle.planted_at),
        _label_side(subject, folder),
        same("3", "late rows", "rows from before the cutoff that are known only at it planted in every table",
             meddle.planted_late),
        *_shared(subject, folder, plain),
    ]  # fmt: skip


def _label_side(subject: Subject, folder: Path) -> Finding:
    """An event exactly at the first moment of the label window decides the label."""
    question, histories, at = subject.question, subject.histories, subject.at
    check, opens = "an event at the cutoff", label_window(at, question.span).start
    labels = question.labels(histories, [at])
    rows = labels.loc[~labels["in_lead"]]
    if question.kind in ("silence", "lapse"):
        ids = rows.loc[rows["label"] == 1, "customer_id"].tolist()[:PLANTED_LABELS]
        if question.kind == "lapse":
            return Finding("2", check, "not measured", "the allowed silence is the customer's own",
                           question.name)  # fmt: skip
        altered, expected, words = meddle.bought_at, 0, "silent customers given a purchase"
    elif question.kind == "contract_end" and "ended_at" in histories.columns("contracts"):
        ids = rows.loc[(rows["label"] == 0) & ~rows["competing"], "customer_id"].tolist()[:PLANTED_LABELS]
        altered, expected, words = meddle.ended_at, 1, "customers whose contract was made to end"
    else:
        return Finding("2", check, "not measured", f"one event need not decide a label of kind {question.kind}",
                       question.name)  # fmt: skip
    if not ids:
        return Finding("2", check, "not measured", "no customer whose label an event could turn", question.name)
    again = question.labels(altered(histories, folder / "label", ids, opens), [at]).set_index("customer_id")
    turned = int((again.loc[ids, "label"] == expected).sum())
    where = "at the cutoff" if opens == at else f"at the first moment after the lead ({opens})"
    return judged("2", check, turned == len(ids),
                  f"{turned} of {len(ids)} {words} exactly {where} have the label turned to {expected}",
                  question.name)  # fmt: skip


def _shared(subject: Subject, folder: Path, plain: pd.DataFrame) -> list[Finding]:
    """Rows that share customer and time survive: counted in the data, and planted."""
    histories, check, name = subject.histories, "shared moments", subject.question.name
    if not histories.has("purchases") or "spend_all" not in plain.columns:
        return [Finding("8", check, "not measured", "no purchases table", name)]
    with histories.connect() as connection:
        ((rows, moments),) = connection.execute(
            'SELECT count(*), count(DISTINCT (customer_id, "at")) FROM purchases'
        ).fetchall()
    altered = meddle.doubled(histories, folder / "doubled", DOUBLED)
    with histories.connect() as connection:
        connection.register("plain", plain[["customer_id", "spend_all"]])
        both = connection.execute(
            f"SELECT customer_id, hash(customer_id) % {DOUBLED} = 0 AS twice FROM plain"
        ).df().set_index("customer_id")["twice"]  # fmt: skip
    before = plain.set_index("customer_id")["spend_all"].astype(float)
    after = subject.matrix(altered).set_index("customer_id")["spend_all"].astype(float)
    expected: pd.Series[float] = before * np.where(both.reindex(before.index), 2.0, 1.0)
    wrong = int((~np.isclose(after.reindex(before.index), expected, rtol=1e-6, equal_nan=True)).sum())
    words = f"{rows - moments:,} of {rows:,} purchase rows share customer and moment with another and are kept; "
    words += (
        f"every row of one customer in {DOUBLED} written twice gives twice the spend"
        if not wrong
        else (f"rows written twice were lost for {wrong} customers")
    )
    return [judged("8", check, not wrong, words, name)]


def _batch(subject: Subject, stored: pd.DataFrame) -> Finding:
    """Features computed for one date alone are those of the run, which computed all its dates at once."""
    trained = stored.loc[stored["cutoff"] == pd.Timestamp(subject.at)].reset_index(drop=True)
    alone = subject.matrix(subject.histories)
    changed = differing(trained, alone[list(trained.columns)])
    words = f"{len(alone):,} customers at {subject.at}, computed alone and with the training cutoffs: "
    words += f"{', '.join(changed[:5])} differ" if changed else "the same to the byte"
    return judged("9", "batch scoring", not changed, words, subject.question.name)
