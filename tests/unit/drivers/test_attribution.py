import numpy as np
import pandas as pd
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.drivers.attribution import (
    GENERAL,
    Attribution,
    attribute,
    by_exit_class,
    by_family,
    exit_class_of,
    global_ranking,
    stream,
)
from holdfast.errors import ModelError
from holdfast.features.feature import FAMILIES, Feature
from holdfast.learners.blend import ChurnClassifier
from holdfast.schema import EXIT_CLASSES

from .worlds import FEATURES, fitted, frame, labels


def test_values_and_base_add_up_to_the_models_margin():
    model, table = fitted(), frame()
    explained = attribute(model, table, FEATURES)
    np.testing.assert_allclose(explained.values.sum(axis=1) + explained.base, explained.margin, atol=1e-5)
    np.testing.assert_array_equal(explained.margin, model.decision_function(table))


def test_families_and_exit_classes_each_add_up_to_the_margin():
    explained = attribute(fitted(), frame(), FEATURES)
    for sums in (explained.by_family, explained.by_exit_class):
        np.testing.assert_allclose(sums.sum(axis=1) + explained.base, explained.margin, atol=1e-5)


@settings(max_examples=8, deadline=None)
@given(weight=st.sampled_from([0.0, 0.2, 0.5, 1.0]), shift=st.floats(-3, 3))
def test_additivity_holds_for_any_weight_and_shift(weight, shift):
    table = frame(n=300)
    model = ChurnClassifier(n_trees=10, min_child_weight=2, weight=weight).fit(table, labels(table)).shifted(shift)
    explained = attribute(model, table, FEATURES)
    np.testing.assert_allclose(explained.values.sum(axis=1) + explained.base, explained.margin, atol=1e-5)


def test_boosting_member_equals_shaps_tree_explainer():
    table = frame().drop(columns="region")
    model = ChurnClassifier(n_trees=60, min_child_weight=5, weight=1.0).fit(table, labels(frame()))
    explained = attribute(model, table, FEATURES[:-1])
    peer = shap.TreeExplainer(model.booster_)
    np.testing.assert_allclose(explained.values, peer.shap_values(model.dmatrix(table)), atol=1e-5)
    assert explained.base == pytest.approx(float(peer.expected_value), abs=1e-5)


def test_logit_member_equals_coefficient_times_distance_from_the_training_mean():
    # Only-logit blend on one numeric column z: phi = margin(z) - mean margin over training, for a model that is
    # linear in the transformed column; with several columns the terms must be those of one column changed at a time.
    table = frame().drop(columns="region")
    model = ChurnClassifier(n_trees=1, weight=0.0).fit(table, labels(frame()))
    explained = attribute(model, table, FEATURES[:-1])
    for place, name in enumerate(table.columns):
        moved = table.copy()
        moved[name] = moved[name].to_numpy()[::-1]
        change = model.logit_margin(moved) - model.logit_margin(table)
        np.testing.assert_allclose(explained.values[::-1, place] - explained.values[:, place], change, atol=1e-5)
    np.testing.assert_allclose(explained.values.mean(axis=0), 0, atol=1e-5)
    assert explained.base == pytest.approx(model.logit_margin(table).mean(), abs=1e-9)


def test_logit_member_equals_shaps_linear_explainer():
    table = frame()[["days_since_last_order"]]
    model = ChurnClassifier(n_trees=1, weight=0.0).fit(table, labels(frame()))
    margin = model.logit_margin(table)
    # In one column the margin itself is the linear feature, with coefficient 1.
    everyone = shap.maskers.Independent(margin[:, None], max_samples=len(margin))
    peer = shap.LinearExplainer((np.array([1.0]), 0.0), everyone)
    explained = attribute(model, table, FEATURES[:1])
    np.testing.assert_allclose(explained.values, peer.shap_values(margin[:, None]), atol=1e-4)


@pytest.mark.parametrize("block_rows", [1, 7, 5000])
def test_blocks_and_threads_change_no_bit(block_rows):
    table = frame().iloc[:60]
    whole = attribute(fitted(), table, FEATURES)
    parts = attribute(fitted(), table, FEATURES, block_rows=block_rows, threads=2)
    np.testing.assert_array_equal(whole.values, parts.values)
    pd.testing.assert_frame_equal(whole.by_family, parts.by_family, check_exact=True)
    pd.testing.assert_frame_equal(whole.by_exit_class, parts.by_exit_class, check_exact=True)
    assert whole.base == parts.base


