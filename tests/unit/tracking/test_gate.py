import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.tracking.gate import beats_baselines, decide

GOOD = {
    "beats_baselines": True,
    "recipe": "refresh",
    "metric": "average_precision",
    "difference": 0.001,
    "low": -0.004,
    "high": 0.006,
    "calibration_ok": True,
    "worst_segment_ok": True,
}


def test_a_refresh_may_be_a_little_worse_a_changed_recipe_may_not():
    # Lower bound -0.004: above -0.005 (delta), not above 0.
    assert decide(GOOD, has_champion=True).passed
    assert not decide({**GOOD, "recipe": "changed"}, has_champion=True).passed
    assert decide({**GOOD, "recipe": "changed", "low": 0.0001}, has_champion=True).passed
    assert not decide({**GOOD, "low": -0.005}, has_champion=True).passed
    assert decide({**GOOD, "low": -0.005, "delta": 0.01}, has_champion=True).passed


@pytest.mark.parametrize("key", ["beats_baselines", "calibration_ok", "worst_segment_ok", "low"])
def test_what_is_not_measured_does_not_pass(key):
    without = {name: value for name, value in GOOD.items() if name != key}
    verdict = decide(without, has_champion=True)
    assert not verdict.passed
    assert verdict.reason == f"not measured: {key}"


@pytest.mark.parametrize(
    ("key", "said"),
    [("beats_baselines", "baselines"), ("calibration_ok", "calibration"), ("worst_segment_ok", "segment")],
)
def test_a_failed_check_refuses_whatever_the_gain(key, said):
    verdict = decide({**GOOD, "low": 0.2, key: False}, has_champion=True)
    assert not verdict.passed
    assert said in verdict.reason


def test_the_first_model_needs_the_baselines_only():
    assert decide({"beats_baselines": True}, has_champion=False).passed
    assert not decide({"beats_baselines": False}, has_champion=False).passed
    assert not decide({}, has_champion=False).passed


@given(st.floats(-1, 1), st.floats(0, 1))
def test_a_better_challenger_never_fares_worse(low, gain):
    before = decide({**GOOD, "low": low}, has_champion=True).passed
    after = decide({**GOOD, "low": low + gain}, has_champion=True).passed
    assert after or not before


MEAN = {"mean": {"auroc": 0.74, "brier": 0.20}}


@pytest.mark.parametrize(
    ("rival", "passed"),
    [
        ({"auroc": 0.73, "brier": 0.20}, True),  # Brier equal: not above
        ({"auroc": 0.74, "brier": 0.21}, False),  # AUROC equal: not above
        ({"auroc": 0.73, "brier": 0.19}, False),
        ({"auroc": None, "brier": 0.25}, True),  # base rate has no AUROC
    ],
)
def test_baselines_are_beaten_in_auroc_and_not_passed_in_brier(rival, passed):
    assert beats_baselines({**MEAN, "baselines_mean": {"rfm": rival}}).passed is passed


def test_without_baselines_nothing_is_beaten():
    assert not beats_baselines(MEAN).passed
    assert not beats_baselines({"mean": {}, "baselines_mean": {"rfm": {"auroc": 0.7}}}).passed
