from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from random_histories import CUTOFFS, random_frames, random_histories

from holdfast.errors import DataError
from holdfast.histories.histories import Histories
from holdfast.schema import TABLES

PURCHASES = pd.DataFrame({"customer_id": ["a", "b"], "at": ["2024-01-05 10:00", "2024-02-01"], "amount": [5.25, -7]})
C = date(2024, 6, 1)


def test_types_and_range() -> None:
    histories = Histories.from_frames({"purchases": PURCHASES.assign(customer_id=[1, 2])})
    assert (histories.start, histories.end) == (date(2024, 1, 5), date(2024, 2, 2))
    frame = histories.frame("purchases")
    assert frame["customer_id"].tolist() == ["1", "2"]
    assert frame["at"].tolist() == [pd.Timestamp("2024-01-05 10:00"), pd.Timestamp("2024-02-01")]
    assert Histories.from_frames({"purchases": PURCHASES}, end=C).end == C


def test_the_range_is_that_of_purchases_else_contracts_else_all() -> None:
    contracts = pd.DataFrame({"customer_id": ["a"], "started_at": ["2020-01-01"]})
    events = pd.DataFrame({"customer_id": ["a"], "at": ["2025-01-01"], "kind": "visit"})
    tables = {"events": events, "contracts": contracts}
    assert Histories.from_frames({"purchases": PURCHASES, **tables}).end == date(2024, 2, 2)
    assert Histories.from_frames(tables).end == date(2020, 1, 2)
    assert Histories.from_frames({"events": events}).end == date(2025, 1, 2)
    assert Histories.from_frames({"customers": pd.DataFrame({"customer_id": ["a"]})}).start == date(1970, 1, 1)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({"purchase": PURCHASES}, "table 'purchase' is unknown; expected one of purchases, "),
        ({"purchases": PURCHASES.drop(columns="amount")}, "missing column 'amount'; required: customer_id, at, amount"),
        ({"market": pd.DataFrame({"signal": ["x"], "value": [1.0]})}, "no dated row in any table"),
    ],
)
def test_what_cannot_be_read_is_named(frames: dict[str, pd.DataFrame], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Histories.from_frames(frames)


def test_an_absent_table(tmp_path) -> None:
    histories = Histories.from_frames({"purchases": PURCHASES})
    assert not histories.has("events")
    assert histories.columns("events") == ()
    with pytest.raises(DataError, match="'events' is not in these histories; present: purchases"):
        histories.frame("events")
    with pytest.raises(DataError, match=r"no histories.json; run the ingest stage first"):
        Histories.open(tmp_path)


def test_attributes_are_the_further_columns_of_customers() -> None:
    customers = pd.DataFrame(
        {"customer_id": ["a"], "region": ["n"], "Age": [3], "Colour": ["red"], "Since": [pd.Timestamp("2020-01-01")]}
    )
    histories = Histories.from_frames({"purchases": PURCHASES, "customers": customers}, static=("Colour",))
    assert histories.attributes == {"Age": "number", "Colour": "category", "Since": "category"}
    assert histories.static == ("Colour",)


def test_zoned_times_are_stored_in_utc() -> None:
    at = pd.to_datetime(["2024-01-05 01:00", "2024-02-01 00:30"]).tz_localize("Europe/Berlin")
    histories = Histories.from_frames({"purchases": PURCHASES.assign(at=at)})
    assert histories.frame("purchases")["at"].tolist() == [
        pd.Timestamp("2024-01-05 00:00"),
        pd.Timestamp("2024-01-31 23:30"),
    ]


def test_money_is_exact_whatever_the_order() -> None:
    frame = pd.DataFrame({"customer_id": "a", "at": "2024-01-01", "amount": [0.1, 0.2, 1e12, -1e12, 0.0001]})
    with Histories.from_frames({"purchases": frame}).connect() as connection:
        assert connection.execute("SELECT sum(amount) FROM purchases").fetchall() == [(Decimal("0.3001"),)]


def test_save_and_open_give_the_same_histories(tmp_path) -> None:
    frames = random_frames(5, late=True)
    made = Histories.from_frames({name: frames[name] for name in ("purchases", "contracts", "campaigns", "customers")})
    made.save(tmp_path / "h")
    opened = Histories.open(tmp_path / "h")
    assert (opened.start, opened.end, opened.attributes, opened.static) == (
        made.start,
        made.end,
        made.attributes,
        made.static,
    )
    for name in made.tables:
        assert opened.columns(name) == made.columns(name)
        for each in (None, CUTOFFS[1]):
            left, right = (one if each is None else one.upto(each) for one in (made, opened))
            pd.testing.assert_frame_equal(left.frame(name), right.frame(name))
    with pytest.raises(DataError, match="cannot be saved"):
        made.upto(CUTOFFS[0]).save(tmp_path / "x")
    first = {path.name: path.read_bytes() for path in (tmp_path / "h").iterdir()}
    made.save(tmp_path / "again")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first


@pytest.mark.parametrize("late", [False, True])
def test_upto_keeps_what_was_known_and_nothing_else(late: bool) -> None:
    frames = random_frames(9, late=late)
    histories, moment = Histories.from_frames(frames), pd.Timestamp(CUTOFFS[1])
    for name, frame in frames.items():
        table, found = TABLES[name], histories.upto(CUTOFFS[1]).frame(name)
        known = frame[table.time] < moment if table.time else pd.Series(True, index=frame.index)
        if "known_at" in frame.columns:
            known &= ~(frame["known_at"] >= moment)
        assert len(found) == known.sum() < len(frame) or name == "customers"
        for column in table.columns:
            if column.reveals == column.name and column.name in frame.columns:
                past = frame.loc[known, column.name]
                shown = past.where(past < moment).astype("str").tolist()
                assert found[column.name].astype("str").tolist() == shown
            elif column.reveals == "never" and column.name in frame.columns:
                assert found[column.name].isna().all()


def test_an_end_reason_is_hidden_until_its_contract_has_ended() -> None:
    frame = pd.DataFrame(
        {"customer_id": list("abc"), "started_at": "2024-01-01",
         "ended_at": ["2024-05-31 23:59:59", "2024-06-01", None],
         "end_reason": ["price", "moved", "typo"]}
    )  # fmt: skip
    found = Histories.from_frames({"contracts": frame}).upto(C).frame("contracts")
    assert found["end_reason"].isna().tolist() == [False, True, True]
    assert found["ended_at"].isna().tolist() == [False, True, True]
    nameless = Histories.from_frames({"contracts": frame.drop(columns="ended_at")}).upto(C).frame("contracts")
    assert nameless["end_reason"].isna().all()


def test_nested_views_keep_the_earlier_cutoff() -> None:
    histories = random_histories(4, late=True)
    once = histories.upto(CUTOFFS[0])
    for nested in (once.upto(CUTOFFS[2]), histories.upto(CUTOFFS[2]).upto(CUTOFFS[0])):
        assert nested.until == CUTOFFS[0]
        pd.testing.assert_frame_equal(nested.frame("purchases"), once.frame("purchases"))
    assert histories.until is None


def test_late_rows_are_those_dated_before_and_known_at_or_after_a_cutoff() -> None:
    frame = pd.DataFrame(
        {"customer_id": "a", "at": ["2024-05-01", "2024-01-01"], "known_at": ["2024-06-01", None], "amount": 1}
    )
    histories = Histories.from_frames({"purchases": frame})
    late = {day: histories.has_late_rows("purchases", [date(2024, *day)]) for day in ((5, 1), (5, 2), (6, 1), (6, 2))}
    assert late == {(5, 1): False, (5, 2): True, (6, 1): True, (6, 2): False}
    assert histories.has_late_rows("purchases", [date(2024, 5, 1), date(2024, 6, 1)])
    assert not histories.has_late_rows("purchases", [])
    undated = Histories.from_frames(
        {
            "purchases": PURCHASES,
            "surveys": pd.DataFrame({"customer_id": ["a"], "trust": [1.0], "known_at": ["2024-07-01"]}),
        }
    )
    assert undated.has_late_rows("surveys", [C])
    assert undated.upto(C).frame("surveys").empty
