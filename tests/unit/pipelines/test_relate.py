"""Moves between relationship tiers: only customers who already were one have moved."""

from datetime import date

import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.pipelines.relate import standing, transitions
from holdfast.relationship import gather


def test_d5_who_was_a_prospect_then_has_not_moved() -> None:
    """D5: a bought before and after; b was only registered then and bought since: one move, of a."""
    bought = pd.DataFrame({"customer_id": ["a", "a", "b"], "at": ["2024-01-10", "2024-05-01", "2024-05-02"],
                           "amount": [5.0, 5.0, 5.0]})  # fmt: skip
    people = pd.DataFrame({"customer_id": ["a", "b"], "joined_at": ["2024-01-01", "2024-01-01"]})
    asked = pd.DataFrame({"customer_id": ["a", "b"], "at": ["2024-01-15", "2024-01-15"], "satisfaction": [9.0, 3.0]})
    histories = Histories.from_frames({"purchases": bought, "customers": people, "surveys": asked})
    facts = gather(histories, date(2024, 6, 1))
    rows = transitions(histories, facts, standing(facts), 60)["rows"]
    stood = {name for name, row in rows.items() if sum(row.values()) == 1.0}
    assert stood == {"satisfied"}
