import numpy as np
import pandas as pd
import pytest

from holdfast.targeting.offers import Offer
from holdfast.targeting.policy import Policy
from holdfast.targeting.scored_list import build_list

CONTRACT = """
    list_id, rank, customer_id, cutoff, p_churn, p_loyal, history_state, clv, loss_if_silent, profit_at_risk,
    exit_reason, reason_source, reason_prob, reason_1, reason_2, reason_3, planned_offer, channel, cost,
    expected_uplift, effect_source, expected_profit, profit_low, profit_high, arm, suppressed_because, consent_basis,
    last_contact_at, contacts_30d, open_complaint, owner, act_before, valid_until, is_new_on_list, model_version,
    run_id
""".replace(",", " ").split()
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


def test_the_columns_are_those_of_the_contract_in_its_order():
    assert build_list(people(3), [CALL], Policy()).frame.columns.tolist() == CONTRACT
    assert build_list(people(0), [], Policy()).frame.columns.tolist() == CONTRACT


def test_one_customer_by_hand():
    # p .5, loss 200 x margin .5 = 100, effect .1 of leavers: uplift .05, profit .05 x 100 - 2 = 3; at risk 50
    frame = people(1, p_churn=0.5, loss_if_silent=200.0, loss_low=100.0, loss_high=400.0)
    row = build_list(frame, [CALL], Policy(margin=0.5), model_version="m1", run_id="r1").frame.iloc[0]
    figures = row[["loss_if_silent", "profit_at_risk", "cost", "expected_uplift", "expected_profit"]].tolist()
    assert figures == pytest.approx([100.0, 50.0, 2.0, 0.05, 3.0])
    # low .05 x 50 - 2 = .5; high .05 x 200 - 2 = 8
    assert row[["profit_low", "profit_high"]].tolist() == pytest.approx([0.5, 8.0])
    assert row[["model_version", "run_id", "arm", "effect_source"]].tolist() == ["m1", "r1", "treat", "assumed"]


def test_the_budget_is_spent_on_the_treated_and_the_holdout_is_free():
    made = build_list(people(2000), [CALL], Policy(budget=1000.0))
    # 1000 / 2 = 500 treated; one in ten of the selected held out: 500 / .9 = 556
    assert made.summary["expected_cost"] <= 1000.0
    assert made.summary["n_treated"] >= 495
    assert made.summary["n_holdout"] / (made.summary["n_treated"] + made.summary["n_holdout"]) == pytest.approx(
        0.1, abs=0.01
    )


@pytest.mark.parametrize("budget", [10.0, 100.0, 333.0, 700.0, 1000.0, 2000.0])
def test_less_than_one_contact_is_left_while_somebody_waits_for_money(budget):
    summary = build_list(people(2000), [CALL], Policy(budget=budget)).summary
    assert summary["by_suppression"]["budget"] > 0
    assert 0 <= budget - summary["expected_cost"] < 2.0


def test_a_larger_budget_earns_more():
    cheap = Offer("mail", contact_cost=0.3, effect_assumed=0.02)
    profits = [
        build_list(people(600), [CALL, cheap], Policy(budget=b)).summary["expected_profit"] for b in (50, 100, 400)
    ]
    assert profits == sorted(profits)


def test_treated_and_held_out_are_alike():
    made = build_list(people(4000), [CALL], Policy(budget=2000.0, holdout=0.3)).frame
    arms = [made.loc[made["arm"] == arm, "p_churn"] for arm in ("treat", "holdout")]
    # means of about 1000 and 430 rows with deviation .12: 4 standard errors of the difference are .028
    assert abs(arms[0].mean() - arms[1].mean()) < 0.028


def test_the_holdout_is_stable_when_others_come_and_the_round_is_the_same():
    frame = people(1000)
    one = build_list(frame, [CALL], Policy()).frame
    two = build_list(frame.iloc[1:], [CALL], Policy()).frame
    held = [set(made.loc[made["arm"] == "holdout", "customer_id"]) for made in (one, two)]
    assert len(held[0] & held[1]) >= 95
    later = build_list(frame.assign(cutoff=pd.Timestamp("2024-02-01")), [CALL], Policy()).frame
    again = set(later.loc[later["arm"] == "holdout", "customer_id"])
    assert len(held[0] & again) < 30  # about 10 by chance: a new round draws anew


def test_new_on_the_list():
    made = build_list(people(3, was_on_last_list=[True, False, None]), [CALL], Policy(holdout=0.0)).frame
    assert made.set_index("customer_id")["is_new_on_list"].sort_index().astype(object).tolist() == [False, True, pd.NA]


def test_the_list_id_changes_with_the_content_only():
    frame = people(50)
    one, two = (build_list(frame, [CALL], Policy(), run_id=run).frame["list_id"].iloc[0] for run in ("r1", "r2"))
    other = build_list(frame, [CALL], Policy(budget=10.0)).frame["list_id"].iloc[0]
    assert one == two != other
    assert len(one) == 12


def test_the_list_survives_parquet(tmp_path):
    made = build_list(people(20), [CALL], Policy()).frame
    made.to_parquet(tmp_path / "retention.parquet")
    back = pd.read_parquet(tmp_path / "retention.parquet")
    assert back.columns.tolist() == CONTRACT
    assert back["customer_id"].tolist() == made["customer_id"].tolist()
    assert back["cost"].fillna(-1).tolist() == made["cost"].fillna(-1).tolist()


def test_nobody_to_consider():
    made = build_list(people(0), [CALL], Policy(budget=10.0))
    assert len(made.frame) == 0
    assert made.summary["n_treated"] == 0
