import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.evaluation.ordinal import ranked_probability_score
from holdfast.relationship.tiers import TIERS, tier_probabilities

PARTS = [f"p_tier_{name}" for name in TIERS]
shares = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20)


@given(shares)
def test_tiers_are_probabilities_that_add_to_one(pairs):
    p_any, p_loyal = (np.array(column) for column in zip(*pairs, strict=True))
    found = tier_probabilities(p_any, p_loyal)
    assert (found[PARTS] >= 0).all().all()
    np.testing.assert_allclose(found[PARTS].sum(axis=1), 1.0)
    np.testing.assert_array_equal(found["p_tier_loyal"], p_loyal)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_loyalty_never_lowers_the_tier(p_any, low, more):
    high = min(low + more, 1.0)
    order = {name: number for number, name in enumerate(TIERS)}
    before, after = tier_probabilities([p_any, p_any], [low, high])["loyalty_tier"].map(order)
    assert after >= before


def test_the_median_tier():
    # at most silent: .4, .5, .1; at most repeat: .7, .8, .3
    found = tier_probabilities([0.6, 0.5, 0.9], [0.3, 0.2, 0.7])
    assert found["loyalty_tier"].tolist() == ["repeat", "silent", "loyal"]


def test_ranked_probability_score_by_hand():
    # truth 2 of 0..2, forecast (.2, .3, .5): cumulated .2 and .5 against 0 and 0: .04 + .25
    assert ranked_probability_score([2], [[0.2, 0.3, 0.5]]) == pytest.approx(0.29)
    # a miss by two costs two, by one costs one
    assert ranked_probability_score([2], [[1.0, 0, 0]]) == 2.0
    assert ranked_probability_score([2], [[0, 1.0, 0]]) == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 99))
def test_two_classes_give_the_brier_score(p, seed):
    y = np.random.default_rng(seed).integers(0, 2, len(p))
    forecast = np.column_stack([1 - np.array(p), p])
    assert ranked_probability_score(y, forecast) == pytest.approx(np.mean((np.array(p) - y) ** 2))


@pytest.mark.parametrize("bad", [[[0.2, 0.2]], [[0.5, 0.5], [0.5, 0.5]], [0.5]])
def test_what_is_no_forecast_is_refused(bad):
    with pytest.raises(DataError):
        ranked_probability_score([0], bad)
