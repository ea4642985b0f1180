"""Pareto, measured (domain C2): how much of the margin comes from how few customers.

Customers with a negative margin count as zero here: shares of a total that losses have shrunk would pass
100 %. How many there are is part of the answer.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

_TOP_SHARE = 0.2
_TOP_COUNT = 10


def lorenz_curve(margin: npt.ArrayLike) -> pd.DataFrame:
    """Share of margin that the best share of customers brings, best first.

    Parameters
    ----------
    margin : array of shape (n,)
        Margin (or revenue) per customer, money.

    Returns
    -------
    DataFrame
        `share_of_customers`, `share_of_margin`, n + 1 rows from (0, 0) to (1, 1); empty when no customer
        brings anything.

    Examples
    --------
    >>> lorenz_curve([3.0, 1.0])["share_of_margin"].tolist()
    [0.0, 0.75, 1.0]
    """
    values = _gains(margin)
    total = values.sum()
    if total <= 0:
        return pd.DataFrame({"share_of_customers": [], "share_of_margin": []}, dtype="float64")
    customers = np.arange(len(values) + 1) / len(values)
    gained = np.concatenate([[0.0], np.cumsum(values)]) / total
    gained[-1] = 1.0
    return pd.DataFrame({"share_of_customers": customers, "share_of_margin": gained})


def concentration(margin: npt.ArrayLike) -> dict[str, float]:
    """Measure how concentrated the margin is.

    Parameters
    ----------
    margin : array of shape (n,)
        Margin (or revenue) per customer, money; missing values are left out.

    Returns
    -------
    dict
        `top_20_share` (of the best 20 % of customers, read from the Lorenz curve, so 7 customers have 1.4 best
        ones), `top_10_customers_share`, `top_1_share` (the largest customer), `gini` (0 equal … 1 one customer),
        `hhi` (sum of squared shares; its inverse is the number of equal customers it amounts to), `n`,
        `n_negative`. Shares are NaN, that is not measured, when no customer brings anything.

    Examples
    --------
    >>> spend = concentration([80.0] + [5.0] * 4)  # one in five brings 80 of 100
    >>> round(spend["top_20_share"], 12), round(spend["hhi"], 4)
    (0.8, 0.65)
    """
    values = _gains(margin)
    raw = np.asarray(margin, dtype="float64")
    counts = {"n": float(len(values)), "n_negative": float((raw < 0).sum())}
    total = values.sum()
    if total <= 0:
        names = ("top_20_share", "top_10_customers_share", "top_1_share", "gini", "hhi")
        return dict.fromkeys(names, float("nan")) | counts
    curve = lorenz_curve(values)
    customers, gained = curve["share_of_customers"].to_numpy(), curve["share_of_margin"].to_numpy()
    shares = values / total
    area = float(((gained[1:] + gained[:-1]) / 2 * np.diff(customers)).sum())
    return {
        "top_20_share": float(np.interp(_TOP_SHARE, customers, gained)),
        "top_10_customers_share": float(gained[min(_TOP_COUNT, len(values))]),
        "top_1_share": float(shares[0]),
        "gini": 2 * area - 1,
        "hhi": float((shares**2).sum()),
    } | counts


def _gains(margin: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Known margins, negative ones as zero, largest first."""
    raw = np.asarray(margin, dtype="float64")
    known = raw[~np.isnan(raw)]
    return np.asarray(np.sort(np.maximum(known, 0.0))[::-1])
