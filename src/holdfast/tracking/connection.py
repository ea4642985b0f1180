"""Opens a tracking database explicitly: nothing global is set, no artifact lands outside its folder."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from holdfast.errors import ConfigError, HoldfastError, ModelError

_SQLITE = "sqlite:///"


def resolve_uri(uri: str, folder: Path) -> str:
    """Anchor a relative SQLite address to a folder (that of the config); other addresses stay as they are.

    Examples
    --------
    >>> resolve_uri("sqlite:///mlflow.db", Path("/data/shop"))
    'sqlite:////data/shop/mlflow.db'
    >>> resolve_uri("http://tracker:5000", Path("/data/shop"))
    'http://tracker:5000'
    """
    if not uri.startswith(_SQLITE):
        return uri
    return f"{_SQLITE}{(folder / uri.removeprefix(_SQLITE)).absolute()}"


def artifact_folder(uri: str) -> Path | None:
    """Give the folder `mlartifacts` beside a SQLite database; None where a server keeps the artifacts itself.

    Examples
    --------
    >>> artifact_folder("sqlite:////data/shop/mlflow.db").as_posix()
    '/data/shop/mlartifacts'
    """
    return Path(uri.removeprefix(_SQLITE)).absolute().parent / "mlartifacts" if uri.startswith(_SQLITE) else None


def connect(uri: str) -> Any:
    """Open an `MlflowClient` on a tracking database or server, which is also its model registry.

    Parameters
    ----------
    uri : str
        ``sqlite:///…`` (made if absent) or the address of a server.

    Returns
    -------
    mlflow.MlflowClient

    Raises
    ------
    ConfigError
        When the address cannot be used.
    """
    _keep_quiet()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if folder := artifact_folder(uri):
            folder.parent.mkdir(parents=True, exist_ok=True)
            _create_whole(Path(uri.removeprefix(_SQLITE)).absolute())
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        reason = str(error).splitlines()[0][:200]
        raise ConfigError(f"tracking.uri: cannot use {uri!r} ({reason}); for example sqlite:///mlflow.db") from error
    return client


def require_existing(uri: str) -> None:
    """Refuse a SQLite address where no database is: whoever only looks something up makes none.

    Raises
    ------
    ModelError
        When the file is absent.
    """
    if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).exists():
        raise ModelError(f"{uri}: no such database; expected the ledger of a run (tracking.uri)")


def _create_whole(database: Path) -> None:
    """Make an absent SQLite database aside and rename it: its first minutes are hundreds of steps that a kill breaks.

    The folder is locked meanwhile, so that of two processes one makes it and the other finds it.
    """
    if database.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    handle = os.open(database.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if database.exists():
            return
        aside = database.with_name(f".aside-{database.name}")
        aside.unlink(missing_ok=True)
        store = SqlAlchemyStore(f"{_SQLITE}{aside}", (database.parent / "mlartifacts").as_uri())
        store.engine.dispose()
        os.replace(aside, database)
    finally:
        os.close(handle)


def require_reachable(uri: str) -> None:
    """Refuse a tracking server that does not answer, before anything is computed for it.

    Raises
    ------
    ConfigError
        When a server's address cannot be reached within five seconds; files and databases are not asked.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return
    try:
        with socket.create_connection((parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)), 5):
            return
    except OSError as error:
        raise ConfigError(
            f"tracking.uri: {uri!r} does not answer ({error.strerror or error}); start the server, or use "
            "sqlite:///mlflow.db"
        ) from error


def experiment_id(client: Any, uri: str, name: str) -> str:
    """Find an experiment by name, or make it with its artifacts beside the database.

    Returns
    -------
    str
        MLflow's id of the experiment; a deleted one is restored.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        folder = artifact_folder(uri)
        location = None if folder is None else folder.as_uri()
        return str(client.create_experiment(name, artifact_location=location))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


@contextmanager
def plain_errors(what: str) -> Iterator[None]:
    """Turn MLflow's own errors into one line that says what could not be done.

    Raises
    ------
    HoldfastError
        In place of an `MlflowException`.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise HoldfastError(f"{what}: MLflow refused ({str(error).splitlines()[0][:300]})") from error


def _keep_quiet() -> None:
    """Keep MLflow at home: no usage reports over the network, no progress bars, unless the user asked for them."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
