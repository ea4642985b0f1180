"""`Config`: the whole file, read, checked and frozen."""

from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError

from holdfast.errors import ConfigError
from holdfast.histories.sources import GivenLabel, Source
from holdfast.histories.words import nearest
from holdfast.params.base import Section
from holdfast.params.messages import first_problem
from holdfast.params.sections import (
    ChecksSection,
    CutoffsSection,
    EconomicsSection,
    ExitsSection,
    FeaturesSection,
    MeasureSection,
    OfferSection,
    PrivacySection,
    SparkSection,
    TargetingSection,
    TrackingSection,
    TuneSection,
)
from holdfast.params.source import SourceSection, TableSection
from holdfast.params.tasks import GivenTask, Tasks
from holdfast.params.yaml_reader import read_yaml
from holdfast.schema import TABLES, Table
from holdfast.windows import Span

CONFIG_VERSION = 1


class Config(Section):
    """A config (contract.md, "Config").

    Examples
    --------
    >>> config = Config.from_dict({
    ...     "source": {"tables": {"purchases": {"path": "p.csv", "columns": {
    ...         "customer_id": "id", "at": "day", "amount": "value"}}}},
    ...     "tasks": {"churn": {"kind": "silence", "horizon": "8w"}}})
    >>> config.tasks.churn.span.horizon, config.cutoffs.test
    (56, 3)
    """

    version: int = CONFIG_VERSION
    seed: int = Field(default=7, ge=0, lt=2**32)
    source: SourceSection
    tasks: Tasks = Tasks()
    cutoffs: CutoffsSection = CutoffsSection()
    features: FeaturesSection = FeaturesSection()
    tune: TuneSection = TuneSection()
    checks: ChecksSection = ChecksSection()
    economics: EconomicsSection = EconomicsSection()
    exits: ExitsSection = ExitsSection()
    measures: tuple[MeasureSection, ...] = ()
    offers: tuple[OfferSection, ...] = ()
    targeting: TargetingSection = TargetingSection()
    privacy: PrivacySection = PrivacySection()
    tracking: TrackingSection = TrackingSection()
    spark: SparkSection = SparkSection()

    _path: Path | None = PrivateAttr(default=None)

    @classmethod
    def from_dict(cls, content: dict[str, Any], path: Path | None = None) -> "Config":
        """Check plain values.

        Parameters
        ----------
        content : dict
            What the YAML file holds.
        path : Path or None
            The file; relative paths in the config start at its folder (None: the current one).

        Raises
        ------
        ConfigError
            The first mistake, as one line.
        """
        file = str(path) if path else "config"
        try:
            _check_version(content.get("version", CONFIG_VERSION))
            config = cls.model_validate(content)
            _check_tables(config)
            _check_tasks(config)
            _check_offers(config)
            _check_privacy(config)
        except ValidationError as error:
            raise ConfigError(f"{file}: {first_problem(error, cls)}") from error
        except ConfigError as error:
            raise ConfigError(f"{file}: {error}") from error
        config._path = path
        return config

    @property
    def path(self) -> Path | None:
        """The file it was read from."""
        return self._path

    @property
    def base(self) -> Path:
        """The folder that relative paths start from."""
        return (self._path.parent if self._path else Path()).resolve()

    @property
    def span(self) -> Span | None:
        """Timing of the main task: churn, else loyalty; None for a snapshot."""
        task = self.tasks.churn or self.tasks.loyalty
        return task.span if task else None

    def build_source(self) -> Source:
        """The source as ingestion takes it, with the table and column that the label reads."""
        task = self.tasks.churn or self.tasks.loyalty
        label = GivenLabel(task.label, task.positive, task.snapshot_column) if isinstance(task, GivenTask) else None
        return self.source.build(self.base, task.table if task else _first_dated(self), label)

    def resolved(self) -> dict[str, Any]:
        """All settings with their defaults, JSON-able, for `run.json` and for hashing."""
        return self.model_dump(mode="json")


def load_config(path: Path | str) -> Config:
    """Read and check a config file.

    Parameters
    ----------
    path : Path or str
        The YAML file.

    Returns
    -------
    Config
        Frozen, with every default filled in.

    Raises
    ------
    ConfigError
        The first mistake, as one line: file, key, what came, what was expected, the nearest valid name.
    """
    file = Path(path)
    return Config.from_dict(read_yaml(file), file)


def _check_version(version: Any) -> None:
    if version != CONFIG_VERSION or isinstance(version, bool):
        raise ConfigError(f"version: came {version!r}; expected {CONFIG_VERSION}, the version that this holdfast reads")


def _first_dated(config: Config) -> str | None:
    return next((name for name in ("purchases", "contracts", "campaigns") if name in config.source.tables), None)


def _check_tables(config: Config) -> None:
    snapshot = isinstance(config.tasks.churn, GivenTask)
    for name, table in config.source.tables.items():
        key = f"source.tables.{name}"
        if name not in TABLES:
            raise ConfigError(f"{key}: unknown table {name!r}{nearest(name, TABLES)}")
        # results that are given need no dates to be read from
        undated = snapshot or (name == "campaigns" and bool({"outcome", "outcome_value"} & set(table.columns)))
        _check_columns(key, table, TABLES[name], undated)
        if name != "customers":
            for option in ("attributes", "exclude", "static"):
                if getattr(table, option):
                    raise ConfigError(f"{key}.{option}: only the table customers keeps further columns")


def _check_columns(key: str, table: TableSection, schema: Table, undated: bool) -> None:
    for column in table.columns:
        if column not in schema.names:
            raise ConfigError(f"{key}.columns.{column}: unknown column {column!r}{nearest(column, schema.names)}")
    for column in schema.required:
        if column not in table.columns and not (undated and column == schema.time):
            raise ConfigError(
                f"{key}.columns: {column!r} is missing; expected {', '.join(schema.required)} to be mapped, "
                f'for example {column}: "name of the source column"'
            )


def _check_tasks(config: Config) -> None:
    present = config.source.tables
    for name, task in (("churn", config.tasks.churn), ("loyalty", config.tasks.loyalty)):
        if task is not None and task.table not in present:
            raise ConfigError(
                f"tasks.{name}: kind {task.kind} reads the table {task.table}, which source.tables does not map; "
                f"mapped are {', '.join(present)}"
            )
    if config.tasks.churn is None and config.tasks.loyalty is None and "campaigns" not in present:
        raise ConfigError("tasks: came nothing; expected churn, for example churn: {kind: silence, horizon: 60d}")
    if isinstance(config.tasks.churn, GivenTask):
        label = config.tasks.churn.label
        if label in present["customers"].roles:
            raise ConfigError(
                f"tasks.churn.label: {label!r} has a role in source.tables.customers.roles; it cannot pass"
            )


def _check_privacy(config: Config) -> None:
    # Accepting the key and writing raw ids all the same would be the worst answer.
    if config.privacy.pseudonymise:
        raise ConfigError(
            "privacy.pseudonymise: came true; pseudonyms are not part of this version, expected false: ids stand raw "
            "in the output folder, and never reach models, MLflow, plots, logs or the report"
        )


def _check_offers(config: Config) -> None:
    names = [offer.name for offer in config.offers]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ConfigError(f"offers[{position}].name: {name!r} is used twice; expected a name of its own")
