"""The leak law: what is said at a cutoff needs nothing stamped, known or revealed at or after it."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_histories import CUTOFFS, random_frames, random_histories

from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories
from holdfast.schema import TABLES
from holdfast.tasks.task import ContractEndTask, DeclineTask, GivenTask, LapseTask, RepeatTask, SilenceTask
from holdfast.windows import Span

HORIZON = 60
SPAN = Span(90, 7, 60)
TASKS = (
    SilenceTask("churn", SPAN),
    RepeatTask("loyalty", SPAN, min_active_periods=2, period=30),
    LapseTask("churn", SPAN, factor=3.0, floor=20, cap=90),
    DeclineTask("churn", SPAN, share=0.5),
    ContractEndTask("churn", SPAN, not_churn=("Claim",)),
    GivenTask("churn", label="Colour", positive="red"),
)
seeds = st.integers(0, 2**31)
few = settings(max_examples=2, deadline=None, derandomize=True)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Equal keys, and every feature equal to the last bit."""
    assert list(left.columns) == list(right.columns)
    pd.testing.assert_frame_equal(
        left[["customer_id", "cutoff"]].reset_index(drop=True), right[["customer_id", "cutoff"]]
    )
    for name in left.columns[2:]:
        if left[name].dtype == np.float32:
            assert left[name].to_numpy().tobytes() == right[name].to_numpy().tobytes(), name
        else:
            assert left[name].astype("str").tolist() == right[name].astype("str").tolist(), name


def at(frame: pd.DataFrame, cutoff: date) -> pd.DataFrame:
    return frame[frame["cutoff"] == pd.Timestamp(cutoff)].reset_index(drop=True)


def changed_future(frames: dict[str, pd.DataFrame], cutoff: date, seed: int, how: str) -> dict[str, pd.DataFrame]:
    """The same past; every row and cell that lies at or after the cutoff deleted, changed or added to."""
    rng, moment = np.random.default_rng(seed), pd.Timestamp(cutoff)
    other = random_frames(seed + 1, late=any("known_at" in frame.columns for frame in frames.values()))
    result = {}
    for name, frame in frames.items():
        table, frame = TABLES[name], frame.copy()
        for column in table.columns:
            if column.reveals == column.name and column.name in frame.columns:
                ahead = frame[column.name] >= moment
                new = moment + pd.to_timedelta(rng.integers(0, 300, len(frame)), unit="D")
                frame[column.name] = frame[column.name].where(
                    ~ahead, pd.Series(new if how == "change" else pd.NaT, index=frame.index)
                )
        if table.time not in frame.columns:
            result[name] = frame
            continue
        past = frame[table.time] < moment
        if "known_at" in frame.columns:
            past &= ~(frame["known_at"] >= moment)
        if how == "delete":
            result[name] = frame[past]
            continue
        alien = other[name]
        late = alien[alien[table.time] >= moment]
        result[name] = pd.concat([frame[past] if how == "change" else frame, late, late], ignore_index=True)
    return result


@pytest.mark.parametrize("late", [False, True])
@few
@given(seed=seeds)
def test_features_at_a_cutoff_need_nothing_from_after_it(late: bool, seed: int) -> None:
    histories = random_histories(seed, late=late, rows=120, customers=9)
    features = FeatureSet.of(histories, HORIZON)
    together = features.compute(histories, CUTOFFS[1:])
    for cutoff in CUTOFFS[1:]:
        alone = features.compute(histories.upto(cutoff), [cutoff])
        assert_same(at(together.frame, cutoff), alone.frame)
        assert together.states[cutoff] == alone.states[cutoff]


@pytest.mark.parametrize("how", ["delete", "change", "add"])
@settings(max_examples=1, deadline=None, derandomize=True)
@given(seed=seeds)
def test_another_future_changes_no_feature_and_no_cohort(how: str, seed: int) -> None:
    """A1: changing anything at or after the cutoff changes no feature and no cohort."""
    frames = random_frames(seed, late=True, rows=120, customers=9)
    cutoff = CUTOFFS[1]
    before, after = (Histories.from_frames(each) for each in (frames, changed_future(frames, cutoff, seed, how)))
    features = FeatureSet.of(before, HORIZON)
    assert_same(features.compute(before, [cutoff]).frame, features.compute(after, [cutoff]).frame)
    for task in TASKS:
        pd.testing.assert_frame_equal(task.cohort(before, cutoff), task.cohort(after, cutoff))


