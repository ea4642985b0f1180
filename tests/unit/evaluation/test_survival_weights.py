"""Brier score and AUC over time: laws, the plain figures as oracle, and weights of the censored by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from holdfast.evaluation.survival import LEAST_SEEN, auc_at, brier_at, judge_survival, kaplan_meier

rows = st.lists(
    st.tuples(st.integers(1, 40), st.booleans(), st.floats(0, 1)), min_size=2, max_size=40
)  # days, ended, survival


def split(sample):
    days, ended, survival = (np.array(part) for part in zip(*sample, strict=True))
    return days.astype(float), ended, survival


@settings(deadline=None)
@given(sample=rows, t=st.integers(1, 45))
def test_without_censoring_both_are_the_textbook_figures(sample, t) -> None:
    days, _, survival = split(sample)
    ended, gone = np.ones(len(days), bool), days <= t
    assert brier_at(survival, days, ended, t) == pytest.approx(np.mean((survival - ~gone) ** 2))
    if gone.all() or not gone.any():
        assert np.isnan(auc_at(1 - survival, days, ended, t))
    else:
        assert auc_at(1 - survival, days, ended, t) == pytest.approx(roc_auc_score(gone, 1 - survival))


@settings(deadline=None)
@given(sample=rows, t=st.integers(1, 45))
def test_with_censoring_the_auc_is_the_weighted_one(sample, t) -> None:
    days, ended, survival = split(sample)
    case, control = ended & (days <= t), days > t
    if not case.any() or not control.any():
        assert np.isnan(auc_at(1 - survival, days, ended, t))
        return
    known = case | control
    weight = np.where(case, 1 / np.maximum(kaplan_meier(days, ~ended).at(days, before=True), 1e-12), 1.0)
    expected = roc_auc_score(case[known], 1 - survival[known], sample_weight=weight[known])
    assert auc_at(1 - survival, days, ended, t) == pytest.approx(expected)


@settings(deadline=None)
@given(sample=rows, t=st.integers(1, 45), seed=st.integers(0, 9))
def test_the_order_of_the_customers_says_nothing(sample, t, seed) -> None:
    days, ended, survival = split(sample)
    turn = np.random.default_rng(seed).permutation(len(days))
    for figure in (brier_at, auc_at):
        assert figure(survival[turn], days[turn], ended[turn], t) == pytest.approx(
            figure(survival, days, ended, t), nan_ok=True
        )


@settings(deadline=None)
@given(sample=rows)
def test_kaplan_meier_falls_from_one_and_only_where_somebody_ended(sample) -> None:
    days, ended, _ = split(sample)
    curve = kaplan_meier(days, ended)
    steps = np.diff(np.concatenate([[1.0], curve.values]))
    assert (steps <= 0).all()
    assert (curve.values >= 0).all()
    assert set(curve.times[steps < 0]) == set(days[ended]), "each ended day is a step, and no other is"
    assert curve.at(0.0) == 1.0


def test_weights_by_hand() -> None:
    # seen: one of 6 is lost on day 2, one of 4 on day 6: G = 5/6 from day 2 on, 5/6 x 3/4 = 5/8 from day 6 on
    days, ended = [2.0, 4.0, 6.0, 8.0, 20.0, 30.0], [False, True, False, True, False, False]
    risk = [0.0, 0.9, 0.0, 0.3, 0.2, 0.5]
    # day 4 weighs 6/5 and beats both that stay; day 8 weighs 8/5 and beats one of two
    assert auc_at(risk, days, ended, 10.0) == pytest.approx((6 / 5 * 1 + 8 / 5 * 0.5) / (6 / 5 + 8 / 5))
    survival = [0.5, 0.1, 0.5, 0.4, 0.9, 0.7]
    # gone: .1^2 x 6/5 + .4^2 x 8/5; there: (.1^2 + .3^2) x 8/5; the two that were lost count through the others
    expected = (0.01 * 6 / 5 + 0.16 * 8 / 5 + (0.01 + 0.09) * 8 / 5) / 6
    assert brier_at(survival, days, ended, 10.0) == pytest.approx(expected)


def test_who_ends_on_the_day_that_another_is_lost_was_seen_until_then() -> None:
    # lost on day 5 of three: G is 1 before it, 2/3 after it
    expected = (0.5**2 / 1 + 0.2**2 / (2 / 3)) / 3
    assert brier_at([0.5, 0.5, 0.8], [5.0, 5.0, 20.0], [True, False, False], 10.0) == pytest.approx(expected)


def test_the_integral_by_hand() -> None:
    # nobody is lost; ends on days 15 and 35, one stays
    days, times = [15.0, 35.0, 60.0], [10.0, 20.0, 40.0]
    curves = [[0.9, 0.4, 0.1], [0.9, 0.8, 0.5], [1.0, 0.9, 0.8]]
    found = judge_survival(curves, times, days, [True, True, True])
    b10 = (0.1**2 + 0.1**2 + 0.0**2) / 3
    b20 = (0.4**2 + 0.2**2 + 0.1**2) / 3
    b40 = (0.1**2 + 0.5**2 + 0.2**2) / 3
    np.testing.assert_allclose(found["brier"], [b10, b20, b40])
    # trapezoids: ten days between b10 and b20, twenty between b20 and b40, over thirty days
    assert found["integrated_brier"] == pytest.approx(((b10 + b20) / 2 * 10 + (b20 + b40) / 2 * 20) / 30)
    # nobody is gone on day 10, so the AUC begins on day 20: .6 beats .2 and .1, then .9 and .5 beat .2
    assert np.isnan(found["auc"][0])
    assert found["auc"][1:] == [1.0, 1.0]
    assert found["mean_auc"] == 1.0
    # Kaplan-Meier: 1, 2/3, 1/3; its own error is p (1 - p)
    assert found["integrated_brier_km"] == pytest.approx(((0 + 2 / 9) / 2 * 10 + (2 / 9 + 2 / 9) / 2 * 20) / 30)


def test_weights_undo_the_loss_of_customers() -> None:
    rng = np.random.default_rng(11)
    n = 20_000
    risk = rng.normal(size=n)
    ends, lost = rng.exponential(100 * np.exp(-risk)), rng.exponential(150, n)
    told = np.full(n, 0.9)  # far too sure, so that it matters who is counted
    whole, cut = (ends, np.ones(n, bool)), (np.minimum(ends, lost), ends <= lost)
    assert brier_at(told, *cut, 60.0) == pytest.approx(brier_at(told, *whole, 60.0), abs=0.01)
    assert auc_at(risk, *cut, 60.0) == pytest.approx(auc_at(risk, *whole, 60.0), abs=0.01)
    # whoever just leaves out the lost is wrong by far more: they would mostly have stayed
    known = (cut[1] & (cut[0] <= 60)) | (cut[0] > 60)
    naive = np.mean((told[known] - (ends[known] > 60)) ** 2)
    assert abs(naive - brier_at(told, *whole, 60.0)) > 0.03


@pytest.mark.parametrize(("watched", "kept"), [(1, [5.0]), (3, [5.0, 10.0])])
def test_times_at_which_next_to_nobody_is_seen_are_left_out(watched, kept) -> None:
    # of forty all but `watched` are lost on day 7: G = watched/40 afterwards, beside the least of one in twenty
    days = [7.0] * (40 - watched) + [30.0] * watched
    assert (watched / 40 >= LEAST_SEEN) == (10.0 in kept)
    found = judge_survival(np.full((40, 2), 0.5), [5.0, 10.0], days, [False] * 40)
    assert found["times"] == kept
    assert found["mean_auc"] is None, "nobody ended"
