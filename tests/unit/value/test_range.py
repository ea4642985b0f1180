import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.value.range import fit_range


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), shape=st.floats(0.5, 4), level=st.sampled_from([0.5, 0.8, 0.9]))
def test_the_range_covers_new_customers_at_least_as_often_as_wanted(seed: int, shape: float, level: float) -> None:
    rng = np.random.default_rng(seed)
    mean = rng.gamma(2, 10, 6000)
    came = rng.gamma(shape, mean / shape)
    found = fit_range(mean[:3000], came[:3000], np.arange(3000).astype(str), level=level)
    low, high = found.of(mean[3000:])
    inside = ((came[3000:] >= low) & (came[3000:] <= high)).mean()
    assert inside > level - 0.04
    assert found.coverage == pytest.approx(inside, abs=0.06)


def test_few_customers_have_no_range_and_say_so() -> None:
    found = fit_range(np.ones(10), np.ones(10), np.arange(10).astype(str))
    low, high = found.of(np.array([3.0]))
    assert (low[0], high[0]) == (0.0, np.inf)
    assert np.isnan(found.coverage)


def test_the_order_of_customers_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    mean = rng.gamma(2, 10, 800)
    came, ids = rng.gamma(2, mean / 2), np.array([f"k{k}" for k in range(800)], dtype=object)
    mixed = rng.permutation(800)
    assert fit_range(mean, came, ids) == fit_range(mean[mixed], came[mixed], ids[mixed])
