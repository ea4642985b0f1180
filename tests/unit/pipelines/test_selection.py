"""The promotion rule replayed at past cutoffs."""

from datetime import date

import numpy as np
import pytest

from holdfast.evaluation.profit import Spend
from holdfast.pipelines.selection import PastCutoff, selection_regret
from holdfast.windows import Span

SPAN = Span(60, 0, 30)
DAYS = [date(2024, 1, 1), date(2024, 1, 31), date(2024, 3, 1)]


def past(quality: dict[date, float], n: int = 600, value: bool = False) -> dict[date, PastCutoff]:
    """Three cutoffs; the model that serves from a date scores with the given weight on the truth."""
    found = {}
    for number, at in enumerate(DAYS):
        rng = np.random.default_rng(number)
        y = rng.integers(0, 2, n).astype(np.int8)
        noise = rng.random(n)

        def score(serves: date, y: np.ndarray = y, noise: np.ndarray = noise) -> np.ndarray:
            return quality[serves] * y + (1 - quality[serves]) * noise

        money = rng.gamma(2, 50, n) if value else None
        found[at] = PastCutoff(y, np.array([f"k{i}" for i in range(n)], dtype=object), money, score)
    return found


def test_a_better_challenger_is_taken_and_costs_nothing():
    found = selection_regret(past({DAYS[0]: 0.2, DAYS[1]: 0.5, DAYS[2]: 0.5}), SPAN, None, 7)
    (decision,) = found["decisions"]
    assert decision["promoted"]
    assert (found["right"], found["n"], found["regret"]) == (1, 1, 0.0)
    assert found["regret_never"] > 0 == found["regret_always"]


def test_a_worse_challenger_is_refused_and_costs_nothing():
    found = selection_regret(past({DAYS[0]: 0.5, DAYS[1]: 0.2, DAYS[2]: 0.5}), SPAN, None, 7)
    assert not found["decisions"][0]["promoted"]
    assert found["regret"] == 0.0
    assert found["regret_always"] > 0


def test_a_fluke_costs_what_the_other_would_have_gained():
    """The challenger is better where it is measured and worse afterwards: regret is the difference."""
    rows = past({DAYS[0]: 0.2, DAYS[1]: 0.5, DAYS[2]: 0.5})
    last = rows[DAYS[2]]
    swapped = {DAYS[0]: DAYS[1], DAYS[1]: DAYS[0]}
    rows[DAYS[2]] = PastCutoff(last.y, last.customer, None, lambda serves: last.score(swapped[serves]))
    found = selection_regret(rows, SPAN, None, 7)
    (decision,) = found["decisions"]
    assert decision["promoted"]
    assert found["right"] == 0
    assert found["regret"] == pytest.approx(decision["champion_figure"] - decision["challenger_figure"])
    assert found["regret"] > 0


def test_money_decides_where_it_is_known():
    spend = Spend(cost=1.0, save_rate=0.2, budget=50)
    found = selection_regret(past({DAYS[0]: 0.2, DAYS[1]: 0.6, DAYS[2]: 0.6}, value=True), SPAN, spend, 7)
    assert found["metric"] == "profit_at_budget"
    assert found["regret"] >= 0


def test_the_first_model_has_to_beat_the_best_baseline():
    """The baseline is as good as the model where it is measured, so the rule keeps it; later the model is better."""
    rows = past({DAYS[0]: 0.3, DAYS[1]: 0.6, DAYS[2]: 0.6})
    two = {}
    for at, quality in ((DAYS[0], 0.4), (DAYS[1], 0.2)):
        one = rows[at]
        rng = np.random.default_rng(99)
        two[at] = PastCutoff(one.y, one.customer, None, one.score,
                             {"rfm": quality * one.y + (1 - quality) * rng.random(len(one.y))})  # fmt: skip
    (decision,) = selection_regret(two, SPAN, None, 7)["decisions"]
    assert (decision["kind"], decision["champion"], decision["promoted"]) == ("first", "rfm", False)
    assert decision["regret"] == pytest.approx(decision["challenger_figure"] - decision["champion_figure"])
    assert decision["regret"] > 0


def test_open_label_windows_are_not_looked_at():
    """With a window of 45 days and cutoffs 30 days apart the newest cutoff's predecessor is still open."""
    found = selection_regret(past(dict.fromkeys(DAYS, 0.5)), Span(60, 0, 45), None, 7)
    assert "closed label window" in found["not_measured"]
