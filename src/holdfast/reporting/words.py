"""Numbers and names as people write them."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

_SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "CHF": "CHF ", "CAD": "CA$", "AUD": "A$"}
NOT_MEASURED = "not measured"

FAMILY_WORDS = {
    "recency": "time since the last order", "frequency": "how often they order", "money": "how much they spend",
    "returns": "returned goods", "breadth": "variety of what they buy", "rhythm": "their own buying rhythm",
    "trend": "rising or falling activity", "season": "the same season last year", "tenure": "time as a customer",
    "basket": "what a basket looks like", "timing": "hour and weekday of orders",
    "expectation": "expected orders (probability model)", "attributes": "who they are",
    "service": "service and complaints",
    "relationship": "trust and closeness", "contract": "contract terms",
}  # fmt: skip

CLASS_WORDS = {
    "price": "price", "product": "product", "service": "service", "market": "moved or left the market",
    "technology": "newer technology", "political": "the firm's conduct", "unknown": "not enough evidence",
}  # fmt: skip

BASELINE_WORDS = {
    "base_rate": "the same risk for everyone", "recency_alone": "days since the last order, alone",
    "rfm_logit": "recency, frequency, money: logistic regression",
    "rfm_boosting": "recency, frequency, money: boosting",
    "bgnbd_p_alive": "BG/NBD model: 1 − P(alive)", "bgnbd_p_no_purchase": "BG/NBD model: P(no purchase)",
    "logit_all": "logistic regression on everything", "boosting_all": "untuned boosting on everything",
    "champion": "the last champion",
}  # fmt: skip

_SPECIAL = {
    "btyd_p_alive": "BG/NBD: P(alive)", "btyd_p_no_purchase": "BG/NBD: P(no purchase)",
    "tenure_days": "days as a customer",
    "last_year_orders_h": "orders, same days last year", "orders_all": "orders ever", "spend_all": "spend ever",
}  # fmt: skip

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def measured(value: Any) -> bool:
    """Tell whether a value is there: not None, not NaN, not infinite.

    Examples
    --------
    >>> measured(0.0), measured(None), measured(float("nan"))
    (True, False, False)
    """
    return value is not None and (not isinstance(value, float) or math.isfinite(value))


def count(value: Any) -> str:
    """Write a whole number.

    Examples
    --------
    >>> count(12345.4), count(None)
    ('12,345', 'not measured')
    """
    return f"{_sign(value)}{abs(round(float(value))):,}" if measured(value) else NOT_MEASURED


def money(value: Any, currency: str = "GBP", *, exact: bool = False) -> str:
    """Write an amount: to the penny below 100 or when `exact`, else rounded to whole units.

    Examples
    --------
    >>> money(1234.5), money(-3, "EUR"), money(4999.996, exact=True), money(12, "SEK")
    ('£1,234', '−€3.00', '£5,000.00', '12.00 SEK')
    """
    if not measured(value):
        return NOT_MEASURED
    amount = abs(float(value))
    digits = f"{amount:,.2f}" if exact or 0 < amount < 100 else f"{amount:,.0f}"
    sign = _SIGNS.get(currency)
    return f"{_sign(value)}{sign}{digits}" if sign else f"{_sign(value)}{digits} {currency}"


def currency_sign(currency: str) -> str:
    """Give the sign that stands before amounts; empty for currencies written behind them.

    Examples
    --------
    >>> currency_sign("GBP"), currency_sign("SEK")
    ('£', '')
    """
    return _SIGNS.get(currency, "")


def rough_money(value: Any, currency: str = "GBP") -> str:
    """Write an amount for a headline: three significant figures.

    Examples
    --------
    >>> rough_money(184321.7), rough_money(56.2), rough_money(1_284_000)
    ('£184,000', '£56.20', '£1,280,000')
    """
    if not measured(value) or abs(float(value)) < 1000:
        return money(value, currency)
    amount = float(value)
    step = 10.0 ** (math.floor(math.log10(abs(amount))) - 2)
    return money(round(amount / step) * step, currency)


def percent(value: Any, digits: int = 0) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.4567), percent(0.0312, 1), percent(None)
    ('46%', '3.1%', 'not measured')
    """
    return f"{_sign(value)}{abs(100 * float(value)):.{digits}f}%" if measured(value) else NOT_MEASURED


def figure(value: Any, digits: int = 3) -> str:
    """Write a figure of merit.

    Examples
    --------
    >>> figure(0.74496), figure(-0.01, 2)
    ('0.745', '−0.01')
    """
    return f"{_sign(value)}{abs(float(value)):.{digits}f}" if measured(value) else NOT_MEASURED


def span(bounds: Any, digits: int = 3) -> str:
    """Write an interval.

    Examples
    --------
    >>> span([0.7312, 0.759])
    '0.731 to 0.759'
    """
    if bounds is None or not all(measured(bound) for bound in bounds):
        return ""
    return f"{figure(bounds[0], digits)} to {figure(bounds[1], digits)}"


def day(value: Any) -> str:
    """Write a date.

    Examples
    --------
    >>> day("2011-12-10")
    '10 December 2011'
    """
    when = value if isinstance(value, date) else datetime.fromisoformat(str(value)[:10])
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def in_ten(share: float) -> str:
    """Put a probability into a phrase.

    Examples
    --------
    >>> in_ten(0.72), in_ten(0.02), in_ten(0.99)
    ('about 7 in 10', 'fewer than 1 in 20', 'more than 19 in 20')
    """
    if share < 0.05:
        return "fewer than 1 in 20"
    if share > 0.95:
        return "more than 19 in 20"
    return f"about {max(1, min(9, round(10 * share)))} in 10"


def readable(name: str) -> str:
    """Turn a column name into words.

    Examples
    --------
    >>> readable("days_since_last_order"), readable("orders_90d"), readable("spend_90d_over_prior_90d")
    ('days since last order', 'orders in 90 days', 'spend in 90 days over prior 90 days')
    """
    if name in _SPECIAL:
        return _SPECIAL[name]
    words: list[str] = []
    for part in name.split("_"):
        if part[:-1].isdigit() and part.endswith("d"):
            words += [part[:-1], "days"] if words and words[-1] == "prior" else ["in", part[:-1], "days"]
        else:
            words.append({"btyd": "BG/NBD", "sd": "deviation", "h": "(horizon)"}.get(part, part))
    return " ".join(words)


def listing(parts: Sequence[str]) -> str:
    """Join words as a list in a sentence.

    Examples
    --------
    >>> listing(["price", "product", "service"]), listing(["price"])
    ('price, product and service', 'price')
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else list(parts))


def _sign(value: Any) -> str:
    return "−" if float(value) < 0 else ""
