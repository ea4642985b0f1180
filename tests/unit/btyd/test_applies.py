import numpy as np
import pytest

from holdfast.btyd.applies import applicability, regularity
from holdfast.btyd.bgnbd import BgNbd

GOOD = BgNbd(0.5, 6.0, 0.9, 2.5, -10.0, True, 500, status="converged")
BAD = BgNbd(0.5, 6.0, 0.9, 2.5, -10.0, False, 500, status="not converged: a at the edge of the allowed range")


def gaps(shape: float, n: int = 400, each: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    own = rng.gamma(shape, rng.uniform(3, 30, (n, 1)), (n, each))
    return np.full(n, float(each)), own.mean(axis=1), own.std(axis=1, ddof=1)


@pytest.mark.parametrize("shape", [1, 2, 4, 8])
def test_the_shape_of_the_gaps_is_found_whatever_the_pace(shape: int) -> None:
    assert regularity(*gaps(shape)) == pytest.approx(shape, rel=0.15)


def test_few_gaps_say_nothing() -> None:
    n, mean, sd = gaps(4)
    assert regularity(n[:29], mean[:29], sd[:29]) is None
    assert regularity(np.full(400, 2.0), mean, sd) is None
    assert regularity(np.zeros(0), np.zeros(0), np.zeros(0)) is None


def test_each_verdict_says_why() -> None:
    x = np.array([0.0] * 100 + [3.0] * 300)
    assert applicability(GOOD, x, *gaps(1)).applies
    clock = applicability(GOOD, x, *gaps(5))
    assert not clock.applies
    assert "regular" in clock.reason
    assert clock.one_time_share == 0.25
    edge = applicability(BAD, x, *gaps(1))
    assert (edge.applies, edge.reason) == (False, BAD.status)
    few = applicability(GOOD, np.array([0.0] * 380 + [1.0] * 20), *gaps(1))
    assert not few.applies
    assert few.reason.startswith("20 customers")
    assert not applicability(None, x, *gaps(1)).applies
