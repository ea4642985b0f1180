"""Where a result comes from: code revision, library versions, the identity of a run and of a model."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from holdfast.pipelines.workspace import digest, digest_of

LIBRARIES = ("holdfast", "duckdb", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "shap", "xgboost", "optuna",
             "mlflow", "sqlglot")  # fmt: skip
PACKAGE = Path(__file__).resolve().parents[1]


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of the package's own source, so that changed code never reuses an old result."""
    total = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in {".py", ".j2", ".css"}:
            total.update(str(path.relative_to(PACKAGE)).encode() + path.read_bytes())
    return total.hexdigest()[:16]


def code_revision() -> str:
    """Git revision of the source where there is one, and the source hash."""
    try:
        found = subprocess.run(
            ["git", "-C", str(PACKAGE), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
        )
        revision = found.stdout.strip() if found.returncode == 0 else ""
    except OSError:
        revision = ""
    return f"{revision}+{code_hash()}" if revision else code_hash()


def library_versions() -> dict[str, str]:
    """Versions of what the result depends on."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def run_id(config: dict[str, Any], data_hash: str, cutoff: Any) -> str:
    """Identity of a run: the same config, data and code give the same one."""
    return digest_of([config, data_hash, str(cutoff), code_hash()])[:12]


def model_version(folder: Path) -> str:
    """Identity of a model: a hash of its files."""
    return digest(folder)[:12]


def threads() -> int:
    """Threads to use: `OMP_NUM_THREADS` where set, else the processors this process may run on."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdigit() and int(told) > 0 else len(os.sched_getaffinity(0))
