"""Breadth: distinct products and categories per window, concentration, first-time products."""

from holdfast.features.block import Available, Block
from holdfast.features.feature import Case, Feature
from holdfast.features.spoken import NEVER, ONE_DAY, silent, since_first

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


_NOUNS = {"products": ("one product", "# different products"), "categories": ("one category", "# categories")}


def _distinct_features(plural: str) -> list[Feature]:
    one, many = _NOUNS[plural]
    in_all = f"bought {{{plural}_all:{one}|{many}}} so far"
    only = Case(f"bought {{{plural}_all:{one}|{many}}} on the only purchase day", "purchase_days_all", below=2)
    features = [
        Feature(
            f"{plural}_{w}d", plural, "breadth", f"{w}d", "product",
            f"bought {{{plural}_{w}d:none|{one}|{many}}} in the last {w} days; {{{plural}_all:#|#}} so far",
            cases=(NEVER, silent(w), only, since_first(in_all, w, ())),
        )
        for w in WINDOWS
    ]  # fmt: skip
    return [*features, Feature(f"{plural}_all", plural, "breadth", "all", "product", in_all, cases=(NEVER, only))]


_PRODUCT_FEATURES = (
    Feature("top_product_share", "share", "breadth", "all", "product",
            "{top_product_share:.0%} of the spend on one product",
            cases=(Case("bought only one product so far", "products_all", below=2),)),
    Feature("new_products_share_90d", "share", "breadth", "90d", "product",
            "{new_products_share_90d:.0%} of the products of the last 90 days were first purchases",
            cases=(NEVER, ONE_DAY, silent(90), since_first("", 90, ()),
                   Case("only known products in the last 90 days", "new_products_share_90d", below=0.005),
                   Case("only first-time products in the last 90 days", "new_products_share_90d", least=0.995))),
    Feature("repeated_products_share", "share", "breadth", "all", "product",
            "{repeated_products_share:.0%} of the products were bought on more than one day",
            cases=(NEVER, ONE_DAY,
                   Case("no product bought on a second day so far", "repeated_products_share", below=0.00001))),
)  # fmt: skip
_CATEGORY_DROP = Feature(
    "categories_90d_over_all", "share", "breadth", "90d/all", "product",
    "bought from {categories_90d:none|one|#} of {categories_all:one category|# categories} in the last 90 days",
    cases=(NEVER, ONE_DAY, silent(90)),
)  # fmt: skip
