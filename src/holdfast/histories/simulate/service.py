"""Contacts, complaints and surveys: where most causes show before the exit."""

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import Fates
from holdfast.histories.simulate.columns import Flags, Floats, Ints, at_hour, canonical, numbers, scatter, times, words
from holdfast.histories.simulate.options import (
    ANNOYED,
    CAUSES,
    MARKET,
    POLITICAL,
    PRICE,
    PRODUCT,
    SERVICE,
    TECHNOLOGY,
    Clock,
)
from holdfast.histories.simulate.people import EMPLOYEES_PER_REGION, People, customer_ids, employee_ids
from holdfast.histories.simulate.purchases import Orders

TOPICS = ("price", "quality", "service", "delivery", "technology", "responsibility", "advertising")
_TOPIC_OF_CAUSE = {PRICE: 0, PRODUCT: 1, SERVICE: 2, TECHNOLOGY: 4, POLITICAL: 5, ANNOYED: 6}
_BACKGROUND_TOPICS = np.array([0.15, 0.25, 0.15, 0.30, 0.06, 0.05, 0.04])
# Complaints and inbound contacts per 30 days and unit of strength while a cause is upon a customer.
_COMPLAINTS = {PRICE: 0.3, PRODUCT: 0.9, SERVICE: 2.0, TECHNOLOGY: 0.5, POLITICAL: 1.0, ANNOYED: 1.5}
_INBOUND = {PRICE: 1.4, PRODUCT: 0.6, SERVICE: 1.2, MARKET: 0.6, TECHNOLOGY: 1.2, POLITICAL: 0.6, ANNOYED: 0.5}
BACKGROUND_COMPLAINTS_PER_MONTH = 0.035

PURPOSES = (
    "price", "quality", "service", "address", "technology", "responsibility", "advertising",
    "sales", "care", "after_sale", "recovery", "visit",
)  # fmt: skip
_PURPOSE_OF_CAUSE = {PRICE: 0, PRODUCT: 1, SERVICE: 2, MARKET: 3, TECHNOLOGY: 4, POLITICAL: 5, ANNOYED: 6}
_SALES, _CARE, _AFTER_SALE, _RECOVERY, _VISIT = 7, 8, 9, 10, 11
CONTACT_CHANNELS = ("phone", "email", "shop", "letter")

# Points (of a scale 0 to 1) that each cause takes off trust, commitment and satisfaction.
_TRUST_DROP = np.array([0.05, 0.08, 0.15, 0.0, 0.05, 0.45, 0.0, 0.15])
_COMMITMENT_DROP = np.array([0.15, 0.12, 0.12, 0.10, 0.15, 0.20, 0.0, 0.10])
_SATISFACTION_DROP = np.array([0.10, 0.30, 0.40, 0.0, 0.15, 0.08, 0.0, 0.10])
_WAVE_DAYS = 91.0


