"""What silence costs: margin of the active minus margin of the silent over the value horizon.

`loss_if_silent = E[margin over the value horizon | active in the window] - E[margin | silent]`, given the
customer's own past margin rate. Silent is not gone for good: those who come back later lower the loss. It is
a difference between groups, not what a save earns: a customer talked into one more order does not become one
of those who stayed by themselves.

Estimator. Two rising curves of future margin on own past margin (`curves`), one for the active and one for the
silent; their difference, itself made rising over the cohort and never below 0. Future margins are winsorised at
the 0.5 % and 99.5 % of training, one cut for both groups, so very large customers count for less than they
brought. Beyond the largest past margin of a curve nothing is extrapolated. With fewer than 50 customers in
either group a straight line through 0 is used: past rate times (ratio of the active - ratio of the silent).

Discounting. Margin is taken as spread evenly over the horizon of T days: factor
`mean over t = 1..T of (1 + r) ** (-t / 365)` at r per year. The silent come back late, so their share is
overstated and the loss understated.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import DataError
from holdfast.value.curves import Binned, Floats, rising

NEEDED = ("customer_id", "cutoff", "silent", "past_margin_per_day", "future_margin")


@dataclass(frozen=True)
class LossSettings:
    """How the loss is estimated.

    Parameters
    ----------
    discount_rate : float
        Per year.
    winsor : float
        Share of future margins left as they are below the upper cut (and above the lower one).
    least_group : int
        With fewer active or fewer silent customers the ratio estimator is used.
    least_bin : int
        Customers per bin of the curves.
    resamples : int
        Customer bootstraps of the curves.
    level : float
        Coverage of the interval.
    seed : int
        Seed of the bootstrap.
    """

    discount_rate: float = 0.0
    winsor: float = 0.995
    least_group: int = 50
    least_bin: int = 25
    resamples: int = 200
    level: float = 0.9
    seed: int = 0


@dataclass(frozen=True)
class LossModel:
    """Loss as a rising curve of own past margin rate, with its interval.

    Parameters
    ----------
    rate, loss, low, high : tuple of float
        Places (money per day) and heights (discounted money) of the curve; linear between, flat outside.
    horizon_days : int
        Days over which margin was observed, from the start of the label window.
    factor : float
        Discount factor that is already in the heights.
    method : str
        `curves`, `ratio` or `mean`.
    n_active, n_silent : int
        Rows that were compared.
    mean_active, mean_silent : float
        Winsorised, discounted mean margin of the two groups.
    cut_low, cut_high : float
        Future margins outside were set to these (undiscounted money).
    """

    rate: tuple[float, ...]
    loss: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    horizon_days: int
    factor: float
    method: str
    n_active: int
    n_silent: int
    mean_active: float
    mean_silent: float
    cut_low: float
    cut_high: float

    def predict(self, past_margin_per_day: npt.ArrayLike) -> Floats:
        """Loss if silent, money, never below 0; NaN where the past margin is not known."""
        return self._read(past_margin_per_day, self.loss)

    def interval(self, past_margin_per_day: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Range of the expected loss from resampled customers; not the range of single customers."""
        return self._read(past_margin_per_day, self.low), self._read(past_margin_per_day, self.high)

    def table(self, past_margin_per_day: npt.ArrayLike) -> pd.DataFrame:
        """`loss_if_silent, loss_low, loss_high`, one row per customer in the order given."""
        low, high = self.interval(past_margin_per_day)
        return pd.DataFrame({"loss_if_silent": self.predict(past_margin_per_day), "loss_low": low, "loss_high": high})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "LossModel":
        """Read what `to_dict` wrote."""
        values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in stored.items()}
        return cls(**values)

    def _read(self, rate: npt.ArrayLike, height: tuple[float, ...]) -> Floats:
        return np.asarray(np.interp(np.asarray(rate, dtype="float64"), self.rate, height), dtype="float64")


def discount_factor(rate: float, days: int) -> float:
    """Present value of 1 spread evenly over `days` days, at `rate` per year.

    Examples
    --------
    >>> discount_factor(0.0, 365), round(discount_factor(0.10, 365), 4)
    (1.0, 0.9537)
    """
    ages = np.arange(1, days + 1) / 365.0
    return float(np.mean((1.0 + rate) ** -ages)) if days > 0 else 1.0


