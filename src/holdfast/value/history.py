"""The table that the loss is fitted on: past margin rate, silence, and margin over the value window."""

from datetime import date

import numpy as np
import pandas as pd

from holdfast.errors import DataError
from holdfast.value.horizon import value_window
from holdfast.windows import Span, Window, label_window, observation_window

NEEDED = ("customer_id", "at", "amount")


def margin_history(purchases: pd.DataFrame, cutoff: date, span: Span, horizon_days: int, margin: float) -> pd.DataFrame:
    """Build one row per cohort member of a cutoff, for `fit_loss` and `backtest`.

    The cohort are the customers with a sign of life (`amount > 0`) in `[c - lookback, c)`; silent are those
    without one in the label window. Returns count in both margins.

    Parameters
    ----------
    purchases : DataFrame
        `customer_id, at, amount`, complete at least from `c - lookback` to the end of the value window.
    cutoff : date
        Midnight c.
    span : Span
        Lookback, lead and horizon of the churn task, in days.
    horizon_days : int
        Days over which future margin is summed, from the start of the label window.
    margin : float
        Share of revenue that is margin.

    Returns
    -------
    DataFrame
        `customer_id, cutoff, silent` (0/1), `past_margin_per_day` (over the lookback), `future_margin`
        (undiscounted money), sorted by `customer_id`.

    Raises
    ------
    DataError
        When a column is missing or the cohort is empty.
    """
    rates = past_margin(purchases, cutoff, span.lookback, margin)
    if rates.empty:
        raise DataError(f"cutoff {cutoff}: no customer bought in the {span.lookback} days before it; nothing to value")
    seen = _within(purchases, label_window(cutoff, span))
    alive = pd.Index(seen.loc[seen["amount"] > 0, "customer_id"].unique())
    future = _sums(_within(purchases, value_window(cutoff, span, horizon_days)))
    customers = rates.index
    return pd.DataFrame(
        {
            "customer_id": customers.to_numpy(),
            "cutoff": pd.Timestamp(cutoff),
            "silent": (~customers.isin(alive)).astype("int8"),
            "past_margin_per_day": rates.to_numpy(),
            "future_margin": future.reindex(customers, fill_value=0.0).to_numpy() * margin,
        }
    )


def past_margin(purchases: pd.DataFrame, cutoff: date, lookback: int, margin: float) -> "pd.Series[float]":
    """Margin per day over `[c - lookback, c)` for every customer with a sign of life in it.

    Returns
    -------
    Series
        Money per day, indexed by `customer_id`, sorted.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": ["a", "a"], "at": pd.to_datetime(["2024-01-05", "2024-01-11"]),
    ...                      "amount": [100.0, 40.0]})
    >>> past_margin(rows, date(2024, 1, 11), 10, 0.3).to_dict()  # 100 * 0.3 / 10; the 11th is not yet known
    {'a': 3.0}
    """
    missing = [name for name in NEEDED if name not in purchases.columns]
    if missing:
        raise DataError(f"purchases: column {missing[0]!r} is missing; value needs {', '.join(NEEDED)}")
    rows = _within(purchases, observation_window(cutoff, lookback))
    alive = rows.loc[rows["amount"] > 0, "customer_id"].unique()
    totals = _sums(rows)
    return totals[totals.index.isin(alive)] * margin / max(lookback, 1)


def _within(purchases: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Rows inside a half-open window."""
    at = purchases["at"]
    rows = purchases.loc[(at >= pd.Timestamp(window.start)) & (at < pd.Timestamp(window.end)), list(NEEDED)]
    return rows.assign(amount=rows["amount"].astype("float64"))


def _sums(rows: pd.DataFrame) -> "pd.Series[float]":
    """Amount per customer, summed in whole small units so that the order of rows does not matter.

    The unit is a ten-thousandth, and coarser only where the whole sum would not fit into 64 bits.
    """
    amount = rows["amount"].to_numpy()
    total = float(np.abs(amount).sum())
    scale = 10_000.0 if total < 1e14 else 10.0 ** np.floor(18 - np.log10(total))
    units = np.rint(amount * scale).astype("int64")
    return pd.Series(units, index=rows["customer_id"].to_numpy()).groupby(level=0, sort=True).sum() / scale
