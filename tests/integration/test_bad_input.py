"""Bad input through `holdfast run`: one clear line and exit code 1 or 2, or a quarantine with reasons."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import complaint, holdfast_command, succeed, write_config
from small_shop import config, purchases, write_shop

RUN = ("run", "-c", "holdfast.yaml", "-o", "out")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_config(tmp_path / "holdfast.yaml", config())
    return write_shop(tmp_path)


def reconfigure(shop: Path, change: Change) -> None:
    content = config()
    change(content)
    write_config(shop / "holdfast.yaml", content)


def rows(shop: Path) -> dict[str, Any]:
    return json.loads((shop / "out/run.json").read_text())["rows"]["purchases"]


def columns(content: dict[str, Any]) -> dict[str, str]:
    return content["source"]["tables"]["purchases"]["columns"]


WRONG_CONFIGS: dict[str, tuple[Change, list[str]]] = {
    "wrong key": (lambda c: c["tasks"]["churn"].update(horison="60d"), ["tasks.churn.horison", "'horizon'"]),
    "wrong top key": (lambda c: c.update(ofers=[]), ["ofers", "did you mean 'offers'"]),
    "wrong type": (lambda c: c["targeting"].update(budget="plenty"), ["targeting.budget", "'plenty'", "a number"]),
    "wrong duration": (lambda c: c["tasks"]["churn"].update(horizon="two months"), ["tasks.churn.horizon", "60d"]),
    "wrong kind": (lambda c: c["tasks"]["churn"].update(kind="silent"), ["tasks.churn.kind", "'silent'", "silence"]),
    "negative budget": (lambda c: c["targeting"].update(budget=-5), ["targeting.budget", "-5"]),
    "unknown table": (lambda c: c["source"]["tables"].update(purchase={"path": "x", "columns": {"at": "b"}}),
                      ["source.tables.purchase", "did you mean 'purchases'"]),
    "required column not mapped": (lambda c: columns(c).pop("amount"), ["source.tables.purchases.columns", "amount"]),
    "unknown zone": (lambda c: c["source"].update(timezone="Mars/Olympus"), ["source.timezone", "Europe/London"]),
    "wrong version": (lambda c: c.update(version=9), ["version", "9", "expected 1"]),
    "no task": (lambda c: c.update(tasks={}), ["tasks", "churn"]),
    "missing column": (lambda c: columns(c).update(amount="summ"), ["purchases", "summ", "sum"]),
    "wrong where": (lambda c: c["source"]["tables"]["purchases"].update(where="nothing > 3"), ["where", "nothing"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_CONFIGS)
def test_a_wrong_config_is_one_line_and_exit_code_2(shop: Path, case: str) -> None:
    change, words = WRONG_CONFIGS[case]
    reconfigure(shop, change)
    line = complaint(RUN, shop, code=2)
    assert not [word for word in words if word not in line], line
    assert not (shop / "out/run.json").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [("source: [", ["holdfast.yaml"]), ("", ["holdfast.yaml"]), ("- 1\n- 2\n", ["holdfast.yaml"])],
)
def test_a_file_that_is_no_config(shop: Path, text: str, words: list[str]) -> None:
    (shop / "holdfast.yaml").write_text(text)
    line = complaint(RUN, shop, code=2)
    assert not [word for word in words if word not in line], line


def test_wrong_usage(shop: Path) -> None:
    assert "nowhere.yaml" in complaint(["run", "-c", "nowhere.yaml", "-o", "out"], shop, code=2)
    assert "--out" in complaint(["run", "-c", "holdfast.yaml"], shop, code=2)
    assert "2024-13-01" in complaint([*RUN, "--cutoff", "2024-13-01"], shop, code=2)
    assert "YYYY-MM-DD" in complaint([*RUN, "--cutoff", "yesterday"], shop, code=2)
    line = complaint(["stage", "bake", "-c", "holdfast.yaml", "-o", "out"], shop, code=2)
    assert "bake" in line
    assert "ingest" in line
    line = complaint(["stage", "train", "-c", "holdfast.yaml", "-o", "out", "--task", "joy"], shop, code=2)
    assert "joy" in line
    assert "churn" in line
    assert "rnu" in complaint(["rnu"], shop, code=2)


def active_to_the_end() -> pd.DataFrame:
    """Everybody buys every week: nobody is ever silent."""
    days = pd.date_range("2023-01-01", periods=60, freq="7D")
    names = [f"k{number:04d}" for number in range(40)]
    return pd.DataFrame([(name, day, 10.0) for name in names for day in days], columns=["customer", "day", "sum"])


def all_gone() -> pd.DataFrame:
    """Everybody stops at some point; one last stranger buys much later, so that the data go on."""
    frame = purchases()
    frame = frame[frame["day"] < "2023-10-01"]
    last = pd.DataFrame({"customer": ["stranger"], "day": [pd.Timestamp("2024-01-20")], "sum": [5.0]})
    return pd.concat([frame, last], ignore_index=True)


HOPELESS_DATA: dict[str, tuple[Callable[[], pd.DataFrame], list[str]]] = {
    "empty table": (lambda: purchases().iloc[:0], ["purchases"]),
    "no positive label": (active_to_the_end, ["churn", "positive"]),
    "history too short": (lambda: purchases().query("day < '2023-04-15'"), ["days"]),
    "all churned": (all_gone, ["churn"]),
    "one customer only": (lambda: purchases().query("customer == 'k0001'"), ["churn"]),
    "no valid date": (lambda: purchases().assign(day="some day"), ["purchases", "at: not a date", "2794"]),
}


@pytest.mark.parametrize("case", HOPELESS_DATA)
def test_data_that_cannot_serve_are_one_line_and_exit_code_1(shop: Path, case: str) -> None:
    frame, words = HOPELESS_DATA[case]
    write_shop(shop, frame())
    line = complaint(RUN, shop, code=1)
    print(line)
    assert not [word for word in words if word not in line], line


@pytest.mark.parametrize(
    ("path", "found"), [("purchase.csv", "purchase.csv does not exist"), ("no*.csv", "no file matches")]
)
def test_a_missing_file(shop: Path, path: str, found: str) -> None:
    reconfigure(shop, lambda c: c["source"]["tables"]["purchases"].update(path=path))
    line = complaint(RUN, shop, code=1)
    assert found in line
    assert "table purchases" in line
    assert "tables.purchases.path" in line


def test_a_scoring_date_after_the_data(shop: Path) -> None:
    line = complaint([*RUN, "--cutoff", "2030-01-01"], shop, code=1)
    assert "2030-01-01" in line
    assert "end of the data" in line


def test_a_scoring_date_before_the_data(shop: Path) -> None:
    assert "2001-01-01" in complaint([*RUN, "--cutoff", "2001-01-01"], shop, code=1)


def test_another_run_holds_the_folder(shop: Path) -> None:
    (shop / "out/.holdfast").mkdir(parents=True)
    with (shop / "out/.holdfast/lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        line = complaint(RUN, shop, code=1)
    assert "another run" in line
    assert "out" in line


def test_a_folder_that_cannot_be_written(shop: Path) -> None:
    """Root may write into any folder of a disk, but not make one in /proc."""
    folder = Path("/proc/holdfast")
    if os.geteuid():
        folder = shop / "out"
        folder.mkdir(mode=0o555)
    line = complaint(["run", "-c", "holdfast.yaml", "-o", folder], shop, code=1)
    assert str(folder) in line


def test_a_file_where_the_folder_should_be(shop: Path) -> None:
    (shop / "out").write_text("a file")
    assert "out" in complaint(RUN, shop, code=1)


def test_dirty_rows_are_quarantined_with_reasons_and_counts_reconcile(shop: Path) -> None:
    """Infinite and huge amounts, mixed date formats, no customer: the run goes on without these rows, in Latin-1."""
    frame = purchases().astype({"day": str, "sum": str, "customer": str})
    good = len(frame)
    dirty = pd.DataFrame(
        [("k0001", "2023-05-05 10:00:00", "inf"), ("k0001", "2023-05-05 10:00:00", "-Infinity"),
         ("k0002", "2023-05-05 10:00:00", "1e18"), ("k0002", "2023-05-05 10:00:00", "-1000000000000000000"),
         ("k0003", "2023-05-05 10:00:00", "NaN"), ("k0003", "someday", "5.00"), ("", "2023-05-05 10:00:00", "5.00"),
         ("k0004", "2023-02-30 10:00:00", "5.00")],
        columns=["customer", "day", "sum"],
    )  # fmt: skip
    frame.loc[frame["customer"] == "k0005", "customer"] = "Zoë"
    both = pd.concat([frame, dirty], ignore_index=True)
    (shop / "purchases.csv").write_bytes(both.to_csv(index=False).encode("latin-1"))
    succeed(RUN, shop)
    counts = rows(shop)
    refused = pd.read_parquet(shop / "out/quarantine/purchases.parquet")
    assert counts["rows_in"] == good + 8
    assert counts["rows_in"] == counts["rows_out"] + counts["filtered"] + sum(counts["quarantined"].values())
    assert len(refused) == sum(counts["quarantined"].values()) == 8
    assert refused["reason"].str.len().min() > 5
    assert "Zoë" in set(pd.read_parquet(shop / "out/histories/purchases.parquet")["customer_id"])
    said = json.dumps(json.loads((shop / "out/run.json").read_text()), ensure_ascii=False).lower()
    assert "utf-8" in said


def test_mixed_date_formats_are_refused_or_read_but_never_guessed(shop: Path) -> None:
    """03/04/2023 may be March or April: either one line, or these rows in quarantine."""
    frame = purchases().astype({"day": str})
    frame.loc[::50, "day"] = "03/04/2023 10:00"
    write_shop(shop, frame)
    done = holdfast_command(RUN, shop)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert done.returncode in (1, 2)
        assert len(done.stderr.strip().splitlines()) == 1
        assert "day" in done.stderr
    else:
        counts = rows(shop)
        assert sum(counts["quarantined"].values()) == len(frame.loc[::50])
        assert counts["rows_in"] == counts["rows_out"] + sum(counts["quarantined"].values())


def test_an_empty_optional_table_does_not_stop_the_run(shop: Path) -> None:
    (shop / "complaints.csv").write_text("customer,day\n")
    reconfigure(shop, lambda c: c["source"]["tables"].update(
        complaints={"path": "complaints.csv", "columns": {"customer_id": "customer", "at": "day"}}))  # fmt: skip
    done = holdfast_command(RUN, shop)
    assert "Traceback" not in done.stderr
    if done.returncode:
        assert len(done.stderr.strip().splitlines()) == 1
        assert "complaints" in done.stderr
