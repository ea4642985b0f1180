"""Simulated world: planted causes against predicted and indicated reasons, beside shuffled causes (A3).

The figures say that the road from cause to reason works where causes leave the traces that the simulator plants; they
say nothing about real customers.
"""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import Finished

from holdfast.drivers.recovery import reason_recovery


def against_truth(finished: Finished, column: str) -> tuple[pd.DataFrame, float, float]:
    """Leavers with a planted cause at the last cutoff before the exit, macro-F1, and the best of fifty shuffles."""
    found = pd.read_parquet(finished.out / "reasons.parquet")
    truth = pd.read_parquet(finished.world / "truth/customers.parquet").set_index("customer_id")
    against = reason_recovery(found, truth, column, shuffles=50)
    rows = against.rows.merge(found[found["part"] == "leaver"][["customer_id", "cutoff", "reason_predicted_prob"]])
    return rows, against.macro_f1, float(against.shuffled.max())


@pytest.mark.parametrize(("column", "times"), [("reason_predicted", 2.0), ("reason_indicated", 1.2)])
def test_planted_causes_are_recovered_above_shuffled_ones(finished: Finished, column: str, times: float) -> None:
    """A3: predicted and indicated reasons agree with the planted causes more than any of fifty shuffles."""
    rows, own, shuffled = against_truth(finished, column)
    print(f"\n{column}: macro-F1 {own:.3f} of {len(rows)} leavers, best shuffle {shuffled:.3f}")
    assert len(rows) > 30
    assert own > times * shuffled


def test_what_is_claimed_is_mostly_right(finished: Finished) -> None:
    """A3: where the classifier names a class it is right at least as often as it promises, less chance."""
    rows, _, _ = against_truth(finished, "reason_predicted")
    claimed = rows[rows["reason_predicted"] != "unknown"]
    right = (claimed["reason_predicted"] == claimed["cause"]).mean()
    error = 2 * np.sqrt(0.25 / len(claimed))
    assert right > claimed["reason_predicted_prob"].mean() - error
    assert 0.1 < len(claimed) / len(rows) < 0.95


def test_the_three_columns_are_kept_apart_and_compared(finished: Finished) -> None:
    """A3: stated, predicted and indicated stand side by side, with counts of every pair and kappa."""
    facts = json.loads((finished.out / "reasons.json").read_text())
    assert facts["predicted"]["macro_auroc"] > facts["predicted"]["beside"]["shuffled"]["macro_auroc"] + 0.1
    assert facts["predicted"]["log_loss"] < facts["predicted"]["beside"]["prior"]["log_loss"]
    assert facts["predicted"]["coverage_shuffled"] < 0.05
    assert facts["agreement"]["stated_predicted"]["kappa"] > 0.3
    agreement = pd.read_csv(finished.out / "exits/agreement.csv")
    assert agreement["pair"].nunique() == 3
    assert len(agreement) == 3 * 49
    scored = pd.read_parquet(finished.out / "reasons.parquet").query("part == 'score'")
    listed = pd.read_parquet(finished.out / "lists/retention.parquet")
    assert set(scored["customer_id"]) == set(listed["customer_id"])
    assert (listed["reason_source"] == "predicted").any()
    told = listed.set_index("customer_id").query("reason_source == 'stated'")["exit_reason"]
    assert scored.set_index("customer_id")["reason_stated"].reindex(told.index).tolist() == told.tolist()
    assert facts["predicted"]["judged_on"] == "each leaver once, at the last cutoff before the statement"
