"""Where the data begin and end: dated tables, snapshots with a date, snapshots without any."""

from datetime import date

import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.histories.settle import UNDATED
from holdfast.histories.sources import GivenLabel, Source, TableSource
from holdfast.windows import Span

TODAY = date(2024, 12, 31)
PEOPLE = "id,left,seen\na,Yes,2024-03-01\nb,No,2024-03-05\n"
CUSTOMERS = TableSource("customers", "c.csv", {"customer_id": "id"})


def settled(tmp_path, tables, **options) -> tuple[date, date]:
    source = Source("test", ".", tmp_path, tuple(tables), **options)
    report = ingest(source, tmp_path / "out", span=None, today=TODAY)
    assert Histories.open(tmp_path / "out").end == report.end
    return report.start, report.end


def snapshot(tmp_path, **options) -> tuple[date, date]:
    (tmp_path / "c.csv").write_text(PEOPLE)
    label = GivenLabel("left", "Yes", options.pop("snapshot_at", None))
    return settled(tmp_path, [CUSTOMERS], label=label, label_table="customers", **options)


def test_a_snapshot_without_a_date_has_none(tmp_path) -> None:
    assert snapshot(tmp_path) == (UNDATED, UNDATED)


def test_the_config_may_date_it(tmp_path) -> None:
    assert snapshot(tmp_path, as_of=date(2024, 6, 1)) == (date(2024, 6, 1), date(2024, 6, 1))


def test_a_column_may_date_it(tmp_path) -> None:
    # the newest row's own day: a snapshot is of a day, not of the day after it
    assert snapshot(tmp_path, snapshot_at="seen") == (date(2024, 3, 1), date(2024, 3, 5))
    assert snapshot(tmp_path, snapshot_at="seen", as_of=date(2024, 4, 1))[1] == date(2024, 4, 1)


def test_a_dated_table_beside_it_dates_it(tmp_path) -> None:
    (tmp_path / "e.csv").write_text("id,day,why\na,2024-02-01,price\nb,2024-02-10,price\n")
    (tmp_path / "c.csv").write_text(PEOPLE)
    exits = TableSource("exits", "e.csv", {"customer_id": "id", "at": "day", "stated_reason": "why"})
    found = settled(tmp_path, [CUSTOMERS, exits], label=GivenLabel("left", "Yes"), label_table="customers")
    assert found == (date(2024, 2, 1), date(2024, 2, 11))


def test_the_table_of_the_label_decides_over_the_others(tmp_path) -> None:
    (tmp_path / "p.csv").write_text("id,day,value\na,2024-01-02,5\na,2024-02-02,5\n")
    (tmp_path / "e.csv").write_text("id,day,kind\na,2023-06-01,visit\na,2024-09-01,visit\n")
    tables = [TableSource("purchases", "p.csv", {"customer_id": "id", "at": "day", "amount": "value"}),
              TableSource("events", "e.csv", {"customer_id": "id", "at": "day", "kind": "kind"})]  # fmt: skip
    assert settled(tmp_path, tables, label_table="purchases") == (date(2024, 1, 2), date(2024, 2, 3))
    with pytest.raises(DataError, match=r"source\.as_of 2024-01-02 is not after the first row"):
        settled(tmp_path, tables, label_table="purchases", as_of=date(2024, 1, 2))


def test_a_withdrawal_long_after_the_last_purchase_is_kept(tmp_path) -> None:
    days = pd.date_range("2023-01-01", "2024-02-01", freq="2D")
    frame = pd.DataFrame({"id": [f"c{n % 7}" for n in range(len(days))], "day": days, "value": 5})
    frame.to_csv(tmp_path / "p.csv", index=False)
    granted = [(f"c{n}", "2023-01-02", "marketing", "email", "yes") for n in range(7)]
    # 304 days after the last purchase, with a lookback and horizon of 135 days, and before today
    rows = pd.DataFrame([*granted, ("c0", "2024-12-01", "marketing", "email", "no")])
    rows.columns = ["id", "day", "what", "way", "yes"]
    rows.to_csv(tmp_path / "c.csv", index=False)
    columns = {"customer_id": "id", "at": "day", "purpose": "what", "channel": "way", "granted": "yes"}
    tables = (TableSource("purchases", "p.csv", {"customer_id": "id", "at": "day", "amount": "value"}),
              TableSource("consents", "c.csv", columns))  # fmt: skip
    source = Source("test", ".", tmp_path, tables, label_table="purchases")
    ingest(source, tmp_path / "out", span=Span(90, 0, 45), today=TODAY)
    kept = Histories.open(tmp_path / "out").frame("consents")
    assert len(kept) == 8
    assert not kept["granted"].all()
