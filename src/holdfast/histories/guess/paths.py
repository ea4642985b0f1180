"""From what the user named on the command line to files that can be tables: folders, globs, parts of one table."""

from collections.abc import Sequence
from glob import escape, glob, has_magic
from itertools import takewhile
from os.path import commonpath
from pathlib import Path

from holdfast.errors import ConfigError, DataError
from holdfast.histories.files import inspect

_ENDINGS = (".parquet", ".pq", *(f".{kind}{packed}" for kind in ("csv", "txt", "tsv", "dat") for packed in ("", ".gz")))
_PARQUET = (".parquet", ".pq")


def find_files(data: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Files behind names of files, folders and globs.

    Parameters
    ----------
    data : sequence of str
        As typed; of a folder every csv, txt and Parquet file directly in it.

    Returns
    -------
    root : Path
        The folder that holds all of them, absolute.
    paths : tuple of str
        Files below it, and globs for parts of one table, as a config would name them.

    Raises
    ------
    ConfigError
        When a name leads to no file that can be read.
    """
    files = list(dict.fromkeys(file for name in data for file in _files(name)))
    if not files:
        raise ConfigError("init: expected at least one csv, csv.gz or parquet file")
    root = Path(commonpath([file.parent for file in files]))
    return root, tuple(path for group in _groups(files) for path in _named(root, group))


def _files(name: str) -> list[Path]:
    path = Path(name).resolve()
    if path.is_file():
        if not path.name.lower().endswith(_ENDINGS):
            raise ConfigError(f"init: cannot read {name!r}; expected csv, csv.gz, txt, txt.gz or parquet")
        return [path]
    if path.is_dir():
        found = [one for one in sorted(path.iterdir()) if one.is_file() and one.name.lower().endswith(_ENDINGS)]
    elif has_magic(name):
        found = [Path(one).resolve() for one in sorted(glob(name, recursive=True)) if Path(one).is_file()]
        found = [one for one in found if one.name.lower().endswith(_ENDINGS)]
    else:
        raise ConfigError(f"init: {name!r} does not exist; expected a file, a folder or a glob")
    if not found:
        raise ConfigError(f"init: no csv or parquet file in {name!r}")
    return found


def _groups(files: Sequence[Path]) -> list[list[Path]]:
    """Files of one folder whose names differ in figures only and whose columns agree: parts of one table."""
    groups: dict[tuple[Path, str, tuple[str, ...]], list[Path]] = {}
    for file in files:
        stem = "".join("#" if letter.isdigit() else letter for letter in file.name)
        while "##" in stem:
            stem = stem.replace("##", "#")
        columns = () if "#" not in stem else _columns(file)
        groups.setdefault((file.parent, stem if "#" in stem else file.name, columns), []).append(file)
    return list(groups.values())


def _columns(file: Path) -> tuple[str, ...]:
    if file.name.lower().endswith(_PARQUET):
        import pyarrow.lib
        import pyarrow.parquet as pq

        try:
            return tuple(pq.read_schema(file).names)
        except (pyarrow.lib.ArrowException, OSError):
            return (file.name,)
    try:
        return inspect(file).names
    except DataError:
        return (file.name,)


def _named(root: Path, group: Sequence[Path]) -> list[str]:
    """One glob for a group where it catches nothing else, else each file by itself."""
    if len(group) > 1:
        names = [file.name for file in group]
        head = _shared(names)
        tail = _shared([name[len(head) :][::-1] for name in names])[::-1]
        pattern = f"{escape(head)}*{escape(tail)}"
        if sorted(group[0].parent.glob(pattern)) == sorted(group):
            return [str((group[0].parent / pattern).relative_to(root))]
    return [escape(str(file.relative_to(root))) for file in group]


def _shared(words: Sequence[str]) -> str:
    """Letters that all words begin with."""
    letters = takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))
    return "".join(column[0] for column in letters)
