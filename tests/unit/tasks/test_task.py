"""Cohort and label of each kind, by hand and at the edges of the windows."""

from datetime import date

import pandas as pd
import pytest

from holdfast.errors import ConfigError, DataError
from holdfast.histories.histories import Histories
from holdfast.tasks.task import (
    ContractEndTask,
    DeclineTask,
    GivenTask,
    LapseTask,
    RepeatTask,
    SilenceTask,
    Task,
    return_rate,
)
from holdfast.windows import Span

C = date(2024, 6, 1)
SPAN = Span(30, 7, 60)
# lookback [2 May, 1 June), label window [8 June, 7 August)


def bought(**days: str | list[str]) -> Histories:
    """Purchases of 10 per customer; `day` or `day:amount`."""
    rows = []
    for customer, texts in days.items():
        for text in [texts] if isinstance(texts, str) else texts:
            at, _, amount = text.partition("=")
            rows.append((customer, at, float(amount or 10)))
    return Histories.from_frames({"purchases": pd.DataFrame(rows, columns=["customer_id", "at", "amount"])})


def labels(task: Task, histories: Histories, cutoff: date = C) -> dict[str, int]:
    frame = task.labels(histories, [cutoff])
    return dict(zip(frame["customer_id"], frame["label"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("at", "inside"),
    [("2024-05-01 23:59:59", False), ("2024-05-02", True), ("2024-05-31 23:59:59", True), ("2024-06-01", False)],
)
def test_silence_asks_those_with_a_sign_of_life_in_the_lookback(at: str, inside: bool) -> None:
    assert labels(SilenceTask("churn", SPAN), bought(a=at)) == ({"a": 1} if inside else {})


@pytest.mark.parametrize(
    ("at", "label"),
    [
        ("2024-06-01", 1),
        ("2024-06-07 23:59:59", 1),
        ("2024-06-08", 0),
        ("2024-08-06 23:59:59.999", 0),
        ("2024-08-07", 1),
    ],
)
def test_silence_reads_the_label_from_the_end_of_the_lead_to_the_end_of_the_horizon(at: str, label: int) -> None:
    assert labels(SilenceTask("churn", SPAN), bought(a=["2024-05-20", at])) == {"a": label}


def test_returns_and_free_rows_are_no_sign_of_life() -> None:
    histories = bought(a=["2024-05-20=-5"], b=["2024-05-20=0"], c=["2024-05-20", "2024-06-20=-5", "2024-06-20=0"])
    assert labels(SilenceTask("churn", SPAN), histories) == {"c": 1}


def test_several_cutoffs_come_sorted_and_typed() -> None:
    frame = SilenceTask("churn", SPAN).labels(
        bought(b="2024-05-20", a=["2024-05-20", "2024-06-25"]), [date(2024, 7, 1), C]
    )
    assert frame[["customer_id", "label"]].values.tolist() == [["a", 0], ["b", 1], ["a", 1]]
    assert frame["cutoff"].dt.date.tolist() == [C, C, date(2024, 7, 1)]
    assert [str(frame[name].dtype) for name in ("label", "competing", "in_lead")] == ["int8", "bool", "bool"]


@pytest.mark.parametrize(
    ("days", "label"),
    [
        (["2024-06-08", "2024-07-07"], 0),  # both in the first period of 30 days, [8 June, 8 July)
        (["2024-06-08", "2024-07-08"], 1),
        (["2024-07-07 23:59", "2024-08-06 23:59"], 1),
        (["2024-06-07", "2024-07-08"], 0),  # the first lies in the lead
        (["2024-07-08", "2024-08-07"], 0),  # the second lies behind the horizon
    ],
)
def test_repeat_counts_the_periods_with_a_sign_of_life(days: list[str], label: int) -> None:
    assert labels(RepeatTask("loyalty", SPAN, 2, 30), bought(a=["2024-05-20", *days])) == {"a": label}


def test_repeat_leaves_out_the_days_behind_the_last_whole_period() -> None:
    # a horizon of 65 days has two periods of 30; day 60 belongs to none
    task = RepeatTask("loyalty", Span(30, 0, 65), 2, 30)
    assert labels(
        task, bought(a=["2024-05-20", "2024-06-01", "2024-07-31"], b=["2024-05-20", "2024-06-01", "2024-07-30"])
    ) == {"a": 0, "b": 1}


def test_lapse_allows_a_silence_by_the_own_rhythm_between_floor_and_cap() -> None:
    task = LapseTask("churn", Span(60, 0, 30), factor=3.0, floor=20, cap=50)
    # the label window ends on 1 July
    histories = bought(
        a=["2024-05-11", "2024-05-21", "2024-05-31"],  # gap 10, allowed 30: silent 31 days on 1 July
        b=["2024-05-12", "2024-05-22", "2024-06-01"],  # gap 10 at the cutoff, 30 days: not longer
        c=["2024-05-28", "2024-05-30", "2024-06-10"],  # gap 2, 6 < floor 20: silent 21 days
        d=["2024-05-28", "2024-05-30", "2024-06-11"],  # 20 days
        e=["2024-04-12", "2024-05-12"],  # gap 30, 90 > cap 50: 50 days
        f=["2024-04-11", "2024-05-11"],  # 51 days
        g=["2024-05-12"], h=["2024-05-11"],  # no gap of their own: cap 50
        i=["2024-05-08", "2024-05-10"],  # allowed 20, silent for 22 at the cutoff already
        j=["2024-05-10", "2024-05-12"],  # exactly 20: still asked
    )  # fmt: skip
    assert labels(task, histories) == {"a": 1, "b": 0, "c": 1, "d": 0, "e": 0, "f": 1, "g": 0, "h": 1, "j": 1}


def test_decline_compares_with_the_own_past_net_of_returns() -> None:
    # past 30 days against a window of 60: half of twice the past level is the past itself
    """H1: a fall of the spend below the own past is seen before the silence."""
    task = DeclineTask("churn", SPAN, share=0.5)
    histories = bought(
        a=["2024-05-20=40", "2024-05-21=-10", "2024-06-10=30"],  # 30 is not below 0.5 x 2 x 30
        b=["2024-05-20=40", "2024-05-21=-10", "2024-06-10=29.99"],
        c=["2024-05-20=40", "2024-06-10=50", "2024-06-20=-20"],  # net 30 < 40
        d=["2024-05-20=40"], e=["2024-05-20=10", "2024-05-22=-10", "2024-06-10=99"],  # e has no level to fall from
        f=["2024-05-20=40", "2024-06-07=99"],  # bought in the lead only
    )  # fmt: skip
    assert labels(task, histories) == {"a": 0, "b": 1, "c": 1, "d": 1, "f": 1}


def test_decline_is_exact_at_a_level_that_is_no_round_number() -> None:
    # 10 x 30/90 x 0.3 = 1: spending 1.00 is not below it, 0.99 is
    task = DeclineTask("churn", Span(90, 0, 30), share=0.3)
    assert labels(task, bought(a=["2024-05-20=10", "2024-06-10=1"], b=["2024-05-20=10", "2024-06-10=0.99"])) == {
        "a": 0,
        "b": 1,
    }
    big = bought(a=["2024-05-20=99999999999", "2024-06-10=1"])
    assert labels(task, big) == {"a": 1}


def test_decline_needs_a_past() -> None:
    with pytest.raises(ConfigError, match="expected a lookback of at least one day"):
        DeclineTask("churn", Span(0, 0, 30))


def contracts(*rows: tuple) -> Histories:
    return Histories.from_frames(
        {"contracts": pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at", "end_reason"])}
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("2024-05-31", None)], (0, False, False)),
        ([("2024-06-01", None)], None),  # starts at the cutoff
        ([("2024-01-01", "2024-05-31 23:59")], None),  # ended before it
        ([("2024-01-01", "2024-06-01")], (0, False, True)),  # ends at it: inside the lead of 7 days
        ([("2024-01-01", "2024-06-07 23:59")], (0, False, True)),
        ([("2024-01-01", "2024-06-08")], (1, False, False)),
        ([("2024-01-01", "2024-08-06 23:59")], (1, False, False)),
        ([("2024-01-01", "2024-08-07")], (0, False, False)),  # in force when the window ends
        ([("2024-01-01", "2024-07-01"), ("2024-07-01", None)], (0, False, False)),  # renewed
        ([("2024-01-01", "2024-06-02"), ("2024-06-20", None)], (0, False, False)),  # left in the lead and came back
        ([("2024-01-01", "2024-07-01"), ("2024-07-01", "2024-07-20")], (1, False, False)),  # renewed and left again
        ([("2024-01-01", "2024-07-01"), ("2024-08-07", None)], (1, False, False)),  # renewed after the window
        ([("2024-01-01", "2024-06-03"), ("2024-01-01", None)], (0, False, False)),  # one of two ends
        ([("2024-01-01", "2024-06-03"), ("2024-01-01", "2024-07-01")], (1, False, False)),
    ],
)
def test_a_contract_ends_when_none_is_in_force_at_the_end_of_the_window(
    rows: list[tuple], expected: tuple | None
) -> None:
    frame = ContractEndTask("churn", SPAN).labels(contracts(*(("a", *row, "x") for row in rows)), [C])
    found = frame[["label", "competing", "in_lead"]].itertuples(index=False, name=None)
    assert list(found) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([("2024-07-01", "Claim")], (0, True)),
        ([("2024-07-01", "O'Neil")], (0, True)),
        ([("2024-07-01", "price")], (1, False)),
        ([("2024-07-01", None)], (1, False)),
        ([("2024-07-01", "Claim"), ("2024-07-20", "price")], (1, False)),
        ([("2024-07-01", "price"), ("2024-07-20", "Claim")], (0, True)),
        ([("2024-07-01", "Claim"), ("2024-07-20", None)], (1, False)),  # the last end decides, also without a reason
    ],
)
def test_ends_that_are_no_churn_are_competing(ends: list[tuple], expected: tuple) -> None:
    histories = contracts(*(("a", "2024-01-01", *end) for end in ends))
    frame = ContractEndTask("churn", SPAN, not_churn=("Claim", "O'Neil")).labels(histories, [C])
    assert [tuple(row) for row in frame[["label", "competing"]].itertuples(index=False)] == [expected]


