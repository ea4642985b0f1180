"""How long contracts lasted: a plain loop as oracle, several cutoffs at once, rows that were known late."""

from datetime import date, timedelta

import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.histories.histories import Histories
from holdfast.tasks.task import ContractEndTask
from holdfast.windows import Span

TASK = ContractEndTask("churn", Span(0, 0, 30), not_churn=("Deceased",), involuntary=("Unpaid",))
ORIGIN, UNTIL = date(2024, 1, 1), date(2024, 4, 10)
CUTOFFS = [ORIGIN + timedelta(days=day) for day in (20, 50, 80)]
CAUSE = {"Deceased": "other", "Unpaid": "involuntary"}


def histories(rows: list[tuple]) -> Histories:
    """Rows of customer, first day, last day (None: in force), reason; days count from the first of January."""
    names = ["customer_id", "started_at", "ended_at", "end_reason", "known_at"]
    frame = pd.DataFrame([(*row, None)[: len(names)] for row in rows], columns=names)
    for name in ("started_at", "ended_at", "known_at"):
        days = pd.to_timedelta(frame[name].astype("float64"), unit="D")
        frame[name] = (pd.Timestamp(ORIGIN) + days).astype("datetime64[us]")
    if frame["known_at"].isna().all():
        frame = frame.drop(columns="known_at")
    return Histories.from_frames({"contracts": frame}, end=UNTIL)


def exits(rows: list[tuple], cutoffs=CUTOFFS, until: date = UNTIL) -> dict[tuple[str, date], tuple[float, str | None]]:
    found = TASK.exits(histories(rows), cutoffs, until)
    cause = found["cause"].astype(object).where(found["cause"].notna(), None)
    keys = zip(found["customer_id"], found["cutoff"].dt.date, strict=True)
    return dict(zip(keys, zip(found["duration_days"], cause, strict=True), strict=True))


def plain_loop(rows: list[tuple], cutoff: date, until: date) -> dict[str, tuple[float, str | None]]:
    """Walk from the cutoff from contract to contract until none is in force."""
    at, end = (cutoff - ORIGIN).days, (until - ORIGIN).days
    found = {}
    for customer in {row[0] for row in rows}:
        own = [row for row in rows if row[0] == customer]
        if not any(start < at and (last is None or last >= at) for _, start, last, _ in own):
            continue
        now = at
        while True:
            holding = [last for _, start, last, _ in own if start <= now and (last is None or last >= now)]
            if None in holding or max(holding) >= end:
                found[customer] = (float(end - at), None)
                break
            if max(holding) == now:
                reason = max((why for _, _, last, why in own if last == now and why), default=None)
                found[customer] = (float(now - at), CAUSE.get(reason, "churn"))
                break
            now = max(holding)
    return found


def row_of(drawn: tuple) -> tuple:
    customer, start, length, why = drawn
    return (customer, start, start + length, why) if length else (customer, start, None, None)


tens = st.integers(1, 9).map(lambda ten: 10 * ten)
"""Days that ends, starts and cutoffs share."""
contract = st.tuples(
    st.sampled_from("ab"), tens | st.integers(0, 95), st.none() | tens | st.integers(1, 60),
    st.sampled_from([None, "Price", "Deceased", "Unpaid"]),
).map(row_of)  # fmt: skip


@settings(max_examples=30, deadline=None, derandomize=True)
@given(rows=st.lists(contract, min_size=1, max_size=7))
@example(rows=[("a", 0, 60, "Price"), ("a", 60, 70, "Unpaid"), ("b", 0, 80, "Deceased"), ("b", 81, None, None)])
def test_exits_are_those_of_a_plain_loop(rows) -> None:
    found = exits(rows)
    expected = {
        (customer, cutoff): told for cutoff in CUTOFFS for customer, told in plain_loop(rows, cutoff, UNTIL).items()
    }
    assert found == expected


@settings(max_examples=12, deadline=None, derandomize=True)
@given(rows=st.lists(contract, min_size=1, max_size=7), later=st.integers(1, 60))
def test_seeing_further_changes_only_those_still_there(rows, later) -> None:
    near, far = exits(rows), exits(rows, until=UNTIL + timedelta(days=later))
    assert near.keys() == far.keys()
    for key, (days, cause) in near.items():
        if cause is None:
            assert far[key][0] >= days
        else:
            assert far[key] == (days, cause)


def test_a_contract_that_was_booked_late_is_not_there_before() -> None:
    rows = [("early", 5, 60, "Price", None), ("late", 5, 60, "Price", 30.0)]
    assert set(exits(rows, [CUTOFFS[0]])) == {("early", CUTOFFS[0])}
    assert exits(rows, [CUTOFFS[1]]) == {("early", CUTOFFS[1]): (10.0, "churn"), ("late", CUTOFFS[1]): (10.0, "churn")}


def test_an_end_that_lies_ahead_is_not_known_to_a_model_that_serves_now() -> None:
    rows = [("a", 5, 60, "Price")]
    known = histories(rows).upto(CUTOFFS[1])
    found = TASK.exits(known, [CUTOFFS[0]], CUTOFFS[1])
    # thirty days from the first to the second cutoff, and nothing of the end on day 60
    assert found["duration_days"].tolist() == [30.0]
    assert found["cause"].isna().all()


def test_the_order_is_by_cutoff_and_customer() -> None:
    found = TASK.exits(histories([("b", 1, None, None), ("a", 2, None, None)]), CUTOFFS[::-1], UNTIL)
    assert found["customer_id"].tolist() == ["a", "b"] * 3
    assert found["cutoff"].is_monotonic_increasing


def test_two_contracts_that_end_together_have_one_reason_for_label_and_exit() -> None:
    rows = [("a", 1, 60, "Price"), ("a", 1, 60, "Deceased")]
    label = TASK.labels(histories(rows), [CUTOFFS[1]]).iloc[0]
    (_, cause) = exits(rows, [CUTOFFS[1]])["a", CUTOFFS[1]]
    assert bool(label["competing"]) == (cause == "other")
    assert bool(label["label"]) == (cause == "churn")
