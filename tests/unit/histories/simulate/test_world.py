import filecmp
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from holdfast.errors import ConfigError
from holdfast.histories.simulate.columns import ARROW_TYPES
from holdfast.histories.simulate.options import WorldOptions
from holdfast.histories.simulate.world import simulate
from holdfast.schema import EXIT_CLASSES, TABLES

END = pd.Timestamp(2025, 1, 1)
START = END - pd.Timedelta(730, unit="D")
ATTRIBUTES = {"acquisition_channel"}
# Tables whose rows date the beginning of a state, which may be older than the window.
MAY_START_EARLIER = {"contracts", "memberships"}


def _files(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_same_arguments_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        simulate(300, months=12, seed=5).write(tmp_path / name)
    names = _files(tmp_path / "a")
    assert names == _files(tmp_path / "b")
    same, different, broken = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)
    assert (different, broken) == ([], [])
    assert len(same) == len(names)


def test_another_seed_gives_another_world():
    first, second = (simulate(100, months=6, seed=seed).tables["purchases"] for seed in (1, 2))
    assert not first.equals(second)


def test_all_tables_of_the_schema_are_there(world):
    assert list(world.tables) == list(TABLES)


@pytest.mark.parametrize("name", list(TABLES))
def test_names_and_types_conform_to_the_schema(world, name):
    table, schema = world.tables[name], TABLES[name]
    extra = set(table.column_names) - set(schema.names)
    assert extra == (ATTRIBUTES if name == "customers" else set())
    for column in schema.columns:
        if column.name in table.column_names:
            assert table.schema.field(column.name).type == ARROW_TYPES[column.kind], column.name
    for required in schema.required:
        assert table.column(required).null_count == 0, required
    table.validate(full=True)


@pytest.mark.parametrize("name", [name for name, table in TABLES.items() if table.time])
def test_rows_lie_within_the_window(frames, name):
    at = frames[name][TABLES[name].time]
    assert at.max() < END
    oldest = START - pd.Timedelta(545, unit="D") if name in MAY_START_EARLIER else START
    assert at.min() >= oldest


@pytest.mark.parametrize("name", [name for name in TABLES if name != "customers"])
def test_every_customer_is_known(frames, name):
    known = set(frames["customers"].customer_id)
    for column in {"customer_id", "referrer_id", "referred_id"} & set(frames[name].columns):
        assert set(frames[name][column].dropna()) <= known


def test_parents_and_pairs_are_sound(frames):
    customers = frames["customers"].set_index("customer_id")
    assert customers.index.is_unique
    parents = customers.parent_id.dropna()
    assert len(parents) > 0
    assert (customers.loc[parents, "kind"] == "distributor").all()
    referrals = frames["referrals"]
    assert (referrals.referrer_id != referrals.referred_id).all()
    assert (customers.joined_at.loc[referrals.referrer_id].to_numpy() < referrals["at"].to_numpy()).all()


def test_reactions_follow_what_they_react_to(frames):
    for name, begin, later in [
        ("complaints", "at", "responded_at"), ("complaints", "responded_at", "resolved_at"),
        ("complaints", "resolved_at", "followed_up_at"), ("contacts", "at", "responded_at"),
        ("contracts", "started_at", "ended_at"), ("memberships", "joined_at", "left_at"),
        ("campaigns", "at", "delivered_at"), ("campaigns", "at", "redeemed_at"), ("managers", "from", "to"),
    ]:  # fmt: skip
        both = frames[name].dropna(subset=[begin, later])
        assert len(both) > 0, (name, later)
        assert (both[later] > both[begin]).all(), (name, later)
        assert both[later].max() < END


def test_nobody_acts_before_joining(frames):
    joined = frames["customers"].set_index("customer_id").joined_at
    for name in ("purchases", "contacts", "complaints", "events", "surveys", "payments", "campaigns"):
        rows = frames[name]
        assert (rows["at"] >= rows.customer_id.map(joined)).all(), name


