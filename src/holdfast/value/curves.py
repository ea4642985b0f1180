"""Mean future margin as a rising function of own past margin, for the active and the silent apart.

Customers are gathered into bins of neighbouring past margin (equal values stay together), because an
isotonic fit on single customers lets the largest one write the end of the curve. On the bin means runs a
weighted isotonic regression (pool adjacent violators, Barlow et al. 1972), linear between the bins.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

MOST_BINS = 200


def bin_codes(rate: Floats, least: int) -> Codes:
    """Number the bins of neighbouring values, at least `least` customers each, ties never split.

    Examples
    --------
    >>> bin_codes(np.array([1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0]), least=2).tolist()
    [0, 0, 0, 1, 1, 2, 2]
    """
    values, place, counts = np.unique(rate, return_inverse=True, return_counts=True)
    reached = np.cumsum(counts)
    size = max(least, len(rate) // MOST_BINS)
    ends: list[int] = []
    start = 0
    while start < len(rate):
        end = min(int(np.searchsorted(reached, start + size)), len(values) - 1)
        ends.append(end)
        start = int(reached[end])
    if len(ends) > 1 and reached[ends[-1]] - reached[ends[-2]] < size:
        del ends[-2]
    return np.asarray(np.searchsorted(ends, place.ravel()), dtype=np.intp)


@dataclass(frozen=True)
class Binned:
    """One group of customers, sorted into bins: what every refit of its curve starts from."""

    rate: Floats
    margin: Floats
    codes: Codes

    @classmethod
    def of(cls, rate: Floats, margin: Floats, least: int) -> "Binned":
        """Sort the customers of one group into bins."""
        return cls(rate, margin, bin_codes(rate, least))

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(self.codes.max(initial=-1)) + 1

    def means(self, weight: Floats) -> tuple[Floats, Floats, Floats]:
        """Weighted mean past rate, mean future margin and weight of every bin that has any weight."""
        mass = np.asarray(np.bincount(self.codes, weight, self.bins), dtype="float64")
        kept = mass > 0
        rate = np.bincount(self.codes, weight * self.rate, self.bins)[kept] / mass[kept]
        margin = np.bincount(self.codes, weight * self.margin, self.bins)[kept] / mass[kept]
        return rate, margin, mass[kept]

    def curve(self, weight: Floats) -> tuple[Floats, Floats]:
        """Rising curve through the bin means: places and heights."""
        rate, margin, mass = self.means(weight)
        return rate, rising(margin, mass)

    def ratio(self, weight: Floats) -> float:
        """Future margin per unit of past margin rate (days' worth of own past margin); NaN without past margin."""
        past = float((weight * self.rate).sum())
        return float((weight * self.margin).sum()) / past if past > 0 else float("nan")

    def mean(self, weight: Floats) -> float:
        """Mean future margin; NaN without weight."""
        mass = float(weight.sum())
        return float((weight * self.margin).sum()) / mass if mass > 0 else float("nan")


def rising(height: Floats, mass: Floats) -> Floats:
    """Weighted isotonic regression; keeps the weighted mean.

    Examples
    --------
    >>> rising(np.array([1.0, 3.0, 2.0]), np.ones(3)).tolist()
    [1.0, 2.5, 2.5]
    """
    return np.asarray(isotonic_regression(height, weights=mass).x, dtype="float64")
