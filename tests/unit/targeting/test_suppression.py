import pandas as pd
import pytest

from holdfast.errors import ConfigError, DataError
from holdfast.targeting.offers import Offer
from holdfast.targeting.policy import Policy
from holdfast.targeting.scored_list import build_list
from holdfast.targeting.suppression import (
    CAP,
    COMPLAINT,
    GLOBAL,
    LOST,
    NEGATIVE,
    NO_CHANNEL,
    NO_CONSENT,
    NO_OFFER,
    NO_VALUE,
    NOT_INFLUENCEABLE,
    NOT_PROFITABLE,
)

GOOD = {"p_churn": 0.5, "loss_if_silent": 1000.0, "cutoff": pd.Timestamp("2024-01-01"), "clv": 100.0}
CALL = Offer("call", contact_cost=1.0, effect_assumed=0.1)
MAIL = Offer("mail", contact_cost=1.0, effect_assumed=0.1, channels=("email", "letter"))
REPAIR = Offer("repair", programme="recovery", contact_cost=1.0, effect_assumed=0.1)
FREE = Policy(holdout=0.0, contact_cap_max=1)


def one(offers=(CALL,), policy=FREE, **columns):
    frame = pd.DataFrame([GOOD | {"customer_id": "x"} | columns])
    return build_list(frame, offers, policy).frame.iloc[0]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"history_state": "lost"}, LOST),
        ({"already_lost": True}, LOST),
        ({"influenceable": False}, NOT_INFLUENCEABLE),
        ({"reason_stated": "market"}, NOT_INFLUENCEABLE),
        ({"reason_predicted": "market"}, NOT_INFLUENCEABLE),
        ({"consent_channels": ""}, NO_CONSENT),
        ({"contacts_30d": 1}, CAP),
        ({"open_complaint": True}, COMPLAINT),
        ({"loss_if_silent": None}, NO_VALUE),
        ({"clv": -5.0}, NEGATIVE),
        ({"loss_if_silent": -5.0}, NEGATIVE),
        ({"p_churn": 0.0}, NOT_PROFITABLE),
        ({"loss_if_silent": 20.0}, NOT_PROFITABLE),  # 0.5 x 0.1 x 20 - 1 = 0
    ],
)
def test_each_rule_has_its_word(columns, reason):
    """A8: those who moved or died get no offer; C5: nor does a customer of negative value."""
    row = one(**columns)
    assert (row["arm"], row["suppressed_because"]) == ("none", reason)
    assert pd.isna(row["planned_offer"])


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"contacts_30d": 0},
        {"open_complaint": False},
        {"influenceable": True, "reason_stated": "market"},
        {"reason_indicated": "market"},
        {"clv": None},
        {"loss_if_silent": 20.01},
        {"consent_channels": "letter"},
        {"history_state": "short"},
    ],
)
def test_who_is_not_suppressed_is_treated(columns):
    row = one(**columns)
    assert row["arm"] == "treat"
    assert pd.isna(row["suppressed_because"])


def test_the_first_rule_that_applies_is_named():
    assert one(history_state="lost", consent_channels="", clv=-1.0)["suppressed_because"] == LOST
    assert one(consent_channels="", contacts_30d=5, clv=-1.0)["suppressed_because"] == NO_CONSENT
    assert one(open_complaint=True, clv=-1.0)["suppressed_because"] == COMPLAINT


def test_an_open_fault_is_recovered_before_any_other_offer():
    """D12: an open complaint suppresses every offer but recovery."""
    row = one((CALL, REPAIR), open_complaint=True)
    assert (row["arm"], row["planned_offer"]) == ("treat", "repair")


def test_only_a_permitted_channel_is_used():
    assert one((MAIL,), consent_channels="phone|letter")["channel"] == "letter"
    assert one((MAIL,), consent_channels="letter|email")["channel"] == "email"
    assert one((MAIL,), consent_channels="*")["channel"] == "email"
    assert one((CALL,), consent_channels="sms")["channel"] == "sms"
    assert one((MAIL,), consent_channels="phone")["suppressed_because"] == NO_CHANNEL
    assert one((MAIL, CALL), consent_channels="phone")["planned_offer"] == "call"


def test_consent_basis_and_a_customer_without_any_entry():
    assert one()["consent_basis"] == "not recorded"
    frame = pd.DataFrame([GOOD | {"customer_id": "a", "consent_channels": "*"}, GOOD | {"customer_id": "b"}])
    made = build_list(frame, [CALL], FREE).frame.set_index("customer_id")
    assert made["consent_basis"].tolist() == ["granted", "granted"]
    assert made.loc["b", "suppressed_because"] == NO_CONSENT


def test_reason_and_condition_leave_no_offer():
    gated = Offer("voucher", reasons=("price",), contact_cost=1.0, effect_assumed=0.1)
    assert one((gated,))["suppressed_because"] == NO_OFFER
    assert one((gated,), reason_stated="price")["planned_offer"] == "voucher"
    picky = Offer("vip", eligible="clv > 500", contact_cost=1.0, effect_assumed=0.1)
    assert one((picky,))["suppressed_because"] == NO_OFFER
    assert one((picky,), clv=501.0)["arm"] == "treat"
    assert one(())["suppressed_because"] == NO_OFFER


def test_conditions_may_read_the_exit_reason_and_further_columns():
    vip = Offer("vip", eligible="exit_reason == 'price' and region == 'north'", contact_cost=1.0, effect_assumed=0.1)
    assert one((vip,), reason_stated="price", region="north")["arm"] == "treat"
    assert one((vip,), reason_stated="price", region="south")["arm"] == "none"
    with pytest.raises(ConfigError, match=r"offer vip.*'region'"):
        one((vip,))


def test_the_global_holdout_is_never_treated_and_costs_no_budget():
    frame = pd.DataFrame([GOOD | {"customer_id": f"c{k}"} for k in range(200)])
    policy = Policy(budget=1000.0, holdout=0.0, global_holdout=0.2, power=0.99)
    made = build_list(frame, [CALL], policy).frame
    never = set(made.loc[made["suppressed_because"] == GLOBAL, "customer_id"])
    assert 20 <= len(never) <= 60
    other = build_list(frame, [CALL], Policy(global_holdout=0.2, seed=9)).frame
    assert never == set(other.loc[other["suppressed_because"] == GLOBAL, "customer_id"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"p_churn": 1.2}, "outside 0..1"),
        ({"p_churn": None}, "missing or outside"),
        ({"loss_if_silent": float("inf")}, "infinite"),
        ({"customer_id": None}, "without customer_id"),
    ],
)
def test_unusable_customers_are_refused_in_one_line(columns, message):
    with pytest.raises(DataError, match=message):
        one(**columns)


def test_a_customer_on_two_rows_is_refused():
    frame = pd.DataFrame([GOOD | {"customer_id": "x"}] * 2)
    with pytest.raises(DataError, match="more than one row"):
        build_list(frame, [CALL], FREE)
    with pytest.raises(DataError, match="lack column cutoff, p_churn"):
        build_list(frame[["customer_id", "loss_if_silent"]], [CALL], FREE)
