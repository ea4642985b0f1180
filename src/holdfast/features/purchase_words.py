"""What the features of purchases say: their metadata, sentences and special cases."""

from holdfast.features.feature import Case, Feature
from holdfast.features.spoken import (
    COUNT,
    DAY_SPEND,
    FEW,
    FEW_SPEND,
    FIRST_AGO,
    GAPS,
    LAST,
    NEVER,
    ONE_DAY,
    RECENT,
    SILENCE,
    SINCE,
    SPEND,
    silent,
    since_first,
)


def nothing_else(column: str, words: str, window: int, about: str) -> tuple[Case, ...]:
    """Case for customers whose whole year lies in the window; `words` hold the format of the column in braces."""
    if window > 180:
        return ()
    year = column.rsplit("_", 1)[0] + "_365d"
    said = words.replace("{", f"{{{column}:")
    more = f"in the last {window} days, nothing else in the last 365"
    return (Case(f"{said} {more}", column, same_as=year, about=(about,)),)


def days_words(window: int) -> str:
    """Purchase days of a trailing window, beside those of a year where the window is short."""
    more = "; on {purchase_days_365d:one|#} in the last 365" if window <= 180 else ""
    return f"bought on {{purchase_days_{window}d:one day|# days}} in the last {window} days{more}"


def orders_words(window: int) -> str:
    """Orders of a trailing window, beside those of a year where the window is short."""
    more = "; {orders_365d:#|#} in the last 365" if window <= 180 else ""
    return f"{{orders_{window}d:no order|one order|# orders}} in the last {window} days{more}"


def spend_words(window: int) -> str:
    """Spend of a trailing window, beside that of a year where the window is short."""
    more = "; {spend_365d:money} in the last 365" if window <= 180 else ""
    return f"spent {{spend_{window}d:money}} in the last {window} days{more}"


def days_trend(name: str, window: int, longer: int) -> Feature:
    """A change in purchase days; a fall is said to be one, a rise explains little and is weak."""
    recent, all_days = f"purchase_days_{window}d", f"purchase_days_{longer}d"
    counts = f"on {{{recent}:one day|# days}} in the last {window} days, on {{{all_days}:one|#}} in the last {longer}"
    none = f"no order in the last {window} days; bought on {{{all_days}:one day|# days}} in the last {longer}"
    cases = (
        *FEW, silent(longer), Case(none, recent, below=1, about=(LAST, RECENT)),
        since_first(DAYS_SO_FAR, window, (COUNT, RECENT, SINCE)),
        Case(f"buys less often than before: {counts}", name, below=0, about=(RECENT,)),
    )  # fmt: skip
    return Feature(
        name, "log ratio", "trend", f"{window}d/{longer}d", "product", f"bought {counts}", cases=cases, about=(RECENT,),
        weak=True,
    )  # fmt: skip


def spend_trend(name: str, window: int, longer: int) -> Feature:
    """A change in spend; a fall is said to be one, a rise explains little and is weak."""
    amounts = f"{{spend_{window}d:money}} in the last {window} days, {{spend_{longer}d:money}} in the last {longer}"
    none = f"no order in the last {window} days; spent {{spend_{longer}d:money}} in the last {longer}"
    cases = (
        *FEW_SPEND, silent(longer), Case(none, f"purchase_days_{window}d", below=1, about=(LAST, SPEND)),
        since_first(SPENT_SO_FAR, window, (SPEND,)),
        Case(f"spends less than before: {amounts}", name, below=0, about=(SPEND,)),
    )  # fmt: skip
    return Feature(
        name, "log ratio", "trend", f"{window}d/{longer}d", "price", f"spent {amounts}", cases=cases, about=(SPEND,),
        weak=True,
    )  # fmt: skip


ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}

DAYS_SO_FAR = f"bought on {{purchase_days_all:one day|# days}} so far, the first time {FIRST_AGO}"
ORDERS_SO_FAR = f"{{orders_all:no order|one order|# orders}} so far, the first {FIRST_AGO}"
SPENT_SO_FAR = "spent {spend_all:money} so far, on {purchase_days_all:one day|# days}"
NO_RETURN = Case("never returned anything", "returned_all", below=0.005, weak=True)

_ONE_HOUR = Case("ordered at about {hour_last:clock}", "purchase_days_all", below=2, weak=True)
_WEEKDAY = "last bought on a {weekday_last:weekday}"
_LAST_SPEND = "spent {day_spend_last:money} on the last purchase day; {day_spend_mean:money} on average"
_FIRST_SPEND = "spent {day_spend_first:money} on the first purchase day; {day_spend_mean:money} on average"
_SPREAD = "spent up to {day_spend_max:money} on a purchase day; {day_spend_mean:money} on average"


