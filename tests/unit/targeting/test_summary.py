import json

import numpy as np
import pandas as pd
import pytest

from holdfast.targeting.offers import Offer
from holdfast.targeting.policy import Policy
from holdfast.targeting.scored_list import build_list

CALL = Offer("call", contact_cost=2.0, effect_assumed=0.1)


def people(n, **columns):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{k:05d}" for k in range(n)],
            "cutoff": pd.Timestamp("2024-01-01"),
            "p_churn": rng.uniform(0.2, 0.8, n),
            "loss_if_silent": rng.uniform(100, 300, n),
        }
    )
    return frame.assign(**columns)


def test_a_round_that_can_answer_takes_the_holdout_it_needs():
    strong = Offer("call", contact_cost=2.0, effect_assumed=0.3)
    made = build_list(people(3000), [strong], Policy(holdout=0.01)).summary
    assert made["round_can_answer"]
    assert made["holdout_share"] > 0.01
    assert made["smallest_detectable_effect"] <= made["effect_expected"]
    assert any("can answer at 80% power" in note for note in made["notes"])


def test_a_round_that_cannot_answer_says_so():
    made = build_list(people(100), [CALL], Policy()).summary
    assert not made["round_can_answer"]
    assert made["smallest_detectable_effect"] > made["effect_expected"]
    assert any("cannot answer" in note for note in made["notes"])


def test_the_summary_adds_up_and_is_plain_json():
    mail = Offer("mail", contact_cost=0.1, incentive_cost=5.0, accept_stayers=0.2, accept_leavers=0.2,
                 effect_assumed=0.02)  # fmt: skip
    made = build_list(people(500, contacts_30d=0), [CALL, mail], Policy(budget=300.0))
    summary = json.loads(json.dumps(made.summary))
    treated = made.frame[made.frame["arm"] == "treat"]
    assert summary["n_considered"] == 500
    assert summary["n_treated"] + summary["n_holdout"] + sum(summary["by_suppression"].values()) == 500
    assert summary["expected_profit"] == pytest.approx(treated["expected_profit"].sum())
    assert sum(one["n_treated"] for one in summary["by_offer"].values()) == summary["n_treated"]
    assert sum(one["expected_cost"] for one in summary["by_offer"].values()) == pytest.approx(summary["expected_cost"])
    # worst case: 2 for a call, 0.1 + 5 for a mail
    worst = treated["planned_offer"].map({"call": 2.0, "mail": 5.1}).sum()
    assert summary["worst_case_cost"] == pytest.approx(worst)
    assert "assumed" in summary["effect_source"]


def test_notes_say_what_could_not_be_checked():
    notes = " ".join(build_list(people(5), [CALL], Policy(contact_cap_max=1)).summary["notes"])
    for words in ("Consent is not recorded", "Complaints are not recorded", "Contacts are not recorded", "no interval"):
        assert words in notes
    full = people(5, contacts_30d=0, open_complaint=False, consent_channels="*", loss_low=50.0, loss_high=400.0)
    notes = " ".join(build_list(full, [CALL], Policy(contact_cap_max=1)).summary["notes"])
    assert "not recorded" not in notes
    assert "no interval" not in notes


def test_gated_offers_without_reasons_explain_the_empty_list():
    voucher = Offer("voucher", reasons=("price",), contact_cost=1.0, effect_assumed=0.5)
    made = build_list(people(5, reason_indicated="price", reason_indicated_strength=0.4), [voucher], Policy())
    assert made.summary["n_treated"] == 0
    assert any("gate_by_indicated: true" in note for note in made.summary["notes"])
    opened = build_list(
        people(5, reason_indicated="price", reason_indicated_strength=0.4), [voucher], Policy(gate_by_indicated=True)
    )
    assert opened.summary["n_treated"] > 0


def test_sums_that_are_not_measured_are_none_and_no_offers_are_explained():
    summary = build_list(people(5), [CALL], Policy()).summary
    assert summary["low"] is None
    empty = build_list(people(5), [], Policy()).summary
    assert empty["smallest_detectable_effect"] is None
    assert "No offers are configured" in empty["effect_source"]
    assert empty["by_suppression"] == {"no eligible offer": 5}
