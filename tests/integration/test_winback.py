"""`holdfast winback` on the finished run of a simulated world: who is on the list, and no future in sight."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import succeed
from conftest import Finished

from holdfast.histories.histories import Histories
from holdfast.pipelines.checks.meddle import without_future
from holdfast.pipelines.lost import lost_at, returns_of
from holdfast.tasks.task import SilenceTask
from holdfast.windows import Span


@pytest.fixture(scope="module")
def work(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("winback") / "work"
    shutil.copytree(finished.work, folder)
    succeed(["winback", "-c", "holdfast.yaml", "-o", "out"], folder)
    return folder


@pytest.fixture(scope="module")
def listed(work: Path) -> pd.DataFrame:
    return pd.read_parquet(work / "out/lists/winback.parquet")


@pytest.fixture(scope="module")
def facts(work: Path) -> dict[str, Any]:
    return json.loads((work / "out/lists/winback.json").read_text())


def test_b3_nobody_active_and_no_withdrawn_consent_is_contacted(work: Path, listed: pd.DataFrame) -> None:
    """B3: nobody who is scored as a customer is on it, and whoever is contacted or held out has a grant on record."""
    scored = pd.read_parquet(work / "out/lists/retention.parquet")
    assert len(listed) > 50
    assert not set(listed["customer_id"]) & set(scored["customer_id"])
    consents = pd.read_parquet(work / "out/histories/consents.parquet")
    taken = listed[listed["arm"] != "none"]
    asked = consents[consents["purpose"] == "marketing"].sort_values("at", kind="stable")
    newest = asked.drop_duplicates(["customer_id", "channel"], keep="last").set_index(["customer_id", "channel"])
    keys = pd.MultiIndex.from_frame(taken[["customer_id", "channel"]])
    assert newest["granted"].reindex(keys).eq(True).all()
    assert taken["channel"].notna().all()


def test_b2_the_plan_adds_up_to_the_list(work: Path, listed: pd.DataFrame, facts: dict[str, Any]) -> None:
    """B2: every row is ready or counted as not ready; the plan and the summary count the same."""
    plan = pd.read_csv(work / "out/lists/winback_plan.csv")
    assert plan["customers"].sum() == len(listed) == facts["lost"]
    assert plan["not_ready"].sum() == (~listed["ready"]).sum() == facts["not_ready"]
    assert facts["ready"] + facts["not_ready"] == facts["lost"]
    ready = listed[listed["ready"]]
    assert ready[["owner", "start", "due", "measure"]].notna().all().all()
    money = listed["p_return"] * listed["second_clv"] - listed["cost"]
    np.testing.assert_allclose(listed["expected_profit"], money)
    csv = pd.read_csv(work / "out/lists/winback.csv")
    assert csv["customer_id"].tolist() == listed["customer_id"].tolist()


def test_b4_statuses_are_read_back_and_the_funnel_narrows(facts: dict[str, Any], listed: pd.DataFrame) -> None:
    """B4: fewer are contacted than planned, and those who refused lately are left alone."""
    funnel = facts["funnel"]
    assert funnel["planned"] >= funnel["contacted"] >= funnel["refused"]
    assert set(listed["status"]) >= {"planned"}
    assert not ((listed["suppressed_because"] == "refused: pause") & (listed["arm"] != "none")).any()


def test_a_winback_makes_no_stage_stale_and_runs_again_to_the_same_bytes(work: Path) -> None:
    before = (work / "out/lists/winback.csv").read_bytes()
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], work)
    timings = json.loads((work / "out/run.json").read_text())["timings"]
    # the ledger lies in another folder than that of the run which was copied; nothing else is done again
    assert {name for name, entry in timings.items() if not entry["reused"]} <= {"record"}
    assert (work / "out/lists/winback.csv").is_file()
    succeed(["winback", "-c", "holdfast.yaml", "-o", "out"], work)
    assert (work / "out/lists/winback.csv").read_bytes() == before


def shop() -> Histories:
    """a buys on; b stopped in March and comes back in August; c stopped in February; d is new."""
    days = {"a": ["2024-01-05", "2024-03-05", "2024-05-05", "2024-06-25"],
            "b": ["2024-01-10", "2024-03-10", "2024-08-01"],
            "c": ["2024-01-15", "2024-02-14"], "d": ["2024-06-20"]}  # fmt: skip
    rows = [{"customer_id": who, "at": day, "amount": 10.0} for who, found in days.items() for day in found]
    return Histories.from_frames({"purchases": pd.DataFrame(rows)}, end=date(2024, 12, 31))


QUESTION = SilenceTask("churn", Span(60, 0, 30))


def test_b3_lost_is_whoever_bought_and_is_no_customer_now() -> None:
    """B3: at 1 July with a lookback of 60 days b and c are lost, silent for 113 and 138 days; a and d are customers."""
    found = lost_at(shop(), QUESTION, date(2024, 7, 1)).set_index("customer_id")
    assert found["silent_days"].to_dict() == {"b": 113.0, "c": 138.0}
    assert found["gap_days"].to_dict() == {"b": 60.0, "c": 30.0}


def test_b2_who_came_back_and_what_they_brought() -> None:
    """B2: within 90 days b came back on 1 August and brought 10 x .3; c did not. Who was contacted is left out."""
    found = returns_of(shop(), QUESTION, date(2024, 7, 1), 90, 0.3).set_index("customer_id")
    assert found["returned"].to_dict() == {"b": True, "c": False}
    assert found["margin_after"].to_dict() == {"b": pytest.approx(3.0), "c": 0.0}
    contacted = pd.DataFrame({"customer_id": ["b"], "at": ["2024-07-10"], "status": ["contacted"]})
    tables = {"purchases": shop().frame("purchases"), "winback": contacted}
    tried = Histories.from_frames(tables, end=date(2024, 12, 31))
    assert returns_of(tried, QUESTION, date(2024, 7, 1), 90, 0.3)["customer_id"].tolist() == ["c"]


def test_b3_the_lost_of_a_date_need_nothing_from_after_it(finished: Finished, tmp_path: Path) -> None:
    """B3: with everything at or after a past date deleted the same customers are lost, with the same facts."""
    histories = Histories.open(finished.out / "histories")
    at = date(2024, 6, 1)
    question = SilenceTask("churn", Span(120, 7, 60))
    pd.testing.assert_frame_equal(
        lost_at(histories, question, at), lost_at(without_future(histories, tmp_path, at), question, at)
    )
