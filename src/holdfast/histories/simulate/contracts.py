"""Contracts of the subscribers, and payments: monthly fees and invoices of firms."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import Fates
from holdfast.histories.simulate.columns import (
    Floats,
    Ints,
    at_hour,
    canonical,
    decimals,
    ids,
    ragged_arange,
    times,
    words,
)
from holdfast.histories.simulate.leavers import REASONS
from holdfast.histories.simulate.options import PRICE, Clock
from holdfast.histories.simulate.people import People, customer_ids
from holdfast.histories.simulate.purchases import Orders

PLANS = ("basic", "plus", "pro")
PLAN_CHANGE = "Plan change"
_PLAN_PRICE = np.array([9.9, 19.9, 39.9])
_END_REASONS = (*REASONS, PLAN_CHANGE, "Not stated")
_CHANGE, _NOT_STATED = len(REASONS), len(REASONS) + 1
PAYMENT_STATUSES = ("paid", "failed", "refunded")
_MONTH = 30.4375


@dataclass(frozen=True)
class Terms:
    """One entry per contract: index of the customer, first day, last day (infinite: in force), monthly price."""

    customer: Ints
    start: Floats
    ended: Floats
    price: Floats


def contracts_table(
    rng: np.random.Generator, people: People, fates: Fates, word: Ints, clock: Clock
) -> tuple[pa.Table, Terms]:
    """Canonical `contracts`, and their terms.

    A contract ends with the exit (reason in the firm's words), or by a change of plan, which is no churn.
    """
    rows = _contract_rows(rng, people, fates, word, clock)
    customer, start, end, plan, reason = rows
    n = len(customer)
    price = np.round(_PLAN_PRICE[plan] * np.exp(0.05 * rng.standard_normal(n)), 2)
    market = price / np.exp(people.price_gap[customer] + 0.03 * rng.standard_normal(n))
    ended = np.where(end < clock.days, end, np.inf)
    table = canonical(
        "contracts",
        {
            "contract_id": ids("k", np.arange(n)),
            "customer_id": customer_ids(customer),
            "started_at": times(clock.start, start),
            "ended_at": times(clock.start, ended),
            "end_reason": words(_END_REASONS, np.where(np.isfinite(ended), reason, -1)),
            "plan": words(PLANS, plan),
            "price": decimals(price),
            "term_months": pa.array(np.where(rng.random(n) < 0.6, 12, np.where(rng.random(n) < 0.5, 24, 1))),
            "market_price": decimals(market),
        },
    )
    return table, Terms(customer, start, ended, price)


def _contract_rows(
    rng: np.random.Generator, people: People, fates: Fates, word: Ints, clock: Clock
) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    who = np.flatnonzero(people.subscriber)
    start = np.floor(people.joined[who] + rng.uniform(0.0, 20.0, len(who)))
    end = fates.exit[who]
    plan = np.minimum(rng.geometric(0.55, len(who)) - 1 + (people.kind[who] > 0), 2)
    reason = np.where(word[who] >= 0, word[who], _NOT_STATED)
    middle = np.floor(
        np.maximum(start, 0.0) + (np.minimum(end, clock.days) - np.maximum(start, 0.0)) * rng.random(len(who))
    )
    change = (rng.random(len(who)) < 0.12) & (middle > start + 30.0) & (middle < np.minimum(end, clock.days) - 30.0)
    kept = start < np.minimum(end, clock.days)
    first_end = np.where(change, middle, end)
    second = change & kept
    return (
        np.concatenate([who[kept], who[second]]),
        np.concatenate([start[kept], middle[second]]),
        np.concatenate([first_end[kept], end[second]]),
        np.concatenate([plan[kept], (plan[second] + 1) % 3]),
        np.concatenate([np.where(change, _CHANGE, reason)[kept], reason[second]]),
    )


def payments_table(
    rng: np.random.Generator, fates: Fates, people: People, orders: Orders,
    contracts: Terms, clock: Clock,
) -> pa.Table:  # fmt: skip
    """Canonical `payments`: the fee of each month of a contract, and the invoices of firms."""
    fee_customer, fee_at, fee = _fees(contracts, clock)
    firm = np.flatnonzero(people.is_firm[orders.customer] & (orders.amount > 0))
    customer = np.concatenate([fee_customer, orders.customer[firm]])
    due = np.concatenate([fee_at, orders.at[firm] + rng.uniform(5.0, 30.0, len(firm))])
    amount = np.concatenate([fee, orders.amount[firm]])
    at = at_hour(rng, due, 6.0, 20.0)
    pressed = fates.under(PRICE, customer, at) > 0
    draw = rng.random(len(at))
    status = np.where(draw < np.where(pressed, 0.06, 0.015), 1, np.where(draw > 0.995, 2, 0))
    kept = (at < clock.days) & (at >= 0.0)
    return canonical(
        "payments",
        {
            "customer_id": customer_ids(customer[kept]),
            "at": times(clock.start, at[kept]),
            "amount": decimals(amount[kept]),
            "status": words(PAYMENT_STATUSES, status[kept]),
        },
    )


def _fees(contracts: Terms, clock: Clock) -> tuple[Ints, Floats, Floats]:
    first = np.ceil(np.maximum(-contracts.start, 0.0) / _MONTH)
    last = np.ceil((np.minimum(contracts.ended, clock.days) - contracts.start) / _MONTH)
    counts = np.maximum(last - first, 0.0).astype(np.int64)
    row = np.repeat(np.arange(len(counts)), counts)
    at = contracts.start[row] + (first[row] + ragged_arange(counts)) * _MONTH
    return contracts.customer[row], at, contracts.price[row]
