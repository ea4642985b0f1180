"""What the report is made from: plain dicts and frames, without customers' ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from holdfast.errors import DataError

LIST_COLUMNS = (
    "p_churn", "history_state", "loss_if_silent", "profit_at_risk", "exit_reason", "reason_source", "reason_1",
    "reason_2", "reason_3", "planned_offer", "channel", "cost", "expected_uplift", "effect_source", "expected_profit",
    "arm", "suppressed_because",
)  # fmt: skip
"""Columns of `lists/retention.parquet` that the report reads; ids are not among them."""


@dataclass(frozen=True)
class ReportData:
    """Everything the report says, as plain dicts and frames.

    Parameters
    ----------
    source : str
        Name of the data.
    scored_at : str
        Scoring date, ISO.
    metrics : mapping
        `metrics/churn.json`.
    listed : pandas.DataFrame
        `lists/retention.parquet`; only `LIST_COLUMNS` are kept (see `without_ids`). `reason_indicated` may be beside
        them, for the leavers by indicated class.
    summary : mapping
        Summary of the list, as `build_list` gives it.
    drivers : pandas.DataFrame
        `drivers/churn_global.csv`: `feature, family, mean_abs`.
    curves : mapping
        Result of `holdfast.reporting.curves.curves`.
    kind : str
        Kind of the churn task; chooses the words.
    currency : str
        ISO code.
    n_outside : int or None
        Customers with a history who are outside the cohort and therefore not scored.
    loyalty : mapping or None
        `metrics/loyalty.json`.
    relationship : mapping or None
        `relationship.json`.
    exits : mapping or None
        `ledger`: `exits/exit_ledger.json`; `distribution, fix_list, alerts`: rows of those files; `rates`: the churn
        rate of everybody in the newest period.
    value : mapping
        Backtest of the loss: `horizon_days`, `wanted_days`, `ratio` (predicted over actual), `low`, `high`,
        `top_20_share`; each optional.
    words : mapping of str to str
        Readable names of features.
    caveats : sequence of str
        Sentences beside the standing ones (warnings of the run).
    not_measured : mapping of str to str
        What is absent, and why.
    provenance : mapping of str to str
        `run_id, model_version, data_hash, code_revision, seed …` in the order to be shown.
    versions : mapping of str to str
        Library versions.
    simulated : bool
        Whether the data are a simulated world.
    """

    source: str
    scored_at: str
    metrics: Mapping[str, Any]
    listed: pd.DataFrame
    summary: Mapping[str, Any]
    drivers: pd.DataFrame
    curves: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    kind: str = "silence"
    currency: str = "GBP"
    n_outside: int | None = None
    loyalty: Mapping[str, Any] | None = None
    relationship: Mapping[str, Any] | None = None
    exits: Mapping[str, Any] | None = None
    value: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    caveats: Sequence[str] = ()
    not_measured: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False


def without_ids(listed: pd.DataFrame) -> pd.DataFrame:
    """Keep only the columns of the list that the report reads.

    Raises
    ------
    DataError
        When one of them is absent.

    Examples
    --------
    >>> frame = pd.DataFrame({name: ["x"] for name in (*LIST_COLUMNS, "customer_id")})
    >>> "customer_id" in without_ids(frame)
    False
    """
    if absent := [name for name in LIST_COLUMNS if name not in listed.columns]:
        raise DataError(f"report: the list lacks the column {absent[0]}; run `holdfast target` again")
    extra = [name for name in ("reason_indicated",) if name in listed.columns]
    return listed[[*LIST_COLUMNS, *extra]].reset_index(drop=True)
