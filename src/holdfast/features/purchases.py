"""Purchases: recency, frequency, money, returns, basket, timing, season and trend."""

from holdfast.features.block import Available, Block
from holdfast.features.feature import Case, Feature
from holdfast.features.purchase_words import (
    DAYS_SO_FAR,
    DISCOUNT,
    NO_RETURN,
    ORDERS_SO_FAR,
    ORDINALS,
    PRODUCTS_PER_ORDER,
    SPENT_SO_FAR,
    STATE_FEATURES,
    UNIT_FEATURES,
    days_trend,
    days_words,
    nothing_else,
    orders_words,
    spend_trend,
    spend_words,
)
from holdfast.features.spoken import (
    COUNT,
    DAY_SPEND,
    FEW,
    FEW_SPEND,
    FIRST_AGO,
    RECENT,
    SINCE,
    SPEND,
    silent,
    since_first,
)
from holdfast.features.timeline import WINDOWS

ORDER_WINDOWS = (30, 90, 180, 365)
RETURN_WINDOWS = (30, 90, 365)
AGES = (2, 3, 4, 5, 6)


def stages(have: Available) -> dict[str, str]:
    """Temporary tables `orders`, `days`, `states` and `segments` that the purchase blocks share.

    `orders`: one row per order and day; `days`: one row per purchase day (a day with a row of amount > 0);
    `states`: a purchase day with everything accumulated up to it; `segments`: purchase days summed
    per segment of the timeline.
    """
    return {"orders": _orders(have), "days": _DAYS, "states": _STATES, "segments": _SEGMENTS, "last_days": _LAST_DAYS}


def _orders(have: Available) -> str:
    def has(*columns: str) -> bool:
        return have.has("purchases", *columns)

    key = "COALESCE(order_id, CAST(at AS STRING))" if has("order_id") else "CAST(at AS STRING)"
    units = "CAST(SUM(quantity) AS DECIMAL(38, 4))" if has("quantity") else "CAST(NULL AS DECIMAL(38, 4))"
    products = "COUNT(DISTINCT product_id)" if has("product_id") else "CAST(NULL AS BIGINT)"
    if has("list_price", "unit_price", "quantity"):
        discount = (
            "SUM(CASE WHEN list_price > unit_price THEN CAST((list_price - unit_price) * quantity AS DECIMAL(38, 4)) "
            "ELSE 0 END)"
        )
        listed = "SUM(CAST(list_price * quantity AS DECIMAL(38, 4)))"
    else:
        discount = listed = "CAST(NULL AS DECIMAL(38, 4))"
    rows = f"""
        SELECT customer_id, CAST(at AS DATE) AS d, {key} AS order_key, MIN(at) AS first_at,
               SUM(amount) AS spend, COUNT(*) AS lines, {units} AS units, {products} AS products,
               {discount} AS discount, {listed} AS listed
        FROM purchases WHERE amount > 0
        GROUP BY customer_id, CAST(at AS DATE), {key}"""
    if not has("order_id"):
        return f"SELECT o.*, 1 AS begun FROM ({rows}) o"
    # the rows of one order_id are one order, also when they are stamped on two days: it counts on the first
    first = "MIN(o.d) OVER (PARTITION BY o.customer_id, o.order_key)"
    return f"SELECT o.*, CASE WHEN o.d = {first} THEN 1 ELSE 0 END AS begun FROM ({rows}) o"


_DAYS = """
    SELECT customer_id, d, SUM(spend) AS spend, CAST(SUM(spend) AS DECIMAL(38, 2)) AS money,
           SUM(begun) AS orders, SUM(lines) AS lines, SUM(units) AS units, SUM(products) AS products,
           SUM(discount) AS discount, SUM(listed) AS listed,
           MIN(HOUR(first_at) * 60 + MINUTE(first_at)) AS minutes,
           MOD(DATEDIFF(d, DATE '1900-01-01'), 7) AS weekday, DAY(d) AS monthday,
           LAG(d) OVER (PARTITION BY customer_id ORDER BY d) AS previous
    FROM orders GROUP BY customer_id, d"""

