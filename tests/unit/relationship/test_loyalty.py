"""Loyal, captive, habitual: the rule, and what is not known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.relationship.loyalty import STRATEGY, attachment, evidence, switching_cost


def stands(**features: float | None) -> str:
    """One customer among two others who span the surveys' scale."""
    p = features.pop("p_loyal", 0.9)
    frame = pd.DataFrame([features, dict.fromkeys(features, 1.0), dict.fromkeys(features, 5.0)]).astype(float)
    kinds = attachment(pd.Series([p, 0.9, 0.9]), switching_cost(frame), evidence(frame))
    return kinds.iloc[0]


@pytest.mark.parametrize(
    ("features", "kind"),
    [
        ({"commitment_last": 5, "memberships_active": 0, "referrals_all": 0}, "loyal"),
        ({"commitment_last": 1, "memberships_active": 0, "referrals_all": 1}, "loyal"),
        # locked in, recommends nobody (C7): captive, not loyal
        ({"commitment_last": 1, "memberships_active": 2, "referrals_all": 0}, "captive"),
        ({"commitment_last": 1, "memberships_active": 2, "referrals_all": 0, "p_loyal": 0.1}, "captive"),
        ({"commitment_last": 1, "memberships_active": 0, "referrals_all": 0}, "habitual"),
        ({"commitment_last": 5, "memberships_active": 0, "referrals_all": 0, "p_loyal": 0.1}, "uncertain"),
        ({"commitment_last": None, "memberships_active": 0}, "not measured"),
        ({"memberships_active": 2}, "not measured"),
        ({"nps_last": 9, "memberships_active": 2}, "loyal"),
        ({"nps_last": 6, "memberships_active": 2}, "captive"),
    ],
)
def test_one_fixture_for_each_kind(features, kind):
    """D9: loyal, captive and habitual are told apart."""
    assert stands(**features) == kind


def test_every_kind_names_its_strategy():
    assert set(STRATEGY) == {"loyal", "captive", "habitual", "uncertain", "not measured"}
    assert all(STRATEGY.values())


def test_switching_cost_by_hand():
    # six of twelve months left: .5; one of two memberships: .5; points ranked second of two: 1 / 2
    frame = pd.DataFrame({"contract_term_months": [12.0, 12.0], "contract_term_used": [0.5, 2.0],
                          "memberships_active": [1.0, 0.0], "membership_points": [200.0, 100.0]})  # fmt: skip
    # 1 − .5 · .5 · .5; and only points, ranked first of two: 1 / 4
    assert switching_cost(frame).tolist() == [0.875, 0.25]


def test_nothing_recorded_is_missing_not_zero():
    assert switching_cost(pd.DataFrame({"orders_30d": [1.0]})).isna().all()
    assert evidence(pd.DataFrame({"orders_30d": [1.0]})).isna().all().all()


def test_no_answer_is_not_a_no():
    known = evidence(pd.DataFrame({"commitment_last": [np.nan, 1.0, 5.0]}))
    assert known["committed"].tolist()[1:] == [False, True]
    assert pd.isna(known["committed"].iloc[0])


@given(st.floats(0, 3), st.floats(0, 24), st.floats(0, 1.5), st.floats(0, 2))
def test_more_ties_never_make_leaving_easier(active, months, used, more):
    frame = pd.DataFrame({
        "memberships_active": [active, active + more], "contract_term_months": [months, months + more],
        "contract_term_used": [used, used],
    })  # fmt: skip
    less, greater = switching_cost(frame)
    assert 0 <= less <= greater <= 1


@given(st.floats(0, 1), st.floats(0, 1), st.booleans(), st.booleans())
def test_who_is_locked_in_and_recommends_nobody_is_never_loyal(p, cost, recommends, committed):
    """C7: a locked-in customer who recommends nobody is captive, not loyal."""
    known = pd.DataFrame({"recommends": [recommends], "committed": [committed]}, dtype="boolean")
    (kind,) = attachment(pd.Series([p]), pd.Series([cost]), known)
    if not recommends and not committed:
        assert kind != "loyal"
