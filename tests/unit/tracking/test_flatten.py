from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.tracking.flatten import LONGEST_PARAM, check_public, flatten, metric_name, metric_points, redact

METRICS = {
    "task": "churn",
    "cutoffs": [
        # Out of order on purpose: the step follows the date.
        {"cutoff": "2011-08-01", "n": 900, "auroc": 0.72, "baselines": {"rfm": {"auroc": 0.70}}},
        {
            "cutoff": "2011-06-01",
            "n": 800,
            "auroc": 0.74,
            "empc": None,
            "brier": float("nan"),
            "intervals": {"auroc": [0.71, 0.77], "empc": None},
            "paired": {"rfm": {"auroc": {"difference": 0.02, "low": 0.01, "high": 0.03}}},
        },
    ],
    "mean": {"auroc": 0.73},
    "worst": {"auroc": 0.72},
    "baselines_mean": {"rfm": {"auroc": 0.71}},
}


def test_flatten_gives_dotted_keys_and_text():
    flat = flatten({"a": {"b": 1, "c": {"d": True}}, "e": [1, {"x": "y"}], "f": date(2011, 12, 10), "g": {}})
    assert flat == {"a.b": "1", "a.c.d": "True", "e": '[1, {"x": "y"}]', "f": "2011-12-10", "g": "{}"}


def test_long_values_are_cut_to_the_limit():
    value = flatten({"a": "x" * 2000})["a"]
    assert len(value) == LONGEST_PARAM
    assert value.endswith("x…")
    assert flatten({"a": "x" * LONGEST_PARAM})["a"] == "x" * LONGEST_PARAM


def test_passwords_and_addresses_of_people_are_blanked():
    flat = flatten({"root": "postgresql://joe:s3cret@db.example.com/shop", "owners": ["canary.bird@example.com"]})
    assert flat == {"root": "postgresql://joe:***@db.example.com/shop", "owners": '["***"]'}
    assert redact("sqlite:///mlflow.db") == "sqlite:///mlflow.db"


@settings(max_examples=50)
@given(
    st.recursive(
        st.text(max_size=20) | st.integers() | st.booleans() | st.none(),
        lambda inner: st.dictionaries(st.text(alphabet="abcé/ .!", min_size=1, max_size=6), inner, max_size=4),
        max_leaves=12,
    ).filter(lambda tree: isinstance(tree, dict))
)
def test_flat_params_always_fit_mlflow(tree):
    for key, value in flatten(tree).items():
        assert metric_name(key) == key
        assert isinstance(value, str)
        assert len(value) <= LONGEST_PARAM


def test_metric_points_follow_the_order_of_the_cutoffs():
    points = metric_points("churn", METRICS)
    assert [point for point in points if point[0] == "churn/auroc"] == [
        ("churn/auroc", 0.74, 0),
        ("churn/auroc", 0.72, 1),
    ]
    assert ("churn/auroc_low", 0.71, 0) in points
    assert ("churn/over/rfm/auroc/difference", 0.02, 0) in points
    assert ("churn/baseline/rfm/auroc", 0.70, 1) in points
    assert ("churn/mean/auroc", 0.73, 0) in points
    assert ("churn/worst/auroc", 0.72, 0) in points
    assert ("churn/mean/baseline/rfm/auroc", 0.71, 0) in points


def test_what_was_not_measured_is_left_out():
    names = {name for name, _, _ in metric_points("churn", METRICS)}
    assert not any("empc" in name or "brier" in name or "cutoff" in name for name in names)
    assert metric_points("churn", {}) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("predictions.parquet", "", "kind .parquet"),
        ("list.csv", "rank,customer_id\n1,C7\n", "customer_id"),
        ("list.csv", 'rank;"parent_id"\n', "parent_id"),
        ("bom.csv", "\ufeffcustomer_id,rank\n", "customer_id"),
        ("Makefile", "", "(none)"),
    ],
)
def test_files_that_could_hold_customers_are_refused(tmp_path: Path, name: str, content: str, said: str):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said.replace("(", r"\(").replace(")", r"\)")):
        check_public(path)


def test_public_files_pass(tmp_path: Path):
    for name, content in {"global.csv": "feature,rank\n", "report.html": "<p>", "roc.PNG": ""}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        check_public(tmp_path / name)
