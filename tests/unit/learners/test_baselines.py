import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from holdfast.errors import DataError, ModelError
from holdfast.learners.baselines import NEEDS, RFM, fit_baselines, skipped_baselines


def world(n=600, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "days_since_last_order": rng.gamma(2, 20, n),
            "orders_all": rng.poisson(3, n) + 1.0,
            "spend_all": rng.gamma(2, 50, n),
            "btyd_p_alive": rng.random(n),
            "btyd_p_no_purchase": rng.random(n),
            "plan": pd.Categorical(rng.choice(["a", "b"], n)),
        }
    )
    y = (rng.random(n) < expit(np.log1p(X["days_since_last_order"]) - 0.3 * X["orders_all"] - 2)).to_numpy().astype(int)
    cutoff = np.repeat(pd.to_datetime(["2024-01-01", "2024-03-01"]).to_numpy(), n // 2)
    return X, y, cutoff


@pytest.fixture(scope="module")
def fitted():
    return fit_baselines(*world())


def positive(baseline, X):
    return baseline.predict_proba(X)[:, 1]


def test_every_baseline_gives_probabilities(fitted):
    X, _, _ = world()
    assert list(fitted) == list(NEEDS)
    for baseline in fitted.values():
        p = baseline.predict_proba(X)
        assert p.shape == (len(X), 2)
        assert ((p >= 0) & (p <= 1)).all()
        np.testing.assert_allclose(p.sum(axis=1), 1)


def test_the_base_rate_is_pooled_over_all_cutoffs(fitted):
    X, y, _ = world()
    assert set(positive(fitted["base_rate"], X)) == {y.mean()}


def test_the_rfm_logit_is_scikit_learns_on_the_newest_cutoff(fitted):
    X, y, cutoff = world()
    newest = cutoff == cutoff.max()
    z = np.log1p(X[list(RFM)].to_numpy())
    scaler = StandardScaler().fit(z[newest])
    oracle = LogisticRegression(C=1.0, tol=1e-10).fit(scaler.transform(z[newest]), y[newest])
    expected = oracle.predict_proba(scaler.transform(z))[:, 1]
    np.testing.assert_allclose(positive(fitted["rfm_logit"], X), expected, atol=1e-6)


def test_the_boosting_is_xgboost_as_it_comes_on_the_newest_cutoff(fitted):
    X, y, cutoff = world()
    newest = cutoff == cutoff.max()
    oracle = XGBClassifier(n_jobs=1).fit(X.loc[newest, list(RFM)], y[newest])
    expected = oracle.predict_proba(X[list(RFM)])[:, 1]
    np.testing.assert_allclose(positive(fitted["rfm_boosting"], X), expected, atol=1e-6)


def test_recency_alone_ranks_by_days_since_the_last_order(fitted):
    X, y, _ = world()
    days = X["days_since_last_order"]
    assert roc_auc_score(y, positive(fitted["recency_alone"], X)) == pytest.approx(roc_auc_score(y, days))


def test_bgnbd_is_read_from_its_columns(fitted):
    X, y, _ = world()
    np.testing.assert_allclose(positive(fitted["bgnbd_p_alive"], X), 1 - X["btyd_p_alive"])
    np.testing.assert_allclose(positive(fitted["bgnbd_p_no_purchase"], X), X["btyd_p_no_purchase"])
    unknown = X.iloc[:2].assign(btyd_p_alive=np.nan)
    assert set(positive(fitted["bgnbd_p_alive"], unknown)) == {y.mean()}


def test_missing_and_negative_values_are_no_obstacle(fitted):
    X, _, _ = world()
    odd = X.iloc[:2].assign(spend_all=[-50.0, np.nan], days_since_last_order=np.nan)
    for baseline in fitted.values():
        assert np.isfinite(baseline.predict_proba(odd)).all()


def test_absent_columns_are_skipped_with_a_reason():
    X, y, cutoff = world()
    less = X.drop(columns=["btyd_p_alive", "spend_all"])
    assert list(fit_baselines(less, y, cutoff)) == ["base_rate", "recency_alone", "bgnbd_p_no_purchase"]
    assert skipped_baselines(less.columns) == {
        "rfm_logit": "not measured: no column spend_all",
        "rfm_boosting": "not measured: no column spend_all",
        "bgnbd_p_alive": "not measured: no column btyd_p_alive",
    }


def test_a_snapshot_gets_the_plain_models_on_all_columns():
    X, y, _ = world()
    snapshot = X[["spend_all", "plan"]].assign(age=X["days_since_last_order"])
    fitted = fit_baselines(snapshot, y, None)
    assert list(fitted) == ["base_rate", "logit_all", "boosting_all"]
    assert roc_auc_score(y, positive(fitted["logit_all"], snapshot)) > 0.6
    turned = snapshot.iloc[:, ::-1].assign(plan=snapshot["plan"].astype(str))
    for name in ("logit_all", "boosting_all"):
        np.testing.assert_array_equal(positive(fitted[name], turned), positive(fitted[name], snapshot))


def test_a_newest_cutoff_with_one_class_gives_way_to_the_one_before():
    X, y, cutoff = world()
    y = np.where(cutoff == cutoff.max(), 0, y)
    old = cutoff == cutoff.min()
    expected = fit_baselines(X[old], y[old], cutoff[old])["rfm_logit"]
    np.testing.assert_array_equal(positive(fit_baselines(X, y, cutoff)["rfm_logit"], X), positive(expected, X))


def test_one_class_is_refused_and_a_missing_column_named(fitted):
    X, _, cutoff = world()
    with pytest.raises(DataError, match="equal"):
        fit_baselines(X, np.zeros(len(X)), cutoff)
    with pytest.raises(ModelError, match="orders_all"):
        fitted["rfm_logit"].predict_proba(X.drop(columns="orders_all"))


def test_two_fits_agree_to_the_bit(fitted):
    X, _, _ = world()
    for name, other in fit_baselines(*world()).items():
        np.testing.assert_array_equal(positive(other, X), positive(fitted[name], X))
