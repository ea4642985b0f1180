"""Texts into time stamps: SQL for every spelling that can be read without guessing.

ISO stamps (with or without zone), YYYYMMDD, seconds and milliseconds since 1970, days and months in
figures or with the month in letters. Whether 03/04/2020 is in March or April is decided once per column,
by the rows that can be read in only one way; a column where no row decides is refused.
"""

from dataclasses import dataclass

import duckdb

from holdfast.errors import DataError

_ISO = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?$"
_ZONED = r":\d{2}(\.\d+)?( ?[zZ]| ?[+-]\d{2}(:?\d{2})?| [A-Za-z]+(/[A-Za-z_]+)*)$"
_FIGURES = r"^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})([ T].*)?$"
_LETTERS = r"[A-Za-z]{3}.*\d{2}"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p")
_NAMED = ("%d-%b-%Y", "%d %b %Y", "%d/%b/%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%y")
_TOLERATED = 0.01
"""Share of rows that may contradict a column's order of day and month; they are quarantined."""


@dataclass(frozen=True)
class DayOrder:
    """How many rows of a column speak for day/month, for month/day, and could be either."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    example: str = ""

    def day_leads(self, table: str, column: str, source: str) -> bool:
        """Whether the day stands first.

        Raises
        ------
        DataError
            When no row decides, or when both orders are mixed.
        """
        advice = (
            f"say which in the config, for example {column}: \"strptime({source}, '%d/%m/%Y')\" for day first or "
            f"'%m/%d/%Y' for month first"
        )
        decided = self.day_first + self.month_first
        if decided == 0:
            if self.either:
                raise DataError(
                    f"table {table}, column {column} (source {source}): every date such as {self.example!r} reads both "
                    f"as day/month and as month/day and no row decides; {advice}"
                )
            return True
        if min(self.day_first, self.month_first) > _TOLERATED * decided and self.either + decided > 1:
            raise DataError(
                f"table {table}, column {column} (source {source}): {self.day_first} rows can only be day/month and "
                f"{self.month_first} only month/day, so the others cannot be read; repair the file, or {advice}"
            )
        return self.day_first >= self.month_first


def day_order(connection: duckdb.DuckDBPyConnection, table: str, value: str) -> DayOrder:
    """Count what the rows of a text column say about the order of day and month.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where `table` is.
    table : str
        Quoted table name.
    value : str
        SQL expression of the text.
    """
    row = connection.execute(
        f"""
        WITH parts AS (
            SELECT {value} AS word, regexp_extract(trim({value}), '{_FIGURES}', 2) AS separator,
                TRY_CAST(regexp_extract(trim({value}), '{_FIGURES}', 1) AS INTEGER) AS a,
                TRY_CAST(regexp_extract(trim({value}), '{_FIGURES}', 3) AS INTEGER) AS b
            FROM {table} WHERE regexp_matches(trim({value}), '{_FIGURES}')
        )
        SELECT count(*) FILTER (separator = '.' OR (a > 12 AND a < 32 AND b <= 12)),
            count(*) FILTER (separator <> '.' AND a <= 12 AND b > 12 AND b < 32),
            count(*) FILTER (separator <> '.' AND a <= 12 AND b <= 12 AND a <> b),
            min(word) FILTER (separator <> '.' AND a <= 12 AND b <= 12 AND a <> b)
        FROM parts
        """
    ).fetchone()
    return DayOrder(int(row[0]), int(row[1]), int(row[2]), row[3] or "") if row else DayOrder()


def stamp(value: str, zone: str, day_first: bool) -> str:
    """SQL that reads the text `value` as a naive stamp in `zone`; NULL where it is not a date.

    Examples
    --------
    >>> sql = stamp("'2020-07-01T10:00:00Z'", "Europe/London", True)
    >>> str(duckdb.connect().execute(f"SELECT {sql}").fetchone()[0])
    '2020-07-01 11:00:00'
    """
    word = f"trim({value})"
    first, second = ("d", "m") if day_first else ("m", "d")
    zoned = f"regexp_replace({word}, ' ([+-]\\d{{2}}:?\\d{{0,2}})$', '\\1')"
    zoned = f"regexp_replace({zoned}, '([+-]\\d{{2}})(\\d{{2}})$', '\\1:\\2')"
    figures = f"upper(replace(regexp_replace({word}, '^(\\d{{1,2}})[/.-](\\d{{1,2}})[/.-]', '\\1/\\2/'), 'T', ' '))"
    long = ", ".join(f"'%{first}/%{second}/%Y{clock}'" for clock in _CLOCKS)
    short = ", ".join(f"'%{first}/%{second}/%y{clock}'" for clock in _CLOCKS)
    named = ", ".join(f"'{day}{clock}'" for day in _NAMED for clock in _CLOCKS)
    return f"""CASE
        WHEN {value} IS NULL THEN NULL
        WHEN regexp_matches({word}, '{_ISO}') THEN CASE WHEN regexp_matches({word}, '{_ZONED}')
            THEN {in_zone(f"TRY_CAST({zoned} AS TIMESTAMPTZ)", zone)} ELSE TRY_CAST({word} AS TIMESTAMP) END
        WHEN regexp_full_match({word}, '\\d{{8}}') THEN try_strptime({word}, '%Y%m%d')
        WHEN regexp_full_match({word}, '\\d{{14}}') THEN try_strptime({word}, '%Y%m%d%H%M%S')
        WHEN regexp_full_match({word}, '\\d{{8}}T\\d{{6}}') THEN try_strptime({word}, '%Y%m%dT%H%M%S')
        WHEN regexp_full_match({word}, '\\d{{10}}') THEN {in_zone(f"to_timestamp(TRY_CAST({word} AS BIGINT))", zone)}
        WHEN regexp_full_match({word}, '\\d{{13}}')
            THEN {in_zone(f"to_timestamp(TRY_CAST({word} AS BIGINT) / 1000.0)", zone)}
        WHEN regexp_matches({word}, '{_FIGURES}') THEN
            CASE WHEN regexp_matches({word}, '^\\d{{1,2}}[/.-]\\d{{1,2}}[/.-]\\d{{4}}')
            THEN try_strptime({figures}, [{long}]) ELSE try_strptime({figures}, [{short}]) END
        WHEN regexp_matches({word}, '{_LETTERS}') THEN try_strptime({word}, [{named}]) END"""


def in_zone(value: str, zone: str) -> str:
    """SQL: a zoned stamp as the naive stamp on the clock of `zone`."""
    quoted = zone.replace("'", "''")
    return f"timezone('{quoted}', {value})"
