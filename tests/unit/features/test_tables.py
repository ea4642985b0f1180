"""Optional tables and attributes by hand, at a cutoff in the middle of things."""

from datetime import date

import pandas as pd
import pytest

from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories

NOW = date(2024, 6, 1)
PURCHASES = pd.DataFrame({"customer_id": ["a", "z"], "at": "2024-01-01", "amount": 10})


def features(at: date = NOW, everyone: bool = False, **tables: pd.DataFrame) -> pd.DataFrame:
    histories = Histories.from_frames({"purchases": PURCHASES, **tables})
    frame = FeatureSet.of(histories, 60, everyone=everyone).compute(histories, [at]).frame
    return frame.set_index("customer_id")


def check(row: pd.Series, **expected: float) -> None:
    assert {name: row[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_complaints() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": "a",
            "at": ["2024-05-02", "2024-05-01", "2024-03-01", "2024-06-01"],
            "topic": ["price", "quality", "price", "price"],
            "resolved_at": ["2024-05-12", "2024-06-01", None, None],
            "responded_at": [None, "2024-05-03", None, None],
        }
    )
    # ages 30, 31 and 92; the second is resolved at the cutoff, so it is still open; the fourth lies at the cutoff
    table = features(complaints=frame)
    check(
        table.loc["a"],
        complaints_30d=1,
        complaints_90d=2,
        complaints_365d=3,
        complaints_days_since_last=30,
        open_complaints=2,
        complaint_days_to_resolve=10,
        complaints_unanswered_90d=1,
        complaints_about_price_180d=2,
        complaints_about_quality_180d=1,
    )
    check(table.loc["z"], complaints_365d=0, open_complaints=0, complaints_days_since_last=float("nan"))


def test_contacts() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": "a",
            "at": ["2024-05-31", "2024-05-02", "2024-04-01"],
            "direction": ["inbound", "outbound", "inbound"],
            "purpose": ["technology", "service", "price"],
            "responded_at": ["2024-06-01", None, "2024-04-02"],
        }
    )
    row = features(contacts=frame).loc["a"]
    check(
        row,
        contacts_30d=2,
        contacts_90d=3,
        inbound_contacts_30d=1,
        inbound_contacts_90d=2,
        contacts_days_since_last=1,
        unanswered_contacts_90d=1,
        contacts_about_technology_180d=1,
        contacts_about_price_180d=1,
    )


def test_surveys_take_the_last_answer_given_to_each_question() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": "a",
            "at": ["2023-01-01", "2024-02-01", "2024-05-01", "2024-06-02"],
            "trust": [5.0, 3.0, None, 1.0],
            "nps": [None, None, 9.0, 1.0],
        }
    )
    check(features(surveys=frame).loc["a"], surveys_365d=2, trust_last=3, trust_change=-2, nps_last=9, nps_change=0)


def test_two_answers_at_one_moment_do_not_depend_on_the_order() -> None:
    frame = pd.DataFrame({"customer_id": "a", "at": "2024-05-01", "trust": [5.0, 3.0]})
    first, second = (
        features(surveys=each).loc["a", ["trust_last", "trust_change"]] for each in (frame, frame.iloc[::-1])
    )
    assert first.tolist() == second.tolist() == [5.0, 2.0]


def test_campaigns_count_for_the_treated() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": "a",
            "offer": "o",
            "arm": ["treated", "control", "treated"],
            "at": ["2024-05-20", "2024-05-20", "2024-03-10"],
            "redeemed_at": ["2024-06-05", None, "2024-03-12"],
        }
    )
    check(
        features(campaigns=frame).loc["a"],
        campaigns_30d=1,
        campaigns_90d=2,
        campaigns_365d=2,
        campaigns_redeemed_365d=1,
    )


def test_memberships_and_referrals() -> None:
    left = pd.DataFrame(
        {
            "customer_id": "a",
            "programme": ["club", "miles", "late"],
            "joined_at": ["2024-01-01", "2024-03-01", "2024-06-01"],
            "left_at": ["2024-05-31 23:59", "2024-06-01", None],
            "points": [5.0, 7.0, 99.0],
        }
    )
    referrals = pd.DataFrame({"referrer_id": "a", "referred_id": ["b", "c"], "at": ["2023-01-01", "2024-05-01"]})
    row = features(memberships=left, referrals=referrals).loc["a"]
    check(
        row,
        memberships_active=1,
        memberships_left=1,
        membership_days=152,
        membership_points=7,
        referrals_all=2,
        referrals_365d=1,
    )


