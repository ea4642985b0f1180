"""Tasks: each kind is one SQL text that gives, for every cutoff, the cohort and its label.

The SQL sees the small tables `spans(cutoff, back, since, until)`: `[back, cutoff)` is the lookback,
`[since, until)` the label window, and the canonical tables of histories. A row counts towards the cohort
only when it was known before the cutoff; which label rows count is decided by the caller, who passes
`histories.upto(t)` for labels that train a model serving from t (contract.md, "Known then").
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

import pandas as pd
import pyarrow as pa

from holdfast.errors import ConfigError, DataError
from holdfast.histories.histories import Histories
from holdfast.histories.words import same_value
from holdfast.windows import Span, label_window, observation_window

LABEL_COLUMNS = ("customer_id", "cutoff", "label", "competing", "in_lead")


@dataclass(frozen=True)
class Task(ABC):
    """A question: who is asked (cohort) and what is asked (label).

    Parameters
    ----------
    name : str
        `churn` or `loyalty`.
    span : Span
        Lookback, lead and horizon in days.
    """

    name: str
    span: Span

    kind: ClassVar[str]
    table: ClassVar[str] = "purchases"
    """The table that the label reads; its last row is the end of the data."""

    @abstractmethod
    def sql(self, histories: Histories) -> str:
        """SELECT customer_id, cutoff, label, competing, in_lead over the table `spans`."""

    def labels(self, histories: Histories, cutoffs: Sequence[date]) -> pd.DataFrame:
        """Cohort and label at each cutoff.

        Parameters
        ----------
        histories : Histories
            What the labels may see.
        cutoffs : sequence of date
            Label windows that reach past the data count as unknown: the caller asks for the cohort then.

        Returns
        -------
        DataFrame
            `customer_id, cutoff, label` (0/1), `competing` (ended for a reason that is not churn),
            `in_lead` (left inside the lead: of no use for training), sorted by cutoff and customer.

        Raises
        ------
        DataError
            When the table that the task reads is absent.
        """
        if not histories.has(self.table):
            raise DataError(f"task {self.name} of kind {self.kind} reads the table {self.table!r}, which is not given")
        with histories.connect() as connection:
            connection.register("spans", _spans(cutoffs, self.span))
            frame: pd.DataFrame = connection.sql(f"{self.sql(histories)} ORDER BY cutoff, customer_id").df()
        return frame.astype({"label": "int8", "competing": bool, "in_lead": bool, "customer_id": "str"})

    def cohort(self, histories: Histories, cutoff: date) -> pd.DataFrame:
        """Cohort at one cutoff, from what was known then: `customer_id, cutoff`."""
        return self.labels(histories.upto(cutoff), [cutoff])[["customer_id", "cutoff"]]


def _spans(cutoffs: Sequence[date], span: Span) -> pa.Table:
    windows = [(cutoff, observation_window(cutoff, span.lookback), label_window(cutoff, span)) for cutoff in cutoffs]
    columns = {
        "cutoff": [cutoff for cutoff, _, _ in windows],
        "back": [seen.start for _, seen, _ in windows],
        "since": [asked.start for _, _, asked in windows],
        "until": [asked.end for _, _, asked in windows],
    }
    return pa.table({name: pa.array(days, pa.date32()).cast(pa.timestamp("us")) for name, days in columns.items()})


def signs_of_life(histories: Histories) -> str:
    """Subquery of signs of life: `customer_id, at, seen` where `seen` is when the row was known."""
    known = 'GREATEST("at", COALESCE(known_at, "at"))' if "known_at" in histories.columns("purchases") else '"at"'
    return f'(SELECT customer_id, "at" AS moment, {known} AS seen, amount FROM purchases WHERE amount > 0)'


def _activity(histories: Histories, *cells: str) -> str:
    """Cohort of the last `lookback` days with aggregates over signs of life in the label window."""
    listing = "".join(f", {cell}" for cell in cells)
    return f"""
        SELECT c.customer_id, c.cutoff, c.since, c.until, c.last_at{listing}
        FROM (SELECT s.customer_id, p.cutoff, p.since, p.until, max(s.moment) AS last_at
              FROM spans p JOIN {signs_of_life(histories)} s ON s.moment >= p.back AND s.seen < p.cutoff
              GROUP BY ALL) c
        LEFT JOIN {signs_of_life(histories)} f
          ON f.customer_id = c.customer_id AND f.moment >= c.cutoff AND f.moment < c.until
        GROUP BY c.customer_id, c.cutoff, c.since, c.until, c.last_at"""


_INSIDE = "f.moment >= c.since"


@dataclass(frozen=True)
class SilenceTask(Task):
    """Churn is silence: no sign of life in the label window among those active in the lookback (A1)."""

    kind: ClassVar[str] = "silence"

    def sql(self, histories: Histories) -> str:
        """See `Task.sql`."""
        return f"""
            SELECT customer_id, cutoff, CASE WHEN n = 0 THEN 1 ELSE 0 END AS label,
                   false AS competing, false AS in_lead
            FROM ({_activity(histories, f"count(f.moment) FILTER ({_INSIDE}) AS n")})"""


@dataclass(frozen=True)
class RepeatTask(Task):
    """Loyalty is repetition: a sign of life in at least `min_active_periods` of the horizon's periods."""

    min_active_periods: int = 2
    period: int = 30
    kind: ClassVar[str] = "repeat"

    def sql(self, histories: Histories) -> str:
        """See `Task.sql`."""
        slot = f"CAST(floor(date_diff('day', c.since, f.moment) / {self.period}) AS INTEGER)"
        periods = max(self.span.horizon // self.period, 1)
        inside = f"{_INSIDE} AND {slot} < {periods}"
        return f"""
            SELECT customer_id, cutoff, CASE WHEN n >= {self.min_active_periods} THEN 1 ELSE 0 END AS label,
                   false AS competing, false AS in_lead
            FROM ({_activity(histories, f"count(DISTINCT {slot}) FILTER ({inside}) AS n")})"""


@dataclass(frozen=True)
class LapseTask(Task):
    """Silent for longer than the own rhythm allows.

    The allowed silence is `factor` times the customer's own mean gap between purchase days before the
    cutoff, at least `floor` and at most `cap` days; without a gap of its own it is `cap`. Cohort: active in
    the lookback and not beyond the allowed silence at the cutoff. Label 1: beyond it when the label window
    ends.
    """

    factor: float = 3.0
    floor: int = 30
    cap: int = 180
    kind: ClassVar[str] = "lapse"

    def sql(self, histories: Histories) -> str:
        """See `Task.sql`."""
        rhythm = f"""
            SELECT s.customer_id, p.cutoff,
                   date_diff('day', min(s.moment), max(s.moment)) / nullif(count(DISTINCT s.moment::DATE) - 1, 0) AS gap
            FROM spans p JOIN {signs_of_life(histories)} s ON s.seen < p.cutoff GROUP BY s.customer_id, p.cutoff"""
        return f"""
            SELECT customer_id, cutoff,
                   CASE WHEN date_diff('day', coalesce(next_last, last_at), until) > allowed THEN 1 ELSE 0 END AS label,
                   false AS competing, false AS in_lead
            FROM (SELECT a.*, least(greatest(coalesce(r.gap * {self.factor}, {self.cap}), {self.floor}), {self.cap})
                             AS allowed
                  FROM ({_activity(histories, "max(f.moment) AS next_last")}) a
                  JOIN ({rhythm}) r ON r.customer_id = a.customer_id AND r.cutoff = a.cutoff)
            WHERE date_diff('day', last_at, cutoff) <= allowed"""


@dataclass(frozen=True)
class DeclineTask(Task):
    """Partial defection (H1): spend in the label window below `share` of the own past level.

    The past level is the net spend of the lookback, scaled to the length of the horizon; customers without
    a positive past level are outside the cohort.
    """

    share: float = 0.5
    kind: ClassVar[str] = "decline"

    def __post_init__(self) -> None:
        if not self.span.lookback:
            raise ConfigError(f"task {self.name} of kind decline: expected a lookback of at least one day")

    def sql(self, histories: Histories) -> str:
        """See `Task.sql`."""
        known = 'GREATEST("at", COALESCE(known_at, "at"))' if "known_at" in histories.columns("purchases") else '"at"'
        money = f'(SELECT customer_id, "at" AS moment, {known} AS seen, amount FROM purchases)'
        scale = self.span.horizon / self.span.lookback
        return f"""
            SELECT c.customer_id, c.cutoff,
                   CASE WHEN coalesce(sum(f.amount), 0) < {self.share} * {scale!r} * c.past THEN 1 ELSE 0 END AS label,
                   false AS competing, false AS in_lead
            FROM (SELECT m.customer_id, p.cutoff, p.since, p.until, sum(m.amount) AS past
                  FROM spans p JOIN {money} m ON m.moment >= p.back AND m.seen < p.cutoff
                  GROUP BY ALL HAVING sum(m.amount) > 0 AND max(m.amount) > 0) c
            LEFT JOIN {money} f ON f.customer_id = c.customer_id AND f.moment >= c.since AND f.moment < c.until
            GROUP BY c.customer_id, c.cutoff, c.past"""


@dataclass(frozen=True)
class ContractEndTask(Task):
    """The contract ends in the label window for a reason that counts as churn.

    Cohort: a contract started before the cutoff and not ended before it. A customer is gone when its last
    contract has ended and none is in force at the end of the window, so a renewal is no churn. Ends for a
    reason in `not_churn` are competing: label 0, marked. Ends inside the lead are marked `in_lead`.
    """

    not_churn: tuple[str, ...] = ()
    involuntary: tuple[str, ...] = ()
    kind: ClassVar[str] = "contract_end"
    table: ClassVar[str] = "contracts"

    def exits(self, histories: Histories, cutoffs: Sequence[date], until: date) -> pd.DataFrame:
        """How long each cohort member stayed after a cutoff, and why the relation ended.

        A customer is gone at the first moment after the cutoff at which no contract is in force, until the next one.

        Parameters
        ----------
        histories : Histories
            What may be seen: `upto(t)` for a model that serves from t.
        cutoffs : sequence of date
        until : date
            Whoever is still there is last seen then.

        Returns
        -------
        DataFrame
            `customer_id, cutoff, duration_days, cause` (`churn`, `involuntary`, `other`, or missing when still
            there), sorted by cutoff and customer.
        """
        contract = _contracts(histories)
        spared, failed = (_listed("k.why", words) for words in (self.not_churn, self.involuntary))
        with histories.connect() as connection:
            connection.register("spans", _spans(cutoffs, self.span))
            frame: pd.DataFrame = connection.sql(f"""
                WITH chain AS (
                    SELECT customer_id, lead(started_at) OVER w AS next_start,
                           max(coalesce(e, TIMESTAMP '9999-01-01')) OVER w AS reach,
                           bool_or(e IS NULL) OVER w AS open
                    FROM {contract} WINDOW w AS (PARTITION BY customer_id ORDER BY started_at, e NULLS LAST
                                                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)),
                ends AS (
                    SELECT g.customer_id, g.reach AS ended_at, bool_or({spared}) AS excused, bool_or({failed}) AS failed
                    FROM (SELECT DISTINCT customer_id, reach FROM chain
                          WHERE NOT open AND (next_start IS NULL OR next_start > reach)) g
                    JOIN {contract} k ON k.customer_id = g.customer_id AND k.e = g.reach
                    GROUP BY g.customer_id, g.reach),
                cohort AS (
                    SELECT DISTINCT k.customer_id, p.cutoff FROM spans p
                    JOIN {contract} k ON k.seen < p.cutoff AND (k.e IS NULL OR k.e >= p.cutoff)),
                gone AS (
                    SELECT c.customer_id, c.cutoff, min(x.ended_at) AS ended_at,
                           arg_min(x.excused, x.ended_at) AS excused, arg_min(x.failed, x.ended_at) AS failed
                    FROM cohort c LEFT JOIN ends x ON x.customer_id = c.customer_id AND x.ended_at >= c.cutoff
                     AND x.ended_at < CAST('{until}' AS TIMESTAMP)
                    GROUP BY c.customer_id, c.cutoff)
                SELECT customer_id, cutoff,
                       CAST(date_diff('day', cutoff, coalesce(ended_at, CAST('{until}' AS TIMESTAMP))) AS DOUBLE)
                           AS duration_days,
                       CASE WHEN ended_at IS NULL THEN NULL WHEN excused THEN 'other' WHEN failed THEN 'involuntary'
                            ELSE 'churn' END AS cause
                FROM gone ORDER BY cutoff, customer_id""").df()
        return frame.astype({"customer_id": "str"})

    def sql(self, histories: Histories) -> str:
        """See `Task.sql`."""
        spared, contract = _listed("k.why", self.not_churn), _contracts(histories)
        return f"""
            SELECT customer_id, cutoff,
                   CASE WHEN NOT in_force AND ended_at >= since AND NOT excused THEN 1 ELSE 0 END AS label,
                   NOT in_force AND ended_at >= since AND excused AS competing,
                   NOT in_force AND ended_at < since AS in_lead
            FROM (SELECT c.customer_id, c.cutoff, c.since,
                         bool_or(k.e IS NULL OR k.e >= c.until) AS in_force, max(k.e) AS ended_at,
                         coalesce(arg_max({spared}, (k.e, {spared})), false) AS excused
                  FROM (SELECT DISTINCT k.customer_id, p.cutoff, p.since, p.until FROM spans p
                        JOIN {contract} k ON k.seen < p.cutoff AND (k.e IS NULL OR k.e >= p.cutoff)) c
                  JOIN {contract} k ON k.customer_id = c.customer_id AND k.started_at < c.until
                   AND (k.e IS NULL OR k.e >= c.cutoff)
                  GROUP BY c.customer_id, c.cutoff, c.since)"""


def _contracts(histories: Histories) -> str:
    """Subquery of contracts: `customer_id, seen` (when the row was known), `started_at, e` (end), `why`."""
    columns = histories.columns("contracts")
    known = "GREATEST(started_at, COALESCE(known_at, started_at))" if "known_at" in columns else "started_at"
    ended = "ended_at" if "ended_at" in columns else "CAST(NULL AS TIMESTAMP)"
    reason = "end_reason" if "end_reason" in columns else "CAST(NULL AS VARCHAR)"
    return f"(SELECT customer_id, {known} AS seen, started_at, {ended} AS e, {reason} AS why FROM contracts)"


def _listed(column: str, words: Sequence[str]) -> str:
    """SQL condition: the column is one of the words."""
    texts = ", ".join("'" + word.replace("'", "''") + "'" for word in words) or "NULL"
    return f"coalesce({column} IN ({texts}), false)"


@dataclass(frozen=True)
class GivenTask(Task):
    """The label is a column of a snapshot: one row per customer, no dates."""

    label: str = ""
    positive: str = "1"
    snapshot_at: date | None = None
    span: Span = field(default_factory=lambda: Span(0, 0, 1))
    kind: ClassVar[str] = "given"
    table: ClassVar[str] = "customers"

    def sql(self, histories: Histories) -> str:
        """See `Task.sql`."""
        if self.label not in histories.columns("customers"):
            raise DataError(f"task {self.name}: the label {self.label!r} is not a column of the table 'customers'")
        column = '"' + self.label.replace('"', '""') + '"'
        return f"""
            SELECT t.customer_id, p.cutoff, CASE WHEN {same_value(column, self.positive)} THEN 1 ELSE 0 END AS label,
                   false AS competing, false AS in_lead
            FROM customers t CROSS JOIN spans p WHERE {column} IS NOT NULL"""


def return_rate(histories: Histories, task: Task, cutoffs: Sequence[date]) -> dict[date, tuple[int, int]]:
    """How many silent customers of each cutoff came back after the label window, until the end of the data.

    Returns
    -------
    dict of date to (silent, returned)
        Empty for kinds whose label 1 does not mean silence. Silent is not gone for good (contract.md, "Meanings").
    """
    if task.kind not in {"silence", "lapse"} or task.name == "loyalty":
        return {}
    with histories.connect() as connection:
        connection.register("spans", _spans(cutoffs, task.span))
        rows = connection.sql(f"""
            SELECT l.cutoff, count(DISTINCT l.customer_id), count(DISTINCT f.customer_id)
            FROM ({task.sql(histories)}) l JOIN spans p ON p.cutoff = l.cutoff
            LEFT JOIN {signs_of_life(histories)} f ON f.customer_id = l.customer_id AND f.moment >= p.until
            WHERE l.label = 1 GROUP BY l.cutoff ORDER BY l.cutoff""").fetchall()
    return {row[0].date(): (row[1], row[2]) for row in rows}
