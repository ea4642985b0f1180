"""What `export` checks has to be true today: sources read again, the list's own cap, nothing forgotten in silence.

The shop is ingested by the real stage; only its list is written by hand.
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from small_shop import config

from holdfast.errors import ConfigError
from holdfast.params import Config
from holdfast.pipelines.after import export
from holdfast.pipelines.graph import Context
from holdfast.pipelines.origin import ORIGIN, present_histories, source_files
from holdfast.pipelines.prepare import run_ingest
from holdfast.pipelines.workspace import Workspace

WHO = ("a", "b", "c", "d")
CUTOFF = pd.Timestamp("2024-02-01")
TABLES = {
    "purchases": {"customer_id": "id", "at": "day", "amount": "sum"},
    "consents": {"customer_id": "id", "at": "day", "purpose": "what", "channel": "way", "granted": "yes"},
    "contacts": {"customer_id": "id", "at": "day", "direction": "way"},
    "complaints": {"customer_id": "id", "at": "day", "topic": "what"},
}


def tables() -> dict[str, pd.DataFrame]:
    """Purchases every week until the last of January; everybody consented by e-mail; a was called once, b twice."""
    weeks = pd.date_range("2023-06-01", "2024-01-31", freq="7D").append(pd.DatetimeIndex(["2024-01-31"]))
    bought = pd.DataFrame([(who, day, 5.0) for who in WHO for day in weeks], columns=["id", "day", "sum"])
    consents = pd.DataFrame([(who, "2023-06-01", "marketing", "Email", "yes") for who in WHO])
    calls = pd.DataFrame([("a", "2024-01-10", "outbound"), ("b", "2024-01-10", "outbound"),
                          ("b", "2024-01-20", "outbound"), ("c", "2024-01-20", "inbound")])  # fmt: skip
    angry = pd.DataFrame([("d", "2023-12-01", "late")])
    return {
        "purchases": bought, "consents": consents.set_axis(["id", "day", "what", "way", "yes"], axis=1),
        "contacts": calls.set_axis(["id", "day", "way"], axis=1),
        "complaints": angry.set_axis(["id", "day", "what"], axis=1),
    }  # fmt: skip


def a_list() -> pd.DataFrame:
    """Three to send to and one held out."""
    return pd.DataFrame({
        "list_id": "l", "customer_id": list(WHO), "planned_offer": "call", "channel": "EMAIL",
        "arm": ["treat", "treat", "treat", "holdout"], "suppressed_because": None, "owner": None, "cutoff": CUTOFF,
        "act_before": CUTOFF, "valid_until": CUTOFF, "consent_basis": "granted", "contacts_30d": 0,
    })  # fmt: skip


def finish(folder: Path, root: str = ".", paths: dict[str, str] | None = None) -> Path:
    """Ingest the folder's sources by the stage, and write a list and its facts."""
    content = config()
    content["source"] = {"name": "shop", "root": root, "tables": {
        name: {"path": (paths or {}).get(name, f"{name}.csv"), "columns": columns} for name, columns in TABLES.items()
    }}  # fmt: skip
    read = Config.from_dict(content, folder / "holdfast.yaml")
    space = Workspace.at(folder / "out")
    run_ingest(Context(read, space, None, lambda line: None), "")
    space.write_json("run.json", {"config": read.resolved()})
    space.write_frame("lists/retention.parquet", a_list())
    cap(folder, days=30, most=2)
    return folder


def cap(folder: Path, days: int, most: int) -> None:
    Workspace.at(folder / "out").write_json("lists/summary.json", {"contact_cap_days": days, "contact_cap_max": most})


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    for name, frame in tables().items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return finish(folder)