def test_no_column_holds_personal_data(world):
    forbidden = ("name", "mail", "phone", "address", "street", "iban", "password")
    for table in world.tables.values():
        assert not [column for column in table.column_names if any(word in column for word in forbidden)]


def test_amounts_are_quantity_times_unit_price(frames):
    rows = frames["purchases"].head(2000)
    amount, quantity, price = (rows[name].astype(float) for name in ("amount", "quantity", "unit_price"))
    assert np.allclose(amount, quantity * price, atol=0.006)
    assert (rows.unit_price <= rows.list_price).all()


def test_churn_rate_of_an_active_cohort_is_plausible(frames):
    buys = frames["purchases"][frames["purchases"].amount > 0]

    def buyers(cutoff, first, last):
        between = (buys["at"] >= cutoff + timedelta(first)) & (buys["at"] < cutoff + timedelta(last))
        return set(buys.customer_id[between])

    for cutoff in (pd.Timestamp(2023, 9, 1), pd.Timestamp(2024, 3, 1), pd.Timestamp(2024, 10, 20)):
        cohort = buyers(cutoff, -120, 0)
        churn = len(cohort - buyers(cutoff, 7, 67)) / len(cohort)
        assert 0.15 <= churn <= 0.30


def test_surveys_leave_non_response_empty(frames):
    surveys = frames["surveys"]
    answered = surveys.trust.notna().mean()
    assert 0.15 < answered < 0.7
    assert surveys.trust.dropna().between(1, 5).all()
    assert surveys.nps.dropna().between(0, 10).all()


def test_written_world_reads_back_with_its_config(tmp_path):
    world = simulate(200, months=12, seed=9)
    world.write(tmp_path)
    assert not list(tmp_path.rglob("*.part"))
    config = yaml.safe_load((tmp_path / "holdfast.yaml").read_text(encoding="utf-8"))
    assert config["version"] == 1
    for name, mapping in config["source"]["tables"].items():
        stored = pq.read_table(tmp_path / mapping["path"])
        assert stored.equals(world.tables[name])
        assert set(mapping["columns"]) | set(mapping.get("attributes", [])) == set(stored.column_names)
        assert all(key == value for key, value in mapping["columns"].items())
    assert 4 <= len(config["offers"]) <= 6
    assert sorted(path.stem for path in (tmp_path / "truth").iterdir()) == sorted(world.truth)


def test_config_maps_the_firms_words_onto_the_classes(world, frames):
    exits = yaml.safe_load(world.config)["exits"]
    assert set(exits["reasons"]) == set(EXIT_CLASSES)
    mapped = [word for group in exits["reasons"].values() for word in group]
    assert len(mapped) == len(set(mapped))
    stated = frames["exits"].stated_reason
    assert 0.05 < stated.isna().mean() < 0.4
    assert stated.dropna().isin([*mapped, *exits["not_influenceable"], "Competitor", "Other"]).all()
    assert stated.isin(["Competitor", "Other"]).any()


@pytest.mark.parametrize("arguments", [(0, 24, 0), (10, 0, 0), (10, 24, -1)])
def test_impossible_sizes_are_refused(arguments):
    with pytest.raises(ConfigError, match="expected at least"):
        simulate(*arguments)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 4)])
def test_tiny_worlds_work(size):
    world = simulate(*size, seed=2)
    assert world.tables["customers"].num_rows == size[0]
    assert all(isinstance(table, pa.Table) and table.num_rows for table in world.tables.values())


def test_window_ends_where_the_options_say():
    world = simulate(100, months=6, options=WorldOptions(end=date(2024, 4, 1)))
    at = world.tables["purchases"].column("at").to_pandas()
    # 6 months of 30.4375 days are 182.6, rounded 183: from 2023-10-01 to 2024-04-01
    assert at.min() >= pd.Timestamp(2023, 10, 1)
    assert pd.Timestamp(2024, 3, 25) < at.max() < pd.Timestamp(2024, 4, 1)
