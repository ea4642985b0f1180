"""The files for the sending tool: send, control and suppression, checked again on the day of export."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.errors import ConfigError, DataError
from holdfast.targeting.customers import texts
from holdfast.targeting.suppression import CAP, NO_CONSENT, NOT_RECORDED

BOUGHT = "bought since the cutoff"
COMPLAINED = "complained since the cutoff"
SEND = ("list_id", "customer_id", "planned_offer", "channel", "owner", "act_before", "valid_until", "consent_basis")
CONTROL = ("list_id", "customer_id", "planned_offer", "channel")
SUPPRESSION = ("list_id", "customer_id", "arm", "suppressed_because")
REASONS = ("exit_reason", "reason_source", "reason_1", "reason_2", "reason_3")
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"[+\-]\d+(\.\d+)?"


@dataclass(frozen=True)
class ExportFiles:
    """Three frames that hold every customer of the list exactly once.

    Attributes
    ----------
    send : pandas.DataFrame
        Who gets the offer.
    control : pandas.DataFrame
        Who is held out: keep it, do not send it.
    suppression : pandas.DataFrame
        Who must not be contacted, why, and in which arm they were before the checks.
    defused : int
        Customer ids that `safe_cells` had to change.
    """

    send: pd.DataFrame
    control: pd.DataFrame
    suppression: pd.DataFrame
    defused: int = 0


def prepare_export(
    list_frame: pd.DataFrame,
    *,
    asserted_by: str | None = None,
    permitted: pd.DataFrame | None = None,
    purchases: pd.DataFrame | None = None,
    complaints: pd.DataFrame | None = None,
    contacts: pd.DataFrame | None = None,
    contact_cap_max: int | None = None,
    with_reasons: bool = False,
    spreadsheet_safe: bool = True,
) -> ExportFiles:
    """Split a list into send, control and suppression after checking everything again.

    The checks hit both arms alike, so treated and held out stay comparable.

    Parameters
    ----------
    list_frame : pandas.DataFrame
        `lists/retention`, with the ids that the sending tool knows.
    asserted_by : str, optional
        Who answers for consent where none is recorded; written into `consent_basis`.
    permitted : pandas.DataFrame, optional
        `customer_id, consent_channels` as of today (`email|phone`, `*` = all). A customer without a row
        has no consent. Without this frame consent is as the list has it.
    purchases, complaints : pandas.DataFrame, optional
        `customer_id, at` (and `amount`: only positive ones count). Rows at or after the customer's cutoff
        drop him.
    contacts : pandas.DataFrame, optional
        `customer_id, contacts_in_cap`: outbound contacts within the cap's window as of today; a customer
        without a row has none. Without this frame the counts of the list are used.
    contact_cap_max : int, optional
        The cap; None: no cap.
    with_reasons : bool
        Add exit reason and drivers to `send`. They are internal (domain F1) and left out unless asked for.
    spreadsheet_safe : bool
        Defuse text cells that a spreadsheet would run as a formula (see `safe_cells`).

    Returns
    -------
    ExportFiles

    Raises
    ------
    ConfigError
        When consent is not recorded and nobody asserts it.
    DataError
        When the list or a frame lacks a column.

    Examples
    --------
    >>> rows = pd.DataFrame({"list_id": "x", "customer_id": ["a", "b", "c"], "planned_offer": ["call"] * 3,
    ...     "channel": "phone", "arm": ["treat", "treat", "holdout"], "suppressed_because": None, "owner": None,
    ...     "cutoff": pd.Timestamp("2024-01-01"), "act_before": pd.NaT, "valid_until": pd.NaT,
    ...     "consent_basis": "granted", "contacts_30d": 0})
    >>> bought = pd.DataFrame({"customer_id": ["b"], "at": [pd.Timestamp("2024-01-05")]})
    >>> files = prepare_export(rows, purchases=bought)
    >>> [len(files.send), len(files.control), files.suppression["suppressed_because"].item()]
    [1, 1, 'bought since the cutoff']
    """
    needed = [*SEND, *SUPPRESSION, "cutoff", "contacts_30d", *(REASONS if with_reasons else ())]
    _require(list_frame, needed, "list")
    rows = list_frame.assign(
        customer_id=list_frame["customer_id"].astype("string"),
        consent_basis=_basis(list_frame, asserted_by, permitted),
    )
    because = _dropped(rows, permitted, purchases, complaints, contacts, contact_cap_max)
    rows = rows.assign(suppressed_because=pd.Series(because, index=rows.index, dtype="string"))
    goes = rows["suppressed_because"].isna()
    columns = [*SEND, *REASONS] if with_reasons else [*SEND]
    frames = (
        rows.loc[goes & (rows["arm"] == "treat"), columns],
        rows.loc[goes & (rows["arm"] == "holdout"), [*CONTROL]],
        rows.loc[~goes, [*SUPPRESSION]],
    )
    clean = [frame.reset_index(drop=True) for frame in frames]
    if not spreadsheet_safe:
        return ExportFiles(clean[0], clean[1], clean[2])
    safe = [safe_cells(frame) for frame in clean]
    changed = sum(int((a["customer_id"] != b["customer_id"]).sum()) for a, b in zip(clean, safe, strict=True))
    return ExportFiles(safe[0], safe[1], safe[2], changed)


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Put a ``'`` before every text cell that starts with ``= + - @``, a tab or a carriage return.

    A spreadsheet runs such cells as formulas. Numbers are left alone, also those written as text with a sign
    (`+490000198`, `-7.5`), which compute nothing. Use it before any CSV is written.

    Examples
    --------
    >>> safe_cells(pd.DataFrame({"owner": ["=1+1", "anna"], "cost": [-1.0, 2.0]})).values.tolist()
    [["'=1+1", -1.0], ['anna', 2.0]]
    """
    safe = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
            is_text = column.map(lambda cell: isinstance(cell, str)).astype(bool)
            words = column.where(is_text, "").astype("string")
            number = words.str.fullmatch(_NUMBER)
            risky = is_text & words.str.contains(_FORMULA, regex=True) & ~number
            column = column.where(~risky.astype(bool), "'" + column.astype("string"))
        safe[name] = column
    return pd.DataFrame(safe, index=frame.index, columns=frame.columns)


