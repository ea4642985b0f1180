import pytest

from holdfast.reporting import plots

from .sample import metrics

LINE = [{"cutoff": "2011-06-13", "x": [0.0, 0.5, 1.0], "y": [0.0, 0.8, 1.0]}]


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_calibration_band_is_the_floor():
    point = {"cutoff": "2011-06-13", "predicted": [0.2], "observed": [0.3], "low": [0.1], "high": [0.5]}
    (axes,) = plots.calibration([point], ece=0.05, floor=0.03).axes
    corners = axes.collections[0].get_paths()[0].vertices
    assert {round(float(y - x), 6) for x, y in corners} == {-0.03, 0.03}
    assert "0.050" in texts(axes)[0]
    assert "0.030" in texts(axes)[0]


def test_without_a_floor_there_is_no_band():
    point = {"cutoff": "2011-06-13", "predicted": [0.2], "observed": [0.3], "low": [0.1], "high": [0.5]}
    (axes,) = plots.calibration([point]).axes
    assert texts(axes) == []


def test_history_shows_model_baselines_and_rates():
    left, right = plots.history(metrics()["cutoffs"], ["rfm_logit", "base_rate"]).axes
    drawn = [list(line.get_ydata()) for line in left.lines]
    assert [0.7412, 0.7412, 0.7412] in drawn
    assert not any(None in line for line in drawn)
    assert len(right.lines) == 3


def test_history_lives_without_optional_figures():
    left, right = plots.history([{"cutoff": "2011-06-13", "auroc": None, "base_rate": 0.4}]).axes
    assert len(right.lines) == 1
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["13 Jun\n2011"]


@pytest.mark.parametrize("draw", [plots.roc, plots.gain])
def test_curves_have_a_reference_and_one_line_per_cutoff(draw):
    (axes,) = draw(LINE * 2).axes
    assert len([line for line in axes.lines if len(line.get_xdata()) == 3]) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()][1:] == ["13 June 2011"] * 2


def test_every_customer_is_in_the_histogram():
    (axes,) = plots.scores([0.0, 0.05, 0.5, 1.0]).axes
    assert sum(bar.get_height() for bar in axes.patches) == 4
