"""Churn rate (A2), leaver distribution (A4), profit lost and justified spend (A5 to A7), fix list (A8)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from holdfast.errors import ConfigError, DataError
from holdfast.exits.distribution import UNKNOWN, leaver_distribution
from holdfast.exits.ledger import justified_spend, net_benefit, pays, profit_lost
from holdfast.exits.measures import Measure, fix_list
from holdfast.exits.rate import churn_rate, wilson
from holdfast.schema import EXIT_CLASSES


def clients(n: int, lost: int, period: str = "2024-01-01") -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"k{i}" for i in range(n)], "period": period,
                         "lost": [int(i < lost) for i in range(n)]})  # fmt: skip


def test_a2_330_of_6600_is_five_per_cent():
    (row,) = churn_rate(clients(6600, 330)).to_dict("records")
    assert (row["n"], row["lost"], row["rate"]) == (6600, 330, 0.05)
    assert row["low"] < 0.05 < row["high"]


@given(st.integers(0, 60), st.integers(1, 60))
def test_a2_the_interval_is_wilsons(lost, more):
    n = lost + more
    low, high = wilson([lost], [n])
    oracle = binomtest(lost, n).proportion_ci(method="wilson")
    assert (low[0], high[0]) == (pytest.approx(oracle.low, abs=1e-12), pytest.approx(oracle.high, abs=1e-12))


def test_a2_groups_add_up_to_everybody_and_a_missing_group_is_one():
    rows = clients(10, 4)
    region = pd.Series(["north"] * 4 + ["south"] * 4 + [None] * 2)
    found = churn_rate(rows, {"region": region})
    split = found[found["split"] == "region"]
    assert set(split["segment"]) == {"north", "south", "missing"}
    assert (split["n"].sum(), split["lost"].sum()) == (10, 4)


def test_a2_a_customer_counts_once_in_a_period():
    with pytest.raises(DataError, match="twice"):
        churn_rate(pd.concat([clients(2, 1), clients(1, 1)]))


reasons = st.lists(st.sampled_from([*EXIT_CLASSES, None, "mumbling"]), min_size=1, max_size=40)


@given(reasons)
def test_a4_shares_with_unknown_add_to_one_and_match_the_counts(given_reasons):
    found = leaver_distribution(pd.DataFrame({"reason": given_reasons})).set_index("reason")
    assert found["share"].sum() == pytest.approx(1.0)
    assert set(found.index) == {*EXIT_CLASSES, UNKNOWN}
    for name in EXIT_CLASSES:
        assert found.loc[name, "leavers"] == given_reasons.count(name)
    assert found["leavers"].sum() == len(given_reasons)


def test_a4_over_time_and_by_tier_each_group_adds_to_one():
    rows = pd.DataFrame({"reason": ["price", None, "service", "price"], "tier": ["low", "low", "high", None]})
    found = leaver_distribution(rows, ["tier"])
    assert found.groupby("tier")["share"].sum().round(9).to_dict() == {"low": 1.0, "high": 1.0, "missing": 1.0}
    assert found["leavers"].sum() == 4


def test_a4_expected_leavers_weigh_by_their_risk():
    found = leaver_distribution(pd.DataFrame({"reason": ["price", None], "weight": [0.75, 0.25]})).set_index("reason")
    assert (found.loc["price", "share"], found.loc[UNKNOWN, "share"]) == (0.75, 0.25)


def test_a4_nobody_left_is_an_empty_table():
    assert leaver_distribution(pd.DataFrame({"reason": []})).empty


def test_a6_the_worked_example():
    lost = profit_lost(6600, 0.05, 10_000, 0.10)
    assert (lost.lost, lost.revenue, lost.profit) == (330, 3_300_000, 330_000)
    assert pays(329_999, lost.profit)
    assert not pays(330_000, lost.profit)
    # with save rate s the break-even is 330 000 · s; per treated client 50 · s when all 6 600 are treated
    for save_rate in (0.1, 0.5, 1.0):
        assert pays(330_000 * save_rate - 1, lost.profit, save_rate)
        assert not pays(6600 * 50 * save_rate, lost.profit, save_rate)


@pytest.mark.parametrize("bad", [(6600, 1.5, 1, 0.1), (6600, 0.5, 1, 2), (-1, 0.5, 1, 0.1)])
def test_a6_what_is_no_share_is_refused(bad):
    with pytest.raises(ConfigError):
        profit_lost(*bad)


amounts = st.lists(st.tuples(st.floats(0, 50), st.floats(0, 20)), min_size=1, max_size=25)


def curve(pairs, dearer: float = 0.0, save: float = 1.0) -> pd.DataFrame:
    gain, cost = (pd.Series(column) for column in zip(*pairs, strict=True))
    return net_benefit(gain * save, cost + dearer, pd.Series([f"k{i}" for i in range(len(pairs))]))


@given(amounts)
def test_a7_the_best_length_is_where_contacts_stop_paying(pairs):
    found = curve(pairs)
    best = justified_spend(found)
    assert best["net"] == pytest.approx(sum(max(gain - cost, 0) for gain, cost in pairs))
    assert best["length"] <= best["break_even_length"] <= len(pairs)
    assert found["net"].iloc[0] == 0


@given(amounts, st.floats(0.1, 10))
def test_a7_a_dearer_offer_never_lengthens_the_list(pairs, dearer):
    assert justified_spend(curve(pairs, dearer))["length"] <= justified_spend(curve(pairs))["length"]


@given(amounts)
def test_a7_a_save_rate_of_zero_targets_nobody(pairs):
    best = justified_spend(curve([(gain, cost + 0.01) for gain, cost in pairs], save=0.0))
    assert (best["length"], best["spend"], best["break_even_spend"]) == (0, 0, 0)


def repair(cost: float, save_rate: float | None = 1.0, reason: str = "service") -> Measure:
    return Measure(reason, "call back within a day", "care", cost, save_rate)


def test_a8_the_decision_flips_at_the_break_even():
    for total, decision in ((329_999, "go"), (330_000, "no-go"), (330_001, "no-go")):
        found = fix_list([repair(total / 6600)], clients=6600, leavers={"service": 330}, profit_per_leaver=1000)
        assert found.loc[0, "decision"] == decision
        assert found.loc[0, "break_even_cost"] == 330_000


def test_a8_a_measure_counts_on_its_own_class_only_and_says_the_range():
    found = fix_list([repair(1.0, 0.2), repair(1.0, 0.2, "price")], clients=1000, leavers={"service": 50},
                     profit_per_leaver=100).set_index("reason")  # fmt: skip
    assert found.loc["service", "avoidable"] == pytest.approx(10)
    assert found.loc["service", "avoidable_low"] < 10 < found.loc["service", "avoidable_high"]
    # Wilson's interval of 50 in 1 000 is 3.8 % to 6.5 %: 38 to 65 leavers, a fifth of them avoidable
    assert found.loc["service", "avoidable_low"] == pytest.approx(38.13 * 0.2, abs=0.05)
    assert found.loc["price", "profit_saved"] == 0
    assert found.loc["price", "decision"] == "no-go"


def test_a8_without_a_save_rate_or_a_profit_nothing_is_decided():
    found = fix_list([repair(1.0, None)], clients=10, leavers={"service": 1}, profit_per_leaver=5.0)
    assert found.loc[0, "decision"] == "undecided"
    assert (
        fix_list([repair(1.0)], clients=10, leavers={"service": 1}, profit_per_leaver=None).loc[0, "decision"]
        == "undecided"
    )
    assert fix_list([], clients=10, leavers={}, profit_per_leaver=1.0).empty
    assert (
        fix_list([Measure("price", "m", None, 0, 1)], clients=1, leavers={}, profit_per_leaver=1)["owner"][0]
        == "missing"
    )


def test_figures_are_numbers_not_objects():
    found = churn_rate(clients(20, 3))
    assert all(np.issubdtype(found[name].dtype, np.number) for name in ("n", "lost", "rate", "low", "high"))
