"""A block of features: the SQL of one idea and the metadata of the columns it yields."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.features.feature import Feature


@dataclass(frozen=True)
class Block:
    """Staged SQL that ends in one row per (customer_id, cutoff).

    Parameters
    ----------
    name : str
        Name of the block; its result becomes the temporary table `block_<name>`.
    stages : mapping of str to str
        Temporary tables to build first, in order, in Spark's dialect.
    sql : str
        Final SELECT (Spark's dialect) with `customer_id, cutoff` and one column per feature, plus
        the columns listed in `internal`.
    features : tuple of Feature
        Metadata of the columns.
    internal : tuple of str
        Columns that later steps need and the model does not see.
    counts : frozenset of str
        Columns that are zero, not missing, for a customer without any row in the table.
    """

    name: str
    sql: str
    features: tuple[Feature, ...]
    stages: Mapping[str, str] = field(default_factory=dict)
    internal: tuple[str, ...] = ()
    counts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Available:
    """What the histories offer: the columns of each present table, attributes and the horizon in days."""

    columns: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, str]
    horizon: int

    def has(self, table: str, *columns: str) -> bool:
        """Whether `table` is there and has all `columns`."""
        return table in self.columns and all(column in self.columns[table] for column in columns)