@pytest.mark.parametrize("late", [False, True])
@settings(max_examples=2, deadline=None, derandomize=True)
@given(seed=seeds)
def test_the_cohort_is_the_one_known_at_the_cutoff(late: bool, seed: int) -> None:
    histories = random_histories(seed, late=late)
    for task in TASKS:
        labels = task.labels(histories, CUTOFFS)
        for cutoff in CUTOFFS[1:]:
            together = at(labels, cutoff)[["customer_id", "cutoff"]]
            pd.testing.assert_frame_equal(together, task.cohort(histories, cutoff), obj=task.kind)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(seed=seeds)
def test_a_label_needs_nothing_from_after_its_window(seed: int) -> None:
    histories = random_histories(seed, late=False)
    cutoff = CUTOFFS[1]
    closed = cutoff + timedelta(days=SPAN.lead + SPAN.horizon)
    for task in TASKS[:5]:
        left, right = (task.labels(each, [cutoff]) for each in (histories, histories.upto(closed)))
        pd.testing.assert_frame_equal(left, right, obj=task.kind)


@settings(max_examples=2, deadline=None, derandomize=True)
@given(seed=seeds)
def test_the_order_of_the_rows_and_the_threads_change_no_bit(seed: int) -> None:
    frames = random_frames(seed, late=False, rows=120, customers=9)
    mixed = {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}
    one, two = Histories.from_frames(frames), Threads(**vars(Histories.from_frames(mixed)))
    features = FeatureSet.of(one, HORIZON)
    left, right = features.compute(one, CUTOFFS[:2]), features.compute(two, CUTOFFS[:2])
    assert_same(left.frame, right.frame)
    assert left.states == right.states


class Threads(Histories):
    """Histories read by one thread."""

    def connect(self):
        connection = super().connect()
        connection.execute("SET threads = 1")
        return connection


PAST, NOW = date(2024, 3, 1), date(2024, 6, 1)


def purchases(*rows: tuple[str, str, float, str | None]) -> Histories:
    frame = pd.DataFrame(rows, columns=["customer_id", "at", "amount", "known_at"])
    return Histories.from_frames({"purchases": frame})


def test_an_event_exactly_at_the_cutoff_is_on_the_label_side() -> None:
    histories = purchases(
        ("a", "2024-05-20", 5, None),
        ("a", "2024-06-01 00:00:00", 7, None),
        ("b", "2024-05-31 23:59:59.999999", 9, None),
    )
    frame = FeatureSet.of(histories, 30).compute(histories, [NOW]).frame.set_index("customer_id")
    assert frame["spend_all"].to_dict() == {"a": 5.0, "b": 9.0}
    assert frame["days_since_last_order"].to_dict() == {"a": 12.0, "b": 1.0}
    labels = SilenceTask("churn", Span(90, 0, 30)).labels(histories, [NOW]).set_index("customer_id")["label"]
    assert labels.to_dict() == {"a": 0, "b": 1}


def test_a_row_known_at_the_cutoff_or_later_is_unseen() -> None:
    histories = purchases(
        ("a", "2024-05-01", 5, None), ("a", "2024-05-10", 7, "2024-06-01"),
        ("a", "2024-05-12", 11, "2024-05-31 23:59:59"),
        ("b", "2024-05-02", 3, "2024-08-01"),
    )  # fmt: skip
    features = FeatureSet.of(histories, 30)
    frame = features.compute(histories, [NOW, date(2024, 6, 2), date(2024, 8, 2)]).frame
    seen = {(row.customer_id, row.cutoff.date()): row.spend_all for row in frame.itertuples()}
    assert seen == {
        ("a", NOW): 16.0,  # 5 + 11
        ("a", date(2024, 6, 2)): 23.0,  # 5 + 7 + 11
        ("a", date(2024, 8, 2)): 23.0,
        ("b", date(2024, 8, 2)): 3.0,
    }
    task = SilenceTask("churn", Span(90, 0, 30))
    assert task.cohort(histories, NOW)["customer_id"].tolist() == ["a"]
    assert task.labels(histories, [NOW])["customer_id"].tolist() == ["a"]
