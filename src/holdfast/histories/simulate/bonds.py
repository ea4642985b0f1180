"""What ties customers to the firm: memberships, referrals, account managers."""

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import Fates
from holdfast.histories.simulate.columns import Floats, Ints, at_hour, canonical, decimals, numbers, times, words
from holdfast.histories.simulate.options import Clock
from holdfast.histories.simulate.people import ACQUISITION, People, customer_ids, employee_ids

PROGRAMMES = ("points", "club")
CLUB_FEE = 24.0
_TRIES = 8
_QUARTER = 91.0
_FIRST_MANAGER, _N_MANAGERS = 90, 8


def memberships_table(rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> pa.Table:
    """Canonical `memberships`; `points` is the balance granted on joining."""
    who = np.concatenate([np.flatnonzero(people.in_points), np.flatnonzero(people.in_club)])
    programme = np.repeat([0, 1], [people.in_points.sum(), people.in_club.sum()])
    n = len(who)
    joined = at_hour(rng, people.joined[who] + 5.0 + rng.standard_exponential(n) * 60.0)
    end = np.minimum(fates.exit[who], clock.days)
    yearly = joined + 365.0 * np.ceil(rng.random(n) * 2.0)
    resigns = rng.random(n) < np.where(programme == 1, 0.3, 0.05)
    left = np.where(resigns & (yearly < end), yearly, fates.exit[who])
    member = joined < end
    return canonical(
        "memberships",
        {
            "customer_id": customer_ids(who[member]),
            "programme": words(PROGRAMMES, programme[member]),
            "joined_at": times(clock.start, joined[member]),
            "left_at": times(clock.start, np.where(left < clock.days, left, np.inf)[member]),
            "fee": decimals(np.where(programme == 1, CLUB_FEE, 0.0)[member]),
            "points": numbers(np.where(programme == 0, 100.0 * rng.integers(1, 6, n), np.nan)[member]),
        },
    )


def referrals_table(rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> pa.Table:
    """Canonical `referrals`: customers who came by referral, each with a satisfied customer of that time."""
    word = ACQUISITION.index("referral")
    referred = np.flatnonzero((people.acquisition == word) & (people.joined >= 1.0) & (people.joined < clock.days))
    weight = people.commitment * people.satisfaction
    referrer = np.full(len(referred), -1)
    at = people.joined[referred] - 0.5
    for _ in range(_TRIES):
        open_ = np.flatnonzero(referrer < 0)
        picked = _pick(rng, weight, len(open_))
        fits = (people.joined[picked] + 20.0 < at[open_]) & (fates.exit[picked] > at[open_])
        referrer[open_[fits]] = picked[fits]
    found = referrer >= 0
    return canonical(
        "referrals",
        {
            "referrer_id": customer_ids(referrer[found]),
            "referred_id": customer_ids(referred[found]),
            "at": times(clock.start, at[found]),
        },
    )


def _pick(rng: np.random.Generator, weight: Floats, size: int) -> Ints:
    """Indices drawn in proportion to `weight`, with replacement."""
    cumulated = np.cumsum(weight)
    picked: Ints = np.searchsorted(cumulated, rng.random(size) * cumulated[-1], side="right")
    return picked


def key_accounts(people: People) -> Ints:
    """Distributors, retailers and the two per cent largest baskets among businesses."""
    value = people.basket / people.gap_days
    large = people.is_firm & (value >= np.quantile(value, 0.99))
    return np.flatnonzero(large | (people.kind == 3))


def managers_table(rng: np.random.Generator, people: People, fates: Fates, clock: Clock) -> pa.Table:
    """Canonical `managers`: most key accounts have one from the next quarter on; some are left unmanaged."""
    accounts = key_accounts(people)
    accounts = accounts[rng.random(len(accounts)) < 0.85]
    n = len(accounts)
    since = np.maximum(np.ceil(people.joined[accounts] / _QUARTER), 0.0) * _QUARTER
    end = fates.exit[accounts]
    served = since < np.minimum(end, clock.days)
    accounts, since, end = accounts[served], since[served], end[served]
    until = np.where(end < clock.days, end, np.inf)
    n = len(accounts)
    last = np.floor(clock.days)
    return canonical(
        "managers",
        {
            "customer_id": customer_ids(accounts),
            "employee_id": employee_ids(_FIRST_MANAGER + rng.integers(0, _N_MANAGERS, n)),
            "from": times(clock.start, since),
            "to": times(clock.start, until),
            "plan_due": times(clock.start, last + rng.integers(-40, 300, n)),
            "report_due": times(clock.start, last + rng.integers(-20, 90, n)),
        },
    )
