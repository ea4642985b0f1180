from datetime import date

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.learners.folds import forward_folds, random_folds, usable_folds

DAYS = st.lists(st.dates(date(2020, 1, 1), date(2022, 1, 1)), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(days=DAYS, horizon=st.integers(1, 200), lead=st.integers(0, 30), count=st.integers(1, 5))
def test_no_training_label_reaches_past_the_validation_cutoff(days, horizon, lead, count):
    cutoffs = pd.to_datetime(days).to_numpy()
    folds = forward_folds(cutoffs, horizon_days=horizon, lead_days=lead, count=count)
    assert len(folds) <= count
    for train, valid in folds:
        at = set(cutoffs[valid])
        assert len(at) == 1
        (valid_at,) = at
        assert len(train)
        assert (cutoffs[train] + np.timedelta64(lead + horizon, "D") <= valid_at).all()
        # Complete on both sides: all rows of the validation cutoff, all rows that are closed by then.
        assert len(valid) == (cutoffs == valid_at).sum()
        assert len(train) == (cutoffs + np.timedelta64(lead + horizon, "D") <= valid_at).sum()


@settings(max_examples=20, deadline=None)
@given(days=DAYS, horizon=st.integers(1, 100))
def test_folds_come_oldest_first_and_at_the_newest_cutoffs(days, horizon):
    cutoffs = pd.to_datetime(days).to_numpy()
    at = [cutoffs[valid][0] for _, valid in forward_folds(cutoffs, horizon_days=horizon)]
    assert at == sorted(at)
    assert set(at) <= set(np.unique(cutoffs)[-3:])


def test_a_label_window_that_ends_at_the_cutoff_is_closed():
    # 1 March + 60 days = 30 April (31 - 1 days of March left, then 30 of April): closed at 30 April, open at 29 April.
    assert len(forward_folds(["2024-03-01", "2024-04-30"], horizon_days=60)) == 1
    assert forward_folds(["2024-03-01", "2024-04-29"], horizon_days=60) == []
    assert forward_folds(["2024-03-01", "2024-04-30"], horizon_days=60, lead_days=1) == []


def test_no_rows_no_folds():
    assert forward_folds(np.empty(0), horizon_days=30) == []


def test_random_folds_are_seeded_stratified_and_cover_every_row_once():
    y = np.repeat([0, 1], [90, 30])
    folds = random_folds(y, seed=3)
    assert sorted(np.concatenate([valid for _, valid in folds])) == list(range(120))
    assert all(y[valid].mean() == 0.25 for _, valid in folds)
    again, other = random_folds(y, seed=3), random_folds(y, seed=4)
    assert all((a[1] == b[1]).all() for a, b in zip(folds, again, strict=True))
    assert any((a[1] != b[1]).any() for a, b in zip(folds, other, strict=True))


def test_random_folds_keep_a_customer_on_one_side():
    customer = np.repeat([f"c{k}" for k in range(60)], 2)
    y = np.repeat(np.arange(60) % 3 == 0, 2).astype(int)
    for train, valid in random_folds(y, seed=0, customer=customer):
        assert not set(customer[train]) & set(customer[valid])


def test_folds_with_one_class_are_not_usable():
    folds = [(np.array([0, 1]), np.array([2, 3])), (np.array([0, 2]), np.array([1, 3]))]
    assert len(usable_folds(folds, [0, 1, 0, 0])) == 0  # one class in both validations (2, 3) and in training (0, 2)
    assert usable_folds(folds, [0, 1, 0, 1]) == folds[:1]  # training (0, 2) has only stayers
    assert len(usable_folds(folds, [0, 1, 1, 0])) == 2
