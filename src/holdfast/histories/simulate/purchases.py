"""Orders by own rhythm and season, their lines, discounts and returns."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from holdfast.histories.simulate.causes import Fates
from holdfast.histories.simulate.columns import (
    Flags,
    Floats,
    Ints,
    at_hour,
    canonical,
    decimals,
    ids,
    times,
    words,
)
from holdfast.histories.simulate.options import CAUSES, PRICE, PRODUCT, Clock, WorldOptions
from holdfast.histories.simulate.people import (
    CHANNELS,
    EMPLOYEES_PER_REGION,
    N_CATEGORIES,
    SEASON_GROUPS,
    People,
    employee_ids,
)

CATEGORIES = ("kitchen", "garden", "office", "light", "textile", "tools", "care", "gifts")
PRODUCTS_PER_CATEGORY = 40

# Share of orders left out while a cause is upon a customer: the decline that precedes the silence.
_FEWER_ORDERS = np.array([0.25, 0.30, 0.20, 0.60, 0.35, 0.20, 0.70, 0.05])
_EXTRA_DISCOUNT_SHARE, _EXTRA_RETURN_SHARE = 0.65, 0.35


@dataclass(frozen=True)
class Orders:
    """One entry per order: index of the customer, time in days, total amount."""

    customer: Ints
    at: Floats
    amount: Floats


@dataclass(frozen=True)
class _Lines:
    order: Ints
    customer: Ints
    at: Floats
    product: Ints
    quantity: Floats
    unit_price: Floats
    list_price: Floats
    cost: Floats


def season(day: Floats, group: int, clock: Clock, strength: float) -> Floats:
    """Relative buying of a season group: a yearly wave, each group with its own peak."""
    day_of_year = np.datetime64(clock.start, "D") - np.datetime64(clock.start, "Y").astype("datetime64[D]")
    phase = (day + day_of_year.astype(float)) / 365.25 - (0.92, 0.45, 0.25)[group]
    return np.asarray(1.0 + strength * np.cos(2 * np.pi * phase), dtype=np.float64)


def order_times(
    rng: np.random.Generator, people: People, fates: Fates, clock: Clock, options: WorldOptions
) -> tuple[Ints, Floats]:
    """Customer and day of each order: a gamma renewal process in the customer's seasonal time."""
    customer, start, end = fates.alive(people, clock.days)
    new = start == people.joined[customer]
    grid = np.arange(clock.days + 2.0)
    group = people.season_group[customer]
    owners, moments = [], []
    for wave in range(SEASON_GROUPS):
        mine = np.flatnonzero(group == wave)
        clockwork = np.concatenate([[0.0], np.cumsum(season(grid[:-1] + 0.5, wave, clock, options.season_strength))])
        first, last = np.interp(start[mine], grid, clockwork), np.interp(end[mine], grid, clockwork)
        span, moment = _renewals(rng, people, customer[mine], first, last, new[mine])
        owners.append(mine[span])
        moments.append(np.interp(moment, clockwork, grid))
    owner, at = np.concatenate(owners), np.concatenate(moments)
    who, day = customer[owner], at_hour(rng, at, 8.0, 21.0)
    kept = (day < end[owner]) & (day >= start[owner]) & _not_left_out(rng, fates, who, day)
    return who[kept], day[kept]


def _renewals(
    rng: np.random.Generator, people: People, customer: Ints, first: Floats, last: Floats, new: Flags
) -> tuple[Ints, Floats]:
    """Points of gamma renewal processes on `[first, last)`; a new customer buys at once."""
    gap, shape = people.gap_days[customer], people.regularity[customer]
    expected = (last - first) / gap
    draws = np.ceil(expected + 5.0 * np.sqrt(expected / shape) + 4.0 + 4.0 / shape).astype(np.int64)
    span = np.repeat(np.arange(len(customer)), draws)
    steps = rng.standard_gamma(shape[span]) * (gap / shape)[span]
    head = np.cumsum(draws) - draws
    steps[head] *= np.where(new, 0.0, rng.random(len(customer)))
    moment = np.cumsum(steps)
    moment += np.repeat(first - moment[head] + steps[head], draws)
    kept = moment < last[span]
    return span[kept], moment[kept]


def _not_left_out(rng: np.random.Generator, fates: Fates, customer: Ints, at: Floats) -> Flags:
    keep = np.ones(len(customer))
    for cause in range(len(CAUSES)):
        keep *= 1.0 - _FEWER_ORDERS[cause] * (fates.under(cause, customer, at) > 0)
    return rng.random(len(customer)) < keep


