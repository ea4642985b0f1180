"""`Workspace`: the folder of a run. Files appear whole: written aside, then renamed."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import BusyError, DataError

ASIDE = ".aside-"


@dataclass(frozen=True)
class Workspace:
    """Paths of one run and how they are written.

    Parameters
    ----------
    root : Path
        The output folder (`DIR` of the contract).
    models : Path
        Where models go; `DIR/models` unless told otherwise.
    """

    root: Path
    models: Path

    @classmethod
    def at(cls, root: Path, models: Path | None = None) -> "Workspace":
        """Workspace in `root`, created when first written to."""
        return cls(root, models or root / "models")

    def path(self, *parts: str) -> Path:
        """A path inside the run; names that begin with `models/` follow the models folder."""
        relative = Path(*parts)
        if relative.parts and relative.parts[0] == "models":
            return self.models.joinpath(*relative.parts[1:])
        return self.root / relative

    def write_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Write Parquet or, for a `.csv` name, CSV."""
        with self.aside(name) as target:
            if name.endswith(".csv"):
                frame.to_csv(target, index=False, lineterminator="\n")
            else:
                frame.to_parquet(target, index=False, compression="zstd")

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write JSON; not-a-number becomes null."""
        with self.aside(name) as target:
            target.write_text(
                json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
            )

    def write_text(self, name: str, text: str) -> None:
        """Write text as UTF-8."""
        with self.aside(name) as target:
            target.write_text(text, encoding="utf-8")

    def read_frame(self, name: str) -> pd.DataFrame:
        """Read a Parquet file; raises DataError when an earlier stage has not made it."""
        return pd.read_parquet(self.existing(name))

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file; raises DataError when an earlier stage has not made it."""
        value: dict[str, Any] = json.loads(self.existing(name).read_text(encoding="utf-8"))
        return value

    def existing(self, name: str) -> Path:
        """Path of a file that must be there."""
        path = self.path(name)
        if not path.exists():
            raise DataError(f"{path}: not there; run the earlier stages first (`holdfast run`)")
        return path

    def remove(self, name: str) -> None:
        """Remove a file or folder of the run, if it is there."""
        _remove(self.path(name))

    @contextmanager
    def aside(self, name: str) -> Iterator[Path]:
        """Give a path to write to; it takes the place of `name` when the block ends well."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(ASIDE + target.name)
        _remove(temporary)
        try:
            yield temporary
            if temporary.is_dir():
                _remove(target)
            os.replace(temporary, target)
        finally:
            _remove(temporary)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder alone; the lock goes with the process, also when it is killed.

        Raises
        ------
        BusyError
            When another run holds it.
        """
        folder = self.root / ".holdfast"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(
                    f"{self.root}: another run is writing here; wait for it or choose another folder"
                ) from error
            yield


def plain(value: Any) -> Any:
    """JSON-able copy: numpy scalars become Python's, NaN and infinities None, dates ISO text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if value is pd.NaT or value is pd.NA:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder."""
    total = hashlib.sha256()
    files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
    for item in files:
        total.update(str(item.relative_to(path)).encode())
        with item.open("rb") as handle:
            total.update(hashlib.file_digest(handle, "sha256").digest())
    return total.hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
