"""A finished run: nothing is done twice, a change redoes only what depends on it, and the commands that follow work."""

import json
import shutil
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from command_line import complaint, hashes, succeed, write_config
from conftest import Finished

WRITES_LAST = {"evaluate@churn", "evaluate@loyalty", "target", "exits", "report", "record"}


@pytest.fixture
def copied(finished: Finished, tmp_path: Path) -> Path:
    """A working folder of its own: config, output and ledger of the finished run."""
    shutil.copytree(finished.work, tmp_path / "work")
    return tmp_path / "work"


def changed(work: Path, change) -> Path:
    content = yaml.safe_load((work / "holdfast.yaml").read_text())
    change(content)
    return write_config(work / "holdfast.yaml", content)


def rerun(out: Path) -> set[str]:
    timings: dict[str, Any] = json.loads((out / "run.json").read_text())["timings"]
    return {name for name, timing in timings.items() if not timing["reused"]}


def test_a_second_run_keeps_every_stage(copied: Path) -> None:
    patterns = ("*", "*/*", "models/*/*/*")
    result = hashes(copied / "out", ("predictions/*", "lists/*", "models/*/*/*", "report.html"))
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], copied)
    assert rerun(copied / "out") == {"record"}, "recorded anew: the ledger of the copy lies elsewhere"
    before = hashes(copied / "out", patterns)
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], copied)
    assert rerun(copied / "out") == set()
    after = hashes(copied / "out", patterns)
    assert set(after) == set(before)
    assert {name for name in after if after[name] != before[name]} <= {"run.json"}
    assert hashes(copied / "out", ("predictions/*", "lists/*", "models/*/*/*", "report.html")) == result


def test_another_budget_redoes_only_what_reads_it(copied: Path) -> None:
    changed(copied, lambda content: content["targeting"].update(budget=60.0))
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], copied)
    assert {"target", "report", "record"} <= rerun(copied / "out") <= WRITES_LAST
    assert spent(copied / "out") <= 60


def test_run_and_list_name_the_same_run_after_any_change(copied: Path) -> None:
    """The run_id hashes the whole config, also the keys that no result depends on."""
    changed(copied, lambda content: content["tune"].update(timeout_s=599))
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], copied)
    facts = json.loads((copied / "out/run.json").read_text())
    assert facts["config"]["tune"]["timeout_s"] == 599
    assert set(pd.read_parquet(copied / "out/lists/retention.parquet")["run_id"]) == {facts["run_id"]}
    assert not {name for name in rerun(copied / "out") if name.startswith(("ingest", "label", "featurize", "train"))}


def test_a_file_that_someone_touched_is_made_again(copied: Path) -> None:
    before = hashes(copied / "out", ("predictions/*",))
    (copied / "out/predictions/churn.parquet").write_bytes(b"")
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], copied)
    assert hashes(copied / "out", ("predictions/*",)) == before
    assert rerun(copied / "out") == {"evaluate@churn", "record"}  # recorded anew: the ledger lies elsewhere now


def spent(out: Path) -> Decimal:
    listed = pd.read_parquet(out / "lists/retention.parquet")
    return sum((Decimal(str(cost)) for cost in listed.loc[listed["arm"] == "treat", "cost"]), Decimal())


def test_target_makes_a_new_list_in_seconds(copied: Path) -> None:
    before = pd.read_parquet(copied / "out/lists/retention.parquet")
    kept = hashes(copied / "out", ("predictions/*", "models/*/*/*", "features*"))
    began = time.monotonic()
    for budget in ("75.55", "0"):
        succeed(["target", "-c", "holdfast.yaml", "-o", "out", "--budget", budget], copied)
        assert spent(copied / "out") <= Decimal(budget)
    assert (time.monotonic() - began) / 2 < 30
    after = pd.read_parquet(copied / "out/lists/retention.parquet")
    assert set(after["run_id"]) == set(before["run_id"])
    assert set(after["list_id"]) != set(before["list_id"])
    assert (after["arm"] == "treat").sum() == 0
    assert hashes(copied / "out", ("predictions/*", "models/*/*/*", "features*")) == kept
    # the run's own list comes back with the next run
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], copied)
    pd.testing.assert_frame_equal(pd.read_parquet(copied / "out/lists/retention.parquet"), before)


def test_target_refuses_scores_that_no_run_has_finished(copied: Path) -> None:
    scores = pd.read_parquet(copied / "out/predictions/churn.parquet")
    scores.iloc[::-1].to_parquet(copied / "out/predictions/churn.parquet")
    line = complaint(["target", "-c", "holdfast.yaml", "-o", "out"], copied, code=1)
    assert "predictions/churn.parquet" in line
    assert "holdfast run" in line


def test_the_last_list_says_who_is_new(copied: Path) -> None:
    shutil.copytree(copied / "out", copied / "january")
    was = pd.read_parquet(copied / "january/lists/retention.parquet").set_index("customer_id")
    assert was["is_new_on_list"].isna().all(), "no list was named"
    more = str(2 * spent(copied / "out"))
    succeed(["target", "-c", "holdfast.yaml", "-o", "out", "--budget", more, "--previous", "january"], copied)
    now = pd.read_parquet(copied / "out/lists/retention.parquet").set_index("customer_id")
    new = (now["arm"] != "none") & (was["arm"] == "none").reindex(now.index)
    assert new.any()
    assert (now["is_new_on_list"].astype(bool) == new).all()
    for command in ("target", "run"):
        call = [command, "-c", "holdfast.yaml", "-o", "out", "--previous"]
        assert "another folder" in complaint([*call, "out"], copied, code=2)
        assert "no list there" in complaint([*call, "absent"], copied, code=1)


