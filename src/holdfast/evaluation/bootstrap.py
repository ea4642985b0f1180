"""Intervals by a bootstrap clustered by customer: whole customers are drawn, never single rows.

A resample draws as many customers as there are, with replacement: multinomial counts, held as one weight
per customer. Nothing is copied or sorted again; `weighted.Panel` turns weights into figures. All models and
all cutoffs of one call see the same resamples, so differences are paired, and a customer who stands at
several cutoffs is drawn or left out at all of them.

The intervals are percentile intervals, conditional on the fitted models and on these periods: they say
how much the figures depend on which customers happened to be there, not how the model would vary if it
were fitted again, and not what another season brings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.evaluation.rows import FloatArray
from holdfast.evaluation.weighted import Panel

CACHE_CELLS = 100_000
"""Weights handled at once (rows x resamples): what fits a core's cache beats a bigger block by far."""
LEVEL = 0.95
"""Confidence level of every interval."""
USABLE = 0.9
"""Share of the resamples in which a figure must exist before an interval is given."""
CENTRED = frozenset({"ece"})
"""Figures that resampling inflates: noise on top of noise adds to an absolute error. Their interval is
shifted so that the resamples' median falls on the estimate; its width is the bootstrap's. On 1 500 calibrated
customers the plain percentile interval held the expected ECE in 43 of 100 worlds, the shifted one in 96."""


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; None where too few resamples had the figure."""

    low: float | None
    high: float | None

    def as_list(self) -> list[float] | None:
        """`[low, high]`, or None."""
        return None if self.low is None or self.high is None else [self.low, self.high]


def customer_counts(customers: int, n_boot: int, seed: int, block: int) -> Iterator[FloatArray]:
    """Times each customer is drawn, in blocks of resamples; the block size does not change the draws.

    Yields
    ------
    array of shape (up to block, customers)
        Each line adds up to `customers`.

    Examples
    --------
    >>> [counts.sum(axis=1).tolist() for counts in customer_counts(4, 3, seed=0, block=2)]
    [[4.0, 4.0], [4.0]]
    """
    rng = np.random.default_rng(seed)
    for start in range(0, n_boot, block):
        lines = min(block, n_boot - start)
        counts = np.empty((lines, customers))
        for line in range(lines):
            counts[line] = np.bincount(rng.integers(0, customers, size=customers), minlength=customers)
        yield counts


def resample(
    panels: Sequence[Panel], customers: int, *, n_boot: int, seed: int, cells: int = CACHE_CELLS
) -> list[dict[str, FloatArray]]:
    """Every figure of every panel in every resample.

    Parameters
    ----------
    panels : sequence of Panel
        Models and cutoffs; their rows number customers from the same set.
    customers : int
        How many customers there are in that set.
    n_boot : int
        Resamples.
    seed : int
        The same seed and customers give the same resamples.
    cells : int
        Weights handled at once; bounds the memory (some ten arrays of this many numbers).

    Returns
    -------
    list of dict
        Per panel: figure -> array of shape (n_boot,), NaN where a resample cannot tell.
    """
    largest = max((panel.rows.n for panel in panels), default=1)
    block = max(1, min(n_boot, cells // max(largest, customers, 1)))
    parts: list[list[dict[str, FloatArray]]] = [[] for _ in panels]
    for counts in customer_counts(customers, n_boot, seed, block):
        for part, panel in zip(parts, panels, strict=True):
            part.append(panel.measure(counts))
    return [{name: np.concatenate([figures[name] for figures in part]) for name in part[0]} for part in parts]


def interval(values: FloatArray, estimate: float, *, centred: bool = False) -> Interval:
    """Percentile interval of the finite resamples.

    Parameters
    ----------
    values : array of shape (n_boot,)
        The figure in each resample.
    estimate : float
        The figure itself; only used where `centred`.
    centred : bool
        Shift the interval so that the median of the resamples falls on the estimate.

    Examples
    --------
    >>> [round(bound, 6) for bound in interval(np.arange(201.0), 90.0).as_list()]
    [5.0, 195.0]
    >>> [round(bound, 6) for bound in interval(np.arange(201.0), 90.0, centred=True).as_list()]
    [-5.0, 185.0]
    """
    finite = values[np.isfinite(values)]
    if not len(values) or len(finite) < USABLE * len(values):
        return Interval(None, None)
    low, median, high = np.quantile(finite, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    shift = estimate - median if centred else 0.0
    return Interval(float(low + shift), float(high + shift))


def intervals(figures: Mapping[str, FloatArray], estimates: Mapping[str, float]) -> dict[str, Interval]:
    """Interval of every figure that has an estimate; ECE's never falls below zero."""
    out = {}
    for name, values in figures.items():
        if name not in estimates:
            continue
        found = interval(values, estimates[name], centred=name in CENTRED)
        if name in CENTRED and found.low is not None:
            found = Interval(max(found.low, 0.0), found.high)
        out[name] = found
    return out
