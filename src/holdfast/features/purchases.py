"""Purchases: recency, frequency, money, returns, basket, timing, season and trend."""

from holdfast.features.block import Available, Block
from holdfast.features.feature import Feature
from holdfast.features.timeline import WINDOWS

ORDER_WINDOWS = (30, 90, 180, 365)
RETURN_WINDOWS = (30, 90, 365)
AGES = (2, 3, 4, 5, 6)


def stages(have: Available) -> dict[str, str]:
    """Temporary tables `orders`, `days`, `states` and `segments` that the purchase blocks share.

    `orders`: one row per order; `days`: one row per purchase day (a day with a row of amount > 0);
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
    return f"""
        SELECT customer_id, CAST(at AS DATE) AS d, {key} AS order_key, MIN(at) AS first_at,
               SUM(amount) AS spend, COUNT(*) AS lines, {units} AS units, {products} AS products,
               {discount} AS discount, {listed} AS listed
        FROM purchases WHERE amount > 0
        GROUP BY customer_id, CAST(at AS DATE), {key}"""


_DAYS = """
    SELECT customer_id, d, SUM(spend) AS spend, CAST(SUM(spend) AS DECIMAL(18, 2)) AS money,
           COUNT(*) AS orders, SUM(lines) AS lines, SUM(units) AS units, SUM(products) AS products,
           SUM(discount) AS discount, SUM(listed) AS listed,
           MIN(HOUR(first_at) * 60 + MINUTE(first_at)) AS minutes, MOD(DATEDIFF(d, DATE '1900-01-01'), 7) AS weekday, DAY(d) AS monthday,
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
        Feature(f"purchase_days_{w}d", "days", "frequency", f"{w}d", None, _count_words("purchase day", w))
        for w in WINDOWS
    ]
    features += [
        Feature(f"spend_{w}d", "money", "money", f"{w}d", "price", f"spent {{spend_{w}d:,.0f}} in the last {w} days")
        for w in WINDOWS
    ]
    features += [
        Feature(f"orders_{w}d", "orders", "frequency", f"{w}d", None, _count_words("order", w)) for w in ORDER_WINDOWS
    ]
    for name, year in (("last_year", 365), ("two_years_ago", 730)):
        inside = f"p.age <= {year} AND p.age_end >= {year - horizon}"
        cells.append(f"SUM(CASE WHEN {inside} THEN s.n_days ELSE 0 END) AS {name}_purchase_days_h")
        cells.append(f"CAST(SUM(CASE WHEN {inside} THEN s.spend ELSE 0 END) AS DOUBLE) AS {name}_spend_h")
        ago = "a year ago" if year == 365 else "two years ago"
        features.append(
            Feature(
                f"{name}_purchase_days_h", "days", "season", f"same {horizon}d {ago}", "market",
                f"bought on {{{name}_purchase_days_h:.0f}} days in the same {horizon} days {ago}",
            )
        )  # fmt: skip
        features.append(
            Feature(
                f"{name}_spend_h", "money", "season", f"same {horizon}d {ago}", "market",
                f"spent {{{name}_spend_h:,.0f}} in the same {horizon} days {ago}",
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
    falling = "buys less often than before: {purchase_days_90d:.0f} purchase days in the last 90 days"
    features += [
        Feature("purchase_days_90d_over_prior_275d", "log ratio", "trend", "90d/365d", "product", falling),
        Feature(
            "purchase_days_90d_over_prior_90d", "log ratio", "trend", "90d/180d", "product",
            falling + ", {purchase_days_180d:.0f} in the last 180",
        ),
        Feature(
            "spend_90d_over_prior_90d", "log ratio", "trend", "90d/180d", "price",
            "spend changed: {spend_90d:,.0f} in the last 90 days, {spend_180d:,.0f} in the last 180",
        ),
        Feature(
            "spend_30d_over_prior_60d", "log ratio", "trend", "30d/90d", "price",
            "spend changed: {spend_30d:,.0f} in the last 30 days, {spend_90d:,.0f} in the last 90",
        ),
    ]  # fmt: skip
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
    features = list(_STATE_FEATURES)
    for k in AGES:
        cells[f"days_since_{_ORDINALS[k]}_last_order"] = f"DATEDIFF(l.cutoff, s.d{k})"
        features.append(
            Feature(
                f"days_since_{_ORDINALS[k]}_last_order", "days", "recency", "all", None,
                f"the {_ORDINALS[k]}-last purchase day was {{days_since_{_ORDINALS[k]}_last_order:.0f}} days ago",
            )
        )  # fmt: skip
    if have.has("purchases", "quantity"):
        cells["units_per_order"] = ratio.format("s.n_units", "s.n_orders")
        cells["units_last_day"] = "CAST(s.units AS DOUBLE)"
        cells["unit_price_mean"] = "CAST(s.sum_spend AS DOUBLE) / NULLIF(CAST(s.n_units AS DOUBLE), 0)"
        features += _UNIT_FEATURES
    if have.has("purchases", "product_id"):
        cells["products_per_order"] = ratio.format("s.n_products", "s.n_orders")
        features.append(_PRODUCTS_PER_ORDER)
    if have.has("purchases", "list_price", "unit_price", "quantity"):
        cells["discount_share_all"] = "CAST(s.sum_discount AS DOUBLE) / NULLIF(CAST(s.sum_listed AS DOUBLE), 0)"
        features.append(_DISCOUNT)
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
    words = "a usual purchase day is worth {day_spend_median:,.0f}"
    return Block("median", sql, (Feature("day_spend_median", "money", "money", "all", "price", words),))


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
        words = f"returned goods on {{return_days_{w}d:.0f}} days in the last {w} days"
        features.append(Feature(f"return_days_{w}d", "days", "returns", f"{w}d", "product", words))
        words = f"returned goods worth {{returned_{w}d:,.0f}} in the last {w} days"
        features.append(Feature(f"returned_{w}d", "money", "returns", f"{w}d", "product", words))
    words = "returned goods worth {returned_all:,.0f} so far"
    features.append(Feature("returned_all", "money", "returns", "all", "product", words))
    names = frozenset(feature.name for feature in features)
    return Block("returns", sql, tuple(features), {"returns": stage}, counts=names)


def _within(column: str, window: int) -> str:
    return f"SUM(CASE WHEN p.age <= {window} THEN s.{column} ELSE 0 END)"


def _sd(squares: str, total: str, n: str) -> str:
    """Sample standard deviation from exact sums; NULL below two values."""
    mean_part = f"CAST({total} AS DOUBLE) * CAST({total} AS DOUBLE) / CAST({n} AS DOUBLE)"
    variance = f"GREATEST(CAST({squares} AS DOUBLE) - {mean_part}, 0) / (CAST({n} AS DOUBLE) - 1)"
    return f"CASE WHEN {n} > 1 THEN SQRT({variance}) END"


def _count_words(noun: str, window: int) -> str:
    column = f"{noun.replace(' ', '_')}s_{window}d"
    return f"{{{column}:.0f}} {noun}s in the last {window} days"


_ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}
_BASKET = "an average order has {lines_per_order:.1f} lines"
_HOUR = "orders at about {hour_mean:.0f}:00"
_WEEKDAY = "habit of ordering on certain weekdays"
_MONTHDAY = "habit of ordering on certain days of the month"

_STATE_FEATURES = (
    Feature("days_since_last_order", "days", "recency", "all", None, "last order {days_since_last_order:.0f} days ago"),
    Feature("tenure_days", "days", "tenure", "all", None, "customer for {tenure_days:.0f} days"),
    Feature("purchase_days_all", "days", "frequency", "all", None, "{purchase_days_all:.0f} purchase days in all"),
    Feature("orders_all", "orders", "frequency", "all", None, "{orders_all:.0f} orders in all"),
    Feature("spend_all", "money", "money", "all", "price", "spent {spend_all:,.0f} in all"),
    Feature("day_spend_mean", "money", "money", "all", "price", "spends {day_spend_mean:,.0f} on a purchase day"),
    Feature("day_spend_sd", "money", "money", "all", "price", "spend varies by {day_spend_sd:,.0f} per purchase day"),
    Feature("day_spend_max", "money", "money", "all", "price", "largest purchase day {day_spend_max:,.0f}"),
    Feature("day_spend_first", "money", "money", "all", "price", "first purchase day {day_spend_first:,.0f}"),
    Feature("day_spend_last", "money", "money", "last order", "price", "last purchase day {day_spend_last:,.0f}"),
    Feature(
        "day_spend_last_over_mean", "ratio", "money", "last order", "price",
        "last purchase day {day_spend_last:,.0f}; mean {day_spend_mean:,.0f}",
    ),
    Feature("lines_per_order", "lines", "basket", "all", "product", _BASKET),
    Feature("lines_last_day", "lines", "basket", "last order", "product", "last order had {lines_last_day:.0f} lines"),
    Feature("hour_mean", "hour", "timing", "all", None, _HOUR),
    Feature("hour_sd", "hours", "timing", "all", None, "orders at irregular hours"),
    Feature("hour_last", "hour", "timing", "last order", None, "last order at {hour_last:.0f}:00"),
    Feature("weekday_mean", "weekday", "timing", "all", None, _WEEKDAY),
    Feature("weekday_last", "weekday", "timing", "last order", None, _WEEKDAY),
    Feature("weekend_share", "share", "timing", "all", None, "{weekend_share:.0%} of purchase days at the weekend"),
    Feature("monthday_mean", "day", "timing", "all", None, _MONTHDAY),
    Feature("monthday_sd", "days", "timing", "all", None, _MONTHDAY),
    Feature("monthday_last", "day", "timing", "last order", None, _MONTHDAY),
)  # fmt: skip

_UNIT_FEATURES = [
    Feature("units_per_order", "units", "basket", "all", "product", "{units_per_order:.0f} units in an average order"),
    Feature("units_last_day", "units", "basket", "last order", "product", "last order had {units_last_day:.0f} units"),
    Feature("unit_price_mean", "money", "basket", "all", "price", "pays {unit_price_mean:,.2f} per unit"),
]
_PRODUCTS_PER_ORDER = Feature(
    "products_per_order", "products", "basket", "all", "product", "{products_per_order:.1f} products in an average order"
)
_DISCOUNT = Feature(
    "discount_share_all", "share", "basket", "all", "price", "{discount_share_all:.0%} of the list value was discount"
)
