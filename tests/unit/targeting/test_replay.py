import pandas as pd
import pytest

from holdfast.errors import ConfigError, DataError
from holdfast.targeting.replay import replay, usual_rules

SCORES = pd.DataFrame(
    {"customer_id": list("abcdef"), "score": [0.9, 0.8, 0.7, 0.3, 0.2, 0.1], "value": [10.0, 20, 30, 40, 50, 60]}
)
AFTER = pd.DataFrame(
    {
        "customer_id": list("fedcba"),
        "lost": [0, 0, 1, 0, 1, 1],
        "returned": [0, 0, 0, 0, 1, 0],
        "margin_after": [70.0, 55.0, 0.0, 25.0, 8.0, 0.0],
    }
)


def test_fates_by_hand():
    # top 3 = a (lost), b (silent, came back with 8 of 20), c (stayed with 25)
    """H3: lost, stayed and came back match the histories."""
    row = replay(SCORES, AFTER, {}, top=3).iloc[0]
    assert row[["rule", "top", "lost", "stayed", "came_back"]].tolist() == ["list", 3, 1, 1, 1]
    # lost margin: (10 - 0) + (20 - 8) = 22; base: a and d of six are lost for good; lift (1/3) / (2/6) = 1
    assert row[["margin_lost", "margin_stayed", "margin_came_back"]].tolist() == [22.0, 25.0, 8.0]
    assert row[["share_lost", "share_silent", "base_share_lost", "lift"]].tolist() == pytest.approx(
        [1 / 3, 2 / 3, 1 / 3, 1.0]
    )


def test_the_value_rule_and_baselines_stand_beside_it():
    days = pd.Series([5, 4, 3, 90, 1, 2], index=list("abcdef"))
    table = replay(SCORES, AFTER, {"days_since_last_order": days}, top=2).set_index("rule")
    assert table.index.tolist() == ["list", "value", "days_since_last_order"]
    assert table.loc["value", ["lost", "stayed", "came_back"]].tolist() == [0, 2, 0]  # f and e
    assert table.loc["days_since_last_order", ["lost", "stayed", "came_back"]].tolist() == [2, 0, 0]  # d and a
    assert (table["lost"] + table["stayed"] + table["came_back"] == table["top"]).all()


def test_ties_go_by_customer_and_the_unknown_come_last():
    rule = pd.Series([1.0, 1.0, None], index=["d", "a", "b"])
    row = replay(SCORES, AFTER, {"rule": rule}, top=2).set_index("rule").loc["rule"]
    assert row[["lost", "stayed", "came_back"]].tolist() == [2, 0, 0]  # a and d, both lost
    shuffled = replay(SCORES.iloc[::-1], AFTER.iloc[::-1], {"rule": rule.iloc[::-1]}, top=2)
    pd.testing.assert_frame_equal(shuffled, replay(SCORES, AFTER, {"rule": rule}, top=2))


def test_a_list_longer_than_the_cohort_takes_everybody():
    table = replay(SCORES, AFTER, {}, top=100)
    assert table["top"].tolist() == [6, 6]
    assert table["lift"].tolist() == [1.0, 1.0]


def test_the_usual_rules():
    features = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "days_since_last_order": [1, 50, 50],
            "orders_365d": [9, 1, 9],
            "spend_365d": [90.0, 5.0, 90.0],
        }
    )
    rules = usual_rules(features)
    assert rules["days_since_last_order"].to_dict() == {"a": 1.0, "b": 50.0, "c": 50.0}
    assert rules["rfm"].idxmax() == "c"  # long silent, frequent and big
    with pytest.raises(DataError, match="orders_all, spend_all"):
        usual_rules(features.drop(columns="spend_365d").drop(columns="orders_365d"))


def test_who_was_never_silent_cannot_come_back():
    # f and e stayed; a mark of return on them changes nothing
    row = replay(SCORES, AFTER.assign(returned=1), {}, top=6).iloc[0]
    assert row[["lost", "stayed", "came_back"]].tolist() == [0, 3, 3]


def test_wrong_use_is_refused():
    with pytest.raises(ConfigError, match="top 0"):
        replay(SCORES, AFTER, {}, top=0)
    with pytest.raises(ConfigError, match="'list'"):
        replay(SCORES, AFTER, {"list": SCORES["score"]}, top=1)
    with pytest.raises(DataError, match="2 scored customers have no outcome"):
        replay(SCORES, AFTER.iloc[2:], {}, top=1)
    with pytest.raises(DataError, match="outcomes lack column lost"):
        replay(SCORES, AFTER.drop(columns="lost"), {}, top=1)
    with pytest.raises(DataError, match="twice"):
        replay(pd.concat([SCORES, SCORES]), AFTER, {}, top=1)