def test_a_task_taken_out_leaves_no_files(without_consents: Path) -> None:
    left = [str(path) for path in (without_consents / "unasked").rglob("*loyalty*")]
    assert not left
    changed(without_consents, lambda content: content["tasks"].pop("loyalty", None))
    shutil.copytree(without_consents / "out", without_consents / "again")
    succeed(["run", "-c", "holdfast.yaml", "-o", "again"], without_consents)
    assert not [str(path) for path in (without_consents / "again").rglob("*loyalty*")]


def test_export_writes_send_control_and_suppression(copied: Path) -> None:
    succeed(["export", "out", "-o", "send.csv"], copied)
    listed = pd.read_parquet(copied / "out/lists/retention.parquet").set_index("customer_id")
    send, control, suppressed = (pd.read_csv(copied / f"send{part}.csv") for part in ("", "_control", "_suppression"))
    assert set(send["customer_id"]) == set(listed.index[listed["arm"] == "treat"])
    assert set(control["customer_id"]) == set(listed.index[listed["arm"] == "holdout"])
    refused = listed["suppressed_because"].str.startswith("consent", na=False)
    assert set(suppressed["customer_id"]) >= set(listed.index[refused])
    assert not set(send["customer_id"]) & (set(control["customer_id"]) | set(suppressed["customer_id"]))
    assert not [name for name in send.columns if name.startswith(("reason", "exit_reason", "p_churn"))]
    succeed(["export", "out", "-o", "why.parquet", "--with-reasons"], copied)
    assert "reason_1" in pd.read_parquet(copied / "why.parquet").columns


@pytest.fixture(scope="module")
def without_consents(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second, smaller run in the same ledger; nobody recorded consents."""
    work = tmp_path_factory.mktemp("second") / "work"
    shutil.copytree(finished.work, work)

    def smaller(content: dict[str, Any]) -> None:
        content["source"]["tables"].pop("consents")
        content["tasks"].pop("loyalty")
        content["cutoffs"] |= {"test": 1, "train": 2}
        content["tune"]["trials"] = 0

    changed(work, smaller)
    succeed(["run", "-c", "holdfast.yaml", "-o", "unasked"], work)
    return work


def test_export_refuses_where_consent_is_not_recorded(without_consents: Path) -> None:
    work = without_consents
    assert set(pd.read_parquet(work / "unasked/lists/retention.parquet")["consent_basis"]) == {"not recorded"}
    line = complaint(["export", "unasked", "-o", "send.csv"], work, code=2)
    assert "--consent-asserted-by" in line
    assert not (work / "send.csv").exists()
    succeed(["export", "unasked", "-o", "send.csv", "--consent-asserted-by", "A. Smith"], work)
    assert len(pd.read_csv(work / "send.csv")) > 0


def test_a_second_model_is_challenger_until_the_gate_decides(without_consents: Path) -> None:
    aliases = json.loads((without_consents / "unasked/record.json").read_text())["models"]["churn"]
    assert (aliases["version"], aliases["aliases"]) == ("2", ["challenger"])
    printed = succeed(["promote", "--task", "churn"], without_consents)
    if "refused" in printed:
        assert "champion is version 1" in printed
    else:
        assert "champion is version 2" in printed
        assert "champion is version 1" in succeed(["promote", "--task", "churn", "--rollback"], without_consents)


def test_diff_of_two_lists_reconciles(copied: Path, finished: Finished) -> None:
    succeed(["target", "-c", "holdfast.yaml", "-o", "out", "--budget", "20"], copied)
    printed = succeed(["diff", str(finished.out), "out"], copied)
    counts = dict(part.split() for part in printed.strip().splitlines()[-1].split(", "))
    assert set(counts) == {"came", "went", "moved", "same"}
    assert int(counts["went"]) > 0


def test_replay_on_a_past_date(finished: Finished) -> None:
    printed = succeed(["replay", "-c", finished.config, "--at", "2024-09-15", "--top", "50"], finished.work)
    assert "recency" in printed.lower()
    line = complaint(["replay", "-c", finished.config, "--at", "2024-12-15"], finished.work, code=1)
    assert "label window" in line


def test_features_and_featurize(finished: Finished, tmp_path: Path) -> None:
    printed = succeed(["features", "-c", finished.config], tmp_path)
    told = int(printed.strip().splitlines()[-1].split()[0])
    assert told >= 60
    assert "days_since_last_order" in printed
    succeed(["featurize", "-c", finished.config, "-o", "made", "--at", "2024-08-27,2025-01-01"], tmp_path)
    made = pd.read_parquet(tmp_path / "made/features.parquet")
    assert len(made.columns) == told + 2
    # the run has the same dates among its cutoffs: the same rows to the bit
    of_run = pd.read_parquet(finished.out / "features.parquet")
    shared = sorted(set(of_run["cutoff"]) & set(made["cutoff"]))
    assert pd.Timestamp("2025-01-01") in shared
    for at in shared:
        left, right = (frame[frame["cutoff"] == at].reset_index(drop=True) for frame in (made, of_run))
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_promote_and_rollback(copied: Path) -> None:
    printed = succeed(["promote", "--task", "churn"], copied)
    assert "champion is version 1" in printed
    assert "previous" in complaint(["promote", "--rollback"], copied, code=1)
    line = complaint(["promote", "--task", "nothing"], copied, code=2)
    assert "nothing" in line
