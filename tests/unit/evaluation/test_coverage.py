import numpy as np
import pytest

from holdfast.evaluation.coverage import coverage


def world(shift: float, seed: int = 1, n: int = 4000):
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=n)

    def share(more: float):
        return 1 / (1 + np.exp(-(margin + more)))

    return (rng.random(n) < share(shift)).astype(float), share(0.0), share(-0.3), share(0.3)


def test_ranges_that_hold_are_seen_to_hold() -> None:
    found = coverage(*world(0.0))
    assert found["groups"] == 20
    assert found["covered"] == 1.0
    assert found["level_covered"] is True
    assert coverage(*world(0.25))["covered"] >= 0.9


def test_a_level_beyond_the_range_is_seen() -> None:
    found = coverage(*world(0.8))
    assert found["covered"] < 0.5
    assert found["level_covered"] is False


def test_a_range_of_no_width_covers_nine_in_ten_groups_when_calibrated() -> None:
    shares = []
    for seed in range(20):
        y, p, _, _ = world(0.0, seed)
        shares.append(coverage(y, p, p, p)["covered"])
    assert 0.87 < np.mean(shares) < 0.97


def test_rows_without_range_or_outcome_are_left_out() -> None:
    y, p, low, high = world(0.0)
    low[:2000] = np.nan
    y[2000:2500] = np.nan
    assert coverage(y, p, low, high) == coverage(y[2500:], p[2500:], low[2500:], high[2500:])
    nothing = coverage([np.nan], [0.5], [0.4], [0.6])
    assert (nothing["groups"], nothing["covered"]) == (0, None)


def test_equal_scores_are_one_group() -> None:
    found = coverage([0, 1] * 50, [0.5] * 100, [0.5] * 100, [0.5] * 100)
    assert found["groups"] == 1
    assert found["covered"] == pytest.approx(1.0)
