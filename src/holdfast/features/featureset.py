"""`FeatureSet`: the one road from histories to the feature matrix, for training and for scoring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from holdfast.errors import DataError
from holdfast.features.attributes import attribute_block
from holdfast.features.block import Available, Block
from holdfast.features.dialect import to_duckdb
from holdfast.features.feature import Feature
from holdfast.features.population import (
    FITTED_FEATURES,
    STATE_COLUMNS,
    PopulationState,
    fit_population,
    fitted_features,
)
from holdfast.features.products import category_block, product_block
from holdfast.features.purchases import median_block, returns_block, state_block, window_block
from holdfast.features.rhythm import rhythm_block
from holdfast.features.tables import optional_blocks
from holdfast.features.timeline import build_timeline
from holdfast.histories.histories import Histories

KEYS = ("customer_id", "cutoff")


@dataclass(frozen=True)
class FeatureMatrix:
    """Features at some cutoffs.

    Parameters
    ----------
    frame : DataFrame
        `customer_id, cutoff` and one column per feature (float32, or category), sorted by both keys.
    states : dict of date to PopulationState
        What was fitted on the population before each cutoff.
    """

    frame: pd.DataFrame
    states: dict[date, PopulationState]


@dataclass(frozen=True)
class FeatureSet:
    """The features that given histories allow.

    Parameters
    ----------
    blocks : tuple of Block
        SQL blocks, in order.
    horizon : int
        Label horizon in days; some features look at the same span of the own past.
    everyone : bool
        Whether a customer without any history has a row too: those of a snapshot are all asked.

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": ["a", "a"], "at": ["2024-01-01", "2024-01-11"], "amount": [5, 7]})
    >>> histories = Histories.from_frames({"purchases": frame})
    >>> matrix = FeatureSet.of(histories, horizon=30).compute(histories, [date(2024, 1, 21)])
    >>> matrix.frame[["days_since_last_order", "orders_30d", "spend_all"]].iloc[0].tolist()
    [10.0, 2.0, 12.0]
    """

    blocks: tuple[Block, ...]
    horizon: int
    everyone: bool = False

    @classmethod
    def of(cls, histories: Histories, horizon: int, *, everyone: bool = False) -> "FeatureSet":
        """Feature set for the tables and columns that `histories` has."""
        columns = {table: histories.columns(table) for table in histories.tables}
        have = Available(columns, dict(histories.attributes), horizon)
        return cls(tuple(block for block in _blocks(have) if block is not None), horizon, everyone)

    @property
    def features(self) -> tuple[Feature, ...]:
        """Metadata of every column, in the order of the frame."""
        plain = tuple(feature for block in self.blocks for feature in block.features)
        return plain + (FITTED_FEATURES if self._has_purchases else ())

    @property
    def _has_purchases(self) -> bool:
        return any(block.name == "rhythm" for block in self.blocks)

    def compute(self, histories: Histories, cutoffs: Sequence[date]) -> FeatureMatrix:
        """Features of every customer with a history at each cutoff.

        Everything comes out of one scan, unless some row became known later than it happened: then each
        cutoff is computed from what was known at it.

        Raises
        ------
        DataError
            When no cutoff is given or nobody has a history at any of them.
        """
        wanted = sorted(set(cutoffs))
        if not wanted:
            raise DataError("features: no cutoff given")
        if any(histories.has_late_rows(table, wanted) for table in histories.tables):
            parts = [self._compute(histories.upto(cutoff), [cutoff]) for cutoff in wanted]
        else:
            parts = [self._compute(histories.upto(max(wanted)), wanted)]
        states = {cutoff: state for part in parts for cutoff, state in part.states.items()}
        frame = pd.concat([part.frame for part in parts], ignore_index=True) if len(parts) > 1 else parts[0].frame
        if frame.empty:
            raise DataError(f"features: no customer has a history before {', '.join(map(str, wanted))}")
        return FeatureMatrix(_categories(frame, self.features), states)

    def _compute(self, histories: Histories, cutoffs: list[date]) -> FeatureMatrix:
        with histories.connect() as connection:
            timeline = build_timeline(_first_day(connection, histories), cutoffs, self.horizon)
            connection.register("calendar", timeline.calendar)
            connection.register("spans", timeline.spans)
            connection.register("cutoffs", pa.table({"cutoff": pa.array(cutoffs, pa.date32())}))
            for block in self.blocks:
                for name, sql in block.stages.items():
                    connection.execute(f"CREATE TEMP TABLE {name} AS {to_duckdb(sql)}")
                connection.execute(f"CREATE TEMP TABLE block_{block.name} AS {to_duckdb(block.sql)}")
            connection.execute(f"CREATE TEMP TABLE base AS {to_duckdb(_base(histories, self.everyone))}")
            frame = connection.sql(self._joined()).df()
            if not self._has_purchases:
                return FeatureMatrix(self._typed(frame), {})
            states = {cutoff: _fit_state(connection, frame, cutoff) for cutoff in cutoffs}
        fitted = [
            fitted_features(frame.loc[frame["cutoff"] == pd.Timestamp(cutoff)], state, self.horizon)
            for cutoff, state in states.items()
        ]
        return FeatureMatrix(self._typed(frame.join(pd.concat(fitted))), states)

    def _joined(self) -> str:
        cells, joins = ["b.customer_id", "CAST(b.cutoff AS TIMESTAMP) AS cutoff"], []
        for block in self.blocks:
            for name in (*(feature.name for feature in block.features), *block.internal):
                cell = f"{block.name}.{name}"
                cells.append(f"COALESCE({cell}, 0) AS {name}" if name in block.counts else cell)
            joins.append(
                f"LEFT JOIN block_{block.name} {block.name} ON {block.name}.customer_id = b.customer_id "
                f"AND {block.name}.cutoff = b.cutoff"
            )
        return f"SELECT {', '.join(cells)} FROM base b {' '.join(joins)} ORDER BY b.cutoff, b.customer_id"

    def _typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        columns = {"customer_id": frame["customer_id"].astype("str"), "cutoff": frame["cutoff"]}
        for feature in self.features:
            if feature.categorical:
                columns[feature.name] = frame[feature.name].astype("str").where(frame[feature.name].notna())
            else:
                values = pd.to_numeric(frame[feature.name]).to_numpy(np.float64, na_value=np.nan)
                columns[feature.name] = pd.Series(values.astype(np.float32), index=frame.index)
        return pd.DataFrame(columns)


def _blocks(have: Available) -> Iterator[Block | None]:
    if have.has("purchases", "at"):
        yield state_block(have)
        yield window_block(have)
        yield rhythm_block(have)
        yield median_block(have)
        yield returns_block(have)
        yield product_block(have)
        yield category_block(have)
    yield from optional_blocks(have)
    yield attribute_block(have)


def _base(histories: Histories, everyone: bool) -> str:
    """Every customer with a history at each cutoff; of a snapshot, every customer."""
    parts = [
        f"SELECT DISTINCT t.customer_id, c.cutoff FROM {table} t JOIN cutoffs c ON t.{time} < c.cutoff"
        for table, time in (("purchases", "at"), ("contracts", "started_at"))
        if time in histories.columns(table)
    ]
    if not parts or (everyone and histories.has("customers")):
        parts += ["SELECT t.customer_id, c.cutoff FROM customers t CROSS JOIN cutoffs c"]
    return " UNION ".join(parts)


def _first_day(connection: duckdb.DuckDBPyConnection, histories: Histories) -> date:
    if "at" not in histories.columns("purchases"):
        return histories.start
    ((first,),) = connection.execute('SELECT CAST(min("at") AS DATE) FROM purchases').fetchall()
    return first or histories.start


def _fit_state(connection: duckdb.DuckDBPyConnection, frame: pd.DataFrame, cutoff: date) -> PopulationState:
    gaps = connection.execute(
        """
        SELECT g.gap, s.n_gaps, CAST(SUM(g.n) AS BIGINT) AS n FROM gap_counts g
        JOIN gap_stats s ON s.customer_id = g.customer_id AND s.cutoff = g.cutoff
        WHERE g.cutoff = ? GROUP BY g.gap, s.n_gaps ORDER BY g.gap, s.n_gaps""",
        [cutoff],
    ).df()
    rows = frame.loc[(frame["cutoff"] == pd.Timestamp(cutoff)) & frame["r"].notna(), [*KEYS, *STATE_COLUMNS]]
    return fit_population(gaps, rows)


def _categories(frame: pd.DataFrame, features: Sequence[Feature]) -> pd.DataFrame:
    """Give categorical columns the pandas `category` dtype with sorted levels."""
    changed = {
        feature.name: pd.Categorical(frame[feature.name], categories=sorted(frame[feature.name].dropna().unique()))
        for feature in features
        if feature.categorical
    }
    return frame.assign(**changed)
