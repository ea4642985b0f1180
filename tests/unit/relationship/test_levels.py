"""One fixture per level of every scheme, and the laws that hold for all of them (D1 to D8, D10 to D12)."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_histories import random_histories

from holdfast.histories.histories import Histories
from holdfast.pipelines.checks.meddle import planted_at, scrambled_future, without_future
from holdfast.pipelines.levels import level_features, with_levels
from holdfast.pipelines.relate import complaint_times, scorecard, standing
from holdfast.relationship import (
    BASICS,
    BONDING,
    CLOSENESS,
    COMPLAINT,
    LIFECYCLE,
    MARKETING,
    QUALITY,
    SATISFACTION,
    SCHEMES,
    TIER,
    TRUST,
    Scheme,
    cronbach_alpha,
    gather,
    one_employee,
    relationship_quality,
    signals,
    transition_matrix,
)

AT = date(2024, 7, 1)
Rows = list[dict[str, Any]]
SCORES = ("trust", "commitment", "satisfaction", "nps")


def frames(**tables: Rows) -> Histories:
    """Customers a to e, and whatever else is given; somebody else keeps every table alive."""
    people = pd.DataFrame({"customer_id": ["a", "b", "other"]})
    found = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    return Histories.from_frames({"customers": people, **found}, end=AT)


def buys(*days: str, who: str = "a", **more: Any) -> Rows:
    return [{"customer_id": who, "at": day, "amount": 10.0, **more} for day in days]


def contact(day: str, direction: str, purpose: str = "care", who: str = "a", **more: Any) -> dict[str, Any]:
    return {"customer_id": who, "at": day, "direction": direction, "purpose": purpose, **more}


def answer(who: str = "a", day: str = "2024-05-01", **scores: float) -> dict[str, Any]:
    return {"customer_id": who, "at": day} | {name: scores.get(name) for name in SCORES}


SCALE = [
    answer("other", trust=1.0, commitment=1.0, satisfaction=1.0),
    answer("other", "2024-05-02", trust=5.0, commitment=5.0, satisfaction=5.0),
]
"""Answers of somebody else that span the scale from 1 to 5."""
OTHER_CONTACT = contact("2024-01-01", "inbound", who="other")
BOUGHT = buys("2024-05-01")
COMPLAINED = {"customer_id": "a", "at": "2024-05-01", "topic": "delivery", "responded_at": "2024-05-02",
              "resolved_at": "2024-05-09", "followed_up_at": None}  # fmt: skip
OTHER_COMPLAINT = COMPLAINED | {"customer_id": "other"}
LIVE = {"customer_id": "a", "started_at": "2024-01-01", "ended_at": None}


def level(scheme: Scheme, histories: Histories, who: str = "a") -> str:
    found = scheme.place(gather(histories, AT)).loc[who]
    assert found[f"{scheme.name}_strategy"] == scheme.strategy.get(found[scheme.name], "")
    return str(found[scheme.name])


def joined(programme: str, points: float | None = None, who: str = "a") -> dict[str, Any]:
    return {"customer_id": who, "programme": programme, "joined_at": "2024-01-01", "points": points}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"memberships": [joined("club", who="other")]}, "none"),
        ({"memberships": [joined("points", 20.0)]}, "financial"),
        ({"memberships": [joined("club")]}, "social"),
        ({"contracts": [LIVE], "memberships": [joined("points", 1.0)]}, "structural"),
    ],
)
def test_d1_one_fixture_per_bonding_level(tables: dict[str, Rows], expected: str) -> None:
    """D1: points are financial, a club is social, a contract in force is structural; the strongest counts."""
    assert level(BONDING, frames(purchases=BOUGHT, **tables)) == expected


CARE = [contact(day, "outbound") for day in ("2023-10-01", "2024-02-01", "2024-05-20")]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"contacts": [OTHER_CONTACT]}, "basic"),
        ({"contacts": [contact("2024-05-02", "inbound")]}, "reactive"),
        ({"contacts": [contact("2024-05-10", "outbound", "after_sale")]}, "accountable"),
        ({"contacts": CARE}, "proactive"),
        ({"contacts": [*CARE, contact("2024-03-01", "inbound")],
          "managers": [{"customer_id": "a", "employee_id": "e1", "from": "2024-01-01", "plan_due": "2024-12-31"}]},
         "partnership"),
    ],
)  # fmt: skip
def test_d2_one_fixture_per_marketing_level(tables: dict[str, Rows], expected: str) -> None:
    """D2: accountable needs a dated follow-up after a purchase, proactive a habit, partnership a plan and an answer."""
    assert level(MARKETING, frames(purchases=BOUGHT, **tables)) == expected


@given(st.integers(1, 60), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_d2_inbound_contact_only_never_exceeds_reactive(calls: int, managers: int) -> None:
    """D2: however often a customer calls, the firm has done nothing of its own accord."""
    days = pd.date_range("2023-08-01", "2024-06-30", periods=calls).strftime("%Y-%m-%d %H:%M")
    more = {"managers": [{"customer_id": "a", "employee_id": f"e{k}", "from": "2024-01-01", "plan_due": "2024-12-31"}
                         for k in range(managers)]} if managers else {}  # fmt: skip
    histories = frames(purchases=BOUGHT, contacts=[contact(day, "inbound") for day in days], **more)
    assert level(MARKETING, histories) == "reactive"


def test_d2_a_follow_up_needs_a_purchase_before_it() -> None:
    """D2: contact of care with no purchase in the thirty days before it is no follow-up."""
    histories = frames(purchases=buys("2024-01-01"), contacts=[contact("2024-05-10", "outbound", "after_sale")])
    assert level(MARKETING, histories) == "reactive"


PERSONAL = {"contacts": [contact("2024-05-02", "inbound"), contact("2024-05-10", "outbound")],
            "preferences": [{"customer_id": "a", "at": "2024-01-05", "topic": "colour", "value": "red"}]}  # fmt: skip


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"contacts": [OTHER_CONTACT], "surveys": [*SCALE, answer(trust=1.0)]}, "distant"),
        ({"contacts": [OTHER_CONTACT]}, "distant"),
        ({"contacts": [OTHER_CONTACT], "surveys": [*SCALE, answer(trust=5.0)]}, "brand"),
        ({"contacts": [contact("2024-05-10", "outbound", "visit")]}, "face-to-face"),
        (PERSONAL, "intimate"),
    ],
)
def test_d3_one_fixture_per_closeness(tables: dict[str, Rows], expected: str) -> None:
    """D3: no contact and low trust is distant; two-way and personal is intimate; every level names its strategy."""
    assert level(CLOSENESS, frames(purchases=BOUGHT, **tables)) == expected
    assert all(CLOSENESS.strategy.values())


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"purchases": buys("2024-05-01", who="other")}, "discover"),
        ({"purchases": buys("2022-05-01")}, "evaluate"),
        ({"purchases": buys("2024-05-01")}, "buy"),
        ({"purchases": buys("2024-04-01", "2024-05-01")}, "use"),
        ({"purchases": buys("2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01")}, "bond"),
        ({"purchases": buys("2024-05-01"), "referrals": [{"referrer_id": "a", "referred_id": "b", "at": "2024-06-01"}]},
         "advocate"),
    ],
)  # fmt: skip
def test_d4_one_fixture_per_lifecycle_stage(tables: dict[str, Rows], expected: str) -> None:
    """D4: who has never bought is a prospect, and who stops falls back."""
    assert level(LIFECYCLE, frames(**tables)) == expected


def test_d4_going_back_is_allowed() -> None:
    """D4: an advocate who stops buying for a year is no longer one."""
    histories = frames(
        purchases=buys("2022-12-01"), referrals=[{"referrer_id": "a", "referred_id": "b", "at": "2022-12-20"}]
    )
    assert level(LIFECYCLE, histories) == "evaluate"
    earlier = LIFECYCLE.place(gather(histories, date(2023, 1, 15))).loc["a", "lifecycle_stage"]
    assert earlier == "advocate"


LOYAL_BUYER = buys("2024-02-01", "2024-04-01", "2024-06-01")


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"surveys": SCALE}, "acquired"),
        ({"surveys": [*SCALE, answer(satisfaction=5.0)]}, "satisfied"),
        ({"surveys": [*SCALE, answer(satisfaction=5.0, commitment=5.0)]}, "loyal"),
        ({"surveys": [*SCALE, answer(satisfaction=5.0, commitment=5.0)],
          "complaints": [COMPLAINED | {"resolved_at": None}]}, "acquired"),
    ],
)  # fmt: skip
def test_d5_loyalty_is_not_satisfaction_alone(tables: dict[str, Rows], expected: str) -> None:
    """D5: satisfied and buying is satisfied; loyal needs a tie beside it, and an open complaint ends both."""
    assert level(TIER, frames(purchases=LOYAL_BUYER, **tables)) == expected


@given(st.lists(st.tuples(st.sampled_from(TIER.levels), st.sampled_from(TIER.levels)), min_size=1, max_size=40))
def test_d5_rows_of_the_transition_matrix_add_to_one(moves: list[tuple[str, str]]) -> None:
    """D5: each earlier level's shares add to 1; a level nobody stood at has none."""
    before, after = (pd.Series(column) for column in zip(*moves, strict=True))
    found = transition_matrix(before, after, TIER.levels)
    for name, row in found.iterrows():
        assert row.sum() == pytest.approx(1.0) if (before == name).any() else row.isna().all()


