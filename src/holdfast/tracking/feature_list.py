"""`features.json` beside a model: which raw features it takes. Plain JSON, so that no stage loads MLflow for it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from holdfast.errors import ModelError
from holdfast.features.feature import Feature

FEATURES_FILE = "features.json"
FEATURES_VERSION = 1


def write_features(folder: Path, features: Sequence[Feature]) -> Path:
    """Write `features.json` beside the model: every feature in the order of the model's columns.

    Returns
    -------
    Path
        The file.
    """
    path = folder / FEATURES_FILE
    content = {"version": FEATURES_VERSION, "features": [asdict(feature) for feature in features]}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_features(folder: Path) -> list[dict[str, Any]]:
    """Read `features.json` of a model folder.

    Raises
    ------
    ModelError
        When the file is absent or not what `write_features` writes.
    """
    path = folder / FEATURES_FILE
    try:
        features: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
        return [{**feature, "categorical": bool(feature.get("categorical", False))} for feature in features]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a list of features ({type(error).__name__}); train the model again") from error
