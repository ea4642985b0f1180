import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.value.curves import MOST_BINS, Binned, bin_codes, rising

RATES = st.lists(st.integers(0, 30).map(float), min_size=1, max_size=200).map(np.array)


@settings(max_examples=60)
@given(rate=RATES, least=st.integers(1, 20))
def test_bins_are_ordered_never_split_ties_and_are_never_small(rate, least):
    codes = bin_codes(rate, least)
    order = np.argsort(rate, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    for value in np.unique(rate):
        assert len(set(codes[rate == value])) == 1
    sizes = np.bincount(codes)
    assert (sizes >= min(least, len(rate))).all()


def test_bins_stay_few_however_many_the_customers():
    assert bin_codes(np.arange(50_000.0), 25).max() + 1 <= MOST_BINS


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.5, 5)), min_size=1, max_size=30))
def test_rising_never_falls_and_keeps_the_weighted_mean(pairs):
    height, mass = np.array(pairs).T
    found = rising(height, mass)
    assert (np.diff(found) >= -1e-9).all()
    assert (found * mass).sum() == pytest.approx((height * mass).sum(), abs=1e-6)


def test_means_by_hand():
    group = Binned.of(np.array([1.0, 2.0, 3.0, 5.0]), np.array([10.0, 20.0, 0.0, 40.0]), least=2)
    rate, margin, mass = group.means(np.array([1.0, 1.0, 1.0, 3.0]))
    assert rate.tolist() == [1.5, 4.5]  # (1+2)/2, (3+3*5)/4
    assert margin.tolist() == [15.0, 30.0]  # (0+3*40)/4
    assert mass.tolist() == [2.0, 4.0]


def test_a_bin_without_weight_is_left_out():
    group = Binned.of(np.array([1.0, 2.0]), np.array([10.0, 20.0]), least=1)
    assert group.curve(np.array([0.0, 2.0]))[1].tolist() == [20.0]


def test_ratio_of_a_group_without_past_margin_is_not_measured():
    assert np.isnan(Binned.of(np.zeros(3), np.ones(3), least=1).ratio(np.ones(3)))
