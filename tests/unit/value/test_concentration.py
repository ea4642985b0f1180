import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.value.concentration import concentration, lorenz_curve

MARGINS = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60)


@given(n=st.integers(1, 300), amount=st.floats(0.01, 1e6))
def test_equal_spend_gives_twenty_per_cent(n, amount):
    """C2: equal spend gives 20 %."""
    found = concentration(np.full(n, amount))
    assert found["top_20_share"] == pytest.approx(0.2)
    assert found["gini"] == pytest.approx(0, abs=1e-9)
    assert found["hhi"] == pytest.approx(1 / n)
    assert found["top_1_share"] == pytest.approx(1 / n)


def test_a_built_eighty_twenty_gives_eighty():
    # 20 of 100 customers bring 4 each = 80, the other 80 bring 0.25 each = 20
    """C2: a built 80/20 gives 80 %."""
    found = concentration(np.array([4.0] * 20 + [0.25] * 80))
    assert found["top_20_share"] == pytest.approx(0.8)
    assert found["top_10_customers_share"] == pytest.approx(0.4)  # 10 x 4 / 100
    assert found["top_1_share"] == pytest.approx(0.04)
    assert found["gini"] == pytest.approx(0.6)  # two-piece Lorenz curve: 0.8 - 0.2
    assert found["hhi"] == pytest.approx(20 * 0.04**2 + 80 * 0.0025**2)


def test_one_fifth_of_seven_customers_is_read_between_the_first_and_the_second():
    found = concentration([6.0, 3.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert found["top_20_share"] == pytest.approx(0.6 + 0.4 * 0.3)  # 1.4 customers


@given(margin=MARGINS, factor=st.floats(0.1, 10))
def test_scale_and_order_play_no_part_and_all_stays_within_its_range(margin, factor):
    found = concentration(margin)
    other = concentration(np.array(margin)[::-1] * factor)
    for name in ("top_20_share", "top_10_customers_share", "top_1_share", "gini", "hhi"):
        assert found[name] == pytest.approx(other[name], abs=1e-9)
        assert -1e-9 <= found[name] <= 1 + 1e-9
    assert found["top_20_share"] >= 0.2 - 1e-9


def test_negative_and_missing_margins_are_counted_and_bring_nothing():
    found = concentration([80.0, 20.0, -50.0, np.nan])
    assert (found["n"], found["n_negative"]) == (3, 1)
    assert found["top_1_share"] == pytest.approx(0.8)


@pytest.mark.parametrize("margin", [[], [0.0, 0.0], [-1.0, -2.0], [np.nan]])
def test_no_margin_at_all_is_not_measured(margin):
    found = concentration(margin)
    assert np.isnan(found["top_20_share"])
    assert np.isnan(found["gini"])
    assert lorenz_curve(margin).empty


@given(MARGINS)
def test_lorenz_curve_rises_ever_more_slowly_from_nothing_to_all(margin):
    curve = lorenz_curve(margin)
    gained = curve["share_of_margin"].to_numpy()
    assert (gained[0], gained[-1]) == (0.0, 1.0)
    assert (np.diff(gained) >= -1e-12).all()
    assert (np.diff(gained, 2) <= 1e-9).all()
