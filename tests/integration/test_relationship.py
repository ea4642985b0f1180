"""`relationship.parquet` and the figures of the tiers, on the finished run."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Finished

from holdfast.relationship.loyalty import STRATEGY

PARTS = ["p_tier_silent", "p_tier_repeat", "p_tier_loyal"]


@pytest.fixture(scope="module")
def figures(finished: Finished) -> dict[str, Any]:
    return json.loads((finished.out / "relationship.json").read_text())


def test_every_scored_customer_stands_somewhere(finished: Finished) -> None:
    found = pd.read_parquet(finished.out / "relationship.parquet")
    scores = pd.read_parquet(finished.out / "predictions/loyalty.parquet")
    scored = scores[scores["part"] == "score"].set_index("customer_id")["score"]
    features = pd.read_parquet(finished.out / "features.parquet", columns=["customer_id", "cutoff"])
    known = set(features.loc[features["cutoff"] == found["cutoff"].iloc[0], "customer_id"])
    assert known <= set(found["customer_id"])
    found = found[found["customer_id"].isin(scored.index)]
    assert len(found) == len(scored)
    np.testing.assert_allclose(found[PARTS].sum(axis=1), 1.0)
    np.testing.assert_array_equal(found["p_tier_loyal"], scored.reindex(found["customer_id"]))
    assert set(found["attachment"]) <= set(STRATEGY)
    assert found["attachment_strategy"].notna().all()


def test_the_tiers_beat_shared_chances_at_every_test_date(figures: dict[str, Any]) -> None:
    """D9: the tiers are calibrated and beat shared chances at later dates."""
    assert len(figures["cutoffs"]) >= 2
    for page in figures["cutoffs"]:
        assert page["rps"] < page["rps_base_rates"]
        assert sum(page["came"].values()) == pytest.approx(1.0)
        # forecast and what came, tier by tier, within what a level that drifts explains
        assert all(abs(page["forecast"][part] - page["came"][part]) < 0.15 for part in PARTS)


def test_the_tiers_rest_on_the_rows_of_the_loyalty_task(finished: Finished, figures: dict[str, Any]) -> None:
    labels = pd.read_parquet(finished.out / "labels/loyalty.parquet")
    for page in figures["cutoffs"]:
        rows = labels[(labels["part"] == "test") & (labels["cutoff"] == page["cutoff"])]
        assert page["n"] == len(rows)
        assert page["came"]["p_tier_loyal"] == pytest.approx(rows["label"].mean())
