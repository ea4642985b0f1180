"""From numpy to Arrow: times, money, ids, words; and small helpers for ragged rows."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.errors import DataError
from holdfast.schema import TABLES, Kind

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

_SECONDS_PER_DAY = 86_400
_MICROSECONDS = 1_000_000

ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.TIME: pa.timestamp("us"),
    Kind.DECIMAL: pa.decimal128(18, 4),
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.int64(),
    Kind.FLAG: pa.bool_(),
}
"""Arrow type of each kind of column."""


def times(start: date, days: Floats) -> pa.Array:
    """Timestamps, cut to whole seconds, from days since midnight `start`; not finite becomes null."""
    known = np.isfinite(days)
    seconds = np.floor(np.where(known, days, 0.0) * _SECONDS_PER_DAY).astype(np.int64)
    origin = np.datetime64(start, "us").astype(np.int64)
    return pa.array(seconds * _MICROSECONDS + origin, mask=~known).cast(pa.timestamp("us"))


def decimals(values: Floats) -> pa.Array:
    """Money as DECIMAL(18,4), rounded to cents; not finite becomes null.

    Examples
    --------
    >>> decimals(np.array([1.005, -2.5])).to_pylist()
    [Decimal('1.0000'), Decimal('-2.5000')]
    """
    known = np.isfinite(values)
    words = np.empty((len(values), 2), dtype="<i8")
    words[:, 0] = np.rint(np.where(known, values, 0.0) * 100).astype(np.int64) * 100
    words[:, 1] = words[:, 0] >> 63
    validity = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    return pa.Array.from_buffers(ARROW_TYPES[Kind.DECIMAL], len(values), [validity, pa.py_buffer(words)])


def ids(prefix: str, numbers: Ints, width: int = 7) -> pa.Array:
    """Ids such as ``c0000012``; a negative number becomes null.

    Examples
    --------
    >>> ids("c", np.array([12, -1])).to_pylist()
    ['c0000012', None]
    """
    text = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width=width, padding="0")
    joined = pc.binary_join_element_wise(pa.scalar(prefix), text, "")
    return pc.if_else(pa.array(numbers < 0), pa.scalar(None, pa.string()), joined)


def words(vocabulary: Sequence[str], codes: Ints) -> pa.Array:
    """Pick words by their index; a negative one becomes null.

    Examples
    --------
    >>> words(["a", "b"], np.array([1, -1, 0])).to_pylist()
    ['b', None, 'a']
    """
    return pa.array(list(vocabulary), pa.string()).take(pa.array(codes, mask=codes < 0))


def numbers(values: Floats) -> pa.Array:
    """Plain numbers; NaN becomes null."""
    return pa.array(values, mask=np.isnan(values))


def canonical(name: str, columns: Mapping[str, pa.Array], extra: Sequence[str] = ()) -> pa.Table:
    """Arrow table with the canonical order and types of `schema.TABLES[name]`; `extra` are attributes.

    Raises
    ------
    DataError
        When a column is neither canonical nor named in `extra`, or a required one is absent.
    """
    table = TABLES[name]
    unknown = set(columns) - set(table.names) - set(extra)
    absent = set(table.required) - set(columns)
    if unknown or absent:
        raise DataError(f"simulated table {name}: unknown columns {sorted(unknown)}, missing {sorted(absent)}")
    fields = {c.name: columns[c.name].cast(ARROW_TYPES[c.kind]) for c in table.columns if c.name in columns}
    return pa.table({**fields, **{key: columns[key] for key in extra}})


def ragged_arange(counts: Ints) -> Ints:
    """0, 1, … within each group of `counts` rows.

    Examples
    --------
    >>> ragged_arange(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def scatter(rng: np.random.Generator, start: Floats, end: Floats, per_month: Floats | float) -> tuple[Ints, Floats]:
    """Poisson points in the spans `[start, end)`: index of the span, and time; empty spans give none.

    Parameters
    ----------
    per_month : array or float
        Expected points per 30 days.
    """
    length = np.maximum(end - start, 0.0)
    counts = rng.poisson(per_month * length / 30.0)
    span = np.repeat(np.arange(len(start)), counts)
    return span, start[span] + rng.random(len(span)) * length[span]


def at_hour(rng: np.random.Generator, at: Floats, first: float = 8.0, last: float = 20.0) -> Floats:
    """The same days, at a random moment between two hours of the day."""
    return np.floor(at) + (first + (last - first) * rng.random(len(at))) / 24.0