def _per_day(name: str, words: str, unit: str = "money", window: str = "all") -> Feature:
    return Feature(name, unit, "money", window, "price", words, cases=FEW_SPEND, about=(DAY_SPEND,))


def _per_order(name: str, noun: str, nouns: str) -> Feature:
    only = Case(f"the only order so far had {{{name}:one {noun}|# {nouns}}}", "orders_all", below=2)
    return Feature(
        name, nouns, "basket", "all", "product", f"an average order has {{{name}:about}} {nouns}",
        cases=(only, Case(f"every order so far had one {noun}", name, least=0.999, below=1.001)),
    )  # fmt: skip


def _on_last_day(name: str, usual: str, noun: str, nouns: str) -> Feature:
    words = f"{{{name}:one {noun}|# {nouns}}} on the last purchase day; an average order has {{{usual}:about}}"
    only = Case(f"{{{name}:one {noun}|# {nouns}}} on the only purchase day", "purchase_days_all", below=2)
    return Feature(name, nouns, "basket", "last order", "product", words, cases=(only,))


def _timing(name: str, unit: str, words: str, window: str = "all", cases: tuple[Case, ...] = ()) -> Feature:
    """Habits of the clock and the calendar say little to a reader: they only fill up a list of reasons."""
    return Feature(name, unit, "timing", window, None, words, cases=cases, weak=True)


STATE_FEATURES = (
    Feature("days_since_last_order", "days", "recency", "all", None, SILENCE, about=(LAST, GAPS), cases=(
        *FEW, Case(SILENCE, "silence_over_gap_median", below=0.5, about=(LAST, GAPS), weak=True))),
    Feature("tenure_days", "days", "tenure", "all", None, f"first order {FIRST_AGO}", cases=(NEVER, ONE_DAY),
            about=(SINCE,)),
    Feature("purchase_days_all", "days", "frequency", "all", None, DAYS_SO_FAR, cases=FEW, about=(COUNT, SINCE)),
    Feature("orders_all", "orders", "frequency", "all", None, ORDERS_SO_FAR, cases=FEW, about=(COUNT, SINCE)),
    Feature("spend_all", "money", "money", "all", "price", SPENT_SO_FAR, cases=FEW_SPEND, about=(SPEND,)),
    _per_day("day_spend_mean", "spends {day_spend_mean:money} on an average purchase day"),
    _per_day("day_spend_sd", _SPREAD),
    _per_day("day_spend_max", _SPREAD),
    _per_day("day_spend_first", _FIRST_SPEND),
    _per_day("day_spend_last", _LAST_SPEND, window="last order"),
    _per_day("day_spend_last_over_mean", _LAST_SPEND, "ratio", "last order"),
    _per_order("lines_per_order", "line", "lines"),
    _on_last_day("lines_last_day", "lines_per_order", "line", "lines"),
    _timing("hour_mean", "hour", "usually orders at about {hour_mean:clock}", cases=(_ONE_HOUR,)),
    _timing("hour_sd", "hours", "time of day of the orders varies by about {hour_sd:an hour|# hours}", cases=(
        _ONE_HOUR, Case("always orders at about the same time of day", "hour_sd", below=0.5, weak=True))),
    _timing("hour_last", "hour", "last ordered at about {hour_last:clock}", "last order"),
    _timing("weekday_mean", "weekday", _WEEKDAY),
    _timing("weekday_last", "weekday", _WEEKDAY, "last order"),
    _timing("weekend_share", "share", "{weekend_share:.0%} of the purchase days at the weekend", cases=(
        Case("never bought at the weekend", "weekend_share", below=0.001, weak=True),
        Case("always bought at the weekend", "weekend_share", least=0.999, weak=True))),
    _timing("monthday_mean", "day", ""),
    _timing("monthday_sd", "days", ""),
    _timing("monthday_last", "day", "", "last order"),
)  # fmt: skip

UNIT_FEATURES = [
    _per_order("units_per_order", "unit", "units"),
    _on_last_day("units_last_day", "units_per_order", "unit", "units"),
    Feature("unit_price_mean", "money", "basket", "all", "price", "pays {unit_price_mean:money} per unit on average"),
]
PRODUCTS_PER_ORDER = _per_order("products_per_order", "product", "products")
DISCOUNT = Feature(
    "discount_share_all", "share", "basket", "all", "price",
    "paid {discount_share_all:.0%} less than the list prices so far",
    cases=(Case("always paid the list price", "discount_share_all", below=0.005),),
)  # fmt: skip
