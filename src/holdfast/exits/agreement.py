"""How far two columns of reasons agree: counts of every pair, and Cohen's kappa (domain A3)."""

from typing import Any

import numpy as np
import pandas as pd

from holdfast.exits.distribution import UNKNOWN
from holdfast.schema import EXIT_CLASSES

Z = 1.959963984540054


def confusion(first: "pd.Series[Any]", second: "pd.Series[Any]") -> pd.DataFrame:
    """Counts of every pair of classes, `unknown` among them.

    Parameters
    ----------
    first, second : Series
        Reasons of the same rows; anything that is not one of the six classes is `unknown`.

    Returns
    -------
    DataFrame
        `first, second, n`: all 49 pairs.

    Examples
    --------
    >>> found = confusion(pd.Series(["price", "price"]), pd.Series(["price", None]))
    >>> found[found["n"] > 0].values.tolist()
    [['price', 'price', 1], ['price', 'unknown', 1]]
    """
    order = [*EXIT_CLASSES, UNKNOWN]
    left, right = (_named(one).to_numpy() for one in (first, second))
    counts = pd.crosstab(pd.Categorical(left, order), pd.Categorical(right, order), dropna=False)
    counts = counts.reindex(index=order, columns=order, fill_value=0)
    pairs = pd.DataFrame([(row, column) for row in order for column in order], columns=["first", "second"])
    return pairs.assign(n=counts.to_numpy().ravel())


def cohen_kappa(first: "pd.Series[Any]", second: "pd.Series[Any]") -> dict[str, float]:
    """Agreement beyond chance, among the rows in which both name a class.

    Parameters
    ----------
    first, second : Series
        Reasons of the same rows.

    Returns
    -------
    dict
        `n` rows with a class in both, `agree` share with the same one, `kappa = (agree − chance) / (1 − chance)` and
        its 95 % interval `low, high` (large-sample standard error); NaN where nothing can be compared.

    References
    ----------
    Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20.

    Examples
    --------
    >>> found = cohen_kappa(pd.Series(["price"] * 2 + ["service"] * 2), pd.Series(["price", "service"] * 2))
    >>> found["agree"], found["kappa"]
    (0.5, 0.0)
    """
    left, right = _named(first).reset_index(drop=True), _named(second).reset_index(drop=True)
    both = (left != UNKNOWN) & (right != UNKNOWN)
    n = int(both.sum())
    missing = {"n": n, "agree": np.nan, "kappa": np.nan, "low": np.nan, "high": np.nan}
    if not n:
        return missing
    shares = [one[both].value_counts(normalize=True).reindex(list(EXIT_CLASSES)).fillna(0.0) for one in (left, right)]
    agree, chance = float((left[both] == right[both]).mean()), float((shares[0] * shares[1]).sum())
    if chance >= 1:
        return missing | {"agree": agree}
    kappa = (agree - chance) / (1 - chance)
    half = Z * np.sqrt(agree * (1 - agree) / n) / (1 - chance)
    return {"n": n, "agree": agree, "kappa": kappa, "low": kappa - half, "high": min(kappa + half, 1.0)}


def _named(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.astype(object).where(column.isin(EXIT_CLASSES), UNKNOWN)
