import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import holdfast
from holdfast.errors import ConfigError, DataError, ModelError
from holdfast.learners.blend import BlendClassifier, ChurnClassifier, LoyaltyClassifier, OneClassError
from holdfast.learners.columns import FeatureMismatch


@parametrize_with_checks([ChurnClassifier(), LoyaltyClassifier(n_trees=20)])
def test_scikit_learn_estimator_checks(estimator, check):
    check(estimator)


def world(n=1500, seed=0):
    """Customers with a smooth part (the logit's), an interaction (the trees') and a category."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"noise_{k}": rng.normal(size=n).astype(np.float32) for k in range(8)})
    frame["days_since_last_order"] = rng.gamma(2, 20, n).astype(np.float32)
    frame["orders_all"] = rng.poisson(4, n).astype(np.float32)
    frame["gap_mean_days"] = rng.gamma(2, 15, n).astype(np.float32)
    frame.loc[frame["orders_all"] < 2, "gap_mean_days"] = np.nan
    plan = rng.choice(["basic", "gold", "silver"], n, p=[0.6, 0.1, 0.3])
    frame["plan"] = pd.Categorical(plan)
    margin = 1.2 * np.log1p(frame["days_since_last_order"]) - 0.3 * frame["orders_all"] - 3
    margin += 0.7 * np.sign(frame["noise_0"] * frame["noise_1"]) + 1.0 * (plan == "gold")
    return frame, (rng.random(n) < expit(margin)).astype(int)


@pytest.fixture(scope="module")
def data():
    return world()


@pytest.fixture(scope="module")
def model(data):
    return ChurnClassifier(n_trees=100).fit(*data)


def test_the_score_is_the_sigmoid_of_the_mean_margin_plus_the_shift(model, data):
    X, _ = data
    mean = 0.5 * model.boosting_margin(X) + 0.5 * model.logit_margin(X)
    np.testing.assert_array_equal(model.decision_function(X), mean)
    np.testing.assert_array_equal(model.predict_proba(X)[:, 1], expit(mean))
    np.testing.assert_allclose(model.shifted(0.3).predict_proba(X)[:, 1], expit(mean + 0.3), rtol=1e-15)
    assert model.shift_ == 0.0  # the original stays


def test_the_weight_mixes_the_members(data):
    X, y = data
    only_logit = BlendClassifier(n_trees=10, weight=0.0).fit(X, y)
    np.testing.assert_array_equal(only_logit.decision_function(X), only_logit.logit_margin(X))


def test_the_blend_is_at_least_as_good_as_its_members():
    """In a world with something for each of them; where one member is far better, the mean lies between."""
    X, y = world(4000)
    fresh, truth = world(4000, seed=1)
    model = BlendClassifier(n_trees=200).fit(X, y)
    loss = {
        "blend": log_loss(truth, model.predict_proba(fresh)[:, 1]),
        "boosting": log_loss(truth, expit(model.boosting_margin(fresh))),
        "logit": log_loss(truth, expit(model.logit_margin(fresh))),
    }
    assert loss["blend"] < 0.5 * (loss["boosting"] + loss["logit"])  # convexity
    assert loss["blend"] < min(loss["boosting"], loss["logit"]) + 0.01
    assert roc_auc_score(truth, model.predict_proba(fresh)[:, 1]) > 0.72


def test_logit_terms_add_up_by_original_feature(model, data):
    X, _ = data
    terms, base = model.logit_terms(X)
    assert terms.shape == X.shape
    np.testing.assert_allclose(terms.sum(axis=1) + base, model.logit_margin(X), atol=1e-10)


def test_dmatrix_feeds_the_trees_as_the_model_does(model, data):
    X, _ = data
    contributions = model.booster_.predict(model.dmatrix(X), pred_contribs=True)
    assert contributions.shape == (len(X), X.shape[1] + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), model.boosting_margin(X), atol=1e-5)
    assert model.encode(X).shape == X.shape


def test_values_beyond_single_precision_reach_the_trees_finite(model, data):
    X, _ = data
    number = next(name for name in X.columns if pd.api.types.is_numeric_dtype(X[name]))
    huge = X.iloc[:3].astype({number: "float64"}).assign(**{number: [1e300, -1e300, np.nan]})
    encoded = model.encode(huge)
    assert encoded.dtype == np.float32
    assert not np.isinf(encoded).any()
    contributions = model.booster_.predict(model.dmatrix(huge), pred_contribs=True)
    np.testing.assert_allclose(contributions.sum(axis=1), model.boosting_margin(huge), atol=1e-5)


def test_categories_go_by_name_not_by_code(model, data):
    X, _ = data
    assert model.categories_ == {"plan": ("basic", "gold", "silver")}
    turned = X.assign(plan=X["plan"].cat.reorder_categories(["silver", "gold", "basic"]))
    as_text = X.assign(plan=X["plan"].astype(str))
    for other in (turned, as_text):
        np.testing.assert_array_equal(model.decision_function(other), model.decision_function(X))


def test_an_unseen_category_is_missing_for_the_trees_and_counted(model, data):
    X, _ = data
    strange = X.iloc[:50].assign(plan="platinum")
    assert model.unseen_categories(strange) == {"plan": 50}
    assert model.unseen_categories(X) == {}
    missing = X.iloc[:50].assign(plan=pd.Series([None] * 50, dtype="category", index=X.index[:50]))
    np.testing.assert_array_equal(model.boosting_margin(strange), model.boosting_margin(missing))


def test_missing_values_are_welcome_everywhere(model, data):
    X, _ = data
    empty = X.iloc[:3].copy()
    for name in empty.columns:
        empty[name] = np.nan if name != "plan" else pd.Categorical([None] * 3)
    assert np.isfinite(model.decision_function(empty)).all()


def test_rows_are_scored_alike_alone_and_in_company(model, data):
    X, _ = data
    whole = model.predict_proba(X)
    np.testing.assert_array_equal(whole[100:117], model.predict_proba(X.iloc[100:117]))
    np.testing.assert_array_equal(whole[::-1], model.predict_proba(X.iloc[::-1]))


def test_text_labels():
    X, y = world(300)
    model = BlendClassifier(n_trees=30).fit(X, np.where(y == 1, "left", "active"))
    assert model.classes_.tolist() == ["active", "left"]
    assert set(model.predict(X)) == {"active", "left"}


def test_tiny_data_still_teaches():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    y = (x[:, 0] > 0).astype(int)
    model = BlendClassifier().fit(x, y)
    assert roc_auc_score(y, model.boosting_margin(x)) > 0.9
    assert roc_auc_score(y, model.logit_margin(x)) > 0.9


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused_in_one_line(label):
    X, _ = world(50)
    with pytest.raises(OneClassError, match="one class") as caught:
        ChurnClassifier().fit(X, np.full(50, label))
    assert isinstance(caught.value, DataError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [{"n_trees": 0}, {"weight": 1.5}, {"C": -1}, {"min_child_weight": "much"}])
def test_settings_out_of_range_are_named(bad):
    X, y = world(50)
    with pytest.raises(ConfigError, match=next(iter(bad))):
        BlendClassifier(**bad).fit(X, y)


def test_other_columns_than_in_training_are_refused(model, data):
    X, _ = data
    with pytest.raises(FeatureMismatch, match="orders_all"):
        model.predict_proba(X.drop(columns="orders_all"))
    with pytest.raises(FeatureMismatch, match="categories"):
        model.predict_proba(np.zeros((2, X.shape[1])))


def test_no_rows_give_no_scores(model, data):
    X, _ = data
    assert model.predict_proba(X.iloc[:0]).shape == (0, 2)


def test_column_names_of_any_kind_are_welcome():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"Monthly <charge> [£]": rng.normal(size=200), "City, state": rng.choice(["a", "b"], 200)})
    model = BlendClassifier(n_trees=10).fit(X, X.iloc[:, 0] > 0)
    assert model.predict(X).mean() == pytest.approx(0.5, abs=0.2)


def test_arguments_are_left_alone(data):
    X, y = data
    before = X.copy(deep=True), y.copy()
    BlendClassifier(n_trees=5).fit(X, y).predict_proba(X)
    pd.testing.assert_frame_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


# -- files ---------------------------------------------------------------------------------------------------


def test_files_give_the_same_predictions_to_the_bit(model, data, tmp_path):
    X, _ = data
    shifted = model.shifted(-0.123456789)
    shifted.to_files(tmp_path / "model")
    again = ChurnClassifier.from_files(tmp_path / "model")
    np.testing.assert_array_equal(again.predict_proba(X), shifted.predict_proba(X))
    np.testing.assert_array_equal(again.logit_terms(X)[0], shifted.logit_terms(X)[0])
    assert again.get_params() == shifted.get_params()
    assert again.feature_names_in_.tolist() == list(X.columns)
    assert again.unseen_categories(X.iloc[:5].assign(plan="new")) == {"plan": 5}
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["blend.json", "boosting.ubj"]
    again.to_files(tmp_path / "again")
    for name in ("blend.json", "boosting.ubj"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_files_of_a_model_on_an_array_with_text_labels(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    model = BlendClassifier(n_trees=10, seed=np.int64(3)).fit(x, np.where(x[:, 0] > 0, "yes", "no"))
    model.to_files(tmp_path)
    again = BlendClassifier.from_files(tmp_path)
    assert again.predict(x).tolist() == model.predict(x).tolist()
    assert not hasattr(again, "feature_names_in_")


@pytest.mark.parametrize("damage", ["absent", "cut", "format"])
def test_damaged_files_are_refused(model, tmp_path, damage):
    model.to_files(tmp_path)
    path = tmp_path / "blend.json"
    if damage == "absent":
        path.unlink()
    elif damage == "cut":
        path.write_text(path.read_text()[:100])
    else:
        path.write_text(json.dumps({"format": 99}))
    with pytest.raises(ModelError, match=r"blend\.json"):
        ChurnClassifier.from_files(tmp_path)


# -- same in, same out ---------------------------------------------------------------------------------------

FIT = """
import sys, numpy as np
from holdfast.learners.blend import BlendClassifier
rng = np.random.default_rng(0)
x = rng.normal(size=(3000, 60)); x[rng.random(x.shape) < 0.1] = np.nan
y = (np.nan_to_num(x[:, 0] * x[:, 1]) + rng.normal(size=3000) > 0).astype(int)
BlendClassifier(n_trees=30).fit(x, y).to_files(sys.argv[1])
"""


def test_the_same_bytes_with_one_thread_and_with_many(tmp_path):
    source = str(Path(holdfast.__file__).parents[1])
    for threads in ("1", "4"):
        env = os.environ | {
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONHASHSEED": threads,
            "PYTHONPATH": source,
        }
        subprocess.run([sys.executable, "-c", FIT, str(tmp_path / threads)], check=True, env=env)
    for name in ("blend.json", "boosting.ubj"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "4" / name).read_bytes()


def test_a_clone_fits_to_the_same_model(model, data, tmp_path):
    clone(model).fit(*data).to_files(tmp_path / "b")
    model.to_files(tmp_path / "a")
    for name in ("blend.json", "boosting.ubj"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_feature_that_strays_at_serving_leaves_the_logit_and_stays_in_the_trees():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"steady": rng.normal(size=900), "clock": rng.uniform(0, 100, 900)})
    y = (X["steady"] + X["clock"] / 50 + rng.logistic(size=900) > 1).to_numpy().astype(int)
    later = X.assign(clock=X["clock"] + 100)
    plain, told = BlendClassifier(seed=1).fit(X, y), BlendClassifier(seed=1).fit(X, y, served=later)
    assert {term.feature for term in plain.logit_.terms} == {0, 1}
    assert {term.feature for term in told.logit_.terms} == {0}
    assert (told.boosting_margin(later) == plain.boosting_margin(later)).all()
    assert told.logit_margin(later) == pytest.approx(told.logit_margin(X))
    near = BlendClassifier(seed=1).fit(X, y, served=X.iloc[:300])
    assert (near.decision_function(X) == plain.decision_function(X)).all(), "nothing strays: the same model"
