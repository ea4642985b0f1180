"""The `source` section: where the tables are and how their columns are read."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator

from holdfast.histories.sources import GivenLabel, JoinedFile, Role, Source, TableSource
from holdfast.params.base import Section, Word, Words
from holdfast.params.yaml_reader import expand


def _attributes(value: Any) -> Any:
    return "*" if value in ("*", ["*"]) else value


class JoinSection(Section):
    """A further file with one row per key (an extension of the contract)."""

    path: Word
    on: Word


class TableSection(Section):
    """One table of the source."""

    path: Word
    where: Word | None = None
    key: Words = ()
    columns: Annotated[dict[str, Word], Field(min_length=1)]
    attributes: Annotated[Literal["*"] | Words, BeforeValidator(_attributes)] = ()
    exclude: Words = ()
    static: Words = ()
    roles: dict[str, Role] = Field(default_factory=dict)
    join: tuple[JoinSection, ...] = ()

    @field_validator("path")
    @classmethod
    def _expand(cls, value: str) -> str:
        expand(value)
        return value

    def build(self, name: str) -> TableSource:
        """As ingestion takes it."""
        return TableSource(
            name,
            expand(self.path),
            dict(self.columns),
            self.where,
            self.key,
            self.attributes,
            self.exclude,
            self.static,
            dict(self.roles),
            tuple(JoinedFile(expand(one.path), one.on) for one in self.join),
        )


class SourceSection(Section):
    """The source."""

    name: Word = "source"
    root: Word = "."
    timezone: str = "UTC"
    as_of: date | None = None
    tables: Annotated[dict[str, TableSection], Field(min_length=1)]

    @field_validator("root")
    @classmethod
    def _expand(cls, value: str) -> str:
        expand(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("a time zone such as UTC or Europe/London") from error
        return value

    def build(self, base: Path, label_table: str | None = None, label: GivenLabel | None = None) -> Source:
        """As ingestion takes it; paths in it are relative to `base`."""
        tables = tuple(table.build(name) for name, table in self.tables.items())
        return Source(self.name, expand(self.root), base, tables, self.timezone, self.as_of, label_table, label)
