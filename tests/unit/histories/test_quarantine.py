"""Rows cut off from all others."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.histories.quarantine import connected, impossible
from holdfast.windows import Window

START = date(2020, 1, 1)


def days(*numbers, rows=1):
    return [(START + timedelta(days=number), rows) for number in numbers]


def test_the_gap_itself_is_still_connected():
    # days 0 and 11 have ten empty days between them
    assert connected(days(0, 11), 10).refused == ()
    assert len(connected(days(0, 11), 9).refused) == 1


def test_the_larger_block_stays_and_of_equal_ones_the_later():
    body = connected(days(0, 1, 2) + days(500), 60)
    assert body.window == Window(START, START + timedelta(days=3))
    assert connected(days(0) + days(500), 60).window.start == START + timedelta(days=500)


def test_two_large_blocks_stay_and_are_named():
    body = connected(days(*range(100)) + days(*range(1000, 1100)), 60)
    assert body.refused == ()
    assert body.gaps == ("no row from 2020-04-10 to 2022-09-27 (900 days)",)


def test_many_rows_on_one_default_day_are_refused():
    body = connected([(date(1970, 1, 1), 900), *days(*range(10), rows=100)], 60)
    assert [window.start for window in body.refused] == [date(1970, 1, 1)]


def test_near_the_label_table_a_block_is_possible():
    body = connected(days(0) + days(*range(300, 320)), 60)
    assert impossible(body, None, 60) == body.refused
    assert impossible(body, Window(START, START + timedelta(days=400)), 60) == ()
    assert impossible(body, Window(START + timedelta(days=290), START + timedelta(days=400)), 60) == body.refused


@settings(max_examples=50)
@given(numbers=st.sets(st.integers(0, 2000), min_size=1), gap=st.integers(1, 400))
def test_what_stays_and_what_goes_is_everything(numbers, gap):
    ordered = sorted(numbers)
    body = connected(days(*ordered), gap)
    kept = [day for day, _ in days(*ordered) if not any(w.start <= day < w.end for w in body.refused)]
    assert kept
    assert (body.window.start, body.window.end) == (kept[0], kept[-1] + timedelta(days=1))
    assert all((b - a).days - 1 <= gap or body.gaps for a, b in pairwise(kept))