_STATES = f"""
    SELECT customer_id, d, spend, lines, units, products, orders, minutes, weekday, monthday,
           DATEDIFF(d, previous) AS gap,
           MIN(d) OVER w AS first_d,
           {", ".join(f"LAG(d, {k - 1}) OVER o AS d{k}" for k in AGES)},
           COUNT(*) OVER w AS n_days, SUM(orders) OVER w AS n_orders, SUM(spend) OVER w AS sum_spend,
           SUM(money * money) OVER w AS sum_spend2, MAX(spend) OVER w AS max_spend,
           FIRST_VALUE(spend) OVER w AS first_spend,
           SUM(lines) OVER w AS n_lines, SUM(units) OVER w AS n_units, SUM(products) OVER w AS n_products,
           SUM(discount) OVER w AS sum_discount, SUM(listed) OVER w AS sum_listed,
           SUM(minutes) OVER w AS sum_minutes, SUM(minutes * minutes) OVER w AS sum_minutes2,
           SUM(weekday) OVER w AS sum_weekday, SUM(CASE WHEN weekday >= 5 THEN 1 ELSE 0 END) OVER w AS n_weekend,
           SUM(monthday) OVER w AS sum_monthday, SUM(monthday * monthday) OVER w AS sum_monthday2
    FROM days
    WINDOW w AS (PARTITION BY customer_id ORDER BY d ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
           o AS (PARTITION BY customer_id ORDER BY d)"""

_SEGMENTS = """
    SELECT s.customer_id, c.seg, COUNT(*) AS n_days, SUM(s.orders) AS n_orders, SUM(s.spend) AS spend, MAX(s.d) AS d
    FROM states s JOIN calendar c ON c.d = s.d GROUP BY s.customer_id, c.seg"""

_LAST_DAYS = """
    SELECT s.customer_id, p.cutoff, MAX(s.d) AS d
    FROM segments s JOIN spans p ON p.seg = s.seg GROUP BY s.customer_id, p.cutoff"""


def window_block(have: Available) -> Block:
    """Counts and amounts in trailing windows, the same window last year, trends."""
    horizon = min(have.horizon, 365)
    cells = [f"{_within('n_days', w)} AS purchase_days_{w}d" for w in WINDOWS]
    cells += [f"CAST({_within('spend', w)} AS DOUBLE) AS spend_{w}d" for w in WINDOWS]
    cells += [f"{_within('n_orders', w)} AS orders_{w}d" for w in ORDER_WINDOWS]
    features = [
        Feature(
            f"purchase_days_{w}d", "days", "frequency", f"{w}d", None, days_words(w), about=(RECENT,),
            cases=(
                *FEW, silent(w), since_first(DAYS_SO_FAR, w, (COUNT, RECENT, SINCE)),
                *nothing_else(f"purchase_days_{w}d", "bought on {one day|# days}", w, RECENT),
            ),
        )
        for w in WINDOWS
    ]  # fmt: skip
    features += [
        Feature(
            f"spend_{w}d", "money", "money", f"{w}d", "price", spend_words(w), about=(SPEND,),
            cases=(
                *FEW_SPEND, silent(w), since_first(SPENT_SO_FAR, w, (SPEND,)),
                *nothing_else(f"spend_{w}d", "spent {money}", w, SPEND),
            ),
        )
        for w in WINDOWS
    ]  # fmt: skip
    features += [
        Feature(
            f"orders_{w}d", "orders", "frequency", f"{w}d", None, orders_words(w), about=(RECENT,),
            cases=(
                *FEW, silent(w), since_first(ORDERS_SO_FAR, w, (COUNT, RECENT, SINCE)),
                *nothing_else(f"orders_{w}d", "{no order|one order|# orders}", w, RECENT),
            ),
        )
        for w in ORDER_WINDOWS
    ]  # fmt: skip
    for name, year in (("last_year", 365), ("two_years_ago", 730)):
        inside = f"p.age <= {year} AND p.age_end >= {year - horizon}"
        cells.append(f"SUM(CASE WHEN {inside} THEN s.n_days ELSE 0 END) AS {name}_purchase_days_h")
        cells.append(f"CAST(SUM(CASE WHEN {inside} THEN s.spend ELSE 0 END) AS DOUBLE) AS {name}_spend_h")
        ago = "a year ago" if year == 365 else "two years ago"
        year_ago = "last year" if year == 365 else "two years ago"
        then = f"in the {horizon} days from this date {year_ago}"
        new = Case(
            f"first order {FIRST_AGO}, so nothing bought at this time {year_ago}", "tenure_days",
            below=year - horizon + 1, about=(SINCE,),
        )  # fmt: skip
        features.append(
            Feature(
                f"{name}_purchase_days_h", "days", "season", f"same {horizon}d {ago}", "market",
                f"bought on {{{name}_purchase_days_h:no day|one day|# days}} {then}", cases=(new,),
            )
        )  # fmt: skip
        features.append(
            Feature(
                f"{name}_spend_h", "money", "season", f"same {horizon}d {ago}", "market",
                f"spent {{{name}_spend_h:money}} {then}",
                cases=(new, Case(f"spent nothing {then}", f"{name}_purchase_days_h", below=1)),
            )
        )  # fmt: skip
    sql = f"""
        SELECT t.*,
               LN((purchase_days_90d + CAST(0.5 AS DOUBLE))
                  / ((purchase_days_365d - purchase_days_90d) / CAST(3 AS DOUBLE) + CAST(0.5 AS DOUBLE)))
                   AS purchase_days_90d_over_prior_275d,
               LN((purchase_days_90d + CAST(0.5 AS DOUBLE))
                  / (purchase_days_180d - purchase_days_90d + CAST(0.5 AS DOUBLE))) AS purchase_days_90d_over_prior_90d,
               LN((spend_90d + 1) / (spend_180d - spend_90d + 1)) AS spend_90d_over_prior_90d,
               LN((spend_30d + 1) / ((spend_90d - spend_30d) / CAST(2 AS DOUBLE) + 1)) AS spend_30d_over_prior_60d
        FROM (SELECT s.customer_id, p.cutoff, {", ".join(cells)}
              FROM segments s JOIN spans p ON p.seg = s.seg GROUP BY s.customer_id, p.cutoff) t"""
    features += [
        days_trend("purchase_days_90d_over_prior_275d", 90, 365),
        days_trend("purchase_days_90d_over_prior_90d", 90, 180),
        spend_trend("spend_90d_over_prior_90d", 90, 180),
        spend_trend("spend_30d_over_prior_60d", 30, 90),
    ]
    return Block("windows", sql, tuple(features))


