"""A slow, plain pandas reading of the definitions as oracle of counts, sums and gaps over random histories."""

from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from random_histories import CUTOFFS, random_frames

from holdfast.features.featureset import FeatureSet
from holdfast.features.purchases import ORDER_WINDOWS, RETURN_WINDOWS
from holdfast.features.timeline import WINDOWS
from holdfast.histories.histories import Histories

HORIZON = 60


def oracle(purchases: pd.DataFrame, cutoff: date) -> dict[str, float]:
    """Features of one customer with a purchase before the cutoff, from its rows."""
    now = pd.Timestamp(cutoff)
    known = purchases[(purchases["at"] < now) & ~(purchases.get("known_at", purchases["at"]) >= now)]
    known = known.assign(age=(now - known["at"].dt.normalize()).dt.days)
    bought, returned = known[known["amount"] > 0], known[known["amount"] < 0]
    ages = np.sort(bought["age"].unique())
    key = bought["order_id"].fillna(bought["at"].astype(str))
    orders = bought.groupby(key)["age"].max()
    spend = bought.groupby("age")["amount"].sum().sort_index()
    gaps = np.diff(ages)
    found = {
        "days_since_last_order": ages[0],
        "tenure_days": ages[-1],
        "purchase_days_all": len(ages),
        "orders_all": len(orders),
        "spend_all": spend.sum(),
        "day_spend_max": spend.max(),
        "day_spend_median": spend.median(),
        "day_spend_last": spend.iloc[0],
        "day_spend_first": spend.iloc[-1],
        "day_spend_sd": spend.std(),
        "lines_per_order": len(bought) / len(orders),
        "units_last_day": bought.loc[bought["age"] == ages[0], "quantity"].sum(),
        "products_all": bought["product_id"].nunique() or np.nan,
        "categories_all": bought["category"].nunique() or np.nan,
        "gap_mean_days": gaps.mean() if len(gaps) else np.nan,
        "gap_sd_days": gaps.std(ddof=1) if len(gaps) > 1 else np.nan,
        "gap_last_days": gaps[0] if len(gaps) else np.nan,
        "gap_max_days": gaps.max() if len(gaps) else np.nan,
        "own_gaps_longer_share": (gaps > ages[0]).mean() if len(gaps) else np.nan,
        "returned_all": -returned["amount"].sum(),
        "last_year_purchase_days_h": ((ages <= 365) & (ages > 365 - HORIZON)).sum(),
        "last_year_spend_h": spend[(spend.index <= 365) & (spend.index > 365 - HORIZON)].sum(),
    }
    for q, name in ((0.25, "q25"), (0.5, "median"), (0.75, "q75"), (0.9, "q90")):
        found[f"gap_{name}_days"] = np.quantile(gaps, q, method="inverted_cdf") if len(gaps) else np.nan
    weights = 0.6 ** np.arange(6)[: len(gaps)]
    found["gap_recent_mean_days"] = (weights * gaps[:6]).sum() / weights.sum() if len(gaps) else np.nan
    for w in WINDOWS:
        found[f"purchase_days_{w}d"] = (ages <= w).sum()
        found[f"spend_{w}d"] = spend[spend.index <= w].sum()
    for w in ORDER_WINDOWS:
        found[f"orders_{w}d"] = (orders <= w).sum()
    for w in RETURN_WINDOWS:
        inside = returned[returned["age"] <= w]
        found[f"return_days_{w}d"], found[f"returned_{w}d"] = inside["age"].nunique(), -inside["amount"].sum()
    return found


@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**31), late=st.booleans())
def test_features_equal_their_definitions(seed: int, late: bool) -> None:
    purchases = random_frames(seed, late=late, rows=90, customers=6)["purchases"]
    histories = Histories.from_frames({"purchases": purchases})
    frame = FeatureSet.of(histories, HORIZON).compute(histories, CUTOFFS).frame
    checked = 0
    for row in frame.to_dict("records"):
        if np.isnan(row["spend_all"]):
            continue
        expected = oracle(purchases[purchases["customer_id"] == row["customer_id"]], row["cutoff"].date())
        for name, value in expected.items():
            np.testing.assert_allclose(
                row[name], value, rtol=2e-6, atol=1e-4, err_msg=f"{name} of {row['customer_id']} at {row['cutoff']}"
            )
        checked += 1
    assert checked > 3
