"""How long contracts lasted after a cutoff, and why they ended."""

from datetime import date

import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.tasks.task import ContractEndTask
from holdfast.windows import Span

TASK = ContractEndTask("churn", Span(0, 0, 30), not_churn=("Deceased",), involuntary=("Unpaid",))
AT, UNTIL = date(2024, 3, 1), date(2024, 6, 1)


def exits(rows: list[tuple[str, str, str | None, str | None]]) -> dict[str, tuple[float, str | None]]:
    frame = pd.DataFrame(rows, columns=["customer_id", "started_at", "ended_at", "end_reason"])
    frame = frame.astype({"started_at": "datetime64[us]", "ended_at": "datetime64[us]"})
    histories = Histories.from_frames({"contracts": frame}, end=UNTIL)
    found = TASK.exits(histories, [AT], UNTIL).astype({"cause": object})
    found["cause"] = found["cause"].where(found["cause"].notna(), None)
    return {row.customer_id: (row.duration_days, row.cause) for row in found.itertuples()}


def test_each_way_out_and_those_still_there():
    found = exits([
        ("stays", "2024-01-01", None, None),
        ("churns", "2024-01-01", "2024-03-11", "Price"),  # ten days after the cutoff
        ("dies", "2024-01-01", "2024-03-31", "Deceased"),
        ("unpaid", "2024-01-01", "2024-04-10", "Unpaid"),
        ("silent", "2024-01-01", "2024-03-02", None),  # an end without a reason is churn
    ])  # fmt: skip
    assert found == {
        "stays": (92.0, None), "churns": (10.0, "churn"), "dies": (30.0, "other"), "unpaid": (40.0, "involuntary"),
        "silent": (1.0, "churn"),
    }  # fmt: skip


def test_a_renewal_is_no_end_and_a_gap_is():
    found = exits([
        ("renews", "2024-01-01", "2024-04-01", "Price"), ("renews", "2024-04-01", None, None),
        ("overlaps", "2024-01-01", "2024-04-01", "Price"), ("overlaps", "2024-03-15", "2024-05-01", "Unpaid"),
        ("returns", "2024-01-01", "2024-04-01", "Price"), ("returns", "2024-04-20", None, None),
    ])  # fmt: skip
    assert found["renews"] == (92.0, None)
    assert found["overlaps"] == (61.0, "involuntary")
    assert found["returns"] == (31.0, "churn")


def test_who_is_gone_or_not_there_yet_is_not_asked():
    found = exits([("gone", "2023-01-01", "2024-02-29", None), ("later", "2024-03-01", None, None),
                   ("here", "2024-02-29", None, None)])  # fmt: skip
    assert set(found) == {"here"}


def test_what_comes_after_the_end_of_sight_is_not_seen():
    assert exits([("a", "2024-01-01", "2024-06-01", "Price"), ("b", "2024-01-01", "2024-05-31", "Price")]) == {
        "a": (92.0, None), "b": (91.0, "churn"),
    }  # fmt: skip
