"""What is refused after each cell was read: impossible dates and duplicates.

A row is an impossible date when it lies after today, or is cut off from all others by an empty gap longer
than lookback + horizon (contract.md, "Time").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from holdfast.windows import Window, days_between, shift

_FEW_ROWS = 10
_SMALL_SHARE = 0.1


@dataclass(frozen=True)
class Body:
    """The connected part of a table's days.

    Parameters
    ----------
    refused : tuple of Window
        Ranges of days that are cut off from it.
    window : Window
        First day to the day after the last one of what stays.
    gaps : tuple of str
        Large blocks that stay although a gap lies between them, in words.
    """

    refused: tuple[Window, ...]
    window: Window
    gaps: tuple[str, ...] = ()


def connected(days: Sequence[tuple[date, int]], gap: int) -> Body:
    """Split the days of a table at empty gaps longer than `gap` and tell what is cut off.

    Parameters
    ----------
    days : sequence of (date, int)
        Days with rows and their number, in order; at least one.
    gap : int
        Longest empty gap in days.

    Returns
    -------
    Body
        The block with the most rows stays. Another one is refused when it is small beside it (ten rows, or
        a tenth) or stands on a single day, as default dates do; a large one stays and is named.

    Examples
    --------
    >>> body = connected([(date(1970, 1, 1), 1), (date(2024, 1, 1), 5), (date(2024, 2, 1), 5)], 60)
    >>> body.refused[0].start, body.window.end
    (datetime.date(1970, 1, 1), datetime.date(2024, 2, 2))
    """
    blocks: list[list[tuple[date, int]]] = [[days[0]]]
    for day in days[1:]:
        if days_between(blocks[-1][-1][0], day[0]) - 1 > gap:
            blocks.append([])
        blocks[-1].append(day)
    sizes = [sum(rows for _, rows in block) for block in blocks]
    main = max(range(len(blocks)), key=lambda i: (sizes[i], i))
    small = [
        i != main and (sizes[i] <= max(_FEW_ROWS, _SMALL_SHARE * sizes[main]) or len(blocks[i]) == 1)
        for i in range(len(blocks))
    ]
    windows = [Window(block[0][0], shift(block[-1][0], 1)) for block in blocks]
    kept = [window for window, cut in zip(windows, small, strict=True) if not cut]
    gaps = tuple(
        f"no row from {before.end} to {after.start} ({days_between(before.end, after.start)} days)"
        for before, after in pairwise(kept)
    )
    refused = tuple(window for window, cut in zip(windows, small, strict=True) if cut)
    return Body(refused, Window(kept[0].start, kept[-1].end), gaps)


def impossible(body: Body, reference: Window | None, gap: int) -> tuple[Window, ...]:
    """Refused ranges of a table, given the days of the table that the label reads.

    A block far from its own table's others is still possible where the label's table has rows nearby: a
    survey once a year is no error.
    """
    if reference is None:
        return body.refused
    near = Window(shift(reference.start, -gap), shift(reference.end, gap))
    return tuple(window for window in body.refused if not window.overlaps(near))
