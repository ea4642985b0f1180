"""Policy value off a trial: unbiased under any policy, tighter with a model, and a simple policy unless better."""

import numpy as np
import pytest

from holdfast.errors import DataError
from holdfast.evaluation.policy import choose_policy, policy_scores


def test_values_of_policies_are_covered_and_a_model_makes_them_tighter() -> None:
    """Arms a, b drawn .3/.7; profit 2 + 3 where a meets x > 0: value of `a where x > 0` is 2 + 3/2 = 3.5."""
    rng = np.random.default_rng(0)
    inside, plain_width, robust_width = 0, [], []
    for _ in range(200):
        x = rng.normal(size=800)
        given = np.where(rng.random(800) < 0.3, "a", "b")
        profit = 2 + 3 * ((given == "a") & (x > 0)) + rng.normal(size=800)
        wanted = np.where(x > 0, "a", "b")
        chance = np.where(wanted == "a", 0.3, 0.7)
        plain = policy_scores(profit, given, wanted, chance)
        robust = policy_scores(profit, given, wanted, chance, 2 + 3.0 * (x > 0))
        error = plain.std() / np.sqrt(800)
        inside += abs(plain.mean() - 3.5) < 1.96 * error
        plain_width.append(error)
        robust_width.append(robust.std() / np.sqrt(800))
    assert 180 <= inside <= 199
    assert np.mean(robust_width) < np.mean(plain_width)


def test_a_personal_policy_that_only_looks_better_is_not_shipped() -> None:
    """Differences 1, −1, 3, −1: mean .5, error sqrt(11/3/4) = .96: the lower bound is below nought."""
    found = choose_policy([1.0, -1.0, 3.0, -1.0], np.zeros(4))
    assert not found.personal
    assert found.difference.error == pytest.approx(np.sqrt(11 / 3 / 4))


def test_what_cannot_be_read_off_the_trial_is_refused() -> None:
    with pytest.raises(DataError, match="no chance"):
        policy_scores([1.0], ["a"], ["a"], 0.0)
    with pytest.raises(DataError, match="nobody got"):
        policy_scores([1.0], ["a"], ["b"], 0.5)
