"""What happens around the customers: market signals and the firm's own ledger of costs."""

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.columns import Floats, canonical, decimals, numbers, times, words
from holdfast.histories.simulate.options import Clock, WorldOptions
from holdfast.histories.simulate.people import REGIONS, People
from holdfast.histories.simulate.trials import Trial

SIGNALS = ("competitor_price_index", "competitor_technology", "competitor_programme")
COST_PURPOSES = ("acquisition", "programme", "staff", "system", "retention")
_MONTHLY_FIXED = {1: 300.0, 2: 2500.0, 3: 800.0}
_ACQUISITION_COST = 28.0
_SHOCK_PRICE_DROP, _SHOCK_TECHNOLOGY_RISE = 0.15, 0.4
_MONTH = 30.4375


def market_table(rng: np.random.Generator, clock: Clock, options: WorldOptions) -> pa.Table:
    """Canonical `market`: weekly price index of competitors per region, their technology, their programme."""
    weeks = np.arange(0.0, clock.days, 7.0)
    after = weeks >= clock.moment(options.competitor_shock_at)
    index = []
    for _ in REGIONS:
        walk = np.cumsum(0.003 * rng.standard_normal(len(weeks)))
        index.append(np.round(1.0 + walk - _SHOCK_PRICE_DROP * after, 4))
    ahead = weeks >= clock.moment(options.technology_shock_at)
    technology = 1.0 + _SHOCK_TECHNOLOGY_RISE * ahead + 0.02 * rng.standard_normal(len(weeks))
    copied = (weeks >= clock.moment(options.imitation_at)) & (options.imitation > 0)
    signal = np.concatenate([np.zeros(len(weeks) * len(REGIONS)), np.ones(len(weeks)), np.full(len(weeks), 2)])
    region = np.concatenate([np.repeat(np.arange(len(REGIONS)), len(weeks)), np.full(2 * len(weeks), -1)])
    return canonical(
        "market",
        {
            "at": times(clock.start, np.tile(weeks, len(REGIONS) + 2)),
            "signal": words(SIGNALS, signal.astype(np.int64)),
            "value": numbers(np.concatenate([*index, np.round(technology, 4), copied.astype(np.float64)])),
            "region": words(REGIONS, region),
        },
    )


def costs_table(rng: np.random.Generator, people: People, trials: list[Trial], clock: Clock) -> pa.Table:
    """Canonical `costs`: acquisition of the new, fixed costs by month, each campaign by its contacts."""
    starts = np.arange(0.0, clock.days, _MONTH)
    joined = people.joined[people.joined >= 0.0]
    new = np.bincount((joined / _MONTH).astype(np.int64), minlength=len(starts))[: len(starts)]
    rows, fixed = len(starts), len(_MONTHLY_FIXED)
    scale = np.sqrt(len(people)) / 30.0
    monthly = scale * np.repeat(list(_MONTHLY_FIXED.values()), rows) * rng.uniform(0.9, 1.1, fixed * rows)
    campaigns = len(trials)
    at = np.concatenate([np.tile(np.floor(starts), 1 + fixed), [trial.at for trial in trials]])
    purpose = np.concatenate(
        [np.zeros(rows), np.repeat(list(_MONTHLY_FIXED), rows), np.full(campaigns, COST_PURPOSES.index("retention"))]
    )
    amount = np.concatenate([new * _ACQUISITION_COST, monthly, [_spent(trial, clock) for trial in trials]])
    offer = np.concatenate([np.full((1 + fixed) * rows, -1), np.arange(campaigns)])
    kind = np.concatenate([np.ones(rows), np.zeros(fixed * rows), np.ones(campaigns)])
    return canonical(
        "costs",
        {
            "at": times(clock.start, at),
            "purpose": words(COST_PURPOSES, purpose.astype(np.int64)),
            "amount": decimals(amount),
            "offer": words([trial.offer.name for trial in trials], offer),
            "kind": words(("fixed", "per_contact"), kind.astype(np.int64)),
        },
    )


def _spent(trial: Trial, clock: Clock) -> float:
    redeemed: Floats = trial.redeemed[trial.redeemed < clock.days]
    return float(trial.treated.sum() * trial.offer.contact_cost + len(redeemed) * trial.offer.incentive_cost)
