"""Texts into stamps."""

from datetime import date, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.histories.dates import DayOrder, day_order, stamp


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def read(connection, cell):
    """Read one cell of a column that holds nothing else, on London's clock."""
    connection.execute("CREATE OR REPLACE TABLE cells AS SELECT ? AS word", [cell])
    day_first = day_order(connection, "cells", "word").day_leads("t", "at", "word")
    return connection.execute(f"SELECT {stamp('word', 'Europe/London', day_first)} FROM cells").fetchone()[0]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2024-03-01", datetime(2024, 3, 1)),
        ("2024-03-01 10:05:00", datetime(2024, 3, 1, 10, 5)),
        ("2024-03-01T10:05", datetime(2024, 3, 1, 10, 5)),
        ("2024-07-01T10:00:00Z", datetime(2024, 7, 1, 11)),
        ("2024-07-01T10:00:00.5+02:00", datetime(2024, 7, 1, 9, 0, 0, 500000)),
        ("2024-01-01 10:00:00 -0500", datetime(2024, 1, 1, 15)),
        ("2024-01-01 10:00:00 America/New_York", datetime(2024, 1, 1, 15)),
        ("20240301", datetime(2024, 3, 1)),
        ("20240301101500", datetime(2024, 3, 1, 10, 15)),
        ("1704067200", datetime(2024, 1, 1)),
        ("1704067200000", datetime(2024, 1, 1)),
        ("2024/03/01", datetime(2024, 3, 1)),
        ("13/03/2024", datetime(2024, 3, 13)),
        ("03/13/2024 4:05 PM", datetime(2024, 3, 13, 16, 5)),
        ("13.03.24", datetime(2024, 3, 13)),
        ("1.3.2024 10:00", datetime(2024, 3, 1, 10)),
        ("5-Mar-2024", datetime(2024, 3, 5)),
        ("March 5, 2024", datetime(2024, 3, 5)),
    ],
)
def test_spellings_of_a_time(connection, cell, expected):
    assert read(connection, cell) == expected


@pytest.mark.parametrize("cell", ["soon", "2024-02-30", "2024-13-01", "infinity", "0", "2024", "31/02/2024"])
def test_what_is_not_a_date(connection, cell):
    assert read(connection, cell) is None


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0))


@settings(max_examples=25, deadline=None)
@given(
    at=MOMENTS, form=st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%d.%m.%Y %H:%M:%S", "%d %B %Y %H:%M:%S"])
)
def test_what_is_written_is_read(connection, at, form):
    assert read(connection, at.strftime(form)) == at


@settings(max_examples=15, deadline=None)
@given(days=st.lists(st.integers(0, 3000), min_size=1, max_size=20), slashes=st.sampled_from("/-"))
def test_one_row_decides_for_all(connection, days, slashes):
    wanted = [date(2015, 1, 31), *(date(2015, 1, 1) + timedelta(days=day) for day in days)]
    for order in ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y"):
        words = [(day.strftime(order.format(slashes)),) for day in wanted]
        connection.execute("CREATE OR REPLACE TABLE cells (word VARCHAR)")
        connection.executemany("INSERT INTO cells VALUES (?)", words)
        day_first = day_order(connection, "cells", "word").day_leads("t", "at", "word")
        found = connection.execute(f"SELECT {stamp('word', 'UTC', day_first)} FROM cells").fetchall()
        assert [row[0].date() for row in found] == wanted


def test_few_contradictions_are_tolerated():
    assert DayOrder(day_first=200, month_first=1).day_leads("t", "at", "d")
    assert not DayOrder(day_first=1, month_first=200).day_leads("t", "at", "d")
    with pytest.raises(DataError, match="repair the file"):
        DayOrder(day_first=20, month_first=1).day_leads("t", "at", "d")