def met(*employees: str) -> Rows:
    return [contact(f"2024-0{1 + k}-10", "inbound", employee_id=who) for k, who in enumerate(employees)]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"purchases": buys("2024-05-01"), "contacts": [OTHER_CONTACT]}, "stranger"),
        ({"purchases": buys("2024-04-01", "2024-05-01"), "contacts": [OTHER_CONTACT]}, "familiar"),
        ({"purchases": buys("2024-05-01"), "contacts": met("e1", "e1", "e1")}, "trusts a person"),
        ({"purchases": buys("2024-05-01"), "contacts": met("e1", "e2", "e3")}, "trusts the organisation"),
    ],
)
def test_d6_one_fixture_per_step_of_trust(tables: dict[str, Rows], expected: str) -> None:
    """D6: whoever deals with one employee only is flagged."""
    histories = frames(**tables)
    assert level(TRUST, histories) == expected
    assert bool(one_employee(gather(histories, AT))["a"]) == (expected == "trusts a person")


@pytest.mark.parametrize(
    ("scores", "expected"),
    [({}, "no answer"), ({"trust": 5.0}, "no answer"), ({"trust": 1.0, "commitment": 2.0}, "low"),
     ({"trust": 3.0, "satisfaction": 3.0}, "middle"), ({"trust": 5.0, "commitment": 4.0, "satisfaction": 4.0}, "high")],
)  # fmt: skip
def test_d7_one_fixture_per_quality(scores: dict[str, float], expected: str) -> None:
    """D7: non-response is not zero, and one answer out of three is none."""
    histories = frames(purchases=BOUGHT, surveys=[*SCALE, answer(**scores)])
    assert level(QUALITY, histories) == expected
    assert np.isnan(relationship_quality(gather(histories, AT))["a"]) == (expected == "no answer")


