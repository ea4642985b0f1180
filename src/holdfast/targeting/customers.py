"""The scored customers as targeting takes them: checked, completed, in one order."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.errors import DataError

REQUIRED = ("customer_id", "cutoff", "p_churn", "loss_if_silent")
TEXTS = (
    "history_state", "reason_stated", "reason_predicted", "reason_indicated", "reason_1", "reason_2", "reason_3",
    "consent_channels", "owner", "model_version", "run_id",
)  # fmt: skip
NUMBERS = (
    "p_churn", "p_loyal", "clv", "loss_if_silent", "loss_low", "loss_high", "reason_predicted_prob",
    "reason_indicated_strength", "contacts_30d", "contacts_in_cap",
)  # fmt: skip
TIMES = ("cutoff", "last_contact_at", "act_before", "valid_until")
FLAGS = ("open_complaint", "influenceable", "was_on_last_list", "already_lost")


def prepare(customers: pd.DataFrame) -> pd.DataFrame:
    """Check the frame, add absent optional columns as missing, sort by customer.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row per scored customer; `REQUIRED` columns must be there, all others may be absent (then they
        are "not measured"). Further columns are kept for `eligible`.

    Returns
    -------
    pandas.DataFrame
        A new frame: ids as text, numbers float64, flags nullable booleans, times datetime64, sorted by
        `customer_id`.

    Raises
    ------
    DataError
        For a missing required column, a customer on two rows, or a score outside [0, 1].

    Examples
    --------
    >>> frame = pd.DataFrame({"customer_id": ["b", "a"], "cutoff": pd.Timestamp("2024-01-01"),
    ...                       "p_churn": [0.2, 0.3], "loss_if_silent": [50.0, 60.0]})
    >>> prepare(frame)[["customer_id", "p_churn"]].values.tolist()
    [['a', 0.3], ['b', 0.2]]
    """
    missing = [name for name in REQUIRED if name not in customers.columns]
    if missing:
        raise DataError(f"targeting: customers lack column {', '.join(missing)}; expected {', '.join(REQUIRED)}")
    columns: dict[str, Any] = {str(name): customers[name] for name in customers.columns}
    if "contacts_in_cap" not in columns and "contacts_30d" in columns:
        customers = customers.assign(contacts_in_cap=customers["contacts_30d"])
    columns["customer_id"] = customers["customer_id"].astype("string")
    for name in TEXTS:
        columns[name] = _given(customers, name).astype("string")
    for name in NUMBERS:
        columns[name] = pd.to_numeric(_given(customers, name)).astype("Float64").to_numpy(np.float64, na_value=np.nan)
    for name in TIMES:
        columns[name] = pd.to_datetime(_given(customers, name)).astype("datetime64[us]")
    for name in FLAGS:
        columns[name] = _given(customers, name).astype("boolean")
    frame = pd.DataFrame(columns, index=customers.index)
    _check(frame)
    return frame.sort_values("customer_id", kind="stable", ignore_index=True)


def texts(column: "pd.Series[Any]") -> list[str | None]:
    """A text column as plain Python, None where missing."""
    filled = column.astype("string")
    return [str(value) if given else None for value, given in zip(filled, filled.notna(), strict=True)]


def is_true(column: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Rows where a nullable flag is known and true."""
    answer: NDArray[np.bool_] = column.fillna(False).to_numpy(dtype=bool)
    return answer


def _given(customers: pd.DataFrame, name: str) -> "pd.Series[Any]":
    if name in customers.columns:
        return customers[name]
    return pd.Series([None] * len(customers), index=customers.index, dtype=object)


def _check(frame: pd.DataFrame) -> None:
    ids = frame["customer_id"]
    if bool(ids.isna().any()):
        raise DataError(f"targeting: {int(ids.isna().sum())} rows without customer_id; expected one id per row")
    if bool(ids.duplicated().any()):
        raise DataError(f"targeting: {int(ids.duplicated().sum())} customers on more than one row; expected one each")
    p = frame["p_churn"].to_numpy(float)
    wrong = int((~((p >= 0) & (p <= 1))).sum())
    if wrong:
        raise DataError(f"targeting: p_churn of {wrong} customers is missing or outside 0..1; expected a probability")
    for name in ("loss_if_silent", "loss_low", "loss_high"):
        if bool(np.isinf(frame[name].to_numpy(float)).any()):
            raise DataError(f"targeting: {name} is infinite for some customers; expected amounts of money")
