"""Past campaigns: randomised trials with known effects, which change who leaves.

Potential outcomes: a would-be leaver (exit within `REACH_DAYS`, untreated) who is reached stays with the
customer's `save` rate of the offer and cause; a would-be stayer who is reached leaves with the
`provoke` rate. So the effect of being assigned to treatment on the probability of staying is
(1 − bounce rate) · (Σ_c p_c · save_c − (1 − Σ_c p_c) · provoke): positive, zero or negative.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import Hits, leave_probabilities
from holdfast.histories.simulate.columns import Flags, Floats, Ints, at_hour, canonical, decimals, numbers, times, words
from holdfast.histories.simulate.options import (
    ANNOYED,
    BOUNCE_RATE,
    CAUSES,
    NEWSLETTER,
    NOT_INFLUENCEABLE,
    OFFERS,
    PRICE,
    REACH_DAYS,
    Clock,
    SimulatedOffer,
    WorldOptions,
)
from holdfast.histories.simulate.people import People, customer_ids

_FIRST_TRIAL, _LAST_TRIAL = 0.3, 0.85
_ANNOYANCE_SHAPE, _ANNOYANCE_MEAN_DAYS = 3.0, 20.0


@dataclass(frozen=True)
class Trial:
    """One campaign: who was in it, what they got, what was planted; `customers` are indices."""

    offer: SimulatedOffer
    at: float
    customers: Ints
    treated: Flags
    bounced: Flags
    redeemed: Floats
    effect: Floats
    would_leave: Flags
    leaves: Flags


def responsiveness(people: People, offer: SimulatedOffer) -> Floats:
    """How much of an offer's `save` applies to each customer, in [0, 1]; zero for the immune.

    Vouchers work on the price sensitive and hardly on the committed (domain C8), calls on those whom one
    employee serves, upgrades on app users, the club on consumers who already trust the firm.
    """
    ones = np.ones(len(people))
    if offer.cause == PRICE:
        response = 1.6 * people.price_sensitivity * (1.3 - people.commitment)
    elif offer.name == "care_call":
        response = np.where(people.one_employee, 1.0, 0.8)
    elif offer.name == "upgrade_trial":
        response = np.where(people.has_app, 1.0, 0.2)
    elif offer.name == "club_year":
        response = np.where(people.kind == 0, 1.2 * people.trust, 0.0)
    else:
        response = ones
    immune = (people.segment == 3) | (people.is_firm & (offer.cause == PRICE))
    return np.where(immune, 0.0, np.clip(response, 0.0, 1.0))


def offer_on(offer: SimulatedOffer, at: float, clock: Clock, options: WorldOptions) -> SimulatedOffer:
    """The offer as it works on a day: what a competitor has copied no longer keeps anybody."""
    if offer.programme != "frequency" or at < clock.moment(options.imitation_at):
        return offer
    left = 1.0 - options.imitation
    return replace(offer, save=offer.save * left, save_other=offer.save_other * left)


def save_rates(people: People, offer: SimulatedOffer) -> Floats:
    """Share of would-be leavers saved by cause, shape (n, causes); nobody can be kept from moving or dying."""
    by_cause = np.full(len(CAUSES), offer.save_other)
    by_cause[list(NOT_INFLUENCEABLE)] = 0.0
    if offer.cause is not None:
        by_cause[offer.cause] = offer.save
    rates: Floats = responsiveness(people, offer)[:, None] * by_cause
    return rates


def provoke_rates(people: People, offer: SimulatedOffer) -> Floats:
    """Share of would-be stayers whom the contact drives away."""
    return np.where(people.easily_annoyed, offer.provoke, 0.0)


def effects(people: People, offer: SimulatedOffer, p_leave: Floats) -> Floats:
    """Effect on P(stay) of being assigned to treatment, in probability points, shape (n,)."""
    saved = (p_leave * save_rates(people, offer)).sum(axis=1)
    provoked = (1.0 - p_leave.sum(axis=1)) * provoke_rates(people, offer)
    return np.asarray((1.0 - BOUNCE_RATE) * (saved - provoked), dtype=np.float64)


def trial_days(clock: Clock) -> Floats:
    """Mornings on which the trials start, spread over the window."""
    return np.floor(np.linspace(_FIRST_TRIAL, _LAST_TRIAL, len(OFFERS)) * clock.days)


def _newsletter_days(clock: Clock) -> Floats:
    return np.floor(np.arange(0.2, 0.95, 0.25) * clock.days) + 3.0


def _redeemed(rng: np.random.Generator, offer: SimulatedOffer, at: float, reached: Flags, saved: Flags) -> Floats:
    takes = reached & (saved | (rng.random(len(reached)) < offer.accept)) & (offer.incentive_cost > 0)
    return np.where(takes, at + 1.0 + rng.random(len(reached)) * 25.0, np.inf)


def _run_trial(
    rng: np.random.Generator, people: People, hits: Hits, offer: SimulatedOffer, at: float, share: float,
    clock: Clock, options: WorldOptions,
) -> tuple[Trial, Hits]:  # fmt: skip
    """Draw one trial among the active customers and let it change the departures of the treated."""
    offer = offer_on(offer, at, clock, options)
    exits = hits.departures.min(axis=1)
    cause = hits.departures.argmin(axis=1)
    active = (people.joined + 30.0 < at) & (exits > at)
    who = np.flatnonzero(active & (rng.random(len(people)) < share))
    draw = rng.random((4, len(who)))
    treated = draw[0] < offer.propensity
    bounced = treated & (draw[1] < BOUNCE_RATE)
    reached = treated & ~bounced
    would_leave = exits[who] <= at + REACH_DAYS
    saved = reached & would_leave & (draw[2] < save_rates(people, offer)[who, cause[who]])
    provoked = reached & ~would_leave & (draw[3] < provoke_rates(people, offer)[who])
    p_leave = leave_probabilities(people, hits, at, clock, options)
    redeemed = _redeemed(rng, offer, at, reached, saved)
    changed = _changed(rng, hits, who[saved], cause[who[saved]], who[provoked], at)
    # Read from the changed hits: a saved customer may still leave through a second cause.
    leaves = changed.departures.min(axis=1)[who] <= at + REACH_DAYS
    effect = effects(people, offer, p_leave)[who]
    return Trial(offer, at, who, treated, bounced, redeemed, effect, would_leave, leaves), changed


def _changed(rng: np.random.Generator, hits: Hits, saved: Ints, causes: Ints, provoked: Ints, at: float) -> Hits:
    """The hits after a campaign: the saved forget their cause, the provoked get a new one."""
    leaves, onset, lag = hits.leaves.copy(), hits.onset.copy(), hits.lag.copy()
    leaves[saved, causes] = False
    onset[provoked, ANNOYED] = at + 0.5
    wait = rng.gamma(_ANNOYANCE_SHAPE, _ANNOYANCE_MEAN_DAYS / _ANNOYANCE_SHAPE, len(provoked))
    lag[provoked, ANNOYED] = np.minimum(3.0 + wait, REACH_DAYS - 1.0)
    leaves[provoked, ANNOYED] = True
    return replace(hits, leaves=leaves, onset=onset, lag=lag)


def run_campaigns(
    rng: np.random.Generator, people: People, hits: Hits, clock: Clock, options: WorldOptions
) -> tuple[list[Trial], Hits]:
    """Run all past campaigns in the order of time; each changes what the later ones meet."""
    planned = [(day, offer, options.trial_share) for day, offer in zip(trial_days(clock), OFFERS, strict=True)]
    planned += [(day, NEWSLETTER, 1.0) for day in _newsletter_days(clock)]
    trials = []
    for day, offer, share in sorted(planned, key=lambda plan: plan[0]):
        trial, hits = _run_trial(rng, people, hits, offer, float(day), share, clock, options)
        trials.append(trial)
    return trials, hits


def campaigns_table(rng: np.random.Generator, trials: list[Trial], clock: Clock) -> pa.Table:
    """Canonical `campaigns`; results are left to be read from the histories."""
    return pa.concat_tables([_trial_rows(rng, trial, clock) for trial in trials])


def _trial_rows(rng: np.random.Generator, trial: Trial, clock: Clock) -> pa.Table:
    n = len(trial.customers)
    at = at_hour(rng, np.full(n, trial.at), 6.0, 9.0)
    redeemed = np.where(trial.redeemed < clock.days, trial.redeemed, np.inf)
    incentive = np.where(np.isfinite(redeemed), trial.offer.incentive_cost, 0.0)
    delivered = np.where(trial.treated & ~trial.bounced, at + 0.01 + rng.random(n), np.inf)
    return canonical(
        "campaigns",
        {
            "customer_id": customer_ids(trial.customers),
            "offer": words([trial.offer.name], np.zeros(n, dtype=np.int64)),
            "arm": words(["control", "treated"], trial.treated.astype(np.int64)),
            "at": times(clock.start, at),
            "channel": words([trial.offer.channel], np.zeros(n, dtype=np.int64)),
            "cost": decimals(np.where(trial.treated, trial.offer.contact_cost, 0.0) + incentive),
            "propensity": numbers(np.full(n, trial.offer.propensity)),
            "delivered_at": times(clock.start, np.where(delivered < clock.days, delivered, np.inf)),
            "bounced": pa.array(trial.bounced),
            "redeemed_at": times(clock.start, redeemed),
        },
    )
