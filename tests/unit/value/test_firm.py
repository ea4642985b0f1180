"""The firm's own economics: tiers, cost of winning and keeping, price response, payback (C2 to C5, C8, C9)."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.histories.histories import Histories
from holdfast.pipelines.economics import price_trials, programmes, referrals, winning_and_keeping
from holdfast.value.concentration import concentration
from holdfast.value.firm import cost_ratio, payback, rate_interval
from holdfast.value.sensitivity import interaction, price_response
from holdfast.value.tiers import CARE, NO_CARE, care, potential, potential_tier, value_tier

AT = date(2024, 7, 1)
ORDER = {"negative": 0, "low": 1, "middle": 2, "high": 3}


def test_c2_equal_spend_and_a_built_eighty_twenty() -> None:
    """C2: equal spend gives 20 % to the best fifth; one in five with 80 of 100 gives 80 %."""
    assert concentration(np.ones(50))["top_20_share"] == pytest.approx(0.2)
    assert concentration([80.0, 5.0, 5.0, 5.0, 5.0])["top_20_share"] == pytest.approx(0.8)
    assert concentration(np.ones(50))["gini"] == pytest.approx(0.0)


def test_c3_six_hundred_over_a_hundred_is_six_and_nothing_without_acquisition() -> None:
    """C3: 600 / 100 = 6; undefined without acquisition data."""
    found = cost_ratio(6000.0, 10, 10_000.0, 100)
    assert found is not None
    assert found.ratio == 6.0
    assert cost_ratio(0.0, 10, 10_000.0, 100) is None


def shop(**more: pd.DataFrame) -> Histories:
    """a and b were there a year ago and a still is; c joined in the last year."""
    days = {"a": ["2023-01-05", "2024-05-05"], "b": ["2023-01-10"], "c": ["2024-02-01"]}
    rows = [{"customer_id": who, "at": day, "amount": 10.0} for who, found in days.items() for day in found]
    return Histories.from_frames({"purchases": pd.DataFrame(rows), **more}, end=AT)


def costs(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["at", "purpose", "amount"])


def test_c3_from_the_ledger() -> None:
    """C3: 600 for one customer won and 100 for one kept in the last year; older costs do not count."""
    found = winning_and_keeping(
        shop(costs=costs(("2024-01-01", "acquisition", 600.0), ("2024-02-01", "retention", 60.0),
                         ("2024-03-01", "programme", 40.0), ("2022-01-01", "acquisition", 9999.0))), AT,
    )  # fmt: skip
    assert isinstance(found, dict)
    assert (found["ratio"], found["won"], found["kept"]) == (6.0, 1, 1)
    assert winning_and_keeping(shop(), AT) == "not measured: no table of costs"
    only = shop(costs=costs(("2024-01-01", "retention", 60.0)))
    assert winning_and_keeping(only, AT) == "not measured: no costs with the purpose acquisition in the last year"


def test_c4_referrals_of_the_retained_and_the_lost_and_none_from_the_future() -> None:
    """C4: a referred once in the year and b never; a referral after the cutoff is not read."""
    made = pd.DataFrame({"referrer_id": ["a", "b"], "referred_id": ["x", "y"], "at": ["2024-01-05", "2024-08-01"]})
    found = referrals(shop(referrals=made).upto(AT), AT)
    assert isinstance(found, dict)
    assert found["retained"]["per_customer_year"] == 1.0
    assert found["lost"]["per_customer_year"] == 0.0
    assert found["lost"]["high"] == pytest.approx(-np.log(0.025))  # Garwood: no event in one year
    with pytest.raises(DataError, match="customer-years"):
        rate_interval(1, 0.0)


@given(st.lists(st.floats(-50, 500), min_size=1, max_size=60))
def test_c5_tiers_are_monotone_in_value(values: list[float]) -> None:
    """C5: a higher value never has a lower tier, equal values share one, and of distinct ones a fifth is high."""
    clv = pd.Series(values)
    ranks = value_tier(clv).map(ORDER)
    ordered = ranks.iloc[np.argsort(clv.to_numpy(), kind="stable")].to_numpy()
    assert (np.diff(ordered) >= 0).all()
    assert pd.DataFrame({"clv": clv, "rank": ranks}).groupby("clv")["rank"].nunique().max() == 1
    assert ((clv < 0) == (ranks == 0)).all()
    if clv.is_unique:
        assert (ranks == 3).sum() <= 0.2 * (clv >= 0).sum() + 1


def test_c5_many_customers_of_no_value_are_not_all_worth_a_manager() -> None:
    """C5: nine without value and one with: only one is high."""
    assert value_tier(pd.Series([0.0] * 9 + [100.0])).tolist() == ["low"] * 9 + ["high"]
    assert potential_tier(pd.Series([5.0] * 9 + [100.0])).value_counts().to_dict() == {"middle": 9, "high": 1}


def test_c5_care_by_both_tiers_and_nothing_for_negative_value() -> None:
    """C5: every pair of tiers names its care; a negative value gets no offer, whatever the potential."""
    pairs = pd.DataFrame(list(CARE), columns=["value", "room"])
    assert care(pairs["value"], pairs["room"]).tolist() == list(CARE.values())
    assert care(pd.Series(["negative"]), pd.Series(["high"])).tolist() == [NO_CARE]
    room = potential(pd.Series([1.0, 5.0]), pd.Series([np.nan, 10.0]))
    assert np.isnan(room[0])


def trial(n: int, effects: dict[str, float], seed: int, base: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"tier": tier, "treated": arm, "bought": rng.random(n) < base + effect * arm})
        for tier, effect in effects.items() for arm in (True, False)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True).astype({"bought": int})


def test_c8_a_planted_interaction_is_recovered() -> None:
    """C8: the others respond by 15 points and the loyal not at all."""
    rows = trial(2000, {"loyal": 0.0, "other": 0.15}, seed=1)
    verdicts = price_response(rows).set_index("tier")["verdict"].to_dict()
    assert verdicts == {"loyal": "does not respond", "other": "responds"}
    found = interaction(rows)
    assert found is not None
    assert found["low"] < -0.15 < found["high"] < 0


def test_c8_without_an_interaction_it_is_found_at_the_stated_rate() -> None:
    """C8: no difference planted: p below 5 % in about 5 % of trials; a verdict `responds` in about 2.5 %."""
    runs = [trial(100, {"loyal": 0.0, "other": 0.0}, seed) for seed in range(400)]
    found = [interaction(rows) for rows in runs]
    assert np.mean([one["p_value"] < 0.05 for one in found if one]) < 0.08
    said = [verdict == "responds" for rows in runs for verdict in price_response(rows)["verdict"]]
    assert np.mean(said) < 0.045


def test_c8_a_small_trial_is_not_clear_and_a_tiny_one_not_measurable() -> None:
    """C8: eight points of effect in a hundred per arm are not read as no response."""
    said = [price_response(trial(100, {"loyal": 0.08}, seed))["verdict"].iloc[0] for seed in range(60)]
    assert said.count("does not respond") <= 6
    assert price_response(trial(20, {"loyal": 0.5}, 0))["verdict"].tolist() == ["not measurable"]
    assert interaction(trial(20, {"loyal": 0.0, "other": 0.0}, 0)) is None


def test_c8_trials_without_a_control_say_nothing() -> None:
    campaigns = pd.DataFrame({"customer_id": ["a"], "offer": ["v"], "arm": ["treated"], "at": ["2024-01-01"]})
    said = price_trials(shop(campaigns=campaigns), AT, ["v"])
    assert said == "not measured: no price offer with a control group 60 days before the scoring date"


def test_c9_payback_matches_a_cash_flow_by_hand() -> None:
    """C9: −100, then +40 each period: −60, −20, +20: paid back in the third and from then on."""
    found = payback([100.0, 0.0, 0.0, 0.0], [40.0, 40.0, 40.0, -10.0])
    assert found["balance"].tolist() == [-60.0, -20.0, 20.0, 10.0]
    assert found["paid_back"].tolist() == [False, False, True, True]


def test_c9_a_programme_from_the_tables() -> None:
    """C9: two treated bring 10 each in the first month, the control nothing: gain 20 x .5 = 10 against a cost of 6."""
    days = pd.DataFrame(
        {"customer_id": ["a", "b", "c"], "at": ["2024-03-10", "2024-03-12", "2023-03-01"], "amount": 10.0}
    )
    campaigns = pd.DataFrame({"customer_id": ["a", "b", "c"], "offer": "club", "arm": ["treated", "treated", "control"],
                              "at": "2024-03-01", "cost": 3.0})  # fmt: skip
    histories = Histories.from_frames({"purchases": days, "campaigns": campaigns}, end=AT)
    found = programmes(histories, AT, 0.5)
    assert isinstance(found, dict)
    assert found["club"]["balance"][0] == 4.0
    assert found["club"]["paid_back_after_periods"] == 1
    alone = Histories.from_frames({"purchases": days, "campaigns": campaigns.iloc[:2]}, end=AT)
    assert programmes(alone, AT, 0.5) == {"club": "not measured: no control group"}