def test_a_contract_known_late_is_in_no_earlier_cohort() -> None:
    frame = pd.DataFrame(
        {"customer_id": ["a", "b"], "started_at": "2024-01-01", "known_at": ["2024-06-01", "2024-05-31"]}
    )
    histories = Histories.from_frames({"contracts": frame})
    task = ContractEndTask("churn", SPAN)
    assert labels(task, histories) == {"b": 0}
    assert task.cohort(histories, C)["customer_id"].tolist() == ["b"]


def test_given_reads_the_label_from_the_column() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": list("abc"),
            "Churn? yes": ["Yes", "No", None],
            "Left": [1.0, 0.0, None],
            "joined_at": "2030-01-01",
        }
    )
    histories = Histories.from_frames({"customers": frame})
    assert labels(GivenTask("churn", label="Churn? yes", positive="Yes"), histories) == {"a": 1, "b": 0}
    assert labels(GivenTask("churn", label="Left", positive="1"), histories) == {"a": 1, "b": 0}


def test_given_without_its_column_is_named() -> None:
    histories = Histories.from_frames({"customers": pd.DataFrame({"customer_id": ["a"]})})
    with pytest.raises(DataError, match="the label 'Churn' is not a column"):
        GivenTask("churn", label="Churn").labels(histories, [C])


