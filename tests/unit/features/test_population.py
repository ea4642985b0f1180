"""The pooled survival of gaps and what the own rhythm makes of it, on two customers worked by hand."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.features.featureset import FeatureSet
from holdfast.features.population import PopulationState, fit_population, kaplan_meier
from holdfast.histories.histories import Histories

NOW = date(2024, 1, 23)


def two(horizon: int) -> tuple[pd.DataFrame, PopulationState]:
    """a bought on 1, 6 and 16 January (gaps 5 and 10, silent for 7 days), b on 15 January (silent for 8)."""
    frame = pd.DataFrame(
        {"customer_id": list("aaab"), "at": [f"2024-01-{day:02}" for day in (1, 6, 16, 15)], "amount": 1}
    )
    histories = Histories.from_frames({"purchases": frame})
    matrix = FeatureSet.of(histories, horizon).compute(histories, [NOW])
    return matrix.frame.set_index("customer_id"), matrix.states[NOW]


def test_pooled_survival_by_hand() -> None:
    # a's two gaps and its open one weigh 1/3 each, b's open one 1
    # gap 5: 1/3 ends among 2 at risk, S = 5/6; silences of 7 and 8 are censored; gap 10: 1/3 among 1/3, S = 0
    _, state = two(2)
    assert state.survival == pytest.approx([1] * 5 + [5 / 6] * 5 + [0])
    assert state.bgnbd is None


def test_own_rhythm_by_hand() -> None:
    # a: S(7) = 5/6; one own gap of two is longer than 7; H = 2: S(9) = 5/6 and one is longer than 9
    table, _ = two(2)
    a = table.loc["a"]
    assert a["rhythm_survival"] == pytest.approx((1 + 2 * 5 / 6) / (2 + 2))
    assert a[["rhythm_survival_h", "rhythm_silence_h", "pooled_silence_h"]].tolist() == pytest.approx([1, 1, 1])
    # H = 1: S(8) = 5/6; H = 3: S(10) = 0 and no own gap is longer than 10
    assert two(3)[0].loc["a", ["rhythm_survival_h", "rhythm_silence_h", "pooled_silence_h"]].tolist() == [0, 0, 0]
    # b has no gap of its own: the pool alone, S(8) = 5/6; H = 1: S(9) / S(8) = 1
    b = two(1)[0].loc["b"]
    assert b[["rhythm_survival", "rhythm_survival_h", "rhythm_silence_h"]].tolist() == pytest.approx([5 / 6, 1, 1])


def test_own_gaps_and_the_pool_are_weighed_two_and_ten() -> None:
    # c: gaps 4 and 20, silent for 4: longer than 4: one of two. d: gap 30, silent for 1
    frame = pd.DataFrame(
        {
            "customer_id": list("cccdd"),
            "at": ["2023-12-26", "2023-12-30", "2024-01-19", "2023-12-23", "2024-01-22"],
            "amount": 1,
        }
    )
    histories = Histories.from_frames({"purchases": frame})
    matrix = FeatureSet.of(histories, 20).compute(histories, [NOW])
    c = matrix.frame.set_index("customer_id").loc["c"]
    # weights: c 1/3 each, d 1/2 each; d's silence of 1 has left before
    # gap 4: 1/3 of 1/3 + 1/3 + 1/3 + 1/2: S(4) = 1 - 2/9 = 7/9
    # gap 20: 1/3 of 1/3 + 1/2: S(20..) = 7/9 x 3/5 = 7/15, so S(24) / S(4) = 3/5
    now, ahead = 7 / 9, 7 / 15
    assert c["rhythm_survival"] == pytest.approx((1 + 2 * now) / 4)
    assert c["rhythm_survival_h"] == pytest.approx((0 + 2 * ahead) / (1 + 2 * now))
    assert c["rhythm_silence_h"] == pytest.approx((0 + 10 * 0.6) / (1 + 10))
    assert c["pooled_silence_h"] == pytest.approx(0.6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.lists(st.integers(1, 40), max_size=6), st.integers(1, 60)), min_size=1, max_size=12))
def test_survival_falls_from_one_and_ignores_order(people: list[tuple[list[int], int]]) -> None:
    gaps = pd.DataFrame(
        [(gap, len(own), 1) for own, _ in people for gap in own], columns=["gap", "n_gaps", "n"], dtype=int
    )
    state = pd.DataFrame({"r": [r for _, r in people], "n_gaps": [len(own) or np.nan for own, _ in people]})
    curve = kaplan_meier(gaps, state)
    assert curve[0] == 1
    assert all(0 <= later <= earlier + 1e-15 for earlier, later in pairwise(curve))
    assert kaplan_meier(gaps, state.iloc[::-1]) == pytest.approx(curve)


def test_state_round_trip_through_json() -> None:
    rng = np.random.default_rng(1)
    x = rng.poisson(2, 80)
    tenure = rng.integers(100, 300, 80)
    frame = pd.DataFrame(
        {
            "r": np.where(x > 0, rng.integers(1, 90, 80), tenure),
            "n_gaps": x,
            "tenure_days": tenure,
            "purchase_days_all": x + 1,
        }
    )
    state = fit_population(pd.DataFrame({"gap": [3], "n_gaps": [1], "n": [1]}), frame)
    assert state.bgnbd is not None
    assert PopulationState.from_dict(state.to_dict()) == state
    empty = PopulationState((1.0,), None)
    assert PopulationState.from_dict(empty.to_dict()) == empty