def state_block(have: Available) -> Block:
    """Recency, tenure, lifetime sums, money per day, basket and timing: the state on the last purchase day."""
    one, ratio = "CAST(s.n_days AS DOUBLE)", "CAST({} AS DOUBLE) / CAST({} AS DOUBLE)"
    cells = {
        "days_since_last_order": "DATEDIFF(l.cutoff, s.d)",
        "tenure_days": "DATEDIFF(l.cutoff, s.first_d)",
        "purchase_days_all": "s.n_days",
        "orders_all": "s.n_orders",
        "spend_all": "CAST(s.sum_spend AS DOUBLE)",
        "day_spend_mean": ratio.format("s.sum_spend", "s.n_days"),
        "day_spend_sd": _sd("s.sum_spend2", "s.sum_spend", "s.n_days"),
        "day_spend_max": "CAST(s.max_spend AS DOUBLE)",
        "day_spend_first": "CAST(s.first_spend AS DOUBLE)",
        "day_spend_last": "CAST(s.spend AS DOUBLE)",
        "day_spend_last_over_mean": f"CAST(s.spend AS DOUBLE) / (CAST(s.sum_spend AS DOUBLE) / {one})",
        "lines_per_order": ratio.format("s.n_lines", "s.n_orders"),
        "lines_last_day": "s.lines",
        "hour_mean": "CAST(s.sum_minutes AS DOUBLE) / s.n_days / 60",
        "hour_sd": f"{_sd('s.sum_minutes2', 's.sum_minutes', 's.n_days')} / 60",
        "hour_last": "CAST(s.minutes AS DOUBLE) / 60",
        "weekday_mean": ratio.format("s.sum_weekday", "s.n_days"),
        "weekday_last": "s.weekday",
        "weekend_share": ratio.format("s.n_weekend", "s.n_days"),
        "monthday_mean": ratio.format("s.sum_monthday", "s.n_days"),
        "monthday_sd": _sd("s.sum_monthday2", "s.sum_monthday", "s.n_days"),
        "monthday_last": "s.monthday",
    }
    features = list(STATE_FEATURES)
    for k in AGES:
        cells[f"days_since_{ORDINALS[k]}_last_order"] = f"DATEDIFF(l.cutoff, s.d{k})"
        features.append(
            Feature(
                f"days_since_{ORDINALS[k]}_last_order", "days", "recency", "all", None,
                f"bought on {k} days in the last {{days_since_{ORDINALS[k]}_last_order:day|# days}}",
                cases=(*FEW, Case(DAYS_SO_FAR, "purchase_days_all", below=k + 1, about=(COUNT, RECENT, SINCE))),
                about=(RECENT,),
            )
        )  # fmt: skip
    if have.has("purchases", "quantity"):
        cells["units_per_order"] = ratio.format("s.n_units", "s.n_orders")
        cells["units_last_day"] = "CAST(s.units AS DOUBLE)"
        cells["unit_price_mean"] = "CAST(s.sum_spend AS DOUBLE) / NULLIF(CAST(s.n_units AS DOUBLE), 0)"
        features += UNIT_FEATURES
    if have.has("purchases", "product_id"):
        cells["products_per_order"] = ratio.format("s.n_products", "s.n_orders")
        features.append(PRODUCTS_PER_ORDER)
    if have.has("purchases", "list_price", "unit_price", "quantity"):
        cells["discount_share_all"] = "CAST(s.sum_discount AS DOUBLE) / NULLIF(CAST(s.sum_listed AS DOUBLE), 0)"
        features.append(DISCOUNT)
    listing = ", ".join(f"{sql} AS {name}" for name, sql in cells.items())
    sql = f"""
        SELECT l.customer_id, l.cutoff, {listing}
        FROM last_days l JOIN states s ON s.customer_id = l.customer_id AND s.d = l.d"""
    return Block("state", sql, tuple(features), stages(have))


