"""Texts that YAML takes for dates or figures, the edges of the targeting section, and whom an accept rate is for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError
from holdfast.params import Config, load_config

SMALL = """
version: 1
source:
  tables:
    purchases: {path: p.csv, columns: {customer_id: id, at: day, amount: value}}
    customers:
      path: c.csv
      columns: {customer_id: id}
"""
SILENCE = "tasks:\n  churn: {kind: silence}\n"


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "holdfast.yaml"
    path.write_text(text)
    return load_config(path)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("attributes: [2024-01-01, 7, 1.5, true, yes]", ("2024-01-01", "7", "1.5", "true", "yes")),
        ("exclude: [2024-01-01]", ("2024-01-01",)),
        ("static: [2024-01-01, '2024-01-02']", ("2024-01-01", "2024-01-02")),
        ("exclude: plan", ("plan",)),
    ],
)
def test_names_of_columns_may_look_like_dates_and_figures(tmp_path, option, expected) -> None:
    config = load(tmp_path, f"{SMALL}      {option}\n{SILENCE}")
    assert getattr(config.source.tables["customers"], option.split(":")[0]) == expected


def test_other_texts_may_look_like_dates_too(tmp_path) -> None:
    text = SMALL.replace("amount: value", "amount: 2024-01-01") + (
        "tasks:\n  churn: {kind: given, label: 2024-02-01, positive: 2024-03-01}\n"
        "exits: {reasons: {price: [2024-04-01]}, not_influenceable: [2024-05-01]}\n"
    )
    text = text.replace("positive:", "snapshot_at: 2024-06-01, positive:")
    config = load(tmp_path, text)
    assert (config.tasks.churn.snapshot_date.isoformat(), config.tasks.churn.snapshot_column) == ("2024-06-01", None)
    assert config.source.tables["purchases"].columns["amount"] == "2024-01-01"
    assert (config.tasks.churn.label, config.tasks.churn.positive) == ("2024-02-01", "2024-03-01")
    assert config.exits.reasons == {"price": ("2024-04-01",)}
    assert config.exits.not_influenceable == ("2024-05-01",)


def test_a_date_stays_a_date_where_one_is_asked(tmp_path) -> None:
    for word in ("2024-01-01", "'2024-01-01'"):
        config = load(tmp_path, SMALL.replace("source:", f"source:\n  as_of: {word}") + SILENCE)
        assert config.source.as_of.isoformat() == "2024-01-01"


@pytest.mark.parametrize(
    ("key", "value"), [("holdout", 0), ("holdout", 0.5), ("budget", 0), ("budget", 1e12), ("global_holdout", 0.5)]
)
def test_the_edges_of_targeting_are_allowed(tmp_path, key, value) -> None:
    assert getattr(load(tmp_path, f"{SMALL}{SILENCE}targeting: {{{key}: {value}}}\n").targeting, key) == value


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("holdout: 0.51", "at most 0.5"), ("holdout: -0.1", "at least 0"), ("budget: -1", "at least 0"),
        ("budget: 1000000000001", "at most 1000000000000"), ("global_holdout: 0", "more than 0"),
        ("global_holdout: 0.51", "at most 0.5"), ("contact_cap: {max: -1}", "at least 0"),
        ("contact_cap: {per: 0d}", "more than 0"),
    ],
)  # fmt: skip
def test_beyond_the_edges_one_line_says_how_far_it_goes(tmp_path, words, expected) -> None:
    said = refused(tmp_path, f"{SMALL}{SILENCE}targeting: {{{words}}}\n")
    assert f"targeting.{words.split(':')[0]}" in said
    assert expected in said


shares = st.floats(0, 1).map(lambda share: round(share, 4))


def offer(**words) -> tuple[float, float]:
    content = {
        "source": {"tables": {"purchases": {"path": "p", "columns": {"customer_id": "c", "at": "d", "amount": "a"}}}},
        "tasks": {"churn": {"kind": "silence"}},
        "offers": [{"name": "o", "effect": {"assumed": 0.1}, **words}],
    }
    rate = Config.from_dict(content).offers[0].accept_rate
    return rate.stayers, rate.leavers


@given(one=shares, other=shares)
def test_an_accept_rate_for_one_group_stands_for_both(one, other) -> None:
    assert offer() == (1.0, 1.0)
    assert offer(accept_rate=one) == (one, one)
    assert offer(accept_rate={"leavers": one}) == (one, one)
    assert offer(accept_rate={"stayers": one}) == (one, one)
    assert offer(accept_rate={"stayers": one, "leavers": other}) == (one, other)


@pytest.mark.parametrize("rate", ["1.5", "{leavers: -0.1}", "{leaver: 0.1}", "often"])
def test_an_accept_rate_that_is_none_is_refused(tmp_path, rate) -> None:
    text = f"{SMALL}{SILENCE}offers: [{{name: o, effect: {{assumed: 0.1}}, accept_rate: {rate}}}]\n"
    assert "offers[0].accept_rate" in refused(tmp_path, text)


@pytest.mark.parametrize("condition", ["clv >", "clv > 50 and", "clv >> 50", "import os", "f(clv) > 1", "clv = 5"])
def test_a_condition_nobody_can_read_is_refused_before_the_run(tmp_path, condition) -> None:
    said = refused(
        tmp_path, f'{SMALL}{SILENCE}offers: [{{name: o, effect: {{assumed: 0.1}}, eligible: "{condition}"}}]\n'
    )
    assert "offers[0].eligible" in said
    assert 'a condition such as "clv > 50"' in said


def test_a_key_of_another_kind_of_task_is_told_apart_from_a_misspelt_one(tmp_path) -> None:
    said = refused(tmp_path, SMALL + "tasks:\n  churn: {kind: silence, factor: 2}\n")
    assert "tasks.churn.factor: key 'factor' belongs to another kind than the one asked for" in said
    assert "did you mean 'horizon'" in refused(tmp_path, SMALL + "tasks:\n  churn: {kind: silence, horizn: 9d}\n")