@given(st.lists(st.integers(1, 5), min_size=3, max_size=3), st.sampled_from(["trust", "commitment", "satisfaction"]))
@settings(max_examples=25, deadline=None)
def test_d7_quality_is_monotone(scores: list[int], raised: str) -> None:
    """D7: a better answer never lowers the quality."""
    names = ("trust", "commitment", "satisfaction")
    first = dict(zip(names, map(float, scores), strict=True))
    better = first | {raised: min(first[raised] + 1, 5.0)}
    found = [relationship_quality(gather(frames(purchases=BOUGHT, surveys=[*SCALE, answer(**one)]), AT))["a"]
             for one in (first, better)]  # fmt: skip
    assert found[1] >= found[0]


def test_d7_alpha_by_hand_and_its_bounds() -> None:
    """D7: items 1 2 3 and 1 3 2: variances 1 and 1, of the sum (2 5 5) 3: 2 · (1 − 2 / 3) = 2 / 3."""
    assert cronbach_alpha([[1, 1], [2, 3], [3, 2]]) == pytest.approx(2 / 3)
    assert cronbach_alpha([[1, 1], [2, 2], [np.nan, 9], [5, 5]]) == pytest.approx(1.0)
    assert np.isnan(cronbach_alpha([[1, 2]]))


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"complaints": [COMPLAINED | {"resolved_at": None}]}, "complaining"),
        ({"complaints": [OTHER_COMPLAINT], "surveys": [*SCALE, answer(satisfaction=1.0)]}, "dissatisfied"),
        ({"complaints": [OTHER_COMPLAINT]}, "silent"),
        ({"complaints": [OTHER_COMPLAINT], "surveys": [*SCALE, answer(satisfaction=3.0)]}, "undecided"),
        ({"complaints": [OTHER_COMPLAINT], "surveys": [*SCALE, answer(satisfaction=5.0)]}, "satisfied"),
    ],
)
def test_d8_a_silent_customer_is_not_a_satisfied_one(tables: dict[str, Rows], expected: str) -> None:
    """D8: who buys every month and says nothing is silent."""
    assert level(SATISFACTION, frames(purchases=LOYAL_BUYER, **tables)) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([OTHER_COMPLAINT], "none"),
        ([COMPLAINED | {"followed_up_at": "2024-05-20"}], "closed and followed up"),
        ([COMPLAINED], "closed, not followed up"),
        ([COMPLAINED, COMPLAINED | {"at": "2024-03-01"}], "repeated cause"),
        ([COMPLAINED, COMPLAINED | {"resolved_at": None}], "open"),
        ([COMPLAINED | {"resolved_at": "2024-08-01"}], "open"),
    ],
)
def test_d10_one_fixture_per_complaint_state(rows: Rows, expected: str) -> None:
    """D10: what is solved after the cutoff is open at it."""
    assert level(COMPLAINT, frames(purchases=BOUGHT, complaints=rows)) == expected


