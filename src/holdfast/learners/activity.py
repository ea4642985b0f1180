"""The level of churn as a small time series: how busy a stretch of time was, beside what its customers alone explain.

The *activity* of a window is the factor by which the buying rates of BG/NBD have to be multiplied so that the share
of customers who bought nothing in it comes out right; who the customers are is then accounted for. Activity is
measured in short windows (four weeks, at every second week) over the whole history, on the log scale. The forecast
for the weeks ahead is what happened 52 weeks earlier plus the change from year to year. It is used only as far as
such forecasts, each made a horizon ahead from what was known then, would have foretold the past; where the history
holds no second year, or the past was not foretold, the model's own level stands.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq

from holdfast.btyd.bgnbd import BgNbd
from holdfast.learners.calibrate import LevelShift, shift_to_rate
from holdfast.windows import Span, days_between

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
LabelShare = Callable[[BgNbd, "States", float], float]
"""Expected share of label 1 among customers whose buying rates are multiplied by a factor."""

YEAR = 364
"""52 weeks: the same weekdays, and a multiple of every step."""
BURN_IN = 90
"""Days at the beginning of a history whose customers are too few and too new."""
LEAST_CUSTOMERS = 100
MOST_CUSTOMERS = 10_000
LEAST_EVIDENCE = 2.0
"""Windows, counted without overlap, whose forecasts can be judged."""
MAX_ERROR_RATIO = 0.8
NOISE = 0.02
"""Variance of a window's log activity that no calendar explains: what a correlation has to outweigh."""
_FARTHEST = 3.0


@dataclass(frozen=True)
class States:
    """Customers at a cutoff as BG/NBD sees them: repeat purchase days, last one and age in days, shape (n,)."""

    rows: npt.NDArray[np.intp]
    x: Floats
    t_x: Floats
    age: Floats


