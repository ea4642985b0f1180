import numpy as np
import pandas as pd
import pytest

from holdfast.errors import LeakError
from holdfast.examples import Examples, join, refuse_leaks, single_feature_aurocs
from holdfast.features.feature import Feature

FEATURES = [Feature(name, "count", "frequency", "all", None, name) for name in ("x", "z")]


def matrix() -> pd.DataFrame:
    return pd.DataFrame(
        {"customer_id": ["a", "b", "c"], "cutoff": pd.Timestamp("2024-01-01"), "x": [1, 2, 3], "z": [9, 8, 7]}
    )


def test_features_come_beside_the_labels_and_no_row_is_lost_or_doubled() -> None:
    labels = pd.DataFrame(
        {"customer_id": ["c", "a", "c"], "cutoff": pd.Timestamp("2024-01-01"), "label": [1, 0, 1], "serves": [1, 1, 2]}
    )
    before = labels.copy()
    examples = join(labels, matrix(), FEATURES, without=["z"])
    assert examples.names == ("x",)
    assert examples.X["x"].tolist() == [3, 1, 3]
    assert examples.y.tolist() == [1, 0, 1]
    assert examples.frame["serves"].tolist() == [1, 1, 2]
    assert examples.where(examples.frame["serves"] == 2).frame.index.tolist() == [0]
    pd.testing.assert_frame_equal(labels, before)


def test_a_label_without_features_is_refused_with_its_cutoff() -> None:
    labels = pd.DataFrame(
        {"customer_id": ["a", "q"], "cutoff": [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01")], "label": [0, 1]}
    )
    with pytest.raises(LeakError, match=r"1 cohort members have no history before their cutoff \(first at 2024-01-01"):
        join(labels, matrix(), FEATURES)


def examples(n: int = 400, **columns: object) -> Examples:
    label = np.arange(n) % 2
    frame = pd.DataFrame({"customer_id": [f"c{k:03}" for k in range(n)], "label": label.astype("int8"), **columns})
    return Examples(frame, tuple(columns))


def test_auroc_by_hand_without_direction_and_with_ties() -> None:
    # leavers 3, 1, 1 and stayers 1, 0: pairs won 3>1, 3>0, 1>0, 1>0 and two ties: (4 + 2 x 0.5) / 6
    frame = pd.DataFrame({"customer_id": list("abcde"), "label": [1, 1, 1, 0, 0], "x": [3.0, 1.0, 1.0, 1.0, 0.0]})
    for sign in (1, -1):
        found = single_feature_aurocs(Examples(frame.assign(x=sign * frame["x"]), ("x",)))
        assert found["x"] == pytest.approx(5 / 6)


def test_a_cell_that_is_empty_for_stayers_gives_the_answer_away() -> None:
    label = np.arange(400) % 2
    rng = np.random.default_rng(0)
    found = single_feature_aurocs(
        examples(reason=np.where(label == 1, rng.normal(size=400), np.nan), noise=rng.normal(size=400))
    )
    assert found.index.tolist() == ["reason", "noise"]
    assert found["reason"] == 1
    assert found["noise"] < 0.6


def test_categories_count_by_the_rate_of_the_other_half() -> None:
    label = np.arange(400) % 2
    own = pd.Categorical([f"c{k}" for k in range(400)])
    leak = pd.Categorical(np.where(label == 1, "moved", None), categories=["moved"])
    found = single_feature_aurocs(examples(own=own, leak=leak))
    assert found["leak"] == 1
    assert found["own"] < 0.6


def test_a_leak_stops_the_run_by_name_unless_it_is_allowed() -> None:
    label = (np.arange(400) % 2).astype(float)
    made = examples(score=label, flat=np.zeros(400))
    with pytest.raises(LeakError, match=r"score \(AUROC 1.000\); expected at most 0.9"):
        refuse_leaks(made, 0.9)
    assert refuse_leaks(made, 0.9, allow=["score"])["flat"] == 0.5
    assert refuse_leaks(made, 1.0)["score"] == 1


def test_a_leak_is_named_as_the_column_of_the_user() -> None:
    made = examples(attribute_churn_score=(np.arange(400) % 2).astype(float), flat=np.zeros(400))
    columns = {"attribute_churn_score": "Churn Score"}
    with pytest.raises(LeakError, match=r"column 'Churn Score', feature attribute_churn_score \(AUROC 1.000\)"):
        refuse_leaks(made, 0.9, columns=columns)
    assert refuse_leaks(made, 0.9, ["Churn Score"], columns)["flat"] == 0.5


def test_one_class_ranks_nothing() -> None:
    frame = pd.DataFrame({"customer_id": list("ab"), "label": [1, 1], "x": [1.0, 2.0]})
    assert single_feature_aurocs(Examples(frame, ("x",)))["x"] == 0.5
