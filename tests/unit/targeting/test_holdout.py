import math

import numpy as np
import pytest

from holdfast.targeting.holdout import (
    draw_holdout,
    draws,
    holdout_size,
    in_global_holdout,
    smallest_detectable_effect,
)

IDS = [f"c{k}" for k in range(4000)]


def test_draws_look_uniform_and_depend_on_nobody_else():
    luck = draws(IDS, "1")
    assert luck.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * 4000))
    assert (draws(IDS[::-1], "1")[::-1] == luck).all()
    assert (draws(IDS[7:8], "1") == luck[7]).all()
    assert abs(np.corrcoef(luck, draws(IDS, "2"))[0, 1]) < 0.07


def test_detectable_effects_of_the_design_page():
    # 2.8016 x sqrt(.25 x (1/900 + 1/100)) = .1477; 2.8016 x sqrt(.25 x 2/500) = .0886
    assert smallest_detectable_effect(900, 100, 0.5) == pytest.approx(0.1477, abs=5e-5)
    assert smallest_detectable_effect(500, 500, 0.5) == pytest.approx(0.0886, abs=5e-5)
    assert smallest_detectable_effect(10, 0, 0.5) == math.inf


def test_the_size_is_what_the_power_needs():
    # the share it returns makes the smallest detectable effect equal to the effect
    size = holdout_size(10_000, 0.3, 0.03, 0.05)
    assert size.answers
    assert 0.05 < size.share < 0.5
    held = 10_000 * size.share
    z = 2.801585
    assert z * math.sqrt(0.21 * (1 / held + 1 / (10_000 - held))) == pytest.approx(0.03, rel=1e-4)


def test_the_smallest_share_wins_when_power_needs_less():
    assert holdout_size(1_000_000, 0.3, 0.05, 0.1).share == 0.1


def test_a_round_that_cannot_answer_keeps_the_smallest_share():
    size = holdout_size(1500, 0.3, 0.015, 0.1)
    assert (size.share, size.answers) == (0.1, False)


def test_the_size_never_exceeds_one_half():
    for n in (2, 50, 1000, 12_345):
        for effect in (0.01, 0.1, 0.5):
            assert 0.1 <= holdout_size(n, 0.4, effect, 0.1).share <= 0.5


def test_every_fifth_of_the_score_gives_its_share():
    p = np.linspace(0, 1, 1000)
    held = draw_holdout(p, draws(IDS[:1000], "x"), 0.1)
    assert [int(held[k : k + 200].sum()) for k in range(0, 1000, 200)] == [20] * 5


def test_the_draw_is_fair():
    # over 200 seeds each of 20 rows is held out with probability 1/4: 50 +- 4 x sqrt(200 x 3/16) = 50 +- 24.5
    p = np.linspace(0, 1, 20)
    counts = sum(draw_holdout(p, draws(IDS[:20], str(seed)), 0.25).astype(int) for seed in range(200))
    assert counts.sum() == 200 * 5
    assert (abs(counts - 50) < 25).all()


def test_rounding_favours_no_part_of_the_score():
    # 13 rows, a share of .15: 2 held out, fifths of 3, 3, 3, 2, 2 rows; each row with probability 2/13:
    # 1300 x 2/13 = 200 +- 4 x sqrt(1300 x 2/13 x 11/13) = 200 +- 52
    p = np.linspace(0, 1, 13)
    counts = sum(draw_holdout(p, draws(IDS[:13], str(seed)), 0.15).astype(int) for seed in range(1300))
    assert counts.sum() == 2600
    assert (abs(counts - 200) < 52).all()


def test_small_numbers():
    assert draw_holdout(np.array([]), np.array([]), 0.1).tolist() == []
    assert draw_holdout(np.array([0.5]), np.array([0.1]), 0.5).tolist() == [False]
    assert draw_holdout(np.array([0.5, 0.4]), np.array([0.4, 0.3]), 0.1).tolist() == [False, True]


def test_the_global_holdout_only_grows():
    small, large = in_global_holdout(IDS, 0.05), in_global_holdout(IDS, 0.10)
    assert (large | ~small).all()
    assert small.mean() == pytest.approx(0.05, abs=0.015)
    assert not in_global_holdout(IDS, 0.0).any()
