"""The staged-segment design: days are mapped to the segments between all window edges of all cutoffs.

Two small tables carry it. `calendar(d, seg)` gives every day its segment; `spans(seg, cutoff, age, age_end)`
says, for each cutoff, how old a segment is: it covers the days from `age` to `age_end` days before the
cutoff. A segment lies in the trailing window of w days exactly when `age <= w`, since w is an edge.
Every cutoff then comes out of one scan of the events (engine.md, "The shape that wins").
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from holdfast.windows import days_between, shift

WINDOWS = (7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 540, 730)
"""Trailing windows in days (accuracy.md)."""


@dataclass(frozen=True)
class Timeline:
    """Calendar and spans for a set of cutoffs over the days of the histories."""

    calendar: pa.Table
    spans: pa.Table


def build_timeline(start: date, cutoffs: Sequence[date], horizon: int) -> Timeline:
    """Cut the days from `start` up to the last cutoff into segments.

    Parameters
    ----------
    start : date
        First day with a row.
    cutoffs : sequence of date
        The cutoffs to serve.
    horizon : int
        Label horizon in days; the same window a year and two years ago gets edges of its own.

    Examples
    --------
    >>> timeline = build_timeline(date(2024, 1, 1), [date(2024, 1, 11)], 60)
    >>> timeline.calendar.num_rows, timeline.spans.num_rows
    (10, 2)
    """
    ages = {0, *WINDOWS}
    for year in (365, 730):
        ages |= {year, year - min(horizon, year)}
    edges = sorted({shift(cutoff, -age) for cutoff in cutoffs for age in ages} | {start})
    last = max(cutoffs)
    days = [shift(start, k) for k in range(max(days_between(start, last), 0))]
    segments = [bisect_right(edges, day) - 1 for day in days]
    ends = [*edges[1:], last]
    rows = [
        (segment, cutoff, days_between(edges[segment], cutoff), days_between(ends[segment], cutoff))
        for segment in sorted(set(segments))
        for cutoff in cutoffs
        if ends[segment] <= cutoff
    ]
    calendar = pa.table({"d": pa.array(days, pa.date32()), "seg": pa.array(segments, pa.int32())})
    spans = pa.table(
        {
            "seg": pa.array([row[0] for row in rows], pa.int32()),
            "cutoff": pa.array([row[1] for row in rows], pa.date32()),
            "age": pa.array([row[2] for row in rows], pa.int32()),
            "age_end": pa.array([row[3] for row in rows], pa.int32()),
        }
    )
    return Timeline(calendar, spans)
