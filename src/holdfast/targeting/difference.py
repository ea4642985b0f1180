"""What changed between two lists: who came, who went, who moved, and why (domain H4)."""

from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import DataError

CHANGES = ("came", "went", "moved", "same")
_NEEDED = ("customer_id", "rank", "arm", "suppressed_because", "p_churn", "loss_if_silent", "planned_offer")
_NOTICEABLE = 0.01  # a relative change below one per cent does not explain a move


def diff_lists(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Compare the selected (treated and held out) of two lists.

    Parameters
    ----------
    old, new : pandas.DataFrame
        Two `lists/retention` frames.

    Returns
    -------
    pandas.DataFrame
        `customer_id, change, old_rank, new_rank, old_arm, new_arm, why`, one row per customer selected on
        either list, ordered by change (came, went, moved, same), then new and old rank. `moved` is another
        rank, arm or offer. ``came + moved + same`` are the new selected, ``went + moved + same`` the old.

    Raises
    ------
    DataError
        When a list lacks a column or holds a customer twice.

    Examples
    --------
    >>> def a_list(ids):
    ...     return pd.DataFrame({"customer_id": ids, "rank": range(1, len(ids) + 1), "arm": "treat", "p_churn": 0.5,
    ...                          "suppressed_because": None, "loss_if_silent": 10.0, "planned_offer": "call"})
    >>> diff_lists(a_list(["a", "b"]), a_list(["a", "c"]))[["customer_id", "change"]].values.tolist()
    [['c', 'came'], ['b', 'went'], ['a', 'same']]
    """
    both = _indexed(old, "old").add_suffix("_old").join(_indexed(new, "new").add_suffix("_new"), how="outer")
    was, now = _selected(both, "old"), _selected(both, "new")
    both, was, now = both[was | now], was[was | now], now[was | now]
    alike = (both["rank_old"] == both["rank_new"]) & _equal(both, "arm") & _equal(both, "planned_offer")
    change = np.select([now & ~was, was & ~now, ~alike.to_numpy(dtype=bool)], list(CHANGES[:3]), CHANGES[3])
    rows = both.to_dict("records")
    table = pd.DataFrame(
        {
            "customer_id": both.index.astype("string"),
            "change": pd.array(change, dtype="string"),
            "old_rank": both["rank_old"].astype("Int64").array,
            "new_rank": both["rank_new"].astype("Int64").array,
            "old_arm": both["arm_old"].astype("string").array,
            "new_arm": both["arm_new"].astype("string").array,
            "why": pd.array([_why(kind, row) for kind, row in zip(change, rows, strict=True)], dtype="string"),
        }
    )
    order = table["change"].map({name: place for place, name in enumerate(CHANGES)})
    table = table.assign(order=order).sort_values(
        ["order", "new_rank", "old_rank", "customer_id"], kind="stable", ignore_index=True
    )
    return table.drop(columns="order")


def summarise_diff(diff: pd.DataFrame) -> dict[str, Any]:
    """Counts of a difference: `came, went, moved, same`, the sizes of both lists, reasons by change.

    Examples
    --------
    >>> summarise_diff(pd.DataFrame({"change": ["came", "same"], "why": ["was: budget", ""]}))["n_new"]
    2
    """
    counts = {name: int((diff["change"] == name).sum()) for name in CHANGES}
    stayed = counts["moved"] + counts["same"]
    why = {}
    for name in ("came", "went"):
        found = diff.loc[diff["change"] == name, "why"].value_counts()
        why[name] = {str(text): int(found[text]) for text in sorted(found.index, key=lambda t: (-found[t], t))}
    return counts | {"n_old": counts["went"] + stayed, "n_new": counts["came"] + stayed, "why": why}


def _indexed(frame: pd.DataFrame, which: str) -> pd.DataFrame:
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing:
        raise DataError(f"diff: the {which} list lacks column {', '.join(missing)}; expected a retention list")
    kept = frame[list(_NEEDED)].assign(customer_id=frame["customer_id"].astype("string"))
    if bool(kept["customer_id"].duplicated().any()):
        raise DataError(f"diff: the {which} list holds a customer twice; expected one row each")
    return kept.set_index("customer_id")


def _selected(both: pd.DataFrame, which: str) -> "pd.Series[bool]":
    return both[f"arm_{which}"].astype("string").isin(("treat", "holdout")).astype(bool)


def _equal(both: pd.DataFrame, name: str) -> "pd.Series[bool]":
    old, new = (both[f"{name}_{which}"].astype("string").fillna("") for which in ("old", "new"))
    return (old == new).astype(bool)


def _why(change: str, row: dict[Any, Any]) -> str:
    if change == "came":
        return "not considered before" if pd.isna(row["arm_old"]) else f"was: {_text(row['suppressed_because_old'])}"
    if change == "went":
        if pd.isna(row["arm_new"]):
            return "no longer considered"
        return f"now: {_text(row['suppressed_because_new'])}"
    return _moved(row) if change == "moved" else ""


def _moved(row: dict[Any, Any]) -> str:
    """What moved a customer, the most telling cause first."""
    parts = []
    if _text(row["planned_offer_old"]) != _text(row["planned_offer_new"]):
        parts.append(f"offer {_text(row['planned_offer_old'])} became {_text(row['planned_offer_new'])}")
    if row["arm_old"] != row["arm_new"]:
        parts.append(f"arm {row['arm_old']} became {row['arm_new']}")
    changes = [
        (_relative(row["p_churn_old"], row["p_churn_new"]), "risk", "{:.2f}", "p_churn"),
        (_relative(row["loss_if_silent_old"], row["loss_if_silent_new"]), "value at risk", "{:,.2f}", "loss_if_silent"),
    ]
    size, word, shape, name = max(changes, key=lambda entry: entry[0])
    if size >= _NOTICEABLE:
        old, new = row[f"{name}_old"], row[f"{name}_new"]
        parts.append(f"{word} {'rose' if new > old else 'fell'} from {shape.format(old)} to {shape.format(new)}")
    return "; ".join(parts) or "others around it changed"


def _relative(old: float, new: float) -> float:
    if pd.isna(old) or pd.isna(new):
        return 0.0
    return abs(new - old) / max(abs(old), abs(new), 1e-12)


def _text(value: Any) -> str:
    return "not selected" if pd.isna(value) else str(value)