@dataclass(frozen=True)
class PurchaseDays:
    """Distinct purchase days, sorted by customer and day; at most `MOST_CUSTOMERS` customers, evenly taken."""

    key: Ints
    first: Ints
    origin: date

    @classmethod
    def of(cls, purchases: pd.DataFrame, origin: date) -> "PurchaseDays":
        """From rows `customer_id, at`; days count from `origin`, none lies before it."""
        customer = pd.factorize(purchases["customer_id"].to_numpy(object), sort=True)[0].astype(np.int64)
        stride = -(-(int(customer.max(initial=-1)) + 1) // MOST_CUSTOMERS) or 1
        kept = customer % stride == 0
        day = (purchases["at"].to_numpy("datetime64[D]") - np.datetime64(origin)).astype(np.int64)
        key = np.unique((customer[kept] // stride) * _SPREAD + day[kept])
        first = key[np.unique(key // _SPREAD, return_index=True)[1]] % _SPREAD
        return cls(key, first, origin)

    def day(self, cutoff: date) -> int:
        """A cutoff as a number of days."""
        return days_between(self.origin, cutoff)

    def at(self, cutoff: int, lookback: int | None = None) -> States:
        """Customers with a purchase before the cutoff; with `lookback`, within so many days before it."""
        everyone = np.arange(len(self.first), dtype=np.int64) * _SPREAD
        begin, seen = np.searchsorted(self.key, everyone), np.searchsorted(self.key, everyone + cutoff)
        count = seen - begin
        last = self.key[np.maximum(seen - 1, 0)] % _SPREAD
        inside = (count > 0) & ((last >= cutoff - lookback) if lookback is not None else True)
        rows = np.flatnonzero(inside)
        first = self.first[rows]
        x, t_x, age = (values.astype(np.float64) for values in (count[rows] - 1, last[rows] - first, cutoff - first))
        return States(rows, x, t_x, age)

    def silent_share(self, rows: npt.NDArray[np.intp], start: int, end: int) -> float:
        """Share of the customers `rows` without a purchase day in `[start, end)`."""
        offset = rows.astype(np.int64) * _SPREAD
        return float((np.searchsorted(self.key, offset + start) == np.searchsorted(self.key, offset + end)).mean())


_SPREAD = 1_000_000


def silence_share(horizon: int) -> LabelShare:
    """Share of customers expected to buy nothing within `horizon` days."""
    return lambda model, who, factor: float(model.p_no_purchase(who.x, who.t_x, who.age, horizon * factor).mean())


def repeat_share(periods: int, period: int, least: int) -> LabelShare:
    """Share of customers expected to buy in at least `least` of `periods` periods of `period` days.

    Given alive, lambda is Gamma(r + x, alpha + T), and the number of active periods is binomial with 1 -
    exp(-lambda period). Its tail is a sum of exponentials, whose means under a Gamma are known. Dropping out inside
    the horizon is left out; the factor takes it in.
    """
    terms = np.zeros(periods + 1)
    for active in range(least, periods + 1):  # C(K, j) (1 - e)^j e^(K - j), written out in powers of e
        for k in range(active + 1):
            terms[periods - active + k] += _choose(periods, active) * _choose(active, k) * (-1) ** k

    def share(model: BgNbd, who: States, factor: float) -> float:
        rate = model.alpha + who.age / model.unit_days
        step = period * factor / model.unit_days
        powers = [np.exp((model.r + who.x) * np.log(rate / (rate + k * step))) for k in range(periods + 1)]
        tail = sum(weight * power for weight, power in zip(terms, powers, strict=True))
        return float((model.p_alive(who.x, who.t_x, who.age) * np.clip(tail, 0, 1)).mean())

    return share


def _choose(n: int, k: int) -> float:
    return float(np.prod([(n - i) / (i + 1) for i in range(k)]))


def log_activity(model: BgNbd, who: States, share: LabelShare, rate: float) -> float:
    """Logarithm of the factor at which `share` equals the observed rate; within e^-3 and e^3, NaN for few customers."""
    n = len(who.rows)
    if n < LEAST_CUSTOMERS:
        return float("nan")
    goal = min(max(rate, 0.5 / n), 1 - 0.5 / n)
    low, high = (share(model, who, float(np.exp(end))) - goal for end in (-_FARTHEST, _FARTHEST))
    if low * high > 0:
        return -_FARTHEST if abs(low) < abs(high) else _FARTHEST
    return float(brentq(lambda log: share(model, who, float(np.exp(log))) - goal, -_FARTHEST, _FARTHEST, xtol=1e-4))


@dataclass(frozen=True)
class _Grid:
    """Activity of the short windows before a cutoff: `activity[k]` is that of the window ending k steps before it."""

    activity: Floats
    step: int
    width: int
    lead: int
    horizon: int
    trained: int

    def base(self, k: int) -> float:
        """Mean activity of the time that a model serving from k steps before the cutoff is trained on."""
        first = k + -(-self.lead // self.step)
        return _mean(self.activity[first : first + max(self.trained // self.step - self.width + 1, 1)])

    def yearly_change(self, k: int) -> float:
        """Mean change against the year before, over the last year of windows closed k steps before the cutoff."""
        year = YEAR // self.step
        now = self.activity[k : k + year]
        then = self.activity[k + year : k + 2 * year]
        change = now[: len(then)] - then
        return _mean(change) if len(change) >= self.width else float("nan")

    def pairs(self) -> Floats:
        """Rows (what came, what would have been forecast), both less the base, for every window that can be judged."""
        year, ahead = YEAR // self.step, -(-(self.lead + self.horizon) // self.step) - self.width
        found = []
        for k in range(len(self.activity) - year):
            base = self.base(k + self.width)
            forecast = self.activity[k + year] + self.yearly_change(k + self.width + max(ahead, 0))
            found.append((self.activity[k] - base, forecast - base))
        rows = np.array(found, dtype=np.float64).reshape(-1, 2)
        return np.asarray(rows[np.isfinite(rows).all(axis=1)])

    def ahead(self) -> float:
        """Forecast for the horizon after the cutoff, less the base; NaN without a year before it."""
        first = YEAR // self.step - self.width - round(self.lead / self.step)
        windows = [first - q for q in range(max(self.horizon // self.step - self.width, 0) + 1)]
        known = [self.activity[k] if 0 <= k < len(self.activity) else float("nan") for k in windows]
        return _mean(np.array(known)) + self.yearly_change(0) - self.base(0)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _grid(days: PurchaseDays, model: BgNbd, cutoff: int, span: Span, trained: int) -> _Grid:
    long = span.horizon >= 28
    window, step = (28, 14) if long else (7 * max(1, span.horizon // 7), 7)
    share = silence_share(window)
    found = []
    for end in range(cutoff, BURN_IN + window, -step):
        who = days.at(end - window)
        quiet = days.silent_share(who.rows, end - window, end) if len(who.rows) else 0.0
        found.append(log_activity(model, who, share, quiet))
    return _Grid(np.array(found, dtype=np.float64), step, window // step, span.lead, span.horizon, trained)


def activity_shift(
    days: PurchaseDays,
    model: BgNbd,
    cutoff: date,
    span: Span,
    share: LabelShare,
    trained: Mapping[date, float],
    logits: npt.ArrayLike,
) -> LevelShift:
    """Decide on the level of the scores at a cutoff.

    Parameters
    ----------
    days : PurchaseDays
        Known before the cutoff.
    model : BgNbd
        Fitted on what was known before the cutoff.
    cutoff : date
        The date that is scored.
    span : Span
        Lookback, lead and horizon of the task.
    share : callable
        `silence_share` or `repeat_share` of the task.
    trained : mapping of date to float
        Training cutoffs of the model, and the share of label 1 at each.
    logits : array of shape (n,)
        Raw log odds of the cohort.

    Returns
    -------
    LevelShift
        `shift` moves the mean probability to the forecast; 0 with the reason where the raw level stands.
    """
    now = days.day(cutoff)
    if now - YEAR < BURN_IN:
        return LevelShift(0.0, False, "raw level kept: the history does not reach back one year from the scoring date")
    grid = _grid(days, model, now, span, span.horizon * len(trained))
    pairs = grid.pairs()
    count = len(pairs) / grid.width
    if count < LEAST_EVIDENCE:
        known = f"{count:.1f} windows know the year before, {LEAST_EVIDENCE:g} are needed"
        return LevelShift(0.0, False, f"raw level kept: {known}", int(count))
    came, foretold = pairs.T
    trust = _trust(came, foretold, count)
    error, raw = float(np.sqrt(np.mean((came - trust * foretold) ** 2))), float(np.sqrt(np.mean(came**2)))
    figures = (
        f"over {count:.0f} windows the year before missed by {error:.3f} in log activity, the past mean by {raw:.3f}"
    )
    ahead = grid.ahead()
    if not error**2 < MAX_ERROR_RATIO * raw**2 or not np.isfinite(ahead):
        return LevelShift(0.0, False, f"raw level kept: {figures}", int(count), error, raw)
    cohorts = [(days.at(days.day(at), span.lookback), rate) for at, rate in trained.items()]
    level = _mean(np.array([log_activity(model, who, share, rate) for who, rate in cohorts]))
    cohort = days.at(now, span.lookback)
    if not np.isfinite(level) or not len(cohort.rows):
        return LevelShift(0.0, False, "raw level kept: too few customers to measure activity", int(count), error, raw)
    target = share(model, cohort, float(np.exp(level + trust * ahead)))
    words = f"level moved to {target:.3f}: {figures}"
    return LevelShift(shift_to_rate(logits, min(max(target, 1e-4), 1 - 1e-4)), True, words, int(count), error, raw)


def _trust(came: Floats, foretold: Floats, count: float) -> float:
    """Share of a forecast to believe: its regression coefficient, shrunk by the noise of a window, within [0, 1]."""
    top = float(np.mean(came * foretold)) * count
    bottom = float(np.mean(foretold**2)) * count + NOISE
    return float(np.clip(top / bottom, 0.0, 1.0)) if bottom > 0 else 0.0
