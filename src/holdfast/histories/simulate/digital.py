"""Events of use and browsing, stated preferences, and consents."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import Fates
from holdfast.histories.simulate.columns import Floats, Ints, at_hour, canonical, numbers, scatter, times, words
from holdfast.histories.simulate.options import ANNOYED, POLITICAL, PRICE, TECHNOLOGY, Clock
from holdfast.histories.simulate.people import People, customer_ids
from holdfast.histories.simulate.purchases import CATEGORIES

EVENT_KINDS = ("visit", "open", "click", "usage", "unsubscribe")
OBJECTS = ("shop", "mail", "app", "comparison", "new_technology", "press")
_VISIT, _OPEN, _CLICK, _USAGE, _UNSUBSCRIBE = range(5)
_SHOP, _MAIL, _APP, _COMPARISON, _NEW_TECHNOLOGY, _PRESS = range(6)

# kind, object, events per 30 days of everybody (usage: of app users).
_ROUTINE = ((_VISIT, _SHOP, 0.45), (_OPEN, _MAIL, 0.40), (_CLICK, _MAIL, 0.10), (_USAGE, _APP, 3.0))
_RARE = ((_VISIT, _COMPARISON, 0.04), (_VISIT, _NEW_TECHNOLOGY, 0.02), (_VISIT, _PRESS, 0.02))
# cause, kind, object, events per 30 days and unit of strength while the cause is upon the customer.
_SIGNS = (
    (PRICE, _VISIT, _COMPARISON, 1.5),
    (TECHNOLOGY, _VISIT, _NEW_TECHNOLOGY, 1.6),
    (TECHNOLOGY, _VISIT, _COMPARISON, 0.4),
    (POLITICAL, _VISIT, _PRESS, 1.4),
    (POLITICAL, _UNSUBSCRIBE, _MAIL, 0.3),
    (ANNOYED, _UNSUBSCRIBE, _MAIL, 1.2),
)
_USAGE_LOST = 0.8
PREFERENCE_TOPICS = ("channel", "category", "frequency", "no_offers")
CONSENT_CHANNELS = ("email", "phone", "post")
CONSENT_PURPOSES = ("marketing", "service")


def events_table(rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> pa.Table:
    """Canonical `events`; `value` holds minutes. Use of the app fades under a technology cause."""
    who, start, end = fates.alive(people, clock.days)
    owner, moments, kinds, objects = [], [], [], []

    def add(customer: Ints, at: Floats, kind: int, thing: int) -> None:
        owner.append(customer)
        moments.append(at)
        kinds.append(np.full(len(at), kind, dtype=np.int8))
        objects.append(np.full(len(at), thing, dtype=np.int8))

    for kind, thing, per_month in _ROUTINE + _RARE:
        rate = np.where(people.has_app[who], per_month, 0.0) if kind == _USAGE else np.full(len(who), per_month)
        span, at = scatter(rng, start, end, rate * (0.6 + 0.8 * people.commitment[who]))
        add(who[span], at, kind, thing)
    for cause, kind, thing, per_month in _SIGNS:
        hit, hit_start, hit_end, strength = fates.span(cause, clock.days)
        span, at = scatter(rng, hit_start, hit_end, per_month * strength)
        add(hit[span], at, kind, thing)
    return _events(rng, fates, (np.concatenate(owner), np.concatenate(moments)), kinds, objects, clock)


def _events(
    rng: np.random.Generator, fates: Fates, points: tuple[Ints, Floats], kinds: Sequence[Ints], objects: Sequence[Ints],
    clock: Clock,
) -> pa.Table:  # fmt: skip
    customer, at = points
    at = at_hour(rng, at, 7.0, 23.0)
    kind, thing = np.concatenate(kinds), np.concatenate(objects)
    fading = np.where(kind == _USAGE, (fates.under(TECHNOLOGY, customer, at) > 0) * _USAGE_LOST, 0.0)
    kept = (at < clock.days) & ~fates.gone(customer, at) & (rng.random(len(at)) >= fading)
    customer, at, kind, thing, fading = customer[kept], at[kept], kind[kept], thing[kept], fading[kept]
    minutes = np.round(rng.standard_exponential(len(at)) * np.where(kind == _USAGE, 18.0, 4.0) * (1 - fading / 2), 1)
    return canonical(
        "events",
        {
            "customer_id": customer_ids(customer),
            "at": times(clock.start, at),
            "kind": words(EVENT_KINDS, kind),
            "object": words(OBJECTS, thing),
            "value": numbers(np.where((kind == _OPEN) | (kind == _UNSUBSCRIBE), np.nan, minutes)),
        },
    )


def preferences_table(rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> pa.Table:
    """Canonical `preferences`, stated by a fifth of the customers at a time of their own."""
    who, start, end = fates.alive(people, clock.days)
    said = rng.random(len(who)) < 0.2
    who, start, end = who[said], start[said], end[said]
    n = len(who)
    topic = rng.choice(4, n, p=[0.4, 0.35, 0.2, 0.05])
    values = (*CONSENT_CHANNELS, *CATEGORIES, "weekly", "monthly", "yes")
    value = np.choose(
        topic,
        [rng.integers(0, 3, n), 3 + people.favourite[who], 11 + rng.integers(0, 2, n), np.full(n, 13)],
    )
    return canonical(
        "preferences",
        {
            "customer_id": customer_ids(who),
            "at": times(clock.start, at_hour(rng, start + rng.random(n) * np.maximum(end - start - 1.0, 0.0))),
            "topic": words(PREFERENCE_TOPICS, topic),
            "value": words(values, value),
        },
    )


def consents_table(rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> pa.Table:
    """Canonical `consents`: given or refused when the customer is first known, some withdrawn later."""
    n = len(people)
    who = np.repeat(np.arange(n), 4)
    slot = np.tile(np.arange(4), n)
    granted = rng.random(len(who)) < np.array([0.80, 0.45, 0.60, 0.98])[slot]
    at = np.maximum(people.joined, 0.0)[who] + 0.36 + 0.6 * rng.random(len(who))
    end = np.minimum(fates.exit, clock.days)[who]
    chance = np.where(slot == 3, 0.0, np.where(people.easily_annoyed[who], 0.12, 0.04))
    withdraws = np.flatnonzero(granted & (rng.random(len(who)) < chance) & (end > at + 5.0))
    later = at[withdraws] + 2.0 + rng.random(len(withdraws)) * (end[withdraws] - at[withdraws] - 2.0)
    annoyed, onset, over, _ = fates.span(ANNOYED, clock.days)
    customer = np.concatenate([who, who[withdraws], annoyed])
    place = np.concatenate([slot, slot[withdraws], np.zeros(len(annoyed), dtype=np.int64)])
    moment = np.concatenate([at, later, onset + 0.5 * (over - onset)])
    flag = np.concatenate([granted, np.zeros(len(withdraws) + len(annoyed), dtype=bool)])
    known = moment < clock.days
    return canonical(
        "consents",
        {
            "customer_id": customer_ids(customer[known]),
            "at": times(clock.start, moment[known]),
            "purpose": words(CONSENT_PURPOSES, (place[known] == 3).astype(np.int64)),
            "channel": words(CONSENT_CHANNELS, np.where(place == 3, 0, place)[known]),
            "granted": pa.array(flag[known]),
        },
    )
