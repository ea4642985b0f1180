import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from holdfast.learners.newton import ridge_logistic


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), c=st.sampled_from([0.01, 0.1, 1.0, 10.0]))
def test_equals_scikit_learn_at_a_tight_tolerance(seed, c):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(300, 6))
    y = (z[:, 0] - 0.5 * z[:, 1] + rng.logistic(size=300) > 0.7).astype(float)
    coef, intercept = ridge_logistic(z, y, c)
    oracle = LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(z, y)
    np.testing.assert_allclose(coef, oracle.coef_[0], atol=2e-5)
    assert intercept == pytest.approx(oracle.intercept_[0], abs=2e-5)


def test_the_gradient_vanishes_at_the_solution():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(20_000, 4))  # more than one block of rows
    y = (z[:, 0] + rng.logistic(size=len(z)) > 0).astype(float)
    coef, intercept = ridge_logistic(z, y, 0.01)
    miss = 1 / (1 + np.exp(-(z @ coef + intercept))) - y
    np.testing.assert_allclose(z.T @ miss + coef / 0.01, 0, atol=1e-4)
    assert miss.sum() == pytest.approx(0, abs=1e-4)


def test_without_columns_the_intercept_is_the_log_odds_of_the_rate():
    coef, intercept = ridge_logistic(np.empty((4, 0)), np.array([0.0, 0.0, 0.0, 1.0]), 1.0)
    assert coef.shape == (0,)
    assert intercept == pytest.approx(np.log(1 / 3))  # rate 1/4: odds 1 to 3


def test_separable_data_and_a_duplicated_column_stay_finite():
    z = np.repeat([[-4.0, -4.0], [4.0, 4.0]], 50, axis=0)
    coef, intercept = ridge_logistic(z, np.repeat([0.0, 1.0], 50), 100.0)
    assert np.isfinite(coef).all()
    assert coef[0] == pytest.approx(coef[1])
    assert abs(intercept) < 1e-6
