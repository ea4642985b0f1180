import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from holdfast.learners.logit import ShrunkenLinear, fit_logit, signed_log


def world(seed=0, n=600):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 4)) * [1, 10, 100, 1]
    y = (signed_log(matrix[:, 1]) + rng.logistic(size=n) > 0).astype(int)
    return matrix, y


def fit(matrix, y, levels=None, c=0.1, clip=4.0):
    return fit_logit(matrix, y, levels or {}, c=c, clip=clip)


@settings(max_examples=10, deadline=None)
@given(constant=st.floats(-1e6, 1e6), place=st.integers(0, 4))
def test_a_constant_column_changes_nothing(constant, place):
    matrix, y = world(n=200)
    wider = np.insert(matrix, place, constant, axis=1)
    np.testing.assert_array_equal(fit(matrix, y).margin(matrix), fit(wider, y).margin(wider))


def test_a_nearly_constant_column_is_dropped():
    matrix, y = world()
    matrix[:, 3] = 0.0
    matrix[:2, 3] = 1e6  # 2 of 600 rows: less than 0.5 %
    assert 3 not in {term.feature for term in fit(matrix, y).terms}


def test_order_of_rows_matters_only_in_the_last_digits():
    matrix, y = world()
    order = np.random.default_rng(1).permutation(len(y))
    np.testing.assert_allclose(fit(matrix, y).margin(matrix), fit(matrix[order], y[order]).margin(matrix), atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), gaps=st.floats(0, 0.5))
def test_contributions_add_up_to_the_margin_and_are_centred_on_training(seed, gaps):
    matrix, y = world(seed, n=200)
    matrix[np.random.default_rng(seed).random(matrix.shape) < gaps] = np.nan
    matrix[:, 3] = np.random.default_rng(seed).integers(0, 3, len(y))
    model = fit(matrix, y, {3: ("a", "b", "c")})
    terms = model.contributions(matrix)
    np.testing.assert_allclose(terms.sum(axis=1) + model.base, model.margin(matrix), atol=1e-10)
    np.testing.assert_allclose(terms.mean(axis=0), 0, atol=1e-10)


def test_a_rising_signal_gives_a_rising_margin_until_the_clip():
    matrix, y = world()
    model = fit(matrix, y)
    probe = np.tile(np.median(matrix, axis=0), (5, 1))
    probe[:, 1] = [-50, 0, 50, 1e9, 1e12]
    margin = model.margin(probe)
    assert margin[0] < margin[1] < margin[2] <= margin[3]
    assert margin[3] == margin[4]  # both stand at z = 4


def test_a_row_does_not_depend_on_its_neighbours():
    matrix, y = world()
    model = fit(matrix, y)
    whole = model.margin(matrix)
    for rows in (slice(3, 4), slice(7, 20), slice(1, 600, 3)):
        np.testing.assert_array_equal(whole[rows], model.margin(matrix[rows]))


def test_missing_counts_once_for_features_that_are_missing_together():
    matrix, y = world()
    gap = np.random.default_rng(5).random(len(y)) < 0.3
    matrix[np.ix_(gap, [0, 2])] = np.nan
    y = np.where(gap, 1, y)
    model = fit(matrix, y)
    assert [term.feature for term in model.terms if term.kind == "missing"] == [0]
    terms = model.contributions(matrix)
    assert terms[gap, 0].min() > terms[~gap, 0].max()


def test_missing_at_serving_alone_speaks_as_the_median():
    matrix, y = world(n=601)
    model = fit(matrix, y)
    probe = np.median(matrix, axis=0)[None, :]
    np.testing.assert_allclose(model.margin(np.full((1, 4), np.nan)), model.margin(probe), atol=1e-12)


def test_a_column_without_any_value_is_left_out():
    matrix, y = world()
    matrix[:, 0] = np.nan
    assert 0 not in {term.feature for term in fit(matrix, y).terms}


def test_nothing_to_learn_from_gives_the_log_odds_of_the_rate():
    y = np.array([0, 0, 0, 1])
    assert fit(np.ones((4, 2)), y).margin(np.ones((1, 2)))[0] == pytest.approx(logit(0.25))


class TestLevels:
    """Codes 0 and 1 are common, 2 and 3 rare (20 rows each, 40 together), 4 is never seen in training."""

    codes = np.repeat([0.0, 1.0, 2.0, 3.0], [1000, 960, 20, 20])
    y = np.concatenate([np.arange(1000) % 10 == 0, np.arange(960) % 2 == 0, np.ones(40)]).astype(int)

    def margins(self, codes):
        model = fit(self.codes[:, None], self.y, {0: ("a", "b", "c", "d")}, c=1.0)
        return model.margin(np.array(codes)[:, None]), model

    def test_each_common_level_speaks_for_itself_and_the_rare_ones_together(self):
        (a, b, c, d), model = self.margins([0.0, 1.0, 2.0, 3.0])
        assert a < b < c
        assert c == d
        assert len(model.terms) == 3
        assert a == pytest.approx(logit(0.1), abs=0.1)  # 100 of 1000
        assert b == pytest.approx(logit(0.5), abs=0.1)  # 480 of 960

    def test_an_unseen_level_joins_the_rare_ones(self):
        (unseen, rare), _ = self.margins([4.0, 2.0])
        assert unseen == rare

    def test_missing_is_neutral_where_training_had_none(self):
        (missing,), model = self.margins([np.nan])
        assert missing == pytest.approx(model.base)

    def test_unseen_is_neutral_where_nothing_is_rare(self):
        model = fit(self.codes[:1960, None], self.y[:1960], {0: ("a", "b")}, c=1.0)
        assert model.margin(np.array([[2.0]]))[0] == pytest.approx(model.base)

    def test_missing_is_a_level_where_training_had_enough(self):
        codes = np.where(self.codes == 1, np.nan, self.codes)
        model = fit(codes[:, None], self.y, {0: ("a", "b", "c", "d")}, c=1.0)
        low, high = model.margin(np.array([[0.0], [np.nan]]))
        assert low < high


def test_json_round_trip_is_exact():
    matrix, y = world()
    matrix[:100, 0] = np.nan
    matrix[:, 3] = np.arange(len(y)) % 3
    model = fit(matrix, y, {3: ("a", "b", "c")})
    again = ShrunkenLinear.from_dict(json.loads(json.dumps(model.as_dict())))
    assert again == model
    np.testing.assert_array_equal(again.margin(matrix), model.margin(matrix))
