import numpy as np
import pytest

from holdfast.errors import DataError
from holdfast.evaluation.splits import snapshot_split


def ids(n):
    return np.array([f"customer-{i}" for i in range(n)])


def test_a_quarter_is_held_out():
    test = snapshot_split(ids(2000), np.arange(2000), seed=7)
    assert test.sum() == 500


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(0)
    names, profiles = ids(500), rng.integers(0, 300, 500)
    order = rng.permutation(500)
    assert (snapshot_split(names, profiles, 7)[order] == snapshot_split(names[order], profiles[order], 7)).all()


def test_twins_and_rows_of_one_customer_stay_together():
    rng = np.random.default_rng(1)
    names, profiles = ids(400)[rng.integers(0, 400, 600)], rng.integers(0, 900, 600)
    test = snapshot_split(names, profiles, 7)
    for key in (names, profiles):
        assert not set(key[test]) & set(key[~test])
    assert 0.2 < test.mean() < 0.3


def test_the_seed_matters_and_the_split_is_fair():
    names, profiles = ids(1000), np.arange(1000)
    first, second = snapshot_split(names, profiles, 1), snapshot_split(names, profiles, 2)
    # two independent quarters of 1 000 share 62.5 on average, with a deviation of about 6
    assert 40 < (first & second).sum() < 85


def test_both_parts_exist_even_when_one_profile_rules():
    test = snapshot_split(ids(10), [0] * 9 + [1], seed=3)
    assert 0 < test.sum() < 10


@pytest.mark.parametrize(("names", "profiles"), [(["a", "b"], [1, 1]), (["a", "a"], [1, 2]), (["a"], [1]), ([], [])])
def test_what_hangs_together_cannot_be_split(names, profiles):
    with pytest.raises(DataError, match="held out"):
        snapshot_split(names, profiles, 7)