@pytest.fixture
def shop(ready: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The shop with its run; what a test changes is put back."""
    kept = ready.with_name(f"{ready.name}-kept")
    shutil.copytree(ready, kept)
    monkeypatch.chdir(ready)
    yield ready
    shutil.rmtree(ready)
    kept.rename(ready)


def exported(folder: Path) -> tuple[dict[str, str], str]:
    """Why each customer is not sent to, empty for those who are; and what was said of the sources."""
    done = export(folder / "out", folder / "send.csv", None, False, None)
    send, control, kept = (pd.read_csv(path) for path in done.files)
    because = dict.fromkeys(send["customer_id"], "") | dict.fromkeys(control["customer_id"], "held out")
    because |= dict(zip(kept["customer_id"], kept["suppressed_because"], strict=True))
    assert set(because) == set(WHO), "everybody is in exactly one of the files"
    assert len(send) + len(control) + len(kept) == len(WHO)
    return because, done.notes[0]


def append(folder: Path, name: str, *rows: str) -> None:
    with (folder / f"{name}.csv").open("a") as file:
        file.writelines(f"{row}\n" for row in rows)


def test_unchanged_sources_are_not_read_again(shop: Path) -> None:
    because, told = exported(shop)
    # b was contacted twice within thirty days, and the cap is two
    assert because == {"a": "", "b": "contact cap reached", "c": "", "d": "held out"}
    assert told == "the sources have not changed since the run: checked as of 2024-02-01"


@pytest.mark.parametrize(
    ("table", "row", "who", "why"),
    [
        ("consents", "a,2024-01-15,marketing,email,no", "a", "consent withdrawn or not given"),
        ("consents", "c,2024-01-15,Marketing,,no", "c", "consent withdrawn or not given"),
        ("consents", "d,2024-02-10,marketing,EMAIL,no", "d", "consent withdrawn or not given"),
        ("purchases", "a,2024-02-03,9", "a", "bought since the cutoff"),
        ("complaints", "c,2024-02-03,rude", "c", "complained since the cutoff"),
        ("contacts", "a,2024-01-25,sideways", "a", "contact cap reached"),
        ("contacts", "a,2024-02-20,outbound", "a", "contact cap reached"),
    ],
)
def test_what_came_to_the_sources_since_counts(shop: Path, table: str, row: str, who: str, why: str) -> None:
    before, _ = exported(shop)
    append(shop, table, row)
    after, told = exported(shop)
    assert told.startswith("the sources have changed since the run and were read again: checked as of 2024-02-")
    assert after == before | {who: why}


def test_what_the_list_may_not_use_does_not_matter(shop: Path) -> None:
    before, _ = exported(shop)
    append(shop, "consents", "a,2024-01-15,marketing,phone,no", "a,2024-01-16,analytics,email,no")
    append(shop, "purchases", "c,2024-02-03,-9")
    append(shop, "contacts", "a,2024-01-25,INBOUND")
    assert exported(shop)[0] == before


def test_a_consent_given_again_lets_a_customer_back(shop: Path) -> None:
    append(shop, "consents", "a,2024-01-15,marketing,email,no", "a,2024-01-20,marketing,email,yes")
    assert exported(shop)[0]["a"] == ""


def test_the_cap_is_that_of_the_list(shop: Path) -> None:
    # whatever the config says, `target` may have made the list with another cap, and its summary says which
    cap(shop, days=30, most=1)
    assert {who for who, why in exported(shop)[0].items() if why == "contact cap reached"} == {"a", "b"}
    cap(shop, days=15, most=1)  # from 17 January on: the call on the tenth is too old
    assert {who for who, why in exported(shop)[0].items() if why == "contact cap reached"} == {"b"}
    cap(shop, days=30, most=3)
    assert "contact cap reached" not in exported(shop)[0].values()


def test_sources_that_are_gone_are_named_and_the_runs_own_tables_serve(shop: Path) -> None:
    before, _ = exported(shop)
    append(shop, "consents", "a,2024-01-15,marketing,email,no")
    (shop / "contacts.csv").unlink()
    after, told = exported(shop)
    assert after == before
    assert told.startswith("consent, contacts and purchases were checked as of 2024-02-01 only: the sources cannot be")
    assert "contacts.csv" in told
    assert "\n" not in told


def test_sources_that_cannot_be_read_any_more_are_told_apart(shop: Path) -> None:
    before, _ = exported(shop)
    (shop / "consents.csv").write_text("id,when\na,2024-01-15\n")
    after, told = exported(shop)
    assert after == before
    assert "the changed sources cannot be read" in told
    assert "day" in told


@pytest.mark.parametrize("lost", [ORIGIN, "run.json"])
def test_a_run_of_which_nobody_knows_the_sources(shop: Path, lost: str) -> None:
    (shop / "out" / lost).unlink()
    because, told = exported(shop)
    assert because["a"] == ""
    assert "the sources cannot be read again" in told


def test_a_folder_that_was_moved_keeps_its_sources(shop: Path) -> None:
    moved = shop / "elsewhere/out"
    moved.parent.mkdir()
    (shop / "out").rename(moved)
    append(shop, "consents", "a,2024-01-15,marketing,email,no")
    done = export(moved, shop / "send.csv", None, False, None)
    assert "a" not in set(pd.read_csv(done.files[0])["customer_id"])
    assert "read again" in done.notes[0]


def test_reading_again_leaves_the_runs_own_tables_alone_and_nothing_else_behind(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {path: path.read_bytes() for path in (shop / "out/histories").iterdir()}
    append(shop, "consents", "a,2024-01-15,marketing,email,no")
    with present_histories(Workspace.at(shop / "out")) as (histories, _):
        assert len(histories.frame("consents")) == 5
        assert list(tmp_path.iterdir())
    assert {path: path.read_bytes() for path in (shop / "out/histories").iterdir()} == before
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused_before_anything_is_written(shop: Path) -> None:
    with pytest.raises(ConfigError, match=r"--format: came 'xlsx'; expected one of csv, parquet"):
        export(shop / "out", shop / "send.xlsx", None, False, None)
    assert not list(shop.glob("send*"))


def test_a_database_and_joined_files_are_watched_too(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        for name, frame in tables().items():
            connection.register("frame", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    finish(tmp_path, root="duckdb:///shop.duckdb", paths={name: name for name in TABLES})
    assert exported(tmp_path)[1].startswith("the sources have not changed")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("INSERT INTO consents VALUES ('a', '2024-01-15', 'marketing', 'email', 'no')")
    because, told = exported(tmp_path)
    assert because["a"] == "consent withdrawn or not given"
    assert "read again" in told


def test_every_file_of_a_source_is_hashed(tmp_path: Path) -> None:
    for name in ("p1.csv", "p2.csv"):
        (tmp_path / name).write_text("id,day,sum\na,2024-01-01,5\n")
    (tmp_path / "c.csv").write_text("id,age\na,5\n")
    (tmp_path / "more.csv").write_text("id,town\na,x\n")
    content = config()
    content["source"]["tables"] = {
        "purchases": {"path": "p*.csv", "columns": TABLES["purchases"]},
        "customers": {"path": "c.csv", "columns": {"customer_id": "id"}, "attributes": "*",
                      "join": [{"path": "more.csv", "on": "id"}]},
    }  # fmt: skip
    read = Config.from_dict(content, tmp_path / "holdfast.yaml")
    before = source_files(read)
    assert len(before) == 4
    for name in ("p2.csv", "more.csv"):
        (tmp_path / name).write_text((tmp_path / name).read_text() + "b,2024-01-01,5\n")
        changed = source_files(read)
        assert sum(changed[key] != before[key] for key in before) == 1
        before = changed


def test_a_withdrawal_of_today_counts_though_the_purchases_end_long_ago(shop: Path) -> None:
    # lookback and horizon are 135 days; the purchases end on 31 January 2024, and nobody exported them anew
    append(shop, "consents", f"a,{date(2024, 9, 1)},marketing,email,no")
    assert exported(shop)[0]["a"] == "consent withdrawn or not given"
