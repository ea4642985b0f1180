"""Who the customers are: what the firm can see of them, and what it cannot."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit

from holdfast.histories.simulate.columns import Flags, Floats, Ints, canonical, ids, times, words
from holdfast.histories.simulate.options import Clock, WorldOptions

KINDS = ("consumer", "business", "retailer", "distributor")
REGIONS = ("north", "east", "south", "west", "centre")
SEGMENTS = ("traditional", "family", "modern", "premium")
CHANNELS = ("web", "shop", "phone")
ACQUISITION = ("search", "shop", "referral", "fair", "mailing")
N_CATEGORIES = 8
EMPLOYEES_PER_REGION = 12
SEASON_GROUPS = 3

_DAYS_BEFORE = 540.0
_JOINED_BEFORE = 0.6
_REGION_PRICE_GAP = np.array([0.00, 0.06, 0.02, -0.02, 0.10])
_REGION_SERVICE = np.array([0.2, 0.0, -0.6, 0.3, -0.1])


@dataclass(frozen=True)
class People:
    """One entry per customer in every array; times are days since the start of the window.

    `trust`, `commitment`, `satisfaction` and `price_sensitivity` lie in (0, 1); `gap_days` and
    `regularity` are mean and shape of the gamma gaps between orders.
    """

    joined: Floats
    born: Floats
    kind: Ints
    region: Ints
    segment: Ints
    acquisition: Ints
    channel: Ints
    household: Ints
    parent: Ints
    employee: Ints
    one_employee: Flags
    trust: Floats
    commitment: Floats
    satisfaction: Floats
    trust_drift: Floats
    satisfaction_drift: Floats
    price_sensitivity: Floats
    gap_days: Floats
    regularity: Floats
    basket: Floats
    favourite: Ints
    season_group: Ints
    subscriber: Flags
    price_gap: Floats
    service_level: Floats
    has_app: Flags
    easily_annoyed: Flags
    in_club: Flags
    in_points: Flags

    def __len__(self) -> int:
        return len(self.joined)

    @property
    def is_firm(self) -> Flags:
        """Whether the customer is a business of any kind."""
        return self.kind > 0


def _choose(rng: np.random.Generator, n: int, shares: tuple[float, ...]) -> Ints:
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right").astype(np.int64)


def _households(rng: np.random.Generator, kind: Ints) -> Ints:
    """A third of the consumers live in households of about two."""
    n = len(kind)
    shared = (kind == 0) & (rng.random(n) < 0.33)
    return np.where(shared, rng.integers(0, max(n // 6, 1), n), np.where(kind == 0, np.arange(n) + n, -1))


def _parents(rng: np.random.Generator, kind: Ints) -> Ints:
    """Most retailers buy under one distributor."""
    distributors = np.flatnonzero(kind == 3)
    if len(distributors) == 0:
        return np.full(len(kind), -1)
    picked = distributors[rng.integers(0, len(distributors), len(kind))]
    return np.where((kind == 2) & (rng.random(len(kind)) < 0.8), picked, -1)


def make_people(rng: np.random.Generator, n: int, clock: Clock, options: WorldOptions) -> People:
    """Draw `n` customers: relationship latents share one factor, so that trust and commitment go together."""
    factor = rng.standard_normal(n)

    def latent(mean: float) -> Floats:
        drawn: Floats = expit(mean + 0.8 * factor + 0.8 * rng.standard_normal(n))
        return drawn

    trust, commitment, satisfaction = latent(0.6), latent(0.2), latent(0.7)
    kind = _choose(rng, n, (0.86, 0.09, 0.04, 0.01))
    region = _choose(rng, n, (0.25, 0.2, 0.2, 0.2, 0.15))
    segment = _choose(rng, n, (0.25, 0.3, 0.3, 0.15))
    before = rng.random(n) < _JOINED_BEFORE
    joined = np.floor(np.where(before, -rng.random(n) * _DAYS_BEFORE - 1.0, rng.random(n) * clock.days))
    loyal = commitment - 0.5
    modern = segment == 2
    return People(
        joined=joined,
        born=np.where(kind == 0, np.floor(-365.25 * rng.uniform(18, 80, n)), np.nan),
        kind=kind,
        region=region,
        segment=segment,
        acquisition=_choose(rng, n, (0.3, 0.25, 0.15, 0.1, 0.2)),
        channel=np.where(modern, 0, _choose(rng, n, (0.4, 0.45, 0.15))),
        household=_households(rng, kind),
        parent=_parents(rng, kind),
        employee=region * EMPLOYEES_PER_REGION + rng.integers(0, EMPLOYEES_PER_REGION, n),
        one_employee=rng.random(n) < 0.2,
        trust=trust,
        commitment=commitment,
        satisfaction=satisfaction,
        trust_drift=0.05 * rng.standard_normal(n),
        satisfaction_drift=0.06 * rng.standard_normal(n),
        price_sensitivity=expit(-0.2 - 0.4 * factor + rng.standard_normal(n) - 0.8 * (segment == 3)),
        gap_days=np.clip(26.0 * np.exp(0.65 * rng.standard_normal(n) - 0.5 * loyal - 0.3 * (kind > 0)), 5.0, 150.0),
        regularity=np.exp(rng.uniform(np.log(0.8), np.log(6.0), n)),
        basket=np.exp(0.5 * rng.standard_normal(n)) * np.array([1.0, 3.0, 5.0, 12.0])[kind],
        favourite=rng.integers(0, N_CATEGORIES, n),
        season_group=rng.integers(0, SEASON_GROUPS, n),
        subscriber=rng.random(n) < options.subscription_share,
        price_gap=_REGION_PRICE_GAP[region] + 0.12 * rng.standard_normal(n),
        service_level=_REGION_SERVICE[region] + 0.5 * rng.standard_normal(n),
        has_app=rng.random(n) < np.where(modern, 0.7, 0.2),
        easily_annoyed=rng.random(n) < np.where(segment == 0, 0.4, 0.05),
        in_club=rng.random(n) < expit(-1.8 + 3.0 * loyal),
        in_points=rng.random(n) < expit(-0.9 + 2.0 * loyal),
    )


def customers_table(people: People, clock: Clock) -> pa.Table:
    """Canonical `customers` with one attribute, `acquisition_channel`."""
    return canonical(
        "customers",
        {
            "customer_id": customer_ids(np.arange(len(people))),
            "joined_at": times(clock.start, people.joined),
            "birth_date": times(clock.start, people.born),
            "region": words(REGIONS, people.region),
            "segment": words(SEGMENTS, people.segment),
            "household_id": ids("h", people.household),
            "kind": words(KINDS, people.kind),
            "parent_id": customer_ids(people.parent),
            "acquisition_channel": words(ACQUISITION, people.acquisition),
        },
        extra=("acquisition_channel",),
    )


def customer_ids(customers: Ints) -> pa.Array:
    """Ids of customers given by index; -1 becomes null."""
    return ids("c", customers)


def employee_ids(employees: Ints) -> pa.Array:
    """Ids of employees given by number; -1 becomes null."""
    return ids("e", employees, width=3)
