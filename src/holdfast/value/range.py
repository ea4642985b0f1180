"""How far single customers came out from what was expected of them: a range learnt from a backtest.

Split conformal by tenths of the prediction: in each tenth the quantiles of (money that came / money predicted) say
what multiples of a prediction hold the wanted share of customers. Few customers widen the range, by the usual
correction for a finite sample. Coverage is then measured on customers who did not take part.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

GROUPS = 10
LEVEL = 0.8


@dataclass(frozen=True)
class ValueRange:
    """Multiples of a prediction, by its size.

    Parameters
    ----------
    edges : tuple of float
        Inner edges of the groups, money predicted.
    low, high : tuple of float
        Multiples per group.
    level : float
        Wanted share of customers inside.
    coverage : float
        Share of the customers kept aside who fell inside.
    """

    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    level: float
    coverage: float

    def of(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Range around predictions, money, shape (n,) each."""
        group = np.searchsorted(np.array(self.edges), predicted, side="right")
        return predicted * np.array(self.low)[group], predicted * np.array(self.high)[group]


def fit_range(predicted: Floats, actual: Floats, customers: npt.ArrayLike, *, level: float = LEVEL) -> ValueRange:
    """Learn the range on half of the customers, chosen by a hash of the id, and measure its coverage on the others.

    Parameters
    ----------
    predicted, actual : ndarray of shape (n,)
        Money expected (above zero) and money that came, one row per customer.
    customers : array of shape (n,)
        Customer ids.
    level : float
        Wanted share inside.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mean = rng.gamma(2, 10, 4000)
    >>> found = fit_range(mean, rng.gamma(2, mean / 2), np.arange(4000).astype(str))
    >>> bool(abs(found.coverage - 0.8) < 0.03)
    True
    """
    ids = np.asarray(customers, dtype=object)
    half = pd.util.hash_array(ids, categorize=False) % 2 == 0
    learn = half & (predicted > 0)
    if learn.sum() < 2 * GROUPS:
        return ValueRange((), (0.0,), (float("inf"),), level, float("nan"))
    edges = np.unique(np.quantile(predicted[learn], np.arange(1, GROUPS) / GROUPS))
    group = np.searchsorted(edges, predicted, side="right")
    ratio = actual / np.where(predicted > 0, predicted, np.nan)
    low, high = [], []
    for k in range(len(edges) + 1):
        own = ratio[learn & (group == k)]
        low.append(_bound(own, (1 - level) / 2, upper=False))
        high.append(_bound(own, (1 + level) / 2, upper=True))
    found = ValueRange(tuple(edges.tolist()), tuple(low), tuple(high), level, float("nan"))
    rest = ~half & (predicted > 0)
    bottom, top = found.of(predicted[rest])
    inside = (actual[rest] >= bottom) & (actual[rest] <= top)
    return ValueRange(found.edges, found.low, found.high, level, float(inside.mean()) if rest.any() else float("nan"))


def _bound(values: Floats, share: float, *, upper: bool) -> float:
    """Quantile of a finite sample, moved outward by one place."""
    ordered, n = np.sort(values), len(values)
    if not n:
        return float("inf") if upper else 0.0
    place = int(np.ceil(share * (n + 1))) - 1 if upper else int(np.floor(share * (n + 1))) - 1
    return float(ordered[int(np.clip(place, 0, n - 1))])
