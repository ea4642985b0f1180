"""Registers a folder of model files as a version of `holdfast-<task>`, once per content."""

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from holdfast.errors import ModelError

CHALLENGER, CHAMPION, PREVIOUS = "challenger", "champion", "previous_champion"
GATE_TAG = "gate"
"""Tag of a version: its figures against the champion of the day, as JSON."""
"""Aliases: the newest model, the one that scores, the one that scored before it."""

PINNED = ("holdfast", "numpy", "pandas", "scikit-learn", "scipy", "xgboost", "xgboost-cpu")
"""Distributions that a registered model needs; those installed are pinned to the versions that run now."""

_SCRIPT = Path(__file__).with_name("pyfunc_script.py")


@dataclass(frozen=True)
class ModelVersion:
    """A version in the registry.

    Parameters
    ----------
    name : str
        ``holdfast-<task>``.
    version : str
        MLflow's number of the version.
    model_version : str
        holdfast's own version, derived from the model's content.
    aliases : tuple of str
        Sorted.
    new : bool
        Whether this call added it.
    """

    name: str
    version: str
    model_version: str
    aliases: tuple[str, ...]
    new: bool


def registered_name(task: str) -> str:
    """Name a task's model in the registry.

    Examples
    --------
    >>> registered_name("churn")
    'holdfast-churn'
    """
    return f"holdfast-{task}"


def pinned_requirements() -> list[str]:
    """Pin the packages a registered model runs with, without hosts.

    Returns
    -------
    list of str
        ``name==version``; what is not installed as a distribution is left out.
    """
    pins = []
    for name in PINNED:
        try:
            pins.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return pins


def signature(features: Sequence[Mapping[str, Any]]) -> Any:
    """State inputs and output: numbers as double, categories as any type, the probability as double.

    Categories are declared *any* because MLflow's string type refuses pandas categories.

    Returns
    -------
    mlflow.models.ModelSignature
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    inputs = [ColSpec(AnyType() if f["categorical"] else "double", f["name"]) for f in features]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec("double")]))


def find_version(client: Any, name: str, model_version: str) -> str | None:
    """Find the registry's number of a model by holdfast's `model_version`; the newest if there are several."""
    found = client.search_model_versions(f"name = '{name}' and tags.model_version = '{model_version}'")
    return max((str(one.version) for one in found), key=int, default=None)


def register(
    client: Any,
    *,
    task: str,
    model_dir: Path,
    model_version: str,
    run_id: str,
    experiment: str,
    tags: Mapping[str, str],
) -> ModelVersion:
    """Log a model folder under a run and register it, unless the registry has this `model_version` already.

    Parameters
    ----------
    client : mlflow.MlflowClient
        From `connect`.
    task : str
        Names the registered model.
    model_dir : Path
        Folder with `boosting.ubj`, `blend.json`, `features.json` and whatever else belongs to the model.
    model_version : str
        holdfast's version of the model's content.
    run_id, experiment : str
        MLflow's ids of the parent run and of its experiment.
    tags : mapping
        Further tags of the version.

    Returns
    -------
    ModelVersion

    Raises
    ------
    ModelError
        When the folder is not a model.
    """
    name = registered_name(task)
    known = find_version(client, name, model_version)
    if known is not None:
        return describe(client, name, known)
    for file in ("blend.json", "features.json"):
        if not (model_dir / file).is_file():
            raise ModelError(f"{model_dir}: no {file}; a model folder holds boosting.ubj, blend.json and features.json")
    logged = _log(client, name, model_dir, run_id, experiment, tags)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=f"Probability of {task}, from raw features")
    made = client.create_model_version(
        name, logged.artifact_location, run_id, tags={**tags, "model_version": model_version}, model_id=logged.model_id
    )
    return describe(client, name, str(made.version), new=True)


def holder(client: Any, name: str, alias: str) -> str | None:
    """Give the number of the version that holds an alias, or None."""
    found = client.search_registered_models(f"name = '{name}'")
    number = found[0].aliases.get(alias) if found else None
    return None if number is None else str(number)


def describe(client: Any, name: str, number: str, *, new: bool = False) -> ModelVersion:
    """Read one version with its aliases."""
    found = client.get_model_version(name, number)
    aliases = tuple(sorted(found.aliases))
    return ModelVersion(name, str(found.version), found.tags.get("model_version", ""), aliases, new)


def _log(client: Any, name: str, model_dir: Path, run_id: str, experiment: str, tags: Mapping[str, str]) -> Any:
    from mlflow.entities import LoggedModelOutput

    logged = client.create_logged_model(experiment, name=name, source_run_id=run_id, tags=dict(tags))
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / "model"
        _save(saved, model_dir, logged, run_id)
        client.log_model_artifacts(logged.model_id, str(saved))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, models=[LoggedModelOutput(logged.model_id, step=0)])
    return client.get_logged_model(logged.model_id)


def _save(target: Path, model_dir: Path, logged: Any, run_id: str) -> None:
    import mlflow.pyfunc
    from mlflow.models import Model

    from holdfast.tracking.pyfunc_model import read_features

    ticket = Model(
        artifact_path=logged.artifact_location, model_uuid=logged.model_id, model_id=logged.model_id, run_id=run_id
    )
    with _without_advice():
        mlflow.pyfunc.save_model(
            str(target),
            python_model=str(_SCRIPT),
            artifacts={"model": str(model_dir.absolute())},
            signature=signature(read_features(model_dir)),
            pip_requirements=pinned_requirements(),
            mlflow_model=ticket,
        )


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silence MLflow's advice on input examples: an example would be a customer's row."""
    logger = logging.getLogger("mlflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        logger.setLevel(before)
