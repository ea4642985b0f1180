"""A new list from a finished run: what may change, what is scaled, what is refused, and what is told."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_shop import config, write_shop
from stages import TO_REPORT, walked

from holdfast.errors import ConfigError, DataError
from holdfast.params import Config, load_config
from holdfast.pipelines.after import retarget
from holdfast.pipelines.graph import Context
from holdfast.pipelines.workspace import Workspace


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a finished run, all but the ledger."""
    folder = tmp_path_factory.mktemp("shop")
    walked(write_shop(folder), config(), TO_REPORT)
    return folder


@pytest.fixture
def shop(ready: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ready, tmp_path / "shop"))


def context(folder: Path, **changes: Any) -> Context:
    """The shop's context; a change replaces a section's keys, or a whole value."""
    content = load_config(folder / "holdfast.yaml").resolved()
    for name, value in changes.items():
        content[name] = content[name] | value if isinstance(value, dict) else value
    read = Config.from_dict(content, folder / "holdfast.yaml")
    return Context(read, Workspace.at(folder / "out"), None, lambda line: None)


def listed(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "out/lists/retention.parquet").sort_values("customer_id").reset_index(drop=True)


def test_the_same_config_gives_the_same_list(shop: Path) -> None:
    before = listed(shop)
    summary = retarget(context(shop), None)
    pd.testing.assert_frame_equal(listed(shop), before)
    assert summary["n_treated"] == (before["arm"] == "treat").sum() > 0


def test_the_budget_is_that_of_the_call(shop: Path) -> None:
    before = (listed(shop)["arm"] == "treat").sum()
    assert retarget(context(shop), 5.0)["budget"] == 5.0
    rows = listed(shop)
    reached = int((rows["arm"] == "treat").sum())
    # a call costs 1
    assert rows.loc[rows["arm"] == "treat", "cost"].sum() == reached
    assert 0 < reached <= 5 < before


@pytest.mark.parametrize("budget", [-1.0, np.nan, np.inf])
def test_a_budget_that_is_none_is_refused_and_nothing_is_written(shop: Path, budget: float) -> None:
    before = (shop / "out/lists/retention.parquet").read_bytes()
    with pytest.raises(ConfigError, match=r"--budget: came .*expected an amount of money, zero or more"):
        retarget(context(shop), budget)
    assert (shop / "out/lists/retention.parquet").read_bytes() == before


def test_another_margin_scales_the_losses(shop: Path) -> None:
    before = listed(shop)
    retarget(context(shop, economics={"margin": 0.15}), None)
    after = listed(shop)
    # from .3 to .15: half of it
    assert after["profit_at_risk"].to_numpy() == pytest.approx((before["profit_at_risk"] / 2).to_numpy(), nan_ok=True)
    assert after["p_churn"].tolist() == before["p_churn"].tolist()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"seed": 8}, "seed"),
        ({"tasks": {"churn": {"kind": "silence", "lookback": "90d", "horizon": "30d"}}}, "tasks"),
        ({"source": {"timezone": "Europe/London"}}, "source"),
        ({"economics": {"discount_rate": 0.2}}, r"economics\.discount_rate"),
        ({"economics": {"value_horizon": "180d"}}, r"economics\.value_horizon"),
        ({"economics": {"monthly_revenue": "bill"}}, r"economics\.monthly_revenue"),
    ],
)
def test_what_needs_another_run_is_refused_by_name(shop: Path, changes: dict[str, Any], key: str) -> None:
    before = (shop / "out/lists/retention.parquet").read_bytes()
    with pytest.raises(ConfigError, match=rf"^{key}: differs from the finished run.*use `holdfast run`$"):
        retarget(context(shop, **changes), None)
    assert (shop / "out/lists/retention.parquet").read_bytes() == before


def test_losses_of_zero_cannot_be_scaled(shop: Path) -> None:
    space = Workspace.at(shop / "out")
    facts = space.read_json("run.json")
    facts["config"]["economics"]["margin"] = 0.0
    space.write_json("run.json", facts)
    with pytest.raises(ConfigError, match=r"economics\.margin: was 0 in the finished run"):
        retarget(context(shop), None)


def test_the_report_is_that_of_the_new_list_and_names_the_run_it_is_made_from(shop: Path) -> None:
    run, old = (shop / "out/run.json").read_text(), (shop / "out/report.html").read_text()
    offers = [{"name": "postcard", "contact_cost": 0.5, "effect": {"assumed": 0.2}}]
    retarget(context(shop, offers=offers, targeting={"contact_cap": {"per": "14d", "max": 3}}), None)
    page = (shop / "out/report.html").read_text()
    assert "postcard" in page
    assert "postcard" not in old
    assert "made anew by `holdfast target`" in page
    facts = Workspace.at(shop / "out").read_json("run.json")
    assert facts["run_id"] in page
    assert (shop / "out/run.json").read_text() == run, "run.json stays that of the run"
    assert facts["config"]["targeting"]["contact_cap"] == {"per": "30d", "max": 1}
    summary = Workspace.at(shop / "out").read_json("lists/summary.json")
    assert (summary["contact_cap_days"], summary["contact_cap_max"]) == (14, 3), "`export` asks the list, not the run"
    assert set(listed(shop)["run_id"]) == {facts["run_id"]}


@pytest.mark.parametrize("name", ["value.parquet", "predictions/churn.parquet", "drivers/churn.parquet"])
def test_scores_of_another_run_make_no_list(shop: Path, name: str) -> None:
    frame = pd.read_parquet(shop / "out" / name)
    frame.iloc[1:].to_parquet(shop / "out" / name)
    with pytest.raises(DataError, match=rf"{name} is not what the finished run made its list from"):
        retarget(context(shop), None)


@pytest.mark.parametrize("name", ["value.parquet", "predictions", "drivers"])
def test_an_unfinished_run_makes_no_list(shop: Path, name: str) -> None:
    path = shop / "out" / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DataError, match=rf"no finished run here \({name} is missing\)"):
        retarget(context(shop), None)


def test_who_was_on_the_last_list_is_known_and_a_list_cannot_follow_itself(shop: Path) -> None:
    kept = shop / "last.parquet"
    shutil.copy(shop / "out/lists/retention.parquet", kept)
    retarget(replace(context(shop), previous=kept), 5.0)
    rows, last = listed(shop), pd.read_parquet(kept).set_index("customer_id")
    was = last["arm"].isin(["treat", "holdout"]).reindex(rows["customer_id"]).to_numpy()
    chosen = rows["arm"].isin(["treat", "holdout"]).to_numpy()
    assert (rows["is_new_on_list"].fillna(False).to_numpy(bool) == (chosen & ~was)).all()
    with pytest.raises(ConfigError, match="is the list that this one takes the place of"):
        retarget(replace(context(shop), previous=shop / "out"), None)
    with pytest.raises(DataError, match="no list there"):
        retarget(replace(context(shop), previous=shop / "nowhere"), None)
