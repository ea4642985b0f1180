import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.reporting.curves import curves, list_curve

from .sample import listed, predictions


def test_curves_are_json_without_customers():
    text = json.dumps(curves(predictions(200)))
    assert "C00" not in text
    assert set(json.loads(text)) == {"roc", "gain", "calibration"}
    assert [one["cutoff"] for one in json.loads(text)["roc"]] == ["2011-06-13", "2011-07-13", "2011-08-12"]


def test_a_perfect_ranking_by_hand():
    # Two leavers of four, ranked first: half of the customers hold all leavers.
    frame = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "cutoff": pd.Timestamp("2011-06-13"),
            "part": "test",
            "score": [0.9, 0.8, 0.2, 0.1],
            "label": [1.0, 1.0, 0.0, 0.0],
        }
    )
    found = curves(frame, bins=2)
    assert found["roc"][0]["x"] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert found["roc"][0]["y"] == [0.0, 0.5, 1.0, 1.0, 1.0]
    assert (found["gain"][0]["x"], found["gain"][0]["y"]) == ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.5, 1.0, 1.0, 1.0])
    assert found["calibration"][0]["observed"] == [0.0, 1.0]
    assert found["calibration"][0]["predicted"] == [0.15, 0.85]


def test_only_test_rows_with_both_outcomes_count():
    frame = predictions(50)
    extra = frame.assign(part="score", label=float("nan"), cutoff=pd.Timestamp("2011-12-10"))
    one_sided = frame.assign(label=1.0, cutoff=pd.Timestamp("2011-01-01"))
    assert curves(pd.concat([frame, extra, one_sided])) == curves(frame)


def test_row_order_changes_nothing():
    frame = predictions(120)
    assert curves(frame.sample(frac=1, random_state=1)) == curves(frame)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="score"):
        curves(predictions(10).drop(columns="score"))


def test_list_curve_by_hand():
    # On the list: 5 and 3. Held out (not contacted): 4. Beyond: 1, then -2.
    frame = pd.DataFrame(
        {
            "arm": ["treat", "holdout", "treat", "none", "none", "none"],
            "expected_profit": [5.0, 4.0, 3.0, -2.0, 1.0, None],
            "cost": [1.0, 1.0, 2.0, 1.0, 1.0, None],
        }
    )
    curve = list_curve(frame)
    assert curve["x"] == [0, 1, 2, 3, 4]
    assert curve["profit"] == [0.0, 5.0, 8.0, 9.0, 7.0]
    assert curve["cost"] == [0.0, 1.0, 3.0, 4.0, 5.0]
    assert curve["chosen"] == 2


def test_nothing_to_offer_gives_an_empty_curve():
    frame = listed(20).assign(expected_profit=float("nan"), cost=float("nan"), arm="none")
    assert list_curve(frame) == {"x": [], "cost": [], "profit": [], "chosen": 0}


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(2, 40))
def test_the_chosen_point_is_always_on_the_curve(n, points):
    frame = listed(n)
    curve = list_curve(frame, points)
    treated = frame[frame["arm"] == "treat"]
    assert curve["chosen"] in curve["x"]
    at = curve["profit"][curve["x"].index(curve["chosen"])]
    assert at == pytest.approx(treated["expected_profit"].sum(), abs=1e-5)
