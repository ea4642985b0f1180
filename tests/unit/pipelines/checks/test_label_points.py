"""Points 4 to 7: labels, features that give the answer away, and the random split."""

import numpy as np
import pandas as pd
import pytest

from holdfast.examples import Examples
from holdfast.params.sections import ChecksSection
from holdfast.pipelines.checks.finding import Finding
from holdfast.pipelines.checks.labels import label_findings


def rows(n: int, at: str, seed: int, leak: float = 0.0) -> Examples:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(np.int8)
    known = np.where(rng.random(n) < leak, y, rng.integers(0, 2, n)).astype(np.float32)
    frame = pd.DataFrame({
        "customer_id": [f"k{i:05d}" for i in range(n)], "cutoff": pd.Timestamp(at), "label": y,
        "x": x.astype(np.float32), "known": known,
    })  # fmt: skip
    return Examples(frame, ("x", "known"))


def found(leak: float = 0.0, dated: bool = True, **checks: object) -> dict[str, list[Finding]]:
    section = ChecksSection.model_validate(checks)
    said = label_findings(
        rows(1500, "2024-01-01", 1, leak), rows(800, "2024-03-01", 2, leak), section, "churn",
        columns={"known": "Churn Score"}, dated=dated, seed=7,
    )  # fmt: skip
    return {point: [finding for finding in said if finding.point == point] for point in "4567"}


def test_a_clean_table_passes():
    said = found()
    assert [said[point][0].verdict for point in "4567"] == ["passed", "passed", "passed", "note"]


def test_a_strong_column_is_named_with_where_it_would_be_legitimate():
    (finding,) = found(leak=0.98)["5"]
    assert finding.verdict == "failed"
    assert "'Churn Score'" in finding.words
    assert "legitimate only if" in finding.words


@pytest.mark.parametrize("name", ["known", "Churn Score"])
def test_a_strong_column_can_be_allowed_by_name(name):
    passed, allowed = found(leak=0.98, allow=[name])["5"]
    assert passed.verdict == "passed"
    assert allowed.verdict == "note"
    assert "allowed by name" in allowed.words


def test_a_limit_that_lets_planted_leaks_through_fails():
    (finding,) = found(max_single_feature_auroc=0.999)["6"]
    assert finding.verdict == "failed"
    assert "planted_score" in finding.words


def test_labels_that_travel_beside_the_permutation_fail(monkeypatch):
    """A copy of the permuted label in a feature: the one way the mean leaves one half."""
    from holdfast.pipelines.checks import labels

    plain = labels._shuffled

    def leaky(examples, rng):
        y = plain(examples, rng)
        examples.frame["x"] = y.astype(np.float32)
        return y

    monkeypatch.setattr(labels, "_shuffled", leaky)
    training, test = rows(600, "2024-01-01", 1), rows(400, "2024-03-01", 2)
    assert labels._permuted(training, test, "churn", 7).verdict == "failed"


def test_a_snapshot_has_no_random_split_to_compare():
    assert found(dated=False)["7"][0].verdict == "not measured"


def test_one_class_is_said():
    test = rows(50, "2024-03-01", 2)
    test.frame["label"] = np.int8(0)
    said = label_findings(rows(200, "2024-01-01", 1), test, ChecksSection(), "churn", columns={}, dated=True, seed=7)
    assert {finding.verdict for finding in said} == {"not measured"}
