from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError, DataError, LeakError
from holdfast.windows import (
    Span,
    Window,
    label_window,
    newest_cutoff,
    observation_window,
    parse_days,
    require_no_overlap,
    rolling_cutoffs,
    training_cutoffs,
)

START = date(2023, 1, 1)
spans = st.builds(Span, st.integers(0, 120), st.integers(0, 20), st.integers(1, 90))
lengths = st.integers(0, 900)


@pytest.mark.parametrize(("text", "days"), [("60d", 60), (" 8w ", 56), (0, 0), ("0d", 0), ("3 w", 21)])
def test_durations(text: str | int, days: int) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["2m", "-3d", -3, True, "1.5d", "", "d", "60", "60 days"])
def test_other_durations_are_refused_with_what_was_expected(text: object) -> None:
    with pytest.raises(ConfigError, match=r"expected a number of days or weeks such as 60d or 8w"):
        parse_days(text)


@pytest.mark.parametrize("span", [(1, 1, 0), (1, -1, 1), (-1, 0, 1), (1, 0, -5)])
def test_impossible_spans_are_refused(span: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Span(*span)


def test_a_window_ends_after_it_starts_and_touching_ends_do_not_overlap() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Window(date(2024, 1, 2), date(2024, 1, 1))
    first, second = Window(date(2024, 1, 1), date(2024, 1, 5)), Window(date(2024, 1, 5), date(2024, 1, 9))
    assert not first.overlaps(second)
    assert first.overlaps(Window(date(2024, 1, 4), date(2024, 1, 9)))


def test_windows_by_hand() -> None:
    cutoff, span = date(2024, 3, 1), Span(30, 7, 60)
    assert observation_window(cutoff, span.lookback) == Window(date(2024, 1, 31), cutoff)  # 2024: February has 29 days
    assert label_window(cutoff, span) == Window(date(2024, 3, 8), date(2024, 5, 7))
    assert newest_cutoff(date(2024, 5, 7), span) == cutoff


def test_cutoffs_by_hand() -> None:
    # 300 days, lookback 100, H 50: newest 300 - 50 = 250, then 220, 190; oldest allowed 100 + 50 = 150
    end = START + timedelta(days=300)
    found = rolling_cutoffs(START, end, Span(100, 0, 50), every=30, count=9)
    assert [(day - START).days for day in found] == [160, 190, 220, 250]
    # training for 250: 200, 150, 100 (its lookback starts with the data); 50 has only 50 days before it
    found = training_cutoffs(START + timedelta(days=250), START, Span(100, 0, 50), spacing=50, count=9)
    assert [(day - START).days for day in found] == [100, 150, 200]


@given(span=spans, length=lengths, every=st.integers(1, 60), count=st.integers(1, 6))
def test_test_cutoffs_are_complete_covered_and_have_a_training_cutoff(
    span: Span, length: int, every: int, count: int
) -> None:
    end = START + timedelta(days=length)
    need = span.lookback + 2 * (span.lead + span.horizon)
    if length < need:
        with pytest.raises(DataError, match=f"is {length} days: .* needs {need} "):
            rolling_cutoffs(START, end, span, every, count)
        return
    found = rolling_cutoffs(START, end, span, every, count)
    assert found == sorted(set(found))
    assert len(found) <= count
    assert label_window(found[-1], span).end == end
    assert all((later - earlier).days == every for earlier, later in pairwise(found))
    for cutoff in found:
        assert observation_window(cutoff, span.lookback).start >= START
        assert training_cutoffs(cutoff, START, span, span.horizon, 8)


@given(span=spans, length=lengths, spacing=st.integers(1, 90), count=st.integers(1, 9))
def test_training_labels_never_reach_past_the_cutoff_they_serve(
    span: Span, length: int, spacing: int, count: int
) -> None:
    at = START + timedelta(days=length)
    found = training_cutoffs(at, START, span, spacing, count)
    require_no_overlap(found, at, span)
    assert found == sorted(set(found))
    for cutoff in found:
        assert label_window(cutoff, span).end <= at
        assert observation_window(cutoff, span.lookback).start >= START
    if spacing >= span.horizon:
        windows = [label_window(cutoff, span) for cutoff in found]
        assert not any(a.overlaps(b) for k, a in enumerate(windows) for b in windows[k + 1 :])


def test_an_overlap_of_one_day_is_a_leak() -> None:
    span, at = Span(30, 7, 60), date(2024, 6, 1)
    last = newest_cutoff(at, span)
    require_no_overlap([last], at, span)
    with pytest.raises(
        LeakError, match=r"training cutoff 2024-03-27: its label window ends 2024-06-02, after 2024-06-01"
    ):
        require_no_overlap([last, last + timedelta(days=1)], at, span)