def fit_loss(history: pd.DataFrame, horizon_days: int, settings: LossSettings | None = None) -> LossModel:
    """Fit the loss on closed cutoffs.

    Parameters
    ----------
    history : DataFrame
        `customer_id, cutoff, silent` (0/1)`, past_margin_per_day, future_margin`: one row per cohort member and
        cutoff, future margin undiscounted over `horizon_days` from the start of the label window.
    horizon_days : int
        Days over which future margin was summed.
    settings : LossSettings, optional
        How to estimate.

    Raises
    ------
    DataError
        When a column is missing, a margin is not finite, or one of the two groups is empty.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "cutoff": pd.Timestamp("2024-01-01"),
    ...     "silent": [0, 0, 1, 1], "past_margin_per_day": [1.0, 3.0, 1.0, 3.0],
    ...     "future_margin": [100.0, 300.0, 20.0, 60.0]})
    >>> model = fit_loss(rows, horizon_days=100)  # ratios 400/4 = 100 and 80/4 = 20 days' worth
    >>> model.method, model.predict([2.0]).round(6).tolist()
    ('ratio', [160.0])
    """
    chosen = settings or LossSettings()
    rows = checked_history(history)
    silent = rows["silent"].to_numpy() == 1
    rate = rows["past_margin_per_day"].to_numpy(dtype="float64")
    future = rows["future_margin"].to_numpy(dtype="float64")
    cut_low = float(np.quantile(future, 1 - chosen.winsor, method="lower"))
    cut_high = float(np.quantile(future, chosen.winsor, method="higher"))
    future = np.clip(future, cut_low, cut_high)
    factor = discount_factor(chosen.discount_rate, horizon_days)
    contrast = _Contrast.of(rate, future * factor, silent, chosen)
    loss = contrast.heights(np.ones(len(rows)))
    low, high = _bootstrap(contrast, rows["customer_id"].to_numpy(), loss, chosen)
    return LossModel(
        rate=tuple(contrast.grid.tolist()),
        loss=tuple(loss.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        horizon_days=horizon_days,
        factor=factor,
        method=contrast.method,
        n_active=int((~silent).sum()),
        n_silent=int(silent.sum()),
        mean_active=float(future[~silent].mean() * factor),
        mean_silent=float(future[silent].mean() * factor),
        cut_low=cut_low,
        cut_high=cut_high,
    )


@dataclass(frozen=True)
class _Contrast:
    """Both groups in bins, and the places at which their difference is written down."""

    active: Binned
    silent: Binned
    is_silent: npt.NDArray[np.bool_]
    grid: Floats
    mass: Floats
    method: str

    @classmethod
    def of(cls, rate: Floats, margin: Floats, silent: npt.NDArray[np.bool_], settings: LossSettings) -> "_Contrast":
        stay = Binned.of(rate[~silent], margin[~silent], settings.least_bin)
        left = Binned.of(rate[silent], margin[silent], settings.least_bin)
        small = min(silent.sum(), (~silent).sum()) < settings.least_group
        if not small and min(stay.bins, left.bins) > 1:
            grid, _, mass = Binned.of(rate, margin, settings.least_bin).means(np.ones(len(rate)))
            return cls(stay, left, silent, grid, mass, "curves")
        line = min(stay.rate.sum(), left.rate.sum()) > 0
        grid = np.array([0.0, max(float(rate.max()), 0.0)]) if line else np.zeros(1)
        return cls(stay, left, silent, grid, np.ones(len(grid)), "ratio" if line else "mean")

    def heights(self, weight: Floats) -> Floats:
        """Loss at the places of the grid when customers count as `weight` says."""
        active, silent = weight[~self.is_silent], weight[self.is_silent]
        if self.method == "mean":
            difference = np.full(1, self.active.mean(active) - self.silent.mean(silent))
        elif self.method == "ratio":
            difference = self.grid * (self.active.ratio(active) - self.silent.ratio(silent))
        else:
            above = np.interp(self.grid, *self.active.curve(active))
            difference = rising(above - np.interp(self.grid, *self.silent.curve(silent)), self.mass)
        return np.asarray(np.maximum(difference, 0.0))


def _bootstrap(
    contrast: _Contrast, customers: npt.NDArray[Any], loss: Floats, settings: LossSettings
) -> tuple[Floats, Floats]:
    """Percentile range of the curve over resampled customers, widened to hold the curve itself."""
    codes = np.unique(customers, return_inverse=True)[1].ravel()
    count = int(codes.max()) + 1
    random = np.random.default_rng(settings.seed)
    drawn = []
    for _ in range(settings.resamples):
        times = np.bincount(random.integers(0, count, count), minlength=count).astype("float64")[codes]
        if times[contrast.is_silent].any() and times[~contrast.is_silent].any():
            heights = contrast.heights(times)
            if np.isfinite(heights).all():
                drawn.append(heights)
    if not drawn:
        return loss.copy(), loss.copy()
    tail = (1 - settings.level) / 2
    low, high = np.quantile(np.stack(drawn), [tail, 1 - tail], axis=0)
    return np.minimum(low, loss), np.maximum(high, loss)


def checked_history(history: pd.DataFrame) -> pd.DataFrame:
    """Refuse what cannot be fitted; sort so that the order of rows does not matter."""
    missing = [name for name in NEEDED if name not in history.columns]
    if missing:
        raise DataError(f"loss history: column {missing[0]!r} is missing; expected {', '.join(NEEDED)}")
    for name in ("past_margin_per_day", "future_margin"):
        if not np.isfinite(history[name].to_numpy(dtype="float64")).all():
            raise DataError(f"loss history: {name} has values that are missing or infinite; expected money")
    for value, word in ((0, "active"), (1, "silent")):
        if not (history["silent"] == value).any():
            raise DataError(f"loss history: no {word} customer at any closed cutoff; the two groups cannot be compared")
    order = ["past_margin_per_day", "customer_id", "cutoff"]
    return history.sort_values(order, kind="stable").reset_index(drop=True)
