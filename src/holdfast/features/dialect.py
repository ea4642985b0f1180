"""One text of SQL: written in Spark's dialect, turned into DuckDB's by sqlglot (engine.md)."""

from functools import lru_cache

import sqlglot


@lru_cache(maxsize=256)
def to_duckdb(sql: str) -> str:
    """Translate one statement from Spark's dialect.

    Examples
    --------
    >>> print(to_duckdb("SELECT DATEDIFF(DATE '2024-01-03', DATE '2024-01-01') AS n"))
    SELECT DATE_DIFF('DAY', CAST('2024-01-01' AS DATE), CAST('2024-01-03' AS DATE)) AS "n"
    """
    return str(sqlglot.transpile(sql, read="spark", write="duckdb", identify=True)[0])