def _draw_lines(
    rng: np.random.Generator, people: People, fates: Fates, order_customer: Ints, order_at: Floats
) -> _Lines:
    """Lines of each order: fewer categories under a product cause, more discount under a price cause."""
    narrow = fates.under(PRODUCT, order_customer, order_at)
    counts = 1 + rng.poisson(0.7 * (1.0 - 0.8 * narrow))
    order = np.repeat(np.arange(len(order_customer)), counts)
    customer, at = order_customer[order], order_at[order]
    n = len(order)
    at_home = rng.random(n) < 0.55 + 0.3 * narrow[order]
    category = np.where(at_home, people.favourite[customer], rng.integers(0, N_CATEGORIES, n))
    rank = np.floor(PRODUCTS_PER_CATEGORY * rng.random(n) ** 2).astype(np.int64)
    product = category * PRODUCTS_PER_CATEGORY + rank
    price_of, cost_of = _price_list()
    list_price = price_of[product]
    share = 0.08 + 0.22 * people.price_sensitivity[customer]
    pressed = fates.under(PRICE, order_customer, order_at)[order]
    discounted = rng.random(n) < share + _EXTRA_DISCOUNT_SHARE * pressed
    rebate = np.where(discounted, rng.choice(np.array([0.05, 0.10, 0.15, 0.25]), n) + 0.1 * pressed, 0.0)
    quantity = 1.0 + rng.poisson(np.maximum(people.basket[customer] - 0.5, 0.1))
    return _Lines(
        order, customer, at, product, quantity,
        np.round(list_price * (1.0 - rebate), 2), list_price, np.round(quantity * cost_of[product], 2),
    )  # fmt: skip


def _price_list() -> tuple[Floats, Floats]:
    """List price and unit cost of each product; the catalogue is the same in every world."""
    rng = np.random.default_rng(20_240_101)
    n = N_CATEGORIES * PRODUCTS_PER_CATEGORY
    price = np.round(np.exp(rng.normal(2.3, 0.6, n)), 2)
    return price, price * rng.uniform(0.45, 0.7, n)


def _returned(rng: np.random.Generator, fates: Fates, lines: _Lines, clock: Clock) -> tuple[Ints, Floats]:
    """Lines that come back some days later, more under a product cause; index of the line and time."""
    faulty = fates.under(PRODUCT, lines.customer, lines.at)
    back = np.flatnonzero(rng.random(len(lines.order)) < 0.03 + _EXTRA_RETURN_SHARE * faulty)
    at = at_hour(rng, lines.at[back] + rng.uniform(2.0, 15.0, len(back)))
    kept = (at < clock.days) & ~fates.gone(lines.customer[back], at)
    return back[kept], at[kept]


def simulate_purchases(
    rng: np.random.Generator, people: People, fates: Fates, clock: Clock, options: WorldOptions
) -> tuple[pa.Table, Orders]:
    """Canonical `purchases` (returns as negative rows), and the orders behind them."""
    customer, at = order_times(rng, people, fates, clock, options)
    lines = _draw_lines(rng, people, fates, customer, at)
    back, back_at = _returned(rng, fates, lines, clock)
    amount = np.round(lines.quantity * lines.unit_price, 2)
    totals = np.asarray(np.bincount(lines.order, amount, minlength=len(customer)), dtype=np.float64)
    served = _served_by(rng, people, customer)
    channel = np.where(rng.random(len(customer)) < 0.8, people.channel[customer], rng.integers(0, 3, len(customer)))
    row = np.concatenate([np.arange(len(lines.order)), back])
    sign = np.concatenate([np.ones(len(lines.order)), -np.ones(len(back))])
    order = lines.order[row]
    number = np.where(sign > 0, order, len(customer) + np.arange(len(row)))
    table = canonical(
        "purchases",
        {
            "customer_id": ids("c", lines.customer[row]),
            "at": times(clock.start, np.concatenate([lines.at, back_at])),
            "amount": decimals(sign * amount[row]),
            "order_id": ids("o", number, width=8),
            "product_id": ids("p", lines.product[row], width=4),
            "category": words(CATEGORIES, lines.product[row] // PRODUCTS_PER_CATEGORY),
            "quantity": decimals(sign * lines.quantity[row]),
            "unit_price": decimals(lines.unit_price[row]),
            "list_price": decimals(lines.list_price[row]),
            "cost": decimals(sign * lines.cost[row]),
            "channel": words(CHANNELS, channel[order]),
            "employee_id": employee_ids(served[order]),
        },
    )
    return table, Orders(customer, at, totals)


def _served_by(rng: np.random.Generator, people: People, customer: Ints) -> Ints:
    """Employee of each order: always the same for some customers; nobody for most web orders."""
    n = len(customer)
    other = people.region[customer] * EMPLOYEES_PER_REGION + rng.integers(0, EMPLOYEES_PER_REGION, n)
    usual = people.one_employee[customer] | (rng.random(n) < 0.3)
    alone = (people.channel[customer] == 0) & ~people.one_employee[customer] & (rng.random(n) < 0.7)
    return np.where(alone, -1, np.where(usual, people.employee[customer], other))
