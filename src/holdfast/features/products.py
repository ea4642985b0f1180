"""Breadth: distinct products and categories per window, concentration, first-time products."""

from holdfast.features.block import Available, Block
from holdfast.features.feature import Feature

WINDOWS = (30, 90, 365)


def product_block(have: Available) -> Block | None:
    """Distinct products per window, concentration of spend, first-time products; None without product ids."""
    if not have.has("purchases", "product_id"):
        return None
    name, plural = "product", "products"
    features = [*_distinct_features(plural), *_PRODUCT_FEATURES]
    extra = """,
               CAST(MAX(spend) AS DOUBLE) / NULLIF(CAST(SUM(spend) AS DOUBLE), 0) AS top_product_share,
               CAST(SUM(CASE WHEN first_age <= 90 THEN 1 ELSE 0 END) AS DOUBLE)
                   / NULLIF(SUM(CASE WHEN age <= 90 THEN 1 ELSE 0 END), 0) AS new_products_share_90d,
               CAST(SUM(CASE WHEN n > 1 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) AS repeated_products_share"""
    return Block("products", _sql(name, plural, extra), tuple(features), _stages(name, "product_id"))


def category_block(have: Available) -> Block | None:
    """Distinct categories per window; None without categories."""
    if not have.has("purchases", "category"):
        return None
    features = (*_distinct_features("categories"), _CATEGORY_DROP)
    extra = """,
               CAST(SUM(CASE WHEN age <= 90 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) AS categories_90d_over_all"""
    return Block("categories", _sql("category", "categories", extra), features, _stages("category", "category"))


def _stages(name: str, column: str) -> dict[str, str]:
    return {
        f"{name}_segments": f"""
            SELECT t.customer_id, t.{column} AS item, c.seg, MIN(c.d) AS first_d, MAX(c.d) AS last_d,
                   COUNT(DISTINCT c.d) AS n, SUM(t.amount) AS spend
            FROM purchases t JOIN calendar c ON c.d = CAST(t.at AS DATE)
            WHERE t.amount > 0 AND t.{column} IS NOT NULL GROUP BY t.customer_id, t.{column}, c.seg""",
        f"{name}_ages": f"""
            SELECT s.customer_id, p.cutoff, s.item, DATEDIFF(p.cutoff, MAX(s.last_d)) AS age,
                   DATEDIFF(p.cutoff, MIN(s.first_d)) AS first_age, SUM(s.n) AS n, SUM(s.spend) AS spend
            FROM {name}_segments s JOIN spans p ON p.seg = s.seg GROUP BY s.customer_id, p.cutoff, s.item""",
    }


def _sql(name: str, plural: str, extra: str) -> str:
    counts = ", ".join(f"SUM(CASE WHEN age <= {w} THEN 1 ELSE 0 END) AS {plural}_{w}d" for w in WINDOWS)
    return f"""
        SELECT customer_id, cutoff, {counts}, COUNT(*) AS {plural}_all{extra}
        FROM {name}_ages GROUP BY customer_id, cutoff"""


def _distinct_features(plural: str) -> list[Feature]:
    features = [
        Feature(f"{plural}_{w}d", plural, "breadth", f"{w}d", "product", f"{{{plural}_{w}d:.0f}} {plural} in {w} days")
        for w in WINDOWS
    ]
    return [*features, Feature(f"{plural}_all", plural, "breadth", "all", "product", f"{{{plural}_all:.0f}} {plural}")]


_PRODUCT_FEATURES = (
    Feature("top_product_share", "share", "breadth", "all", "product", "{top_product_share:.0%} of spend on one product"),
    Feature("new_products_share_90d", "share", "breadth", "90d", "product",
            "{new_products_share_90d:.0%} of the products of the last 90 days were new to the customer"),
    Feature("repeated_products_share", "share", "breadth", "all", "product",
            "{repeated_products_share:.0%} of the products were bought again"),
)  # fmt: skip
_CATEGORY_DROP = Feature(
    "categories_90d_over_all", "share", "breadth", "90d/all", "product",
    "buys {categories_90d:.0f} of the {categories_all:.0f} categories it used to buy",
)  # fmt: skip