class Cases:
    """Complaints under construction: index of the customer, time, topic, and the three reactions."""

    def __init__(self, rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> None:
        customer, at, topic, hit = _complaints(rng, people, fates, clock)
        self.customer, self.topic, self.at = customer, topic, at
        badly = fates.under(SERVICE, customer, self.at) > 0
        n = len(customer)
        slow = np.where(badly, 8.0, 1.5) * np.exp(-0.5 * people.service_level[customer])
        responded = self.at + 0.05 + rng.standard_exponential(n) * slow
        resolved = responded + 0.2 + rng.standard_exponential(n) * np.where(badly, 25.0, 6.0)
        never = rng.random(n) < np.where(badly, 0.75, np.where(hit, 0.25, 0.10))
        ignored = never & (rng.random(n) < 0.5)
        followed = resolved + 1.0 + rng.standard_exponential(n) * 5.0
        careless = rng.random(n) < np.where(badly, 0.9, 0.5)
        self.responded = _known(np.where(ignored, np.inf, responded), clock)
        self.resolved = _known(np.where(never, np.inf, resolved), clock)
        self.followed = _known(np.where(never | careless, np.inf, followed), clock)
        self.recovered = ~badly

    def table(self, clock: Clock) -> pa.Table:
        """Canonical `complaints`; open cases have no resolution."""
        return canonical(
            "complaints",
            {
                "customer_id": customer_ids(self.customer),
                "at": times(clock.start, self.at),
                "topic": words(TOPICS, self.topic),
                "responded_at": times(clock.start, self.responded),
                "resolved_at": times(clock.start, self.resolved),
                "followed_up_at": times(clock.start, self.followed),
            },
        )


def _known(at: Floats, clock: Clock) -> Floats:
    return np.where(at < clock.days, at, np.inf)


def _complaints(
    rng: np.random.Generator, people: People, fates: Fates, clock: Clock
) -> tuple[Ints, Floats, Ints, Flags]:
    """Ordinary complaints of everybody, and those that a cause brings."""
    who, start, end = fates.alive(people, clock.days)
    rate = BACKGROUND_COMPLAINTS_PER_MONTH * np.exp(-0.4 * people.service_level[who])
    span, at = scatter(rng, start, end, rate)
    parts = [(who[span], at, rng.choice(len(TOPICS), len(at), p=_BACKGROUND_TOPICS), np.zeros(len(at), dtype=bool))]
    for cause, per_month in _COMPLAINTS.items():
        hit, start, end, strength = fates.span(cause, clock.days)
        span, at = scatter(rng, start, end, per_month * strength)
        topic = np.full(len(at), _TOPIC_OF_CAUSE[cause])
        elsewhere = rng.random(len(at)) < 0.15
        topic = np.where(elsewhere, rng.choice(len(TOPICS), len(at), p=_BACKGROUND_TOPICS), topic)
        parts.append((hit[span], at, topic, np.ones(len(at), dtype=bool)))
    customer, at, topic, hit_flag = (np.concatenate(column) for column in zip(*parts, strict=True))
    at = at_hour(rng, at)
    kept = ~fates.gone(customer, at)
    return customer[kept], at[kept], topic[kept], hit_flag[kept]


def contacts_table(
    rng: np.random.Generator, people: People, fates: Fates, orders: Orders, cases: Cases, clock: Clock
) -> pa.Table:
    """Canonical `contacts`: what customers asked (inbound), and what the firm did (outbound)."""
    customer, at, purpose = _inbound(rng, people, fates, clock)
    n_in = len(customer)
    out_customer, out_at, out_purpose = _outbound(rng, people, fates, orders, cases, clock)
    inbound = np.arange(n_in + len(out_customer)) < n_in
    customer = np.concatenate([customer, out_customer])
    at = at_hour(rng, np.concatenate([at, out_at]))
    purpose = np.concatenate([purpose, out_purpose])
    kept = (at < clock.days) & (at >= people.joined[customer]) & ~fates.gone(customer, at)
    customer, at, purpose, inbound = customer[kept], at[kept], purpose[kept], inbound[kept]
    n = len(customer)
    badly = fates.under(SERVICE, customer, at) > 0
    responded = at + 0.02 + rng.standard_exponential(n) * np.where(badly, 6.0, 0.8)
    ignored = ~inbound | (rng.random(n) < np.where(badly, 0.45, 0.05))
    usual = people.one_employee[customer] | (rng.random(n) < 0.3)
    other = people.region[customer] * EMPLOYEES_PER_REGION + rng.integers(0, EMPLOYEES_PER_REGION, n)
    return canonical(
        "contacts",
        {
            "customer_id": customer_ids(customer),
            "at": times(clock.start, at),
            "direction": words(("outbound", "inbound"), inbound.astype(np.int64)),
            "channel": words(CONTACT_CHANNELS, rng.choice(4, n, p=[0.4, 0.4, 0.15, 0.05])),
            "purpose": words(PURPOSES, purpose),
            "employee_id": employee_ids(np.where(usual, people.employee[customer], other)),
            "responded_at": times(clock.start, _known(np.where(ignored, np.inf, responded), clock)),
        },
    )


def _inbound(rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> tuple[Ints, Floats, Ints]:
    who, start, end = fates.alive(people, clock.days)
    span, at = scatter(rng, start, end, 0.08)
    parts = [(who[span], at, rng.choice(_SALES + 1, len(at), p=[0.1, 0.12, 0.25, 0.05, 0.06, 0.02, 0.02, 0.38]))]
    for cause, per_month in _INBOUND.items():
        hit, start, end, strength = fates.span(cause, clock.days)
        span, at = scatter(rng, start, end, per_month * strength)
        misfiled = rng.random(len(at)) < 0.15
        other = rng.integers(0, _SALES + 1, len(at))
        parts.append((hit[span], at, np.where(misfiled, other, _PURPOSE_OF_CAUSE[cause])))
    customer, at, purpose = (np.concatenate(column) for column in zip(*parts, strict=True))
    return customer, at, purpose


def _outbound(
    rng: np.random.Generator, people: People, fates: Fates, orders: Orders, cases: Cases, clock: Clock
) -> tuple[Ints, Floats, Ints]:
    """Care and sales calls by value, a word after some orders, recovery after complaints, visits to firms."""
    who, start, end = fates.alive(people, clock.days)
    care, care_at = scatter(rng, start, end, 0.05 + 0.1 * people.is_firm[who])
    sales, sales_at = scatter(rng, start, end, 0.05)
    visit, visit_at = scatter(rng, start, end, np.where(people.is_firm[who], 0.15, 0.0))
    asked = np.flatnonzero(rng.random(len(orders.at)) < 0.05)
    mended = np.flatnonzero(rng.random(len(cases.at)) < np.where(cases.recovered, 0.55, 0.12))
    parts = [
        (who[care], care_at, _CARE),
        (who[sales], sales_at, _SALES),
        (who[visit], visit_at, _VISIT),
        (orders.customer[asked], orders.at[asked] + rng.uniform(2.0, 7.0, len(asked)), _AFTER_SALE),
        (cases.customer[mended], cases.at[mended] + rng.uniform(1.0, 10.0, len(mended)), _RECOVERY),
    ]
    return (
        np.concatenate([customer for customer, _, _ in parts]),
        np.concatenate([at for _, at, _ in parts]),
        np.concatenate([np.full(len(at), purpose) for _, at, purpose in parts]),
    )


def surveys_table(rng: np.random.Generator, people: People, fates: Fates, cases: Cases, clock: Clock) -> pa.Table:
    """Canonical `surveys`: invitations each quarter and after complaints; no answer leaves empty cells.

    Trust, commitment and satisfaction are answers from 1 to 5, `nps` from 0 to 10.
    """
    customer, at, after_case = _invitations(rng, people, fates, cases, clock)
    trust, commitment, satisfaction = levels(people, fates, customer, at, clock)
    n = len(customer)
    willing = np.where(after_case, 0.55, 0.15 + 0.35 * commitment)
    answered = rng.random(n) < willing

    def answer(level: Floats) -> Floats:
        noisy = 1.0 + 4.0 * level + 0.6 * rng.standard_normal(n)
        skipped = rng.random(n) < 0.04
        return np.where(answered & ~skipped, np.clip(np.rint(noisy), 1.0, 5.0), np.nan)

    likely = 10.0 * (0.25 * trust + 0.4 * satisfaction + 0.35 * commitment) + 2.0 + rng.standard_normal(n)
    return canonical(
        "surveys",
        {
            "customer_id": customer_ids(customer),
            "at": times(clock.start, at),
            "trust": numbers(answer(trust)),
            "commitment": numbers(answer(commitment)),
            "satisfaction": numbers(answer(satisfaction)),
            "nps": numbers(np.where(answered, np.clip(np.rint(likely), 0.0, 10.0), np.nan)),
        },
    )


def _invitations(
    rng: np.random.Generator, people: People, fates: Fates, cases: Cases, clock: Clock
) -> tuple[Ints, Floats, Flags]:
    waves = np.arange(0.0, clock.days, _WAVE_DAYS)
    customer = np.repeat(np.arange(len(people)), len(waves))
    at = np.tile(waves, len(people)) + np.repeat(rng.random(len(people)) * _WAVE_DAYS, len(waves))
    asked = np.flatnonzero(rng.random(len(cases.at)) < 0.6)
    who = np.concatenate([customer, cases.customer[asked]])
    when = at_hour(rng, np.concatenate([at, cases.at[asked] + rng.uniform(3.0, 14.0, len(asked))]), 9.0, 18.0)
    after_case = np.arange(len(who)) >= len(customer)
    kept = (when < clock.days) & (when > people.joined[who] + 14.0) & ~fates.gone(who, when)
    return who[kept], when[kept], after_case[kept]


def levels(people: People, fates: Fates, customer: Ints, at: Floats, clock: Clock) -> tuple[Floats, Floats, Floats]:
    """Trust, commitment and satisfaction (0 to 1) of customers at given times: base, drift, causes."""
    years = (at - clock.days / 2) / 365.25
    trust = people.trust[customer] + people.trust_drift[customer] * years
    satisfaction = people.satisfaction[customer] + people.satisfaction_drift[customer] * years
    commitment = people.commitment[customer].copy()
    for cause in range(len(CAUSES)):
        weight = np.sqrt(fates.under(cause, customer, at))
        trust = trust - _TRUST_DROP[cause] * weight
        commitment = commitment - _COMMITMENT_DROP[cause] * weight
        satisfaction = satisfaction - _SATISFACTION_DROP[cause] * weight
    return np.clip(trust, 0.0, 1.0), np.clip(commitment, 0.0, 1.0), np.clip(satisfaction, 0.0, 1.0)