def test_threads_leave_the_model_untouched():
    before = fitted().booster_.save_config()
    attribute(fitted(), frame().iloc[:5], FEATURES, threads=2)
    assert fitted().booster_.save_config() == before


def test_stream_gives_one_block_at_a_time():
    sizes = [len(block.values) for block in stream(fitted(), frame().iloc[:10], FEATURES, block_rows=4)]
    assert sizes == [4, 4, 2]


def test_an_empty_frame_gives_empty_parts():
    explained = attribute(fitted(), frame().iloc[:0], FEATURES)
    assert explained.values.shape == (0, len(FEATURES))
    assert list(explained.by_exit_class.columns) == [*EXIT_CLASSES, GENERAL]


def test_other_columns_and_the_order_of_features_play_no_part():
    table = frame().iloc[:20]
    whole = attribute(fitted(), table, FEATURES)
    other = attribute(
        fitted(), table.assign(customer_id=table.index)[["customer_id", *table.columns[::-1]]], FEATURES[::-1]
    )
    np.testing.assert_array_equal(whole.values, other.values)
    assert whole.names == other.names == tuple(table.columns)


@pytest.mark.parametrize(
    ("features", "columns", "word"),
    [
        (FEATURES[1:], slice(None), "days_since_last_order"),
        ((*FEATURES, Feature("more", "days", "recency", "all", None, "")), slice(None), "more"),
        (FEATURES, slice(1, None), "days_since_last_order"),
    ],
)
def test_features_that_do_not_match_the_model_are_refused_by_name(features, columns, word):
    with pytest.raises(ModelError, match=word):
        attribute(fitted(), frame().iloc[:5, columns], features)


def test_values_that_miss_the_margin_are_refused():
    class Shifted:
        def __init__(self, model):
            self.model = model

        def __getattr__(self, name):
            return getattr(self.model, name)

        def decision_function(self, X):
            return self.model.decision_function(X) + 0.002

    with pytest.raises(ModelError, match="miss the margin"):
        attribute(Shifted(fitted()), frame().iloc[:5], FEATURES)


def test_sums_per_family_and_class_by_hand():
    features = [
        Feature("a", "days", "recency", "all", None, ""),
        Feature("b", "orders", "frequency", "all", "price", ""),
        Feature("c", "orders", "frequency", "all", "service", "", table="complaints"),
    ]
    values = np.array([[1.0, 2.0, -0.5]])
    assert by_family(values, features).iloc[0].to_dict() == {"recency": 1.0, "frequency": 1.5}  # 2 - 0.5
    sums = by_exit_class(values, features).iloc[0]
    assert (sums["price"], sums["service"], sums[GENERAL], sums["market"]) == (2.0, -0.5, 1.0, 0.0)


def test_families_come_in_their_fixed_order():
    names = list(attribute(fitted(), frame().iloc[:3], FEATURES).by_family.columns)
    assert names == sorted(names, key=FAMILIES.index)


@pytest.mark.parametrize("exit_class", ["technology", "political"])
@pytest.mark.parametrize(("table", "counts"), [("purchases", False), ("contracts", False), ("surveys", True)])
def test_technology_and_political_need_direct_evidence(exit_class, table, counts):
    feature = Feature("x", "count", "money", "all", exit_class, "", table=table)
    assert exit_class_of(feature) == (exit_class if counts else GENERAL)


def test_global_ranking_by_hand():
    features = [Feature(name, "days", "recency", "all", None, "") for name in ("a", "b", "c")]
    values = np.array([[1.0, -2.0, 1.0], [-1.0, -4.0, 1.0]], dtype="float32")
    empty = pd.DataFrame(index=range(2))
    table = global_ranking(Attribution(values, 0.0, np.zeros(2), empty, empty, ("a", "b", "c")), features)
    assert list(table.columns) == ["feature", "family", "exit_class", "unit", "mean_abs", "mean", "rank"]
    assert table["feature"].tolist() == ["b", "a", "c"]  # a and c tie at 1: by name
    assert table["mean_abs"].tolist() == [3.0, 1.0, 1.0]
    assert table["mean"].tolist() == [-3.0, 0.0, 1.0]
    assert table["rank"].tolist() == [1, 2, 3]
