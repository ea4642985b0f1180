"""What only the simulator knows: latents, exits and their causes, effects of offers."""

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import POINTS_PROTECTION, Fates, leave_probabilities
from holdfast.histories.simulate.columns import Floats, Ints, numbers, times, words
from holdfast.histories.simulate.options import (
    BOUNCE_RATE,
    CAUSE_CLASSES,
    CAUSES,
    NOT_INFLUENCEABLE,
    OFFERS,
    REACH_DAYS,
    Clock,
    SimulatedOffer,
    WorldOptions,
)
from holdfast.histories.simulate.people import People, customer_ids
from holdfast.histories.simulate.trials import Trial, effects, offer_on, provoke_rates, save_rates

_LATENTS = (
    "trust", "commitment", "satisfaction", "trust_drift", "satisfaction_drift", "price_sensitivity", "gap_days",
    "regularity", "basket", "price_gap", "service_level",
)  # fmt: skip


def truth_tables(
    people: People, fates: Fates, trials: list[Trial], clock: Clock, options: WorldOptions
) -> dict[str, pa.Table]:
    """All truth tables by name: customers, causes, effects, trials, parameters."""
    return {
        "customers": _customers(people, fates, clock),
        "causes": _causes(fates, clock),
        "effects": _effects(people, fates, clock, options),
        "trials": _trials(trials, clock),
        "parameters": _parameters(trials, clock, options),
    }


def _customers(people: People, fates: Fates, clock: Clock) -> pa.Table:
    """One row per customer; `exit_at` within the window, `next_exit_at` the untreated future after it."""
    gone = fates.exit < clock.days
    cause = np.where(gone, fates.cause, -1)
    strength = fates.hits.strength[np.arange(len(people)), np.maximum(fates.cause, 0)]
    influenceable = ~np.isin(cause, NOT_INFLUENCEABLE)
    return pa.table(
        {
            "customer_id": customer_ids(np.arange(len(people))),
            **{name: numbers(getattr(people, name)) for name in _LATENTS},
            "has_app": pa.array(people.has_app),
            "easily_annoyed": pa.array(people.easily_annoyed),
            "exit_at": times(clock.start, np.where(gone, fates.exit, np.inf)),
            "exit_cause": words(CAUSE_CLASSES, cause),
            "provoked": pa.array(cause == CAUSES.index("annoyed")),
            "influenceable": pa.array(influenceable, mask=~gone),
            "strength": numbers(np.where(gone, strength, np.nan)),
            "returned_at": times(clock.start, np.where(fates.returned < clock.days, fates.returned, np.inf)),
            "next_exit_at": times(clock.start, np.where(gone, np.inf, fates.exit)),
            "next_exit_cause": words(CAUSE_CLASSES, np.where(gone, -1, fates.cause)),
        }
    )


def _causes(fates: Fates, clock: Clock) -> pa.Table:
    """One row per hit that began before the end of the data, whether the customer left or not."""
    customer, cause = np.nonzero(fates.hits.onset < clock.days)
    onset = fates.hits.onset[customer, cause]
    ends = np.minimum(fates.hits.resolved[customer, cause], fates.exit[customer])
    left = (fates.cause[customer] == cause) & (fates.exit[customer] < clock.days)
    return pa.table(
        {
            "customer_id": customer_ids(customer),
            "cause": words(CAUSE_CLASSES, cause),
            "onset_at": times(clock.start, onset),
            "resolved_at": times(clock.start, ends),
            "strength": numbers(fates.hits.strength[customer, cause]),
            "left": pa.array(left),
        }
    )


def _effects(people: People, fates: Fates, clock: Clock, options: WorldOptions) -> pa.Table:
    """Effect of each offer on P(stay) of each customer who is one at the end of the data."""
    p_leave = leave_probabilities(people, fates.hits, clock.days, clock, options)
    back = fates.returned < clock.days
    p_leave[back] = 0.0
    alive = np.flatnonzero((fates.exit >= clock.days) | back)
    now = [offer_on(offer, clock.days, clock, options) for offer in OFFERS]
    return pa.concat_tables([_offer_effects(people, offer, p_leave, alive) for offer in now])


def _offer_effects(people: People, offer: SimulatedOffer, p_leave: Floats, alive: Ints) -> pa.Table:
    total = p_leave.sum(axis=1)
    saved = (p_leave * save_rates(people, offer)).sum(axis=1)
    return pa.table(
        {
            "customer_id": customer_ids(alive),
            "offer": words([offer.name], np.zeros(len(alive), dtype=np.int64)),
            "effect": numbers(effects(people, offer, p_leave)[alive]),
            "p_leave": numbers(total[alive]),
            "save_rate": numbers((saved / np.maximum(total, 1e-12))[alive]),
            "provoke_rate": numbers(provoke_rates(people, offer)[alive]),
        }
    )


def _trials(trials: list[Trial], clock: Clock) -> pa.Table:
    """One row per participant of a past campaign: the planted effect then, and the potential outcomes met."""
    return pa.concat_tables(
        [
            pa.table(
                {
                    "customer_id": customer_ids(trial.customers),
                    "offer": words([trial.offer.name], np.zeros(len(trial.customers), dtype=np.int64)),
                    "at": times(clock.start, np.full(len(trial.customers), trial.at)),
                    "treated": pa.array(trial.treated),
                    "effect": numbers(trial.effect),
                    "would_leave": pa.array(trial.would_leave),
                    "leaves": pa.array(trial.leaves),
                }
            )
            for trial in trials
        ]
    )


def _parameters(trials: list[Trial], clock: Clock, options: WorldOptions) -> pa.Table:
    """Names and values of what was planted; `trial_effect.OFFER` is the mean planted effect of its trial."""
    values = {
        "days": clock.days,
        "reach_days": REACH_DAYS,
        "bounce_rate": BOUNCE_RATE,
        "season_strength": options.season_strength,
        "drift": options.drift,
        "exit_rate": options.exit_rate,
        "imitation": options.imitation,
        "points_protection": POINTS_PROTECTION,
        "competitor_shock_day": clock.moment(options.competitor_shock_at),
        "technology_shock_day": clock.moment(options.technology_shock_at),
        "shock_factor": options.shock_factor,
    }
    measured = [trial for trial in trials if trial.offer.propensity < 1.0 and len(trial.customers)]
    values |= {f"trial_effect.{trial.offer.name}": float(trial.effect.mean()) for trial in measured}
    return pa.table({"name": list(values), "value": pa.array(list(values.values()), pa.float64())})
