"""The win-back list: reasons of the plan, readiness, refusals, the holdout (B1 to B4)."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.schema import EXIT_CLASSES
from holdfast.targeting.winback import (
    ACTIONS,
    COLUMNS,
    PLAN_REASONS,
    WinbackMeasure,
    funnel,
    plan_class,
    plan_reason,
    winback_list,
    winback_plan,
)
from holdfast.value.returning import INPUTS, fit_returns, fit_second_value

AT = date(2024, 7, 1)
CALL = WinbackMeasure("service", "call back", "care", 4.0, 0.2, 1, 14)


def lost(n: int = 1, **changes: Any) -> pd.DataFrame:
    frame = pd.DataFrame({
        "customer_id": [f"c{k:03d}" for k in range(n)], "lost_since": pd.Timestamp("2024-01-01"),
        "exit_reason": "service", "reason_source": "stated", "reason_prob": 1.0, "p_return": 0.5, "second_clv": 20.0,
        "second_clv_low": 10.0, "second_clv_high": 30.0, "status": "planned", "status_at": pd.NaT,
        "status_owner": None, "channel": "email", "permitted": True, "influenceable": True, "capped": False,
        "global_holdout": False,
    })  # fmt: skip
    return frame.assign(**changes)


def row(measures: list[WinbackMeasure], **changes: Any) -> pd.Series:
    return winback_list(lost(**changes), measures, AT, seed=1, holdout=0.1).iloc[0]


def test_b1_every_code_of_the_plan_maps_or_is_flagged() -> None:
    """B1: three of the four reasons name one class; competition may be several and is flagged, not forced."""
    assert {word: plan_class(word) for word in PLAN_REASONS} == {
        "product quality": ("product", False), "service attitude": ("service", False), "price": ("price", False),
        "competition": (None, True),
    }  # fmt: skip
    assert {name: plan_reason(name) for name in (*EXIT_CLASSES, "unknown")} == {
        "price": "price", "product": "product quality", "service": "service attitude", "technology": "competition?",
        "market": "none", "political": "none", "unknown": "none",
    }  # fmt: skip


def test_b2_profit_is_probability_times_second_value_less_cost() -> None:
    """B2: .5 x 20 − 4 = 6; of those who would stay away a fifth comes: .2 x .5 x 20 − 4 = −2."""
    found = row([CALL])
    assert found["expected_profit"] == 6.0
    assert found["assumed_extra_profit"] == -2.0
    assert (found["start"], found["due"]) == (pd.Timestamp("2024-07-02"), pd.Timestamp("2024-07-15"))
    assert bool(found["ready"])


@pytest.mark.parametrize(
    ("measures", "owner", "ready"),
    [([CALL], None, True), ([], None, False), ([replace(CALL, owner=None)], None, False),
     ([replace(CALL, owner=None)], "jo", True)],
)  # fmt: skip
def test_b2_without_owner_or_date_a_row_is_not_ready_and_is_counted(measures: Any, owner: Any, ready: bool) -> None:
    """B2: `measures` fill owner and date; the win-back table may name an owner; else the row waits."""
    listed = winback_list(lost(status_owner=owner), measures, AT, seed=1, holdout=0.1)
    assert bool(listed["ready"].iloc[0]) == ready
    assert winback_plan(listed)["not_ready"].sum() == (not ready)
    if not ready:
        assert listed["arm"].iloc[0] == "none"


def test_b2_the_global_holdout_is_never_won_back() -> None:
    """B2: who is never treated by any campaign is not contacted here either, whatever else holds."""
    found = row([CALL], global_holdout=True)
    assert (found["arm"], found["suppressed_because"]) == ("none", "global holdout")


@pytest.mark.parametrize(("since", "overdue"), [("2024-06-20", False), ("2024-06-10", True)])
def test_b2_overdue_goals_are_flagged(since: str, overdue: bool) -> None:
    """B2: contacted 11 days ago is within 14 days, 21 days ago is not."""
    assert bool(row([CALL], status="contacted", status_at=pd.Timestamp(since))["overdue"]) == overdue


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 80), st.sampled_from([0.0, 0.1, 0.5]), st.integers(0, 5))
def test_b2_ranks_are_a_permutation_and_the_holdout_is_of_those_who_pass(n: int, share: float, seed: int) -> None:
    """B2: a holdout lets the win-back be judged; it has the promised size, and nobody else is in it."""
    rng = np.random.default_rng(seed)
    frame = lost(n, p_return=rng.random(n), permitted=rng.random(n) < 0.8)
    listed = winback_list(frame, [CALL], AT, seed=seed, holdout=share)
    assert listed["rank"].tolist() == list(range(1, n + 1))
    assert tuple(listed.columns) == COLUMNS
    passing = listed["suppressed_because"] == ""
    assert ((listed["arm"] != "none") == passing).all()
    assert (listed["arm"] == "holdout").sum() == min(int(np.ceil(passing.sum() * share - 1e-9)), passing.sum() // 2)
    again = winback_list(frame.sample(frac=1, random_state=seed), [CALL], AT, seed=seed, holdout=share)
    pd.testing.assert_frame_equal(listed, again)


@pytest.mark.parametrize(
    ("changes", "because"),
    [({"permitted": False}, "consent withdrawn or not given"), ({"channel": None}, "no permitted channel"),
     ({"influenceable": False}, "not influenceable (moved or died)"), ({"capped": True}, "contact cap reached"),
     ({"exit_reason": "unknown"}, "no measure for this reason"), ({"second_clv": -1.0}, "negative value"),
     ({"second_clv": np.nan}, "not measured"), ({"p_return": 0.1}, "not profitable")],
)  # fmt: skip
def test_b3_no_withdrawn_consent_and_no_offer_that_does_not_fit(changes: dict[str, Any], because: str) -> None:
    """B3: whoever may not or need not be contacted stays on the file with the reason, and in no arm."""
    found = row([CALL], **changes)
    assert (found["suppressed_because"], found["arm"]) == (because, "none")


def test_b4_an_injected_refusal_changes_the_action_and_pauses() -> None:
    """B4: refused three weeks ago: another next step, and no contact; refused a year ago: the pause is over."""
    asked = row([CALL], status="contacted", status_at=pd.Timestamp("2024-06-25"))
    refused = row([CALL], status="refused", status_at=pd.Timestamp("2024-06-10"))
    assert asked["action"] == ACTIONS["contacted"]
    assert refused["action"] == ACTIONS["refused"]
    assert (refused["arm"], refused["suppressed_because"]) == ("none", "refused: pause")
    assert row([CALL], status="refused", status_at=pd.Timestamp("2023-06-10"))["suppressed_because"] == ""


def test_b4_the_funnel_counts_customers_by_stage() -> None:
    """B4: two planned, one contacted, who then came back."""
    steps = pd.DataFrame({"customer_id": ["a", "b", "a", "a", "a"],
                          "status": ["planned", "Planned", "contacted", "contacted", "returned"]})  # fmt: skip
    assert funnel(steps) == {"planned": 2, "contacted": 1, "refused": 0, "returned": 1}


def past(n: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Lost customers of whom the freshly lost come back more often."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.gamma(2.0, 50.0, n) for name in INPUTS})
    frame.loc[rng.random(n) < 0.3, "gap_days"] = np.nan
    return frame, rng.random(n) < 0.6 * np.exp(-frame["silent_days"] / 60)


def test_b2_returns_are_calibrated_and_ranked() -> None:
    """B2: on other customers of the same kind the level is right within five points and the freshly lost lead."""
    frame, came = past(3000)
    other, later = past(3000, seed=1)
    p = fit_returns(frame, came).predict(other)
    assert p.mean() == pytest.approx(later.mean(), abs=0.02)
    for third in np.array_split(np.argsort(p), 3):
        assert p[third].mean() == pytest.approx(later[third].mean(), abs=0.05)
    assert p[other["silent_days"].to_numpy() < 40].mean() > 2 * p[other["silent_days"].to_numpy() > 150].mean()


def test_b2_with_few_returns_everybody_gets_the_share_of_all() -> None:
    frame, _ = past(100)
    model = fit_returns(frame, np.arange(100) < 20)
    assert model.pipeline is None
    assert set(model.predict(frame)) == {0.2}
    with pytest.raises(DataError, match="no lost customer"):
        fit_returns(frame.iloc[:0], [])


def test_b2_the_second_value_is_that_of_the_second_lifetime() -> None:
    """B2: three tiers of 40 returners who brought 10, 20, 30: drawn to 20 with weight 20 of 60."""
    found = fit_second_value([1.0] * 40 + [5.0] * 40 + [9.0] * 40, [10.0] * 40 + [20.0] * 40 + [30.0] * 40)
    # (40 x 10 + 20 x 20) / 60 = 13.33, 20, (40 x 30 + 20 x 20) / 60 = 26.67
    assert found.mean == pytest.approx([40 / 3, 20.0, 80 / 3])
    mean, low, high = found.predict([0.5, 100.0])
    assert mean == pytest.approx([40 / 3, 80 / 3])
    assert ((low < mean) & (mean < high)).all()
    with pytest.raises(DataError, match="29 past returners"):
        fit_second_value([1.0] * 29, [1.0] * 29)
