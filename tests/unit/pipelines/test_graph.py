from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.errors import DataError
from holdfast.pipelines import graph
from holdfast.pipelines.graph import Context, Stage, changed_inputs, clear_unasked, step, walk
from holdfast.pipelines.workspace import Workspace


class Settings:
    """Stands where the config does: only `resolved` is asked of it."""

    def __init__(self, **values: object) -> None:
        self.values = values

    def resolved(self) -> dict[str, object]:
        return self.values


class Road:
    """A stage that copies `in.txt` to `out.txt` and counts its runs."""

    def __init__(self, folder: Path) -> None:
        self.runs = 0
        self.workspace = Workspace.at(folder)
        self.workspace.write_text("in.txt", "1")
        self.context = Context(Settings(a={"b": 1}, other=1), self.workspace, say=lambda _: None)
        self.stage = Stage("copy", self.run, keys=("a.b",), needs=("in.txt",), makes=("out.txt",))

    def run(self, context: Context, task: str) -> None:
        self.runs += 1
        context.workspace.write_text("out.txt", context.workspace.path("in.txt").read_text())

    def step(self, **changes: object):
        return step(self.stage, replace(self.context, **changes), "", ("churn",))


@pytest.fixture
def road(tmp_path: Path) -> Road:
    made = Road(tmp_path)
    assert not made.step().reused
    return made


def test_a_finished_step_is_reused(road: Road) -> None:
    done = road.step()
    assert (done.name, done.reused, road.runs) == ("copy", True, 1)
    assert road.step(config=Settings(a={"b": 1}, other=2)).reused


@pytest.mark.parametrize(
    "change", ["input", "output", "output gone", "config", "code", "cutoff", "outside", "not kept"]
)
def test_it_runs_again_when_anything_it_depends_on_changed(
    road: Road, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {}
    if change == "input":
        road.workspace.write_text("in.txt", "2")
    elif change == "output":
        road.workspace.write_text("out.txt", "tampered")
    elif change == "output gone":
        road.workspace.path("out.txt").unlink()
    elif change == "config":
        options = {"config": Settings(a={"b": 2}, other=1)}
    elif change == "code":
        monkeypatch.setattr(graph, "code_hash", lambda: "other")
    elif change == "cutoff":
        options = {"cutoff": "2024-01-01"}
    elif change == "outside":
        road.stage = replace(road.stage, outside=lambda context: "hash")
    else:
        assert not step(road.stage, road.context, "", ("churn",), keep=False).reused
        assert road.runs == 2
        return
    assert not road.step(**options).reused
    assert road.workspace.path("out.txt").read_text() == road.workspace.path("in.txt").read_text()
    assert road.step(**options).reused
    assert road.runs == 2


def test_a_failed_step_is_never_taken_for_a_finished_one(road: Road) -> None:
    def fail(context: Context, task: str) -> None:
        context.workspace.write_text("out.txt", "half")
        raise RuntimeError("stop")

    road.workspace.write_text("in.txt", "2")
    good, road.stage = road.stage, replace(road.stage, run=fail)
    with pytest.raises(RuntimeError, match="stop"):
        road.step()
    road.workspace.write_text("in.txt", "1")
    road.stage = good
    assert not road.step().reused
    assert road.workspace.path("out.txt").read_text() == "1"


def test_a_missing_input_or_a_promise_not_kept_is_named(road: Road) -> None:
    road.stage = replace(road.stage, makes=("never.txt",))
    road.workspace.write_text("in.txt", "2")
    with pytest.raises(DataError, match=r"never.txt: not there"):
        road.step()
    road.workspace.path("in.txt").unlink()
    with pytest.raises(DataError, match=r"in.txt: not there"):
        road.step()


def test_stages_per_task_have_their_own_keys_and_files(tmp_path: Path) -> None:
    space = Workspace.at(tmp_path)
    context = Context(Settings(tasks={"churn": 1, "loyalty": 2}), space, say=lambda _: None)

    def make(context: Context, task: str) -> None:
        context.workspace.write_text(graph.features_file(task, ("churn", "loyalty")), task)

    def join(context: Context, task: str) -> None:
        context.workspace.write_text("all.txt", "x")

    stages = (
        Stage("make", make, keys=("tasks.{task}",), makes=("{features}",), per_task=True),
        Stage("join", join, needs=("features.parquet", "features_loyalty.parquet"), makes=("all.txt",)),
    )
    first = list(walk(stages, context, ("churn", "loyalty")))
    assert [(done.name, done.reused) for done in first] == [
        ("make@churn", False),
        ("make@loyalty", False),
        ("join", False),
    ]
    other = replace(context, config=Settings(tasks={"churn": 1, "loyalty": 3}))
    again = list(walk(stages, other, ("churn", "loyalty")))
    assert [(done.name, done.reused) for done in again] == [
        ("make@churn", True),
        ("make@loyalty", False),
        ("join", True),
    ]


def test_an_input_changed_after_the_stage_is_named(road: Road) -> None:
    assert changed_inputs(road.workspace, "copy") == [], "it never ran here"
    road.step()
    assert changed_inputs(road.workspace, "copy") == []
    road.workspace.write_text("in.txt", "other")
    assert changed_inputs(road.workspace, "copy") == ["in.txt"]
    road.workspace.path("in.txt").unlink()
    assert changed_inputs(road.workspace, "copy") == ["in.txt"]


def test_what_a_task_left_behind_goes_with_the_task(tmp_path: Path) -> None:
    space = Workspace.at(tmp_path)
    written = ("features.parquet", "features_loyalty.parquet", "labels/churn.parquet", "labels/loyalty.parquet",
               ".holdfast/make@churn.json", ".holdfast/make@loyalty.json", "models/loyalty/a", "own.txt")  # fmt: skip
    for name in written:
        space.write_text(name, "x")
    stages = (
        Stage("make", lambda context, task: None, makes=("{features}", "labels/{task}.parquet", "models/{task}"),
              per_task=True),
    )  # fmt: skip
    both = ("churn", "loyalty")
    clear_unasked(stages, space, both, both, ())
    assert space.path("models/loyalty/a").is_file(), "nothing is stale while both are asked"
    clear_unasked(stages, space, ("loyalty",), both, ())
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".holdfast/make@loyalty.json", "features.parquet", "labels/loyalty.parquet", "models/loyalty/a",
                    "own.txt"]  # fmt: skip
