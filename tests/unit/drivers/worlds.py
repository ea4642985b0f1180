"""Small fitted worlds for the tests of this room."""

from functools import lru_cache

import numpy as np
import pandas as pd

from holdfast.features.feature import Feature
from holdfast.learners.blend import ChurnClassifier

FEATURES = (
    Feature(
        "days_since_last_order", "days", "recency", "all", None,
        "last order {days_since_last_order:.0f} days ago; usual gap {gap_mean_days:.0f}",
    ),
    Feature("gap_mean_days", "days", "rhythm", "all", None, "usually orders every {gap_mean_days:.0f} days"),
    Feature("orders_90d", "orders", "frequency", "90d", None, "{orders_90d:.0f} orders in 90 days"),
    Feature("orders_365d", "orders", "frequency", "365d", None, "{orders_365d:.0f} orders in 365 days"),
    Feature("discount_share_90d", "share", "money", "90d", "price", "{discount_share_90d:.0%} bought at a discount"),
    Feature(
        "complaints_open", "count", "service", "all", "service", "{complaints_open:.0f} open complaints",
        table="complaints",
    ),
    Feature("region", "level", "attributes", "all", "market", "lives in {region}", table="customers", categorical=True),
)  # fmt: skip


def frame(n: int = 1200, seed: int = 3) -> pd.DataFrame:
    """Features of n customers with missing values and one category."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "days_since_last_order": random.exponential(40, n),
            "gap_mean_days": random.exponential(20, n),
            "orders_90d": random.poisson(2, n).astype(float),
            "orders_365d": random.poisson(7, n).astype(float),
            "discount_share_90d": random.uniform(0, 1, n),
            "complaints_open": random.poisson(0.3, n).astype(float),
        }
    ).astype("float32")
    table.loc[random.random(n) < 0.2, "gap_mean_days"] = np.nan
    table["region"] = pd.Categorical(random.choice(["North", "South", "West"], n))
    table.index = pd.Index([f"c{k:05d}" for k in range(n)])
    return table


def labels(table: pd.DataFrame, seed: int = 4) -> np.ndarray:
    """Leavers: those who are silent for long, complain, buy at discounts only, or live in the west."""
    random = np.random.default_rng(seed)
    margin = (
        0.02 * (table["days_since_last_order"] - 40)
        + 1.2 * table["complaints_open"]
        + 1.5 * (table["discount_share_90d"] - 0.5)
        - 0.2 * (table["orders_365d"] - 7)
        + 0.8 * (table["region"] == "West")
    )
    return (random.random(len(table)) < 1 / (1 + np.exp(-margin))).astype(int)


@lru_cache(maxsize=1)
def fitted() -> ChurnClassifier:
    """A blend with unequal weights and a level shift, so that neither can be forgotten unseen."""
    table = frame()
    return ChurnClassifier(n_trees=60, min_child_weight=5, weight=0.3).fit(table, labels(table)).shifted(0.25)