def test_d10_open_cases_are_censored_not_dropped() -> None:
    """D10: solved after 2 and 4 days, two open for 10: Kaplan-Meier 3/4, 1/2: the median is 4, not 3."""
    rows = [
        {"customer_id": "a", "at": f"2024-06-{19 if days == 2 else 17 if days == 4 else 21}", "topic": "x",
         "responded_at": None, "resolved_at": "2024-06-21" if days < 10 else None}
        for days in (2, 4, 10, 10)
    ]  # fmt: skip
    found = complaint_times(frames(purchases=BOUGHT, complaints=rows), AT)
    assert isinstance(found, dict)
    assert found["solution"] == {"median_days": 4.0, "done": 2, "open": 2}
    assert found["answer"]["median_days"] is None
    assert found["repeated_causes"] == 1


def test_d11_one_fixture_of_every_signal() -> None:
    """D11: promises, two-way contact, preferred channel, failed moments, goodwill, give and take, by hand."""
    contacts = [
        contact("2024-03-01", "inbound", "service", channel="phone", responded_at="2024-03-02"),  # kept
        contact("2024-06-01", "inbound", "service", channel="phone", responded_at=None),  # failed
        contact("2024-05-01", "outbound", "care", channel="email", responded_at=None),
        contact("2024-05-03", "outbound", "sales", channel="phone", responded_at=None),
        contact("2024-05-05", "outbound", "sales", channel="phone", responded_at=None),
    ]
    histories = frames(
        purchases=[*BOUGHT, {"customer_id": "a", "at": "2024-05-20", "amount": -4.0}], contacts=contacts,
        complaints=[COMPLAINED | {"followed_up_at": "2024-05-20"}],
        referrals=[{"referrer_id": "a", "referred_id": "b", "at": "2024-06-01"}],
    )  # fmt: skip
    found = signals(gather(histories, AT)).loc["a"]
    assert found["promises_kept"] == pytest.approx(2 / 3)  # one of two contacts, one of one complaint
    assert found["two_way"] == pytest.approx(2 / 3)
    assert (found["preferred_channel"], found["preferred_channel_share"]) == ("phone", 0.8)
    assert found["failed_moments"] == 2  # one unanswered, one return
    assert found["goodwill"] == 0  # a referral and a follow-up less two
    assert found["give_and_take"] == pytest.approx((1 - 2) / 3)


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"complaints": [COMPLAINED | {"resolved_at": None}]}, "recover first"),
        ({"contacts": [contact("2024-06-01", "inbound", "service", responded_at=None)]}, "recover first"),
        ({"complaints": [COMPLAINED]}, "free for delight"),
    ],
)
def test_d12_an_open_fault_comes_before_any_gift(tables: dict[str, Rows], expected: str) -> None:
    """D12: an open complaint or an unanswered request of service has to be put right first."""
    assert level(BASICS, frames(purchases=BOUGHT, **tables)) == expected


