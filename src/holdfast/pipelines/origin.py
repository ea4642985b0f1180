"""Where a run's data came from, and reading them again: what `export` checks has to be true today."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.errors import ConfigError, HoldfastError
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.histories.report import IngestReport
from holdfast.histories.sources import list_files
from holdfast.params import Config
from holdfast.pipelines.workspace import Workspace, digest

ORIGIN = ".holdfast/source.json"


def source_files(config: Config) -> dict[str, str]:
    """Hash of every source file of a config."""
    source = config.build_source()
    if source.database is not None:
        return {"database": digest(source.database)} if source.database.is_file() else {}
    return {
        f"{table.name}: {file}": digest(file)
        for table in source.tables
        for path in (table.path, *(one.path for one in table.join))
        for file in list_files(source, table.name, path)
    }


def read_sources(config: Config, histories: Path, quarantine: Path) -> IngestReport:
    """Ingest what a config names; a mistake in the config is told with its file."""
    try:
        return ingest(config.build_source(), histories, span=config.span, quarantine_dir=quarantine)
    except ConfigError as error:
        where = f"{config.path}: source." if str(error).startswith("tables.") else f"{config.path}: "
        raise ConfigError(f"{where}{error}") from error


def remember(config: Config, workspace: Workspace) -> None:
    """Note beside the run where its sources are and what they held."""
    anchor = config.base / "config.yaml"
    workspace.write_json(ORIGIN, {"anchor": str(anchor.absolute()), "files": source_files(config)})


@contextmanager
def present_histories(workspace: Workspace) -> Iterator[tuple[Histories, str]]:
    """Canonical tables as the sources hold them now, and one sentence on how they were read.

    The run's own tables serve while the sources are unchanged; else the sources are read again into a folder that
    goes away. Where they cannot be read the run's own tables serve, and the sentence says so.
    """
    kept = Histories.open(workspace.existing("histories"))
    try:
        config, files = _origin(workspace)
        same = source_files(config) == files
    except (HoldfastError, OSError, KeyError) as error:
        yield kept, f"consent, contacts and purchases were checked as of {kept.end} only: the sources cannot be read " \
                    f"again ({' '.join(str(error).split())})"  # fmt: skip
        return
    if same:
        yield kept, f"the sources have not changed since the run: checked as of {kept.end}"
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        out = Path(folder)
        try:
            read_sources(config, out / "histories", out / "quarantine")
            fresh = Histories.open(out / "histories")
        except HoldfastError as error:
            yield kept, f"consent, contacts and purchases were checked as of {kept.end} only: the changed sources " \
                        f"cannot be read ({' '.join(str(error).split())})"  # fmt: skip
            return
        yield fresh, f"the sources have changed since the run and were read again: checked as of {fresh.end}"


def _origin(workspace: Workspace) -> tuple[Config, dict[str, Any]]:
    stored = workspace.read_json(ORIGIN)
    content = workspace.read_json("run.json")["config"]
    return Config.from_dict(content, Path(stored["anchor"])), stored["files"]