@pytest.mark.parametrize(
    "task", [SilenceTask("churn", SPAN), ContractEndTask("churn", SPAN), GivenTask("churn", label="x")]
)
def test_a_task_without_its_table_is_named(task: Task) -> None:
    histories = Histories.from_frames(
        {"payments": pd.DataFrame({"customer_id": ["a"], "at": ["2024-01-01"], "amount": [1], "status": "paid"})}
    )
    with pytest.raises(DataError, match=f"kind {task.kind} reads the table '{task.table}', which is not given"):
        task.labels(histories, [C])


def test_the_silent_who_came_back_after_the_window() -> None:
    histories = bought(
        a="2024-05-20", b=["2024-05-20", "2024-08-07", "2024-09-01"], c=["2024-05-20", "2024-06-10", "2024-09-01"],
        d=["2024-05-20", "2024-06-05"], e=["2024-05-20", "2024-08-07=-5"],
    )  # fmt: skip
    # silent: a b d e (d bought in the lead only); back: b, at the first moment behind the window; e only returned
    assert return_rate(histories, SilenceTask("churn", SPAN), [C]) == {C: (4, 1)}
    assert return_rate(histories, SilenceTask("churn", SPAN), [date(2030, 1, 1)]) == {}
    for other in (DeclineTask("churn", SPAN), RepeatTask("loyalty", SPAN), ContractEndTask("churn", SPAN)):
        assert return_rate(histories, other, [C]) == {}
