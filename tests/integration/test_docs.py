"""The documents against the code: keys, defaults, tables, words, paths, commands; README and notebook run."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from holdfast.cli import app
from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories
from holdfast.params import tasks as asked
from holdfast.params.config import Config
from holdfast.params.sections import AcceptRate, EffectSection, FeaturesSection, MeasureSection, OfferSection
from holdfast.params.source import JoinSection, TableSection
from holdfast.pipelines.domain import task_names
from holdfast.pipelines.runs import open_context
from holdfast.pipelines.stages import build_stages
from holdfast.schema import TABLES

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^#+ (.*)$", re.M)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
EXECUTED = "<!-- executed in order by tests/integration/test_docs.py -->"


def section_of(document: str, title: str) -> str:
    """Text under a heading, up to the next heading of any level."""
    _, found, rest = document.partition(f"{title}\n")
    assert found, f"no heading {title!r}"
    following = HEADING.search(rest)
    return rest[: following.start()] if following else rest


def table_rows(text: str) -> dict[str, list[str]]:
    """Rows of the Markdown tables in a text, by their first cell."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


# -- docs/config.md ------------------------------------------------------------------------------------------


SECTIONS: dict[str, type[BaseModel]] = {
    "## Top level": Config,
    "## `source`": Config.model_fields["source"].annotation,  # type: ignore[dict-item]
    "## `source.tables.NAME`": TableSection,
    "### `source.tables.NAME.join`": JoinSection,
    "## `tasks`": asked.Tasks,
    "### `tasks.churn` with `kind: silence`": asked.SilenceTask,
    "### `tasks.churn` with `kind: lapse`": asked.LapseTask,
    "### `tasks.churn` with `kind: contract_end`": asked.ContractEndTask,
    "### `tasks.churn` with `kind: decline`": asked.DeclineTask,
    "### `tasks.churn` with `kind: given`": asked.GivenTask,
    "### `tasks.loyalty` with `kind: repeat`": asked.RepeatTask,
    **{
        f"## `{name}`": Config.model_fields[name].annotation  # type: ignore[dict-item]
        for name in ("cutoffs", "tune", "checks", "economics", "exits", "targeting", "privacy", "tracking", "spark")
    },
    "## `features`": FeaturesSection,
    "## `measures`": MeasureSection,
    "## `offers`": OfferSection,
    "### `offers.accept_rate`": AcceptRate,
    "### `offers.effect`": EffectSection,
    "### `targeting.contact_cap`": Config.model_fields["targeting"].annotation.model_fields["contact_cap"].annotation,  # type: ignore[union-attr, dict-item]
}


