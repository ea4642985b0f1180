"""Why customers leave: hits by planted causes, each of which is resolved by staying or by leaving.

A *hit* begins at its onset, leaves traces in the tables while it lasts, and ends after a gamma lag:
with probability `strength` the customer is gone, else the cause is forgotten.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammainc

from holdfast.histories.simulate.columns import Flags, Floats, Ints
from holdfast.histories.simulate.options import (
    ANNOYED,
    CAUSES,
    POLITICAL,
    PRICE,
    PRODUCT,
    REACH_DAYS,
    SERVICE,
    TECHNOLOGY,
    Clock,
    WorldOptions,
)
from holdfast.histories.simulate.people import People

# Lag from onset to the end of a hit: a week, and a gamma variate.
LAG_SHAPE = 4.0
LAG_MEAN_DAYS = 45.0
FIRST_WEEK_DAYS = 7.0
BURN_IN_DAYS = 60.0
DAYS_AFTER_END = 180.0

# Mean onsets per month of each cause, and the Beta parameters of the strength.
_ONSETS_PER_MONTH = np.array([0.014, 0.011, 0.015, 0.006, 0.008, 0.0075, 0.0007, 0.0])
_STRENGTH_A = np.array([4.0, 4.0, 4.0, 9.0, 4.0, 4.0, 60.0, 60.0])
_STRENGTH_B = np.array([3.0, 3.0, 3.0, 1.0, 3.0, 3.0, 1.0, 1.0])
POINTS_PROTECTION = 0.15
RETURN_SHARE = np.array([0.25, 0.15, 0.18, 0.04, 0.10, 0.08, 0.0, 0.20])


@dataclass(frozen=True)
class Hits:
    """Arrays of shape (customers, causes); `onset` is infinite where the cause never strikes."""

    onset: Floats
    strength: Floats
    lag: Floats
    leaves: Flags
    rate: Floats

    @property
    def resolved(self) -> Floats:
        """Day on which the hit ends, one way or the other."""
        return self.onset + self.lag

    @property
    def departures(self) -> Floats:
        """Day on which each cause would make the customer leave; infinite where it does not."""
        return np.where(self.leaves, self.resolved, np.inf)


@dataclass(frozen=True)
class Fates:
    """What becomes of each customer: the hits that count, the exit, its cause, the return."""

    hits: Hits
    exit: Floats
    cause: Ints
    returned: Floats

    def span(self, cause: int, days: float) -> tuple[Ints, Floats, Floats, Floats]:
        """Customers hit by a cause inside the window: index, first and last day of the hit, strength."""
        start = np.maximum(self.hits.onset[:, cause], 0.0)
        end = np.minimum(np.minimum(self.hits.resolved[:, cause], self.exit), days)
        hit = np.flatnonzero(end > start)
        return hit, start[hit], end[hit], self.hits.strength[hit, cause]

    def under(self, cause: int, customers: Ints, at: Floats) -> Floats:
        """Strength of a cause that is upon each customer at each time, 0 where none is."""
        onset, end = self.hits.onset[:, cause], np.minimum(self.hits.resolved[:, cause], self.exit)
        now = (at >= onset[customers]) & (at < end[customers])
        return np.where(now, self.hits.strength[customers, cause], 0.0)

    def alive(self, people: People, days: float) -> tuple[Ints, Floats, Floats]:
        """Spans in which customers are customers: index, start, end; a second span after a return."""
        start = np.maximum(people.joined, 0.0)
        first = np.flatnonzero(np.minimum(self.exit, days) > start)
        back = np.flatnonzero(self.returned < days)
        return (
            np.concatenate([first, back]),
            np.concatenate([start[first], self.returned[back]]),
            np.concatenate([np.minimum(self.exit, days)[first], np.full(len(back), days)]),
        )

    def gone(self, customers: Ints, at: Floats) -> Flags:
        """Whether each customer has left (and not come back) at each time."""
        return (at >= self.exit[customers]) & (at < self.returned[customers])


def onset_rates(people: People, options: WorldOptions) -> Floats:
    """Onsets per day of each cause and customer before programmes, shocks and drift, shape (n, causes)."""
    protect = np.exp(-1.6 * (people.commitment - 0.5))
    factor: Floats = np.ones((len(people), len(CAUSES)))
    factor[:, PRICE] = np.exp(1.5 * (people.price_sensitivity - 0.5) + 5.0 * people.price_gap) * protect
    factor[:, PRODUCT] = np.exp(-1.5 * (people.satisfaction - 0.6) + 0.15 * (people.favourite - 3.5)) * protect
    factor[:, SERVICE] = np.exp(-1.0 * people.service_level - 1.0 * (people.satisfaction - 0.6)) * protect
    factor[:, TECHNOLOGY] = np.where(people.has_app, 2.0, 0.4) * protect
    factor[:, POLITICAL] = np.exp(-2.5 * (people.trust - 0.6)) * protect
    factor *= _ONSETS_PER_MONTH * options.exit_rate / 30.0
    return factor


def intensity(cause: int, member: bool, day: Floats, clock: Clock, options: WorldOptions) -> Floats:
    """Relative onset rate of a cause over time: yearly drift, a step at its shock, the points programme.

    Members of the points programme are protected from price causes, until the programme is copied.
    """
    shock = {PRICE: options.competitor_shock_at, TECHNOLOGY: options.technology_shock_at}.get(cause)
    step = np.where(day >= clock.moment(shock), options.shock_factor, 1.0)
    copied = np.where(day >= clock.moment(options.imitation_at), options.imitation, 0.0)
    kept = 1.0 - POINTS_PROTECTION * (1.0 - copied) * (member and cause == PRICE)
    return np.asarray(step * kept * np.exp(options.drift * day / 365.25), dtype=np.float64)


def draw_hits(rng: np.random.Generator, people: People, clock: Clock, options: WorldOptions) -> Hits:
    """First onset of each cause by time rescaling: the integrated rate reaches an exponential variate."""
    n, k = len(people), len(CAUSES)
    rate = onset_rates(people, options)
    grid = np.arange(-BURN_IN_DAYS, clock.days + DAYS_AFTER_END + 1.0)
    start = np.maximum(people.joined, -BURN_IN_DAYS)
    onset = np.full((n, k), np.inf)
    for cause in range(ANNOYED):
        wait = rng.standard_exponential(n) / np.maximum(rate[:, cause], 1e-12)
        for member in (False, True):
            who = np.flatnonzero(people.in_points == member)
            cumulated = np.concatenate([[0.0], np.cumsum(intensity(cause, member, grid[:-1], clock, options))])
            reached = np.interp(start[who], grid, cumulated) + wait[who]
            onset[who, cause] = np.interp(reached, cumulated, grid, right=np.inf)
    lag = rng.gamma(LAG_SHAPE, LAG_MEAN_DAYS / LAG_SHAPE, (n, k)) + FIRST_WEEK_DAYS
    strength = rng.beta(_STRENGTH_A, _STRENGTH_B, (n, k))
    leaves = rng.random((n, k)) < strength
    # Who would have left before the window never appears: that hit is dropped, not the customer.
    onset[onset + lag < 0] = np.inf
    return Hits(onset, strength, lag, leaves, rate)


def leave_probabilities(people: People, hits: Hits, at: float, clock: Clock, options: WorldOptions) -> Floats:
    """P(leave through each cause within `REACH_DAYS` of `at` | latents and hits so far), shape (n, causes).

    A hit under way for u days that is not resolved leaves in (u, u + reach] with probability
    strength · (F(u + reach) − F(u)) / (1 − F(u)), F the lag's distribution; a cause that has not struck
    adds rate · mean strength · ∫F to first order. The parts are scaled to 1 − Π(1 − p). For the few whom a
    campaign has just annoyed F is that of the other causes, an approximation.
    """

    def lag_cdf(days: Floats) -> Floats:
        cdf: Floats = gammainc(LAG_SHAPE, np.maximum(days - FIRST_WEEK_DAYS, 0.0) * LAG_SHAPE / LAG_MEAN_DAYS)
        return cdf

    under_way = (hits.onset <= at) & (hits.resolved > at)
    age = np.where(under_way, at - hits.onset, 0.0)
    left = np.maximum(1.0 - lag_cdf(age), 1e-9)
    p_hit = hits.strength * (lag_cdf(age + REACH_DAYS) - lag_cdf(age)) / left
    exposure = lag_cdf(np.arange(0.5, REACH_DAYS)).sum()
    today = np.array([at])
    now = np.array([[intensity(c, m, today, clock, options)[0] for c in range(len(CAUSES))] for m in (False, True)])
    p_new = hits.rate * now[people.in_points.astype(np.int64)] * (_STRENGTH_A / (_STRENGTH_A + _STRENGTH_B)) * exposure
    p = np.where(under_way, p_hit, np.where(hits.onset > at, p_new, 0.0))
    total = 1.0 - np.prod(1.0 - p, axis=1)
    scaled: Floats = p * (total / np.maximum(p.sum(axis=1), 1e-12))[:, None]
    return scaled


def settle(rng: np.random.Generator, people: People, hits: Hits, options: WorldOptions) -> Fates:
    """First departure wins; hits after it never happen; some leavers come back later."""
    departures = hits.departures
    cause = departures.argmin(axis=1)
    exit_day = departures[np.arange(len(people)), cause]
    cause = np.where(np.isfinite(exit_day), cause, -1)
    kept = replace(hits, onset=np.where(hits.onset < exit_day[:, None], hits.onset, np.inf))
    comes_back = rng.random(len(people)) < np.where(cause >= 0, RETURN_SHARE[cause], 0.0) * options.return_rate
    away = 50.0 + rng.standard_exponential(len(people)) * 80.0
    return Fates(kept, exit_day, cause, np.where(comes_back, exit_day + away, np.inf))
