"""Points 1, 2, 3, 8 and 9: histories that leak are caught, sound ones pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest
from small_shop import contracts, purchases

from holdfast.features.featureset import FeatureMatrix, FeatureSet
from holdfast.histories.histories import Histories
from holdfast.pipelines.checks import time
from holdfast.pipelines.checks.finding import Finding
from holdfast.pipelines.checks.time import differing, time_findings
from holdfast.pipelines.features import feature_set
from holdfast.tasks.task import ContractEndTask, GivenTask, LapseTask, RepeatTask, SilenceTask, Task
from holdfast.windows import Span

AT = date(2024, 1, 1)
SILENCE = SilenceTask("churn", Span(90, 0, 45))


def frames() -> dict[str, pd.DataFrame]:
    bought = purchases().rename(columns={"customer": "customer_id", "day": "at", "sum": "amount"})
    agreed = contracts().rename(
        columns={"customer": "customer_id", "started": "started_at", "ended": "ended_at", "why": "end_reason"}
    )
    return {"purchases": bought, "contracts": agreed}


@dataclass(frozen=True)
class LateRowsSeen(Histories):
    """Histories that look at when a row happened, not at when it was known."""

    def _select(self, name: str, origin: str) -> str:
        return super()._select(name, origin).replace("(known_at IS NULL OR known_at < ", "(true OR known_at < ")

    def has_late_rows(self, table: str, cutoffs: list[date]) -> bool:
        return False


def found(histories: Histories, question: Task = SILENCE, stored: pd.DataFrame | None = None) -> list[Finding]:
    if stored is None:
        stored = feature_set(histories, question).compute(histories, [date(2023, 11, 1), AT]).frame
    return time_findings(histories, question, AT, stored)


def verdicts(findings: list[Finding]) -> dict[str, set[str]]:
    points: dict[str, set[str]] = {}
    for finding in findings:
        points.setdefault(finding.point, set()).add(finding.verdict)
    return points


def histories(kind: type[Histories] = Histories) -> Histories:
    plain = Histories.from_frames(frames())
    return kind(plain.tables, plain.start, plain.end, plain.attributes, plain.static)


def test_sound_histories_pass_every_point():
    assert verdicts(found(histories())) == {point: {"passed"} for point in "12389"}


class EverCounted(FeatureSet):
    """Features with one more that forgets the cutoff: rows ever."""

    def compute(self, histories: Histories, cutoffs: Sequence[date]) -> FeatureMatrix:
        matrix = super().compute(histories, cutoffs)
        ever = (
            Histories(histories.tables, histories.start, histories.end).frame("purchases")["customer_id"].value_counts()
        )
        rows = matrix.frame["customer_id"].map(ever).astype("float32")
        return FeatureMatrix(matrix.frame.assign(rows_ever=rows), matrix.states)


def test_a_feature_that_forgets_the_cutoff_fails(monkeypatch):
    plain = time.feature_set

    def leaky(histories: Histories, question: Task) -> FeatureSet:
        sound = plain(histories, question)
        return EverCounted(sound.blocks, sound.horizon, sound.everyone)

    stored = leaky(histories(), SILENCE).compute(histories(), [AT]).frame
    monkeypatch.setattr(time, "feature_set", leaky)
    said = found(histories(), stored=stored)
    failed = {finding.point for finding in said if finding.verdict == "failed"}
    assert failed == {"1", "2", "3"}
    assert all("rows_ever" in finding.words for finding in said if finding.verdict == "failed")


def test_rows_seen_before_they_are_known_fail():
    leaky = verdicts(found(histories(LateRowsSeen)))
    assert leaky["3"] == {"failed"}
    assert leaky["1"] == {"passed"}


def test_another_matrix_than_the_stored_one_fails():
    stored = feature_set(histories(), SILENCE).compute(histories(), [AT]).frame
    stored["spend_all"] += np.float32(0.01)
    point = next(finding for finding in found(histories(), stored=stored) if finding.point == "9")
    assert point.verdict == "failed"
    assert "spend_all" in point.words


@pytest.mark.parametrize(
    ("question", "label_side"),
    [
        (SILENCE, "passed"),
        (SilenceTask("churn", Span(90, 7, 45)), "passed"),
        (ContractEndTask("churn", Span(0, 0, 30)), "passed"),
        (ContractEndTask("churn", Span(0, 5, 30)), "passed"),
        (LapseTask("churn", Span(200, 0, 45), 3.0, 30, 180), "not measured"),
        (RepeatTask("loyalty", Span(90, 0, 60)), "not measured"),
    ],
)
def test_the_label_side_of_each_kind(question, label_side):
    said = [finding for finding in found(histories(), question) if finding.point == "2"]
    assert [finding.verdict for finding in said] == ["passed", label_side]


class Blurred(SilenceTask):
    """A label that opens a day late: an event exactly at the cutoff falls between the chairs."""

    def sql(self, histories: Histories) -> str:
        return super().sql(histories).replace("f.moment >= c.since", "f.moment > c.since")


def test_an_event_that_falls_between_the_chairs_fails():
    said = [finding for finding in found(histories(), Blurred("churn", Span(90, 0, 45))) if finding.point == "2"]
    assert [finding.verdict for finding in said] == ["passed", "failed"]


def test_a_snapshot_says_what_cannot_be_measured():
    people = pd.DataFrame({"customer_id": list("abcd"), "gone": list("1010"), "plan": list("xyxy")})
    plain = Histories.from_frames({"customers": people})
    question = GivenTask("churn", label="gone")
    stored = feature_set(plain, question).compute(plain, [AT]).frame
    assert verdicts(time_findings(plain, question, AT, stored)) == {
        "1": {"not measured"}, "2": {"not measured"}, "3": {"not measured"}, "8": {"not measured"}, "9": {"passed"},
    }  # fmt: skip


def test_differing_names_the_columns():
    one = pd.DataFrame({"customer_id": ["a", "b"], "x": np.float32([1, np.nan]), "c": pd.Categorical(["u", None])})
    assert differing(one, one.copy()) == []
    assert differing(one, one.assign(x=np.float32([1, 0]))) == ["x"]
    assert differing(one, one.assign(c=pd.Categorical(["u", "u"]))) == ["c"]
    assert differing(one, one.iloc[:1]) == ["customer_id"]