def _basis(rows: pd.DataFrame, asserted_by: str | None, permitted: pd.DataFrame | None) -> "pd.Series[str]":
    """Consent's basis per row; refuses to go on where nobody answers for it."""
    basis = rows["consent_basis"].astype("string")
    if permitted is not None:
        return basis.where(rows["arm"] == "none", "granted")
    open_ = basis.isna() | (basis == NOT_RECORDED)
    name = (asserted_by or "").strip()
    if bool((open_ & (rows["arm"] != "none")).any()) and not name:
        raise ConfigError(
            "export: consent is not recorded for the customers to be contacted; add a consents table and run "
            "again, or state who answers for it with --consent-asserted-by NAME"
        )
    return basis.where(~open_, f"asserted by {name}") if name else basis


def _dropped(
    rows: pd.DataFrame,
    permitted: pd.DataFrame | None,
    purchases: pd.DataFrame | None,
    complaints: pd.DataFrame | None,
    contacts: pd.DataFrame | None,
    cap: int | None,
) -> NDArray[np.object_]:
    """Why each row is not sent, None for those that are; the first check that applies."""
    because = np.array(texts(rows["suppressed_because"]), dtype=object)
    selected = (rows["arm"] != "none").to_numpy(dtype=bool)
    because[~selected & np.array([reason is None for reason in because], dtype=bool)] = "not selected"
    checks = (
        (NO_CONSENT, _without_consent(rows, permitted)),
        (BOUGHT, _since(rows, purchases, "purchases")),
        (COMPLAINED, _since(rows, complaints, "complaints")),
        (CAP, _over_cap(rows, contacts, cap)),
    )
    taken = ~selected
    for reason, applies in checks:
        because[selected & applies & ~taken] = reason
        taken |= applies
    return because


def _without_consent(rows: pd.DataFrame, permitted: pd.DataFrame | None) -> NDArray[np.bool_]:
    if permitted is None:
        return np.zeros(len(rows), dtype=bool)
    _require(permitted, ["customer_id", "consent_channels"], "consents")
    known: dict[str, set[str]] = {}
    for name, channels in zip(permitted["customer_id"].astype(str), texts(permitted["consent_channels"]), strict=True):
        words = (part.strip().lower() for part in (channels or "").split("|"))
        known.setdefault(name, set()).update(word for word in words if word)
    none: set[str] = set()
    missing = []
    for name, channel in zip(rows["customer_id"].astype(str), texts(rows["channel"]), strict=True):
        granted = known.get(name, none)
        missing.append(not granted or (channel is not None and not granted & {channel.lower(), "*"}))
    return np.array(missing, dtype=bool)


def _since(rows: pd.DataFrame, events: pd.DataFrame | None, table: str) -> NDArray[np.bool_]:
    """Whether the customer has an event at or after his cutoff."""
    if events is None:
        return np.zeros(len(rows), dtype=bool)
    _require(events, ["customer_id", "at"], table)
    kept = events[events["amount"].astype(float) > 0] if "amount" in events.columns else events
    newest = pd.to_datetime(kept["at"]).groupby(kept["customer_id"].astype(str)).max()
    last = newest.reindex(rows["customer_id"].astype(str)).reset_index(drop=True)
    return (last >= pd.to_datetime(rows["cutoff"]).reset_index(drop=True)).to_numpy(dtype=bool)


def _over_cap(rows: pd.DataFrame, contacts: pd.DataFrame | None, cap: int | None) -> NDArray[np.bool_]:
    if cap is None:
        return np.zeros(len(rows), dtype=bool)
    counts = rows["contacts_30d"]
    if contacts is not None:
        _require(contacts, ["customer_id", "contacts_in_cap"], "contacts")
        today = contacts.groupby(contacts["customer_id"].astype(str))["contacts_in_cap"].max()
        counts = today.reindex(rows["customer_id"].astype(str))
    over: NDArray[np.bool_] = counts.astype("Float64").fillna(0.0).to_numpy(dtype=np.float64) >= cap
    return over


def _require(frame: pd.DataFrame, columns: list[str], what: str) -> None:
    missing = sorted(set(columns) - set(frame.columns))
    if missing:
        raise DataError(f"export: the {what} lacks column {', '.join(missing)}; expected {', '.join(columns)}")
