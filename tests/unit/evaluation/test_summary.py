import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.evaluation.summary import stability, summarise


def test_mean_worst_and_trend_by_hand():
    pages = [{"auroc": 0.7, "ece": 0.02, "calibration_slope": 0.9, "n": 100},
             {"auroc": 0.8, "ece": 0.05, "calibration_slope": 1.3, "n": 200},
             {"auroc": 0.75, "ece": 0.03, "calibration_slope": 1.0, "n": 300}]  # fmt: skip
    out = summarise(pages)
    assert out["mean"]["auroc"] == pytest.approx(0.75)
    assert out["worst"] == {"auroc": 0.7, "ece": 0.05, "calibration_slope": 1.3}
    # steps -1, 0, 1: (.75 - .7) / 2
    assert out["trend"]["auroc"] == pytest.approx(0.025)
    assert out["mean"]["n"] == 200


def test_what_was_not_measured_is_skipped_and_never_zero():
    out = summarise([{"auroc": None, "intervals": {}}, {"auroc": 0.6}, {"auroc": 0.8}])
    assert out["mean"]["auroc"] == pytest.approx(0.7)
    assert out["trend"]["auroc"] == pytest.approx(0.2)
    assert summarise([{"auroc": None}]) == {"mean": {}, "worst": {}, "trend": {}}
    assert summarise([{"auroc": 0.5}])["trend"] == {}


def test_stability_by_hand():
    earlier = pd.Series({"a": 0.9, "b": 0.8, "c": 0.3, "d": 0.2, "gone": 1.0})
    later = pd.Series({"d": 0.9, "a": 0.8, "b": 0.3, "c": 0.2, "new": 0.5})
    out = stability(earlier, later, list_share=0.5)
    # lists of two: {a, b} and {d, a}; rank differences 1, 1, 1, 3: 1 - 6 x 12 / (4 x 15) = -.2
    assert out["customers"] == 4
    assert out["list_overlap"] == 0.5
    assert out["list_overlap_by_chance"] == 0.5
    assert out["rank_correlation"] == pytest.approx(-0.2)


def test_ties_on_the_list_go_by_customer_id():
    scores = pd.Series({"b": 0.5, "a": 0.5, "c": 0.1, "d": 0.0})
    later = pd.Series({"a": 0.9, "b": 0.1, "c": 0.1, "d": 0.1})
    assert stability(scores, later, list_share=0.25)["list_overlap"] == 1.0


def test_stability_that_cannot_be_measured_says_why():
    assert "fewer than two" in stability(pd.Series({"a": 1.0}), pd.Series({"b": 1.0}))["not_measured"]["list_overlap"]
    flat = stability(pd.Series({"a": 0.5, "b": 0.5}), pd.Series({"a": 0.1, "b": 0.2}))
    assert flat["rank_correlation"] is None
    assert "equal" in flat["not_measured"]["rank_correlation"]


def test_a_customer_with_two_scores_is_refused():
    with pytest.raises(DataError, match="several scores"):
        stability(pd.Series([0.1, 0.2], index=["a", "a"]), pd.Series({"a": 0.1}))
