"""Churn rate with its interval, by period and by group (domain A2)."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from holdfast.errors import DataError

ALL = "all"


def wilson(lost: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[npt.NDArray[np.float64], ...]:
    """Wilson's score interval of a share.

    Parameters
    ----------
    lost, n : array of shape (k,)
        How many of how many.
    level : float
        Probability covered.

    Returns
    -------
    tuple of ndarray
        Lower and upper ends; 0 and 1 where n is 0.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.

    Examples
    --------
    >>> low, high = wilson([330], [6600])
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.045, 0.0555)
    """
    hits, size = np.asarray(lost, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z = float(norm.ppf((1 + level) / 2))
    safe = np.maximum(size, 1e-12)
    share, spread = hits / safe, z**2 / safe
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * np.sqrt(np.maximum(share * (1 - share) / safe + spread / (4 * safe), 0))
    low = np.where(size > 0, np.maximum(middle - half, 0.0), 0.0)
    high = np.where(size > 0, np.minimum(middle + half, 1.0), 1.0)
    return low, high


def churn_rate(rows: pd.DataFrame, groups: Mapping[str, "pd.Series[str]"] | None = None) -> pd.DataFrame:
    """Share lost among those who were there when the period began.

    Parameters
    ----------
    rows : DataFrame
        `customer_id, period` (a date: when it began) and `lost` (0/1), one row for each customer who was there then:
        who joins within the period is not in it.
    groups : mapping of str to Series, optional
        Further splits: a name (such as `region`) and the group of each row, on the same index; missing is a group.

    Returns
    -------
    DataFrame
        `period, split, segment, n, lost, rate, low, high`, first everybody (`split` and `segment` are `all`), sorted.

    Raises
    ------
    DataError
        When a customer stands twice in a period.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": list("abcd"), "period": ["2024-01-01"] * 4, "lost": [1, 0, 0, 0]})
    >>> churn_rate(rows)[["n", "lost", "rate"]].iloc[0].tolist()
    [4.0, 1.0, 0.25]
    """
    twice = rows.duplicated(["customer_id", "period"])
    if twice.any():
        raise DataError(f"churn rate: {int(twice.sum())} customers stand twice in a period; expected each once")
    parts = [_grouped(rows, pd.Series(ALL, index=rows.index), ALL)]
    parts += [_grouped(rows, values, name) for name, values in (groups or {}).items()]
    return pd.concat(parts, ignore_index=True)


def _grouped(rows: pd.DataFrame, segment: "pd.Series[str]", split: str) -> pd.DataFrame:
    named = segment.astype(object).where(segment.notna(), "missing").astype(str)
    counts = rows.groupby([rows["period"], named.rename("segment")])["lost"].agg(n="size", lost="sum").reset_index()
    low, high = wilson(counts["lost"], counts["n"])
    counts = counts.assign(split=split, rate=counts["lost"] / counts["n"], low=low, high=high)
    return counts[["period", "split", "segment", "n", "lost", "rate", "low", "high"]]
