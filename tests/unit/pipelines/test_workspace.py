import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.errors import BusyError, DataError
from holdfast.pipelines.workspace import ASIDE, Workspace, digest, digest_of, plain


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path / "out")


def test_nothing_is_made_before_the_first_file(space: Workspace) -> None:
    assert not space.root.exists()


def test_models_may_live_elsewhere(tmp_path: Path) -> None:
    space = Workspace.at(tmp_path / "out", tmp_path / "models")
    assert space.path("models/churn/a.json") == tmp_path / "models" / "churn" / "a.json"
    assert space.path("models", "x") == tmp_path / "models" / "x"
    assert space.path("modelsheet.csv") == tmp_path / "out" / "modelsheet.csv"


def test_a_failure_leaves_the_old_file_and_no_remains(space: Workspace) -> None:
    space.write_text("a/x.txt", "old")

    def fail() -> None:
        with space.aside("a/x.txt") as target:
            target.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert space.path("a/x.txt").read_text() == "old"
    assert [path.name for path in space.path("a").iterdir()] == ["x.txt"]


def test_the_new_file_is_invisible_until_it_is_whole(space: Workspace) -> None:
    with space.aside("x.txt") as target:
        target.write_text("new")
        assert not space.path("x.txt").exists()
    assert space.path("x.txt").read_text() == "new"


def test_a_folder_is_replaced_as_a_whole_and_leftovers_of_a_kill_are_cleared(space: Workspace) -> None:
    for names in (("a", "b"), ("c",)):
        left = space.root / f"{ASIDE}things"
        left.mkdir(parents=True, exist_ok=True)
        (left / "remains").write_text("x")
        with space.aside("things") as target:
            target.mkdir()
            for name in names:
                (target / name).write_text(name)
        assert {path.name for path in space.path("things").iterdir()} == set(names)
    assert [path.name for path in space.root.iterdir()] == ["things"]


def test_frames_and_json_come_back(space: Workspace) -> None:
    frame = pd.DataFrame({"a": [1.5, None], "b": ["x", "é"]})
    space.write_frame("f.parquet", frame)
    space.write_frame("f.csv", frame)
    pd.testing.assert_frame_equal(space.read_frame("f.parquet"), frame)
    assert space.path("f.csv").read_bytes() == "a,b\n1.5,x\n,é\n".encode()
    space.write_json("f.json", {"é": np.float32(0.5), "nan": float("nan")})
    assert space.read_json("f.json") == {"é": 0.5, "nan": None}
    with pytest.raises(DataError, match=r"gone.parquet: not there; run the earlier stages first"):
        space.read_frame("gone.parquet")


def test_json_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from holdfast.pipelines.workspace import Workspace; "
        f"Workspace.at(Path({str(tmp_path)!r})).write_json('j.json', {{'a': chr(233) + chr(8364)}})"
    )
    found = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    assert found.returncode == 0, found.stderr[-500:]
    assert json.loads((tmp_path / "j.json").read_text(encoding="utf-8")) == {"a": "é€"}


def test_plain_values() -> None:
    value = {
        1: (np.int64(3), np.bool_(True)),
        "b": np.array([[1.0, np.inf]]),
        "s": {"z", "a"},
        "f": frozenset({"z", "y", "x"}),
        "t": [pd.Timestamp("2024-01-02"), date(2024, 1, 2), pd.NaT, pd.NA, None, np.datetime64("2024-01-02")],
        "p": Path("x"),
    }
    assert plain(value) == {
        "1": [3, True],
        "b": [[1.0, None]],
        "s": ["a", "z"],
        "f": ["x", "y", "z"],
        "t": ["2024-01-02T00:00:00", "2024-01-02", None, None, None, "2024-01-02"],
        "p": "x",
    }
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 2, "b": 1})


def test_a_digest_sees_contents_and_names(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "sub" / "b").write_text("2")
    first = digest(folder)
    assert digest(folder) == first
    (folder / "a").write_text("2")
    changed = digest(folder)
    (folder / "a").rename(folder / "c")
    assert len({first, changed, digest(folder)}) == 3


def test_one_run_at_a_time(space: Workspace) -> None:
    with (
        space.locked(),
        pytest.raises(BusyError, match="another run is writing here"),
        Workspace.at(space.root).locked(),
    ):
        pass
    with space.locked():
        pass
