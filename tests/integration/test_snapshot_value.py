"""What a snapshot's customers pay per month as their value: assumed, worked by hand, and never guessed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stages import TO_REPORT, TO_VALUE, walked

from holdfast.errors import ConfigError
from holdfast.pipelines.workspace import Workspace

N = 300


def people() -> pd.DataFrame:
    """Customers with a monthly bill, one of whom has none; those on the basic plan leave more often."""
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({
        "id": [f"p{n:04d}" for n in range(N)], "plan": rng.choice(["basic", "plus"], N),
        "bill": rng.gamma(9, 5, N).round(2), "months": rng.integers(1, 60, N),
    })  # fmt: skip
    frame["gone"] = np.where(rng.random(N) < np.where(frame["plan"] == "basic", 0.5, 0.1), "yes", "no")
    frame.loc[7, "bill"] = None
    return frame


def config(**economics: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "source": {"name": "people", "tables": {"customers": {
            "path": "people.csv", "columns": {"customer_id": "id"}, "attributes": "*"}}},
        "tasks": {"churn": {"kind": "given", "label": "gone", "positive": "Yes", "snapshot_at": "2024-05-01"}},
        "tune": {"trials": 0},
        "economics": {"margin": 0.4, "discount_rate": 0.1, "value_horizon": "365d"} | economics,
        "offers": [{"name": "call", "contact_cost": 1.0, "effect": {"assumed": 0.2}}],
        "targeting": {"budget": 30},
    }  # fmt: skip


def made(folder: Path, stages: tuple[str, ...], **economics: Any) -> Workspace:
    people().to_csv(folder / "people.csv", index=False)
    return walked(folder, config(**economics), stages)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return made(tmp_path_factory.mktemp("snapshot"), TO_REPORT, monthly_revenue="bill")


def test_the_loss_is_the_bill_over_the_horizon(whole: Workspace) -> None:
    value = whole.read_frame("value.parquet").set_index("customer_id")
    bill = people().set_index("id")["bill"].reindex(value.index)
    # twelve bills at a margin of .4, spread over the days 1 to 365 and discounted at 10 % a year
    discount = sum(1.1 ** (-day / 365) for day in range(1, 366)) / 365
    assert value["loss_if_silent"].to_numpy() == pytest.approx((bill * 12 * 0.4 * discount).to_numpy(), nan_ok=True)
    assert value.index[value["loss_if_silent"].isna()].tolist() == ["p0007"]
    assert (value["horizon_days"] == 365).all()
    assert value[["clv", "clv_purchase", "p_alive", "loss_low"]].isna().all(axis=None)


def test_it_is_said_that_the_value_is_assumed(whole: Workspace) -> None:
    told = whole.read_json("value.json")
    assert "assumed" in told["method"]
    assert "not backtested" in told["loss_note"]
    assert told["clv"] == "not measured: a snapshot shows nobody over time"
    page = whole.path("report.html").read_text()
    assert "not backtested" in page
    assert "a snapshot shows nobody over time" in page


def test_the_list_wants_those_who_are_there_and_have_a_value(whole: Workspace) -> None:
    listed = whole.read_frame("lists/retention.parquet").set_index("customer_id")
    gone = people().set_index("id")["gone"].reindex(listed.index) == "yes"
    assert set(listed.index) == set(people()["id"])
    chosen = listed["arm"].isin(["treat", "holdout"])
    assert chosen.any()
    assert not (chosen & gone).any()
    assert set(listed.loc[gone, "suppressed_because"]) == {"already lost"}
    assert not gone["p0007"]
    assert listed.loc["p0007", "suppressed_because"] == "value not measured"
    assert set(listed["cutoff"]) == {pd.Timestamp("2024-05-01")}


def test_twice_the_horizon_is_not_quite_twice_the_loss(whole: Workspace, tmp_path: Path) -> None:
    longer = made(tmp_path, TO_VALUE, monthly_revenue="bill", value_horizon="730d")
    ratio = (
        longer.read_frame("value.parquet")["loss_if_silent"] / whole.read_frame("value.parquet")["loss_if_silent"]
    ).dropna()
    # the second year is worth 1/1.1 of the first
    assert ratio.to_numpy() == pytest.approx(1 + 1 / 1.1)


def test_without_a_column_the_value_is_not_measured(tmp_path: Path) -> None:
    space = made(tmp_path, TO_VALUE)
    told = space.read_json("value.json")
    assert told["loss_if_silent"] == told["clv"]
    assert "economics.monthly_revenue" in told["clv"]
    assert space.read_frame("value.parquet")["loss_if_silent"].isna().all()


def test_a_column_that_is_not_kept_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"economics\.monthly_revenue: 'bil' is not kept .*expected one of .*bill"):
        made(tmp_path, TO_VALUE, monthly_revenue="bil")