def median_block(have: Available) -> Block:
    """Median spend of a purchase day."""
    sql = """
        SELECT s.customer_id, p.cutoff, CAST(MEDIAN(s.spend) AS DOUBLE) AS day_spend_median
        FROM states s JOIN calendar c ON c.d = s.d JOIN spans p ON p.seg = c.seg GROUP BY s.customer_id, p.cutoff"""
    words = "spends {day_spend_median:money} on a usual purchase day"
    feature = Feature("day_spend_median", "money", "money", "all", "price", words, cases=FEW_SPEND, about=(DAY_SPEND,))
    return Block("median", sql, (feature,))


def returns_block(have: Available) -> Block:
    """Money returned and days with returns."""
    cells = ", ".join(
        f"SUM(CASE WHEN p.age <= {w} THEN r.n ELSE 0 END) AS return_days_{w}d, "
        f"CAST(SUM(CASE WHEN p.age <= {w} THEN r.returned ELSE 0 END) AS DOUBLE) AS returned_{w}d"
        for w in RETURN_WINDOWS
    )
    sql = f"""
        SELECT r.customer_id, p.cutoff, {cells}, CAST(SUM(r.returned) AS DOUBLE) AS returned_all
        FROM returns r JOIN spans p ON p.seg = r.seg GROUP BY r.customer_id, p.cutoff"""
    stage = """
        SELECT t.customer_id, c.seg, COUNT(DISTINCT c.d) AS n, SUM(-t.amount) AS returned
        FROM purchases t JOIN calendar c ON c.d = CAST(t.at AS DATE)
        WHERE t.amount < 0 GROUP BY t.customer_id, c.seg"""
    features = []
    for w in RETURN_WINDOWS:
        none = (NO_RETURN, Case(f"no return in the last {w} days", f"return_days_{w}d", below=1, weak=True))
        days, worth = f"{{return_days_{w}d:one day|# days}}", f"{{returned_{w}d:money}}"
        words = f"returned goods on {days} in the last {w} days; worth {worth}"
        features.append(Feature(f"return_days_{w}d", "days", "returns", f"{w}d", "product", words, cases=none))
        words = f"returned goods worth {worth} in the last {w} days; spent {{spend_{w}d:money}}"
        features.append(Feature(f"returned_{w}d", "money", "returns", f"{w}d", "product", words, cases=none))
    words = "returned goods worth {returned_all:money} so far; spent {spend_all:money}"
    features.append(Feature("returned_all", "money", "returns", "all", "product", words, cases=(NO_RETURN,)))
    names = frozenset(feature.name for feature in features)
    return Block("returns", sql, tuple(features), {"returns": stage}, counts=names)


def _within(column: str, window: int) -> str:
    return f"SUM(CASE WHEN p.age <= {window} THEN s.{column} ELSE 0 END)"


def _sd(squares: str, total: str, n: str) -> str:
    """Sample standard deviation from exact sums; NULL below two values."""
    mean_part = f"CAST({total} AS DOUBLE) * CAST({total} AS DOUBLE) / CAST({n} AS DOUBLE)"
    variance = f"GREATEST(CAST({squares} AS DOUBLE) - {mean_part}, 0) / (CAST({n} AS DOUBLE) - 1)"
    return f"CASE WHEN {n} > 1 THEN SQRT({variance}) END"