def models_below(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every section that an annotation leads to."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_below(field.annotation)
    for part in get_args(annotation):
        yield from models_below(part)


def shown_default(model: type[BaseModel], name: str) -> str:
    """How the reference writes the default of a key."""
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else field.default_factory()  # type: ignore[call-arg, misc]
    if isinstance(value, asked.Tasks) or value is None or value == () or value == {}:
        return "none"
    if isinstance(value, AcceptRate):
        return "see below"
    if isinstance(value, BaseModel):
        return "defaults"
    if value == "":
        return "empty"
    if isinstance(value, tuple):
        return f"`{', '.join(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and "PlainSerializer" in repr(field):
        return f"`{value}d`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_the_reference_has_a_section_for_every_part_of_the_config():
    assert set(models_below(Config)) <= set(SECTIONS.values())


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_is_documented_with_its_default(title):
    model = SECTIONS[title]
    rows = table_rows(section_of(REFERENCE, title))
    expected = {name: shown_default(model, name) for name in model.model_fields if name != "kind"}
    assert {key: cells[1] for key, cells in rows.items()} == expected
    assert all(cells[0] and cells[2] for cells in rows.values())


def test_the_canonical_tables_are_those_of_the_schema():
    rows = table_rows(section_of(REFERENCE, "## Canonical tables"))
    assert set(rows) == set(TABLES)
    for name, (dated, columns) in rows.items():
        table = TABLES[name]
        assert dated == (f"`{table.time}`" if table.time else "undated")
        words = []
        for column in table.columns:
            if column.name == "known_at":
                continue
            later = {None: "", "never": " ← never"}.get(column.reveals, f" ← `{column.reveals}`")
            words.append(f"`{column.name}`{'*' if column.required else ''} {column.kind}{later}")
        assert columns == ", ".join(words), name


def every_table() -> Histories:
    """Histories with one row in every table and every column, so that every feature exists."""
    blank = {"id": "x", "text": "x", "time": "2024-01-01", "decimal": 1, "number": 1.0, "integer": 1, "flag": True}
    return Histories.from_frames(
        {name: pd.DataFrame([{c.name: blank[c.kind] for c in table.columns}]) for name, table in TABLES.items()}
    )


def test_the_words_that_features_know_are_listed_with_their_class():
    rows = table_rows(section_of(REFERENCE, "## Words that the features know"))
    found: dict[str, dict[str, str | None]] = {"complaints.topic": {}, "contacts.purpose": {}, "events.object": {}}
    patterns = {
        "complaints.topic": r"complaints_about_(\w+)_180d",
        "contacts.purpose": r"contacts_about_(\w+)_180d",
        "events.object": r"(?!usage)(\w+)_events_90d",
    }
    for feature in FeatureSet.of(every_table(), 60).features:
        for column, pattern in patterns.items():
            if match := re.fullmatch(pattern, feature.name):
                found[column][match[1]] = feature.exit_class
    for column, words in found.items():
        assert words, column
        assert rows[column][0] == ", ".join(f"`{word}` {exit_class}" for word, exit_class in words.items())


# -- paths, targets, commands --------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_only_files_that_exist(document):
    text = document.read_text(encoding="utf-8")
    links = [match for match in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in match]
    missing = [link for link in links if not (document.parent / link).exists()]
    places = r"`((?:src|tests|docs|configs|notebooks|pipelines|benchmarks|\.ci)/[\w./-]+|[\w-]+\.(?:toml|lock|md))`"
    missing += [path for path in re.findall(places, text) if not (ROOT / path).exists()]
    missing += [path for path in re.findall(r"-c (configs/[\w.]+)", text) if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_only_make_targets_that_exist(document):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`make ([a-z]+)`", text) + re.findall(r"^make ([a-z]+)", text, re.M)
    assert set(named) <= targets


def commands_in(text: str) -> list[list[str]]:
    """Every `holdfast …` line of the bash blocks and inline code of a document."""
    lines = [line for kind, block in FENCE.findall(text) if kind == "bash" for line in block.splitlines()]
    lines += re.findall(r"`(holdfast [^`]+)`", FENCE.sub("", text))
    return [re.sub(r"\s+#.*", "", line).split() for line in lines if line.startswith("holdfast ")]


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_only_commands_and_options_that_exist(document):
    known = get_command(app).commands  # type: ignore[attr-defined]
    for _, name, *words in commands_in(document.read_text(encoding="utf-8")):
        assert name in known, name
        options = {option for parameter in known[name].params for option in parameter.opts}
        assert {word for word in words if re.match(r"-{1,2}[a-z]", word)} <= options, name


def test_the_architecture_shows_the_floors_that_the_linter_holds():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(c["layers"] for c in contracts if c["type"] == "layers")
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = FENCE.search(section_of(text, "## Rooms and floors"))[2]  # type: ignore[index]
    drawn = [re.split(r"\s{3,}", line)[0] if "|" not in line else line for line in picture.splitlines()]
    rooms = [set(re.findall(r"[a-z]+", floor)) for floor in floors]
    assert len(drawn) == len(floors)
    for line, expected in zip(drawn, rooms, strict=True):
        named = {part.strip().split(" ")[0] for part in line.split("|")[: len(expected)]}
        assert named == expected, line


def test_the_architecture_lists_every_stage_in_order(tmp_path):
    rows = table_rows(section_of((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), "## One stage graph"))
    context = open_context(ROOT / "configs" / "cdnow.yaml", tmp_path)
    assert list(rows) == [stage.name for stage in build_stages(context)]
    assert task_names(context.config)[0] == "churn"


def test_no_document_names_a_place_of_one_machine():
    for document in DOCS:
        text = document.read_text(encoding="utf-8")
        assert not re.search(r"/(?:home|work|root|Users|tmp)/|127\.0\.0\.1|localhost", text), document


def test_pictures_are_small():
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < 300_000, picture.name


# -- the README's example runs -------------------------------------------------------------------------------


def run_block(kind: str, block: str, folder: Path) -> str:
    command = [sys.executable, "-c", block] if kind == "python" else ["bash", "-euo", "pipefail", "-c", block]
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": os.pathsep.join(paths)}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the README's worked example ran, and what it printed."""
    assert shutil.which("bash"), "the README's commands need bash"
    folder = tmp_path_factory.mktemp("readme")
    text = section_of(README, "## Your own data")
    blocks = FENCE.findall(text.partition(EXECUTED)[2])
    assert [kind for kind, _ in blocks] == ["python", "bash", "bash", "bash"]
    printed = [run_block(kind, block, folder) for kind, block in blocks[:2]]
    quicken(folder / "holdfast.yaml")
    return folder, "".join([*printed, *(run_block(kind, block, folder) for kind, block in blocks[2:])])


def quicken(config: Path) -> None:
    """No search for settings and one test cutoff: the reader waits a minute, the test need not."""
    text = config.read_text(encoding="utf-8")
    quick = re.sub(r"test: \d+", "test: 1", re.sub(r"trials: \d+", "trials: 0", text))
    assert quick != text
    config.write_text(quick, encoding="utf-8")


@pytest.mark.xdist_group("readme")
def test_the_worked_example_gives_what_the_readme_says(example):
    folder, printed = example
    for name in table_rows(section_of(README, "## What you get")):
        first = name.split("`")[0]
        assert list((folder / "out" / "orders").glob(first.replace("<task>", "churn"))), first
    for name in ("send.csv", "send_control.csv", "send_suppression.csv", "out/orders/lists/data_dictionary.csv"):
        assert (folder / name).is_file(), name
    listed = pd.read_parquet(folder / "out" / "orders" / "lists" / "retention.parquet")
    assert (listed["arm"] == "treat").any()
    assert listed.loc[listed["arm"] == "treat", "cost"].sum() <= 300
    assert "report: out/orders/report.html" in printed


@pytest.mark.xdist_group("readme")
def test_the_snippets_print_figures_and_score_like_the_list(example):
    folder, _ = example
    blocks = [block for kind, block in FENCE.findall(README) if kind == "python"]
    figures = next(block for block in blocks if "metrics/churn.json" in block)
    printed = run_block("python", figures.replace("out/online_retail", "out/orders"), folder)
    assert printed.splitlines()[1].startswith("blend")
    scoring = next(block for block in blocks if "load_model" in block)
    check = (
        'listed = pd.read_parquet("out/orders/lists/retention.parquet").set_index("customer_id")["p_churn"]\n'
        "assert len(listed) and (scores.loc[listed.index] == listed).all()\n"
    )
    run_block("python", scoring + check, folder)


# -- the notebook --------------------------------------------------------------------------------------------


SCRIPT, BOOK = ROOT / "notebooks" / "01_first_look.py", ROOT / "notebooks" / "01_first_look.ipynb"


def test_the_notebook_and_its_script_agree_and_it_was_executed():
    jupytext = pytest.importorskip("jupytext", reason="needs the extra `notebooks`")
    script, book = jupytext.read(SCRIPT), jupytext.read(BOOK)
    assert [(c.cell_type, c.source) for c in script.cells] == [(c.cell_type, c.source) for c in book.cells]
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.execution_count == place for place, cell in enumerate(code, 1))
    assert sum("image/png" in output.get("data", {}) for cell in code for output in cell.outputs) >= 4


def test_the_notebook_runs(tmp_path):
    jupytext = pytest.importorskip("jupytext", reason="needs the extra `notebooks`")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra `notebooks`")
    book = jupytext.read(SCRIPT)
    nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    printed = "".join(out.get("text", "") for c in book.cells if c.cell_type == "code" for out in c.outputs)
    assert "the law holds: True" in printed
    assert list(tmp_path.iterdir()) == []