def test_e10_totals_reconcile_with_the_raw_tables() -> None:
    """E10: complaints, revenue and buyers of the scorecard are the sums of the tables."""
    histories = frames(purchases=[*LOYAL_BUYER, *buys("2024-01-01", who="b")], complaints=[COMPLAINED, OTHER_COMPLAINT])
    found = scorecard(histories, gather(histories, AT))
    assert found["profit"] == {"revenue": 40.0}
    assert found["service"] == {"complaints": 2, "open": 0}
    assert found["loyalty"] == {"buyers": 2, "repeat_buyers": 1, "repeat_rate": 0.5}


@pytest.mark.parametrize("how", [without_future, scrambled_future, planted_at])
@pytest.mark.parametrize("seed", range(4))
def test_no_level_knows_the_future(how: Callable[..., Histories], seed: int, tmp_path: Path) -> None:
    """D1: nor does any other scheme or signal change when everything at or after the cutoff is altered."""
    histories = random_histories(seed, late=False)
    at = histories.start + (histories.end - histories.start) / 2
    before, after = (standing(gather(one, at)) for one in (histories, how(histories, tmp_path, at)))
    after = after[after["customer_id"].isin(before["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, after)


def test_levels_are_features_at_every_cutoff() -> None:
    """D3: the level at a cutoff, as a number, beside the features; missing tables give no column."""
    histories = frames(purchases=LOYAL_BUYER)
    names = [one.name for one in level_features(histories)]
    assert names == ["level_lifecycle_stage", "level_trust_path"]
    keys = pd.DataFrame({"customer_id": ["a", "a"], "cutoff": pd.to_datetime(["2024-03-01", AT])})
    found = with_levels(histories, keys, [date(2024, 3, 1), AT])
    # buy is step 2 and use is step 3 of the lifecycle
    assert found["level_lifecycle_stage"].tolist() == [2.0, 3.0]


def test_a_missing_table_is_not_measured_and_says_which() -> None:
    found = standing(gather(frames(purchases=BOUGHT), AT)).set_index("customer_id").loc["a"]
    assert found["marketing_level"] == "not measured"
    assert found["marketing_level_evidence"] == "no table of contacts with their direction"
    assert found["marketing_level_strategy"] == ""
    assert {one.row for one in SCHEMES} == {"D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D10", "D12"}


def test_the_docs_name_every_level_and_its_strategy() -> None:
    """D3: every level names its strategy, in the docs as in the file."""
    page = (Path(__file__).resolve().parents[3] / "docs/relationship.md").read_text(encoding="utf-8")
    for scheme in SCHEMES:
        assert f"## {scheme.row} `{scheme.name}`" in page
        for name, strategy in scheme.strategy.items():
            assert f"| {name} | {strategy} |" in page