def test_contracts() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "a", "n"],
            "started_at": ["2023-06-02", "2022-01-01", "2024-05-02"],
            "ended_at": ["2024-06-01", "2023-06-01", None],
            "price": [30.0, 99.0, 20.0],
            "market_price": [25.0, 10.0, 0.0],
            "term_months": [24, 12, None],
        }
    )
    table = features(contracts=frame)
    # the first ends at the cutoff: in force, 365 days old, half of 24 months of 30.4375 days
    check(
        table.loc["a"],
        contracts_active=1,
        contracts_ended=1,
        contract_days=365,
        contract_price=30,
        price_over_market=1.2,
        contract_term_months=24,
        contract_term_used=365 / (24 * 30.4375),
    )
    check(
        table.loc["n"],
        contracts_active=1,
        contract_days=30,
        price_over_market=float("nan"),
        contract_term_months=float("nan"),
    )
    check(table.loc["z"], contracts_active=0, contracts_ended=0, contract_days=float("nan"))


def test_payments_and_events() -> None:
    payments = pd.DataFrame({"customer_id": "a", "at": ["2024-05-01", "2023-07-01"], "amount": 1, "status": "failed"})
    events = pd.DataFrame(
        {"customer_id": "a", "at": ["2024-05-31", "2024-04-01", "2024-01-02"], "kind": ["usage", "visit", "usage"]}
    )
    row = features(payments=payments, events=events).loc["a"]
    # usage: one in 60 days, two in 180: ln((1 + .5) / ((2 - 1) / 2 + .5)) = ln 1.5
    check(
        row,
        payments_365d=2,
        payments_failed_90d=1,
        payments_failed_365d=2,
        events_30d=1,
        events_90d=2,
        events_365d=3,
        usage_events_90d=1,
        events_days_since_last=1,
        usage_60d_over_prior_120d=0.4054651,
    )


def test_attributes_of_the_customer() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "z"],
            "birth_date": ["1990-06-02", None],
            "region": ["north", None],
            "Plan `x`": [1.5, None],
            "Colour": ["red", "blue"],
        }
    )
    table = features(customers=frame)
    assert table.loc["a", "customer_age_years"] == 33  # 34 a day later
    assert table.loc["a", "attribute_plan_x"] == pytest.approx(1.5)
    assert table["customer_region"].tolist()[0] == "north"
    assert table["customer_region"].isna().tolist() == [False, True]
    assert table["attribute_colour"].dtype == "category"
    assert list(table["attribute_colour"].cat.categories) == ["blue", "red"]


def test_two_columns_with_the_same_words_stay_two_features() -> None:
    frame = pd.DataFrame(
        {"customer_id": ["a"], "Total Refunds": [1.0], "total_refunds": [2.0], "Total refunds?": [3.0]}
    )
    row = features(customers=frame).loc["a"]
    assert [row["attribute_total_refunds"], row["attribute_total_refunds_2"], row["attribute_total_refunds_3"]] == [
        1,
        2,
        3,
    ]


def test_tables_without_times_give_no_features_instead_of_an_error() -> None:
    table = features(surveys=pd.DataFrame({"customer_id": ["a"], "trust": [5.0]}))
    assert not [name for name in table if name.startswith(("trust", "surveys"))]


def test_everyone_of_a_snapshot_has_a_row_also_without_a_purchase() -> None:
    customers = pd.DataFrame({"customer_id": ["a", "new"], "Colour": ["red", "blue"]})
    assert sorted(features(customers=customers).index) == ["a", "z"]
    table = features(customers=customers, everyone=True)
    assert sorted(table.index) == ["a", "new", "z"]
    assert pd.isna(table.loc["new", "spend_all"])
    assert table.loc["new", "attribute_colour"] == "blue"
