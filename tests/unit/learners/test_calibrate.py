from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from holdfast.errors import DataError
from holdfast.learners.calibrate import Slice, level_errors, level_shift, shift_to_rate

LOGITS = st.lists(st.floats(-8, 8), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(logits=LOGITS, rate=st.floats(0.01, 0.99))
def test_the_shift_hits_the_rate(logits, rate):
    assert expit(np.array(logits) + shift_to_rate(logits, rate)).mean() == pytest.approx(rate, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(logits=LOGITS, rates=st.tuples(st.floats(0.01, 0.98), st.floats(0.01, 0.98)))
def test_a_higher_rate_needs_a_higher_shift(logits, rates):
    low, high = sorted(rates)
    assert shift_to_rate(logits, low) <= shift_to_rate(logits, high + 0.01)


@settings(max_examples=30, deadline=None)
@given(logits=LOGITS)
def test_the_own_mean_needs_no_shift(logits):
    assert shift_to_rate(logits, float(expit(np.array(logits)).mean())) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("logits", "rate"), [([], 0.5), ([0.0], 0.0), ([0.0], 1.0)])
def test_an_impossible_target_is_refused(logits, rate):
    with pytest.raises(DataError, match="level shift"):
        shift_to_rate(logits, rate)


def seasonal(miss):
    """Rates swing with the season; the year before foretells them but for `miss` logits."""
    rates = [0.2, 0.5, 0.3, 0.6]
    return [
        Slice(date(2024, 1 + 2 * k, 1), rate, float(expit(logit(rate) + miss * (-1) ** k)), n=1000)
        for k, rate in enumerate(rates)
    ]


def test_an_earned_shift_moves_the_mean_to_the_rate_of_the_year_before():
    logits = np.random.default_rng(0).normal(size=500)
    decision = level_shift(seasonal(0.1), logits, 0.35)
    assert decision.applied
    assert expit(logits + decision.shift).mean() == pytest.approx(0.35, abs=1e-9)
    assert decision.n_slices == 4


def test_errors_by_hand():
    # Logit rates: 0.2 -> -1.3863, 0.5 -> 0, 0.8 -> 1.3863. Year-ago misses 0, 0, and |1.3863 - 0| for 0.8 against 0.5.
    # Pooled means of the others: (.5+.8)/2 = .65 -> 0.6190; (.2+.8)/2 = .5 -> 0; (.2+.5)/2 = .35 -> -0.6190.
    past = [Slice(date(2024, m, 1), r, a) for m, r, a in ((1, 0.2, 0.2), (3, 0.5, 0.5), (5, 0.8, 0.5))]
    year_ago, pooled = level_errors(past)
    assert year_ago == pytest.approx(1.3863 / 3, abs=1e-4)
    assert pooled == pytest.approx((1.3863 + 0.6190 + 0 + 1.3863 + 0.6190) / 3, abs=1e-4)


@pytest.mark.parametrize(("miss", "applied"), [(0.0, True), (0.5, True), (0.9, False), (2.0, False)])
def test_the_guard_lets_through_only_clear_gains(miss, applied):
    _, pooled = level_errors(seasonal(miss))
    assert (miss < 0.8 * pooled) == applied  # the pooled error is about 0.93 logits here
    decision = level_shift(seasonal(miss), [0.0, 1.0], 0.3)
    assert decision.applied == applied
    assert (decision.shift != 0.0) == applied
    assert decision.reason.startswith("level moved" if applied else "raw level kept")


def test_a_steady_rate_is_left_alone():
    """No season at all: the pooled mean is as good, so nothing moves (CDNOW's lesson)."""
    rng = np.random.default_rng(2)
    past = [Slice(date(2024, m, 1), *rng.normal(0.5, 0.02, 2), n=1000) for m in range(1, 9)]
    assert not level_shift(past, [0.0, 1.0], 0.9).applied


def test_fewer_than_three_slices_abstain():
    past = seasonal(0.0)
    blind = [Slice(item.cutoff, item.churn_rate) for item in past[2:]]
    decision = level_shift([*past[:2], *blind], [0.0], 0.3)
    assert (decision.applied, decision.n_slices) == (False, 2)
    assert "3 are needed" in decision.reason


def test_no_year_before_the_scoring_date_abstains():
    decision = level_shift(seasonal(0.0), [0.0], None)
    assert not decision.applied
    assert "one year" in decision.reason


def test_the_rate_a_model_had_in_training_is_the_pooled_one_where_given():
    past = [Slice(date(2024, m, 1), 0.5, 0.4, pooled_rate=0.5) for m in (1, 3, 5)]
    assert level_errors(past)[1] == 0.0
    assert not level_shift(past, [0.0], 0.4).applied


def test_rates_of_zero_and_one_stay_finite():
    past = [Slice(date(2024, m, 1), r, r, n=100) for m, r in ((1, 0.0), (3, 1.0), (5, 0.5))]
    assert np.isfinite(level_shift(past, [0.0, 0.5], 0.0).shift)
