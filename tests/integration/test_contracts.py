"""Contracts from a CSV file to curves, values and a list: a world whose hazards and prices are known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stages import TO_REPORT, TO_VALUE, walked

from holdfast.pipelines.workspace import Workspace

START, DAYS, N = pd.Timestamp("2022-01-01"), 730, 700
MEAN_DAYS = {"basic": 200, "pro": 900}
PRICE = {"basic": 10.0, "pro": 30.0}
MARGIN = 0.5


def contracts() -> pd.DataFrame:
    """One contract each, begun in the first 500 days; constant hazards by plan; one end in five for want of money."""
    rng = np.random.default_rng(5)
    begin, plan = rng.integers(0, 500, N), rng.choice(["basic", "pro"], N)
    end = begin + np.ceil(rng.exponential(pd.Series(plan).map(MEAN_DAYS)))
    why = rng.choice(["Price", "Unpaid", "Deceased"], N, p=[0.7, 0.2, 0.1])
    gone = end < DAYS
    return pd.DataFrame({
        "who": [f"k{n:04d}" for n in range(N)], "from": START + pd.to_timedelta(begin, unit="D"),
        "to": (START + pd.to_timedelta(end, unit="D")).to_series().where(gone).to_numpy(),
        "why": np.where(gone, why, None), "plan": plan, "price": pd.Series(plan).map(PRICE),
    })  # fmt: skip


def config(**columns: str) -> dict[str, Any]:
    mapped = {"customer_id": "who", "started_at": "from", "ended_at": "to", "end_reason": "why", "plan": "plan"}
    return {
        "version": 1,
        "source": {"name": "lines", "as_of": str((START + pd.Timedelta(days=DAYS)).date()),
                   "tables": {"contracts": {"path": "contracts.csv", "columns": mapped | columns}}},
        "tasks": {"churn": {"kind": "contract_end", "lookback": "0d", "horizon": "60d", "not_churn": ["Deceased"],
                            "involuntary": ["Unpaid"]}},
        "cutoffs": {"test": 1, "train": 2},
        "tune": {"trials": 0},
        "economics": {"margin": MARGIN, "discount_rate": 0.0},
        "offers": [{"name": "call", "contact_cost": 0.1, "effect": {"assumed": 0.2}}],
        "targeting": {"budget": 5},
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("contracts")
    contracts().to_csv(folder / "contracts.csv", index=False)
    return walked(folder, config(price="price"), TO_REPORT)


@pytest.fixture(scope="module")
def curves(whole: Workspace) -> pd.DataFrame:
    table = whole.read_frame("survival.parquet")
    return table.merge(contracts()[["who", "plan"]], left_on="customer_id", right_on="who")


@pytest.fixture(scope="module")
def told(whole: Workspace) -> dict[str, Any]:
    return whole.read_json("value.json")


def test_everybody_who_is_scored_has_one_curve(whole: Workspace, curves: pd.DataFrame) -> None:
    scored = whole.read_frame("predictions/churn.parquet").query("part == 'score'")["customer_id"]
    in_force = contracts().loc[lambda rows: rows["to"].isna(), "who"]
    assert sorted(curves["customer_id"]) == sorted(scored) == sorted(in_force)


def test_curves_fall_and_what_ends_and_what_stays_is_everybody(curves: pd.DataFrame) -> None:
    reach = int(curves["restricted_to_days"].iloc[0])
    shown = [name for name in curves if name.startswith("survival_")]
    known = [name for name in shown if int(name.removeprefix("survival_").removesuffix("d")) <= reach]
    assert known == shown[: len(known)], "what lies beyond the reach is missing, not guessed"
    assert len(known) >= 4
    assert curves[shown[len(known) :]].isna().all(axis=None)
    survival = curves[known].to_numpy()
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (np.diff(survival, axis=1) <= 0).all()
    assert (curves["expected_remaining_days"] <= reach).all()
    ended = curves.filter(like="incidence_").sum(axis=1)
    assert (ended <= 1 + 1e-9).all()
    assert (1 - ended <= survival[:, -1] + 1e-9).all()


def test_the_hazard_of_each_plan_is_found_again(curves: pd.DataFrame) -> None:
    means = curves.groupby("plan")[["survival_60d", "survival_180d"]].mean()
    for plan, days in MEAN_DAYS.items():
        # constant hazards: S(t) = exp(-t / mean)
        assert means.loc[plan, "survival_60d"] == pytest.approx(np.exp(-60 / days), abs=0.06)
        assert means.loc[plan, "survival_180d"] == pytest.approx(np.exp(-180 / days), abs=0.1)


def test_the_causes_are_told_apart(curves: pd.DataFrame, told: dict[str, Any]) -> None:
    assert told["survival"]["causes"] == ["churn", "involuntary", "other"]
    found = curves.filter(like="incidence_").mean()
    shares = found / found.sum()
    assert shares["incidence_involuntary"] == pytest.approx(0.2, abs=0.06)
    assert shares["incidence_other"] == pytest.approx(0.1, abs=0.05)


def test_curves_put_back_in_time_do_better_than_one_curve_for_all(told: dict[str, Any]) -> None:
    held = told["survival"]["holdout"]
    at = pd.Timestamp(held["at"])
    assert at < START + pd.Timedelta(days=DAYS - 200), "a third of the history is left to see"
    rows = contracts()
    there = (rows["from"] < at) & ~(rows["to"] < at)
    assert held["n"] == there.sum()
    assert held["n_ended"] == (there & rows["to"].notna()).sum()
    assert held["times"] == sorted(held["times"])
    assert held["mean_auc"] > 0.6
    assert held["integrated_brier"] < held["integrated_brier_km"], "although that curve knows what came"


def test_values_are_prices_times_the_time_that_is_left(whole: Workspace, curves: pd.DataFrame) -> None:
    value = whole.read_frame("value.parquet").merge(curves[["customer_id", "plan"]], on="customer_id")
    assert value["clv"].to_numpy() == pytest.approx((value["clv_purchase"] + value["clv_retention"]).to_numpy())
    assert set(value["clv_method"]) == set(value["method"]) == {"contract price x survival"}
    assert (value["horizon_days"] == 365).all()
    for plan, mean in MEAN_DAYS.items():
        rows, monthly = value[value["plan"] == plan], PRICE[plan] * MARGIN
        # the restricted mean of an exponential: mean x (1 - exp(-365 / mean)) days at 12/365 of a month each
        days = mean * (1 - np.exp(-365 / mean))
        assert rows["clv_purchase"].mean() == pytest.approx(monthly * 12 / 365 * days, rel=0.15)
        # who stays pays at most the whole year; who leaves has paid 30 days, the middle of the window of 60
        assert rows["loss_if_silent"].max() <= monthly * 12 / 365 * (365 - 30) + 1e-9
        assert rows["loss_if_silent"].min() > monthly * 12 / 365 * 30
    assert value[["clv_low", "clv_high", "loss_low", "p_alive", "clv_referral"]].isna().all(axis=None)


def test_the_backtest_is_told_with_its_date_and_the_simple_ranking(told: dict[str, Any]) -> None:
    judged = told["clv"]["backtest"]
    assert judged["at"] == told["survival"]["holdout"]["at"]
    rows = {row["method"]: row for row in judged["methods"]}
    assert judged["chosen"] == "contract price x survival"
    assert rows["contract price x survival"]["predicted_over_actual"] == pytest.approx(1, abs=0.15)
    assert set(rows) == {"contract price x survival", "monthly price"}
    assert len(judged["deciles"]) == 10


def test_the_list_and_the_report_know_of_it(whole: Workspace) -> None:
    listed = whole.read_frame("lists/retention.parquet").set_index("customer_id")
    value = whole.read_frame("value.parquet").set_index("customer_id")
    for name in ("clv", "loss_if_silent"):
        assert listed[name].to_numpy() == pytest.approx(value[name].reindex(listed.index).to_numpy())
    assert (listed["arm"] == "treat").any()
    page = whole.path("report.html").read_text()
    assert "Survival curves put back to" in page
    assert "its interval is not measured" in page


def valued(folder: Path, frame: pd.DataFrame, **columns: str) -> Workspace:
    frame.to_csv(folder / "contracts.csv", index=False)
    return walked(folder, config(**columns), TO_VALUE)


def test_without_prices_there_are_curves_and_no_values(tmp_path: Path, whole: Workspace) -> None:
    space = valued(tmp_path, contracts())
    told = space.read_json("value.json")
    assert told["clv"] == told["loss_if_silent"] == "not measured: the table contracts has no price"
    assert told["survival"]["causes"] == ["churn", "involuntary", "other"]
    assert space.read_frame("value.parquet")[["clv", "loss_if_silent"]].isna().all(axis=None)
    assert len(space.read_frame("survival.parquet")) == len(whole.read_frame("survival.parquet"))


@pytest.fixture(scope="module")
def unpriced(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A customer in force whose contract has no price, and one who has two contracts."""
    frame = contracts()
    there = frame.index[frame["to"].isna() & (frame["plan"] == "pro")]
    frame.loc[there[0], "price"] = None
    frame = pd.concat([frame, frame.loc[[there[1]]].assign(price=70.0)], ignore_index=True)
    return valued(tmp_path_factory.mktemp("unpriced"), frame, price="price")


def test_a_price_that_is_missing_is_missing_for_that_customer_only(unpriced: Workspace) -> None:
    frame, value = contracts(), unpriced.read_frame("value.parquet").set_index("customer_id")
    there = frame.loc[frame["to"].isna() & (frame["plan"] == "pro"), "who"].tolist()
    assert value.index[value["clv"].isna()].tolist() == [there[0]]
    assert np.isnan(value.loc[there[0], "loss_if_silent"])
    # 30 + 70 a month beside 30 of others on the same plan
    others = value.loc[there[2:], "clv_purchase"]
    assert value.loc[there[1], "clv_purchase"] / others.median() == pytest.approx(100 / 30, rel=0.25)


def test_one_missing_price_does_not_undo_the_backtest(unpriced: Workspace) -> None:
    judged = unpriced.read_json("value.json")["clv"]["backtest"]
    assert judged["methods"][0]["predicted_over_actual"] is not None
    assert all(row["predicted"] is not None for row in judged["deciles"])


def test_what_is_written_is_json_that_others_can_read(whole: Workspace) -> None:
    def refuse(word: str) -> None:
        raise ValueError(word)

    for path in ("value.json", "lists/summary.json", "run.json"):
        json.loads(whole.path(path).read_text(), parse_constant=refuse)
