import pandas as pd

from holdfast.reporting import plots_list

from .sample import drivers


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def widths(axes) -> list[float]:
    return [round(bar.get_width(), 6) for bar in axes.patches]


def test_worth_adds_up():
    # 7,500 saved of 150,000 at risk; 7,500 - 1,800 = 5,700 remain.
    top, below = plots_list.worth(150_000, 7_500, 1_800).axes
    assert widths(top) == [150_000, 7_500]
    assert widths(below) == [7_500, 1_800, 5_700]
    assert [bar.get_x() for bar in below.patches] == [0, 5_700, 0]
    assert texts(below) == ["£7,500", "−£1,800", "£5,700"]
    assert texts(top) == ["£150,000 (5.0% expected to be saved)"]


def test_a_loss_is_drawn_left_of_zero():
    # 100 saved for 150: −50.
    _, below = plots_list.worth(1_000, 100, 150).axes
    last = below.patches[-1]
    assert (last.get_x(), last.get_width()) == (-50, 50)
    assert below.get_xlim()[0] < -50
    assert texts(below)[-1] == "−£50.00"


def test_unknown_leavers_stay_grey_and_last():
    (axes,) = plots_list.leavers({"price": 0.1, "unknown": 0.6, "service": 0.3}).axes
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels == ["service", "price", "not enough evidence"]
    assert texts(axes) == ["30%", "10%", "60%"]


def test_the_list_is_marked_on_the_profit_curve():
    (axes,) = plots_list.profit_curve({"x": [0, 10, 20], "profit": [0.0, 120.0, 60.0], "chosen": 10}).axes
    assert texts(axes) == ["this list: 10 customers, £120"]
    assert any(list(line.get_xdata()) == [10] for line in axes.lines)


def test_a_curve_that_only_loses_shows_the_loss():
    (axes,) = plots_list.profit_curve({"x": [0, 10], "profit": [0.0, -50.0], "chosen": 0}, "SEK").axes
    assert axes.get_ylim()[0] < -50


def test_families_sum_their_features():
    left, right = plots_list.drivers(drivers(), {"orders_365d": "orders in a year"}, top=3).axes
    total = drivers()["mean_abs"].sum()
    # frequency: 0.27 + 0.09 of the total; recency 0.41 comes first.
    assert widths(left)[:2] == [round(0.41 / total, 6), round(0.36 / total, 6)]
    assert [tick.get_text() for tick in right.get_yticklabels()][2] == "orders in a year"
    assert widths(right) == [0.41, 0.33, 0.27]


def test_no_drivers_no_crash():
    left, _ = plots_list.drivers(pd.DataFrame({"feature": ["a"], "family": ["money"], "mean_abs": [0.0]})).axes
    assert widths(left) == [0.0]
