"""How far ahead the history can show what a silent customer still brings.

The value horizon is counted from the start of the label window. Where the history is shorter than the
configured value horizon, the longest observable one is used and named; nothing is extrapolated, so the
loss is then too small rather than too large.
"""

from dataclasses import dataclass
from datetime import date

from holdfast.errors import DataError
from holdfast.windows import Span, Window, days_between, label_window, shift


@dataclass(frozen=True)
class LossPlan:
    """Which cutoffs the loss is fitted on, over how many days, and how it is backtested.

    Parameters
    ----------
    horizon_days : int
        Days over which margin is summed for the model in use.
    cutoffs : tuple of date
        Cutoffs that the model in use is fitted on, oldest first.
    backtest_horizon_days : int or None
        Days over which margin is summed in the backtest; None when the history cannot hold two windows.
    backtest_fit, backtest_at : date or None
        The backtest is fitted at the first and judged at the second; all that the fit reads lies before it.
    """

    horizon_days: int
    cutoffs: tuple[date, ...]
    backtest_horizon_days: int | None
    backtest_fit: date | None
    backtest_at: date | None


def value_window(cutoff: date, span: Span, days: int) -> Window:
    """`[c + lead, c + lead + days)`: where margin is summed for the customers of cutoff c.

    Examples
    --------
    >>> value_window(date(2024, 1, 1), Span(lookback=90, lead=7, horizon=60), 365)
    Window(start=datetime.date(2024, 1, 8), end=datetime.date(2025, 1, 7))
    """
    start = label_window(cutoff, span).start
    return Window(start, shift(start, days))


def observable_horizon(
    start: date, end: date, lookback: int, lead: int, horizon: int, value_horizon: int, windows: int = 1
) -> int:
    """Longest value horizon, at most `value_horizon`, that the data from `start` to `end` show completely.

    Parameters
    ----------
    start, end : date
        First day of the data and the midnight at which they end.
    lookback, lead, horizon, value_horizon : int
        Days, as in the task and in `economics`.
    windows : int
        How many value windows must fit one after the other; the backtest needs two.

    Returns
    -------
    int
        Days, counted from the start of the label window; never less than `horizon`.

    Raises
    ------
    DataError
        When not even the label window fits.

    Examples
    --------
    >>> observable_horizon(date(2010, 12, 1), date(2011, 12, 10), 120, 7, 60, 365)  # 374 - 120 - 7
    247
    >>> observable_horizon(date(2010, 12, 1), date(2011, 12, 10), 120, 7, 60, 365, windows=2)  # (374 - 120) // 2 - 7
    120
    """
    room = (days_between(start, end) - lookback) // windows - lead
    days = min(value_horizon, room)
    if days < horizon:
        need = lookback + windows * (lead + horizon)
        raise DataError(
            f"history from {start} to {end} is {days_between(start, end)} days: measuring what silence costs over "
            f"{windows} window(s) needs {need} (lookback {lookback} + {windows} x (lead {lead} + horizon {horizon})); "
            "shorten them or bring more history"
        )
    return days


def plan_loss(start: date, end: date, span: Span, value_horizon: int, spacing: int, count: int = 4) -> LossPlan:
    """Choose the cutoffs for the loss model and for its backtest.

    The model in use takes the longest observable horizon and every cutoff, `spacing` apart, that still sees it
    whole. The backtest is strict: its fit reads nothing at or after the cutoff at which it is judged, so on a
    short history it runs over a shorter horizon than the model in use.

    Raises
    ------
    DataError
        When not even one label window fits.

    Examples
    --------
    >>> plan = plan_loss(date(2010, 12, 1), date(2011, 12, 10), Span(120, 7, 60), 365, 60)
    >>> plan.horizon_days, plan.cutoffs, plan.backtest_horizon_days, str(plan.backtest_at)
    (247, (datetime.date(2011, 3, 31),), 120, '2011-08-05')
    """
    days = observable_horizon(start, end, span.lookback, span.lead, span.horizon, value_horizon)
    newest = shift(end, -(span.lead + days))
    oldest = shift(start, span.lookback)
    walked = [shift(newest, -spacing * k) for k in range(count)]
    cutoffs = tuple(cutoff for cutoff in reversed(walked) if cutoff >= oldest)
    try:
        shorter = observable_horizon(start, end, span.lookback, span.lead, span.horizon, value_horizon, windows=2)
    except DataError:
        return LossPlan(days, cutoffs, None, None, None)
    judged = shift(end, -(span.lead + shorter))
    return LossPlan(days, cutoffs, shorter, shift(judged, -(span.lead + shorter)), judged)
