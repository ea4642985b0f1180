"""Brier score and AUC over time, beside lifelines' Kaplan-Meier and hand-worked numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from holdfast.evaluation.survival import auc_at, brier_at, judge_survival, kaplan_meier


def sample(seed: int, n: int = 300):
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    ends, lost = rng.exponential(100 * np.exp(-risk)), rng.exponential(200, n)
    return risk, np.ceil(np.minimum(ends, lost)), ends <= lost


@given(st.integers(0, 200))
def test_kaplan_meier_is_that_of_lifelines(seed):
    _, days, ended = sample(seed, 80)
    ours, oracle = kaplan_meier(days, ended), KaplanMeierFitter().fit(days, ended)
    at = np.array([1.0, 20.0, 50.0, 90.0, days.max()])
    np.testing.assert_allclose(ours.at(at), oracle.survival_function_at_times(at).to_numpy(), atol=1e-9)


def test_without_censoring_both_are_the_plain_figures():
    # t = 10: gone are the first and third; (.3² + (1 − .6)² + .2² + (1 − .9)²) / 4
    survival, days = [0.3, 0.6, 0.2, 0.9], [5.0, 20.0, 8.0, 30.0]
    assert brier_at(survival, days, [True] * 4, 10.0) == pytest.approx((0.09 + 0.16 + 0.04 + 0.01) / 4)
    # both that are gone have a higher risk than both that stay
    assert auc_at([0.7, 0.4, 0.8, 0.1], days, [True] * 4, 10.0) == 1.0
    assert auc_at([0.2, 0.4, 0.8, 0.1], days, [True] * 4, 10.0) == 0.75


def test_who_was_lost_from_sight_counts_through_the_others():
    # lost on day 5 of four: seen beyond it with probability 3/4, so each later row weighs 4/3
    survival, days, ended = [0.5, 0.2, 0.8, 0.9], [5.0, 8.0, 20.0, 30.0], [False, True, True, False]
    expected = (0.2**2 + (1 - 0.8) ** 2 + (1 - 0.9) ** 2) / 0.75 / 4
    assert brier_at(survival, days, ended, 10.0) == pytest.approx(expected)


@given(st.integers(0, 200))
def test_auc_lies_between_and_turns_with_the_risk(seed):
    risk, days, ended = sample(seed)
    found = auc_at(risk, days, ended, 60.0)
    assert 0 <= found <= 1
    assert auc_at(-risk, days, ended, 60.0) == pytest.approx(1 - found)


def test_knowing_more_scores_better():
    risk, days, ended = sample(7, 4000)
    times = [30.0, 60.0, 120.0]
    right = np.exp(-np.outer(np.exp(risk), times) / 100)
    flat = np.tile(kaplan_meier(days, ended).at(times), (len(days), 1))
    told, plain = judge_survival(right, times, days, ended), judge_survival(flat, times, days, ended)
    assert told["integrated_brier"] < plain["integrated_brier"]
    assert plain["integrated_brier"] == pytest.approx(plain["integrated_brier_km"])
    assert told["mean_auc"] > 0.7
    assert plain["mean_auc"] == pytest.approx(0.5)


def test_times_that_nobody_was_watched_to_are_left_out():
    found = judge_survival([[0.9, 0.5]], [10.0, 500.0], [20.0], [False])
    assert found["times"] == [10.0]
    assert judge_survival([[0.9]], [500.0], [20.0], [False])["integrated_brier"] is None
