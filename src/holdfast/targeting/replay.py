"""What a past list would have been and what became of its customers, beside simple rules (domain H3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.errors import ConfigError, DataError

LIST = "list"
VALUE = "value"


def replay(
    scores: pd.DataFrame, outcomes: pd.DataFrame, baselines: Mapping[str, "pd.Series[float]"], top: int
) -> pd.DataFrame:
    """Take the top of every rule at a past date and count what became of it.

    Three fates add up to the whole: *lost* (silent in the window and not seen since), *stayed* (a sign of
    life in the window), *came back* (silent in the window, returned later by themselves).

    Parameters
    ----------
    scores : pandas.DataFrame
        `customer_id, score, value`: the score as it would have been then (larger = first), and the margin
        expected of the customer over the value horizon if he stays.
    outcomes : pandas.DataFrame
        `customer_id, lost` (silent in the label window), `returned` (came back after it), `margin_after`
        (margin earned after the date, over the value horizon). One row for every scored customer.
    baselines : mapping of str to Series
        Other rules: values indexed by customer_id, larger = first; a customer without a value comes last.
        See `usual_rules`. The rule `value` (largest value first) is always added.
    top : int
        Length of the list.

    Returns
    -------
    pandas.DataFrame
        One row per rule, the list first: `rule, top, lost, stayed, came_back` (customers), `share_lost`
        (lost / top), `share_silent` ((lost + came back) / top), `base_share_lost` (among all scored),
        `lift`, `margin_lost` (of the silent: value expected less margin that came), `margin_stayed`,
        `margin_came_back` (margin that came). `top` is the number taken when fewer were scored.

    Raises
    ------
    ConfigError
        For `top` below one or a baseline called as the list itself.
    DataError
        For missing columns, doubles, or scored customers without an outcome.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["a", "b", "c"], "score": [0.9, 0.5, 0.1], "value": [10.0, 50.0, 20.0]})
    >>> after = pd.DataFrame({"customer_id": ["a", "b", "c"], "lost": [1, 0, 1], "returned": [0, 0, 1],
    ...                       "margin_after": [0.0, 40.0, 5.0]})
    >>> replay(scores, after, {}, top=2)[["rule", "lost", "stayed", "came_back", "margin_lost"]].values.tolist()
    [['list', 1, 1, 0, 10.0], ['value', 0, 1, 1, 15.0]]
    """
    if top < 1:
        raise ConfigError(f"replay: top {top}: expected at least one customer")
    if LIST in baselines:
        raise ConfigError(f"replay: a baseline is called {LIST!r}, which is the list itself; give it another name")
    frame = _joined(scores, outcomes)
    rules = {LIST: frame["score"], VALUE: frame["value"]}
    rules |= {name: frame["customer_id"].map(_by_customer(values, name)) for name, values in baselines.items()}
    base = float((frame["silent"] & ~frame["back"]).mean()) if len(frame) else float("nan")
    return pd.DataFrame([_fates(name, frame.iloc[_first(rule, top)], base) for name, rule in rules.items()])


def usual_rules(features: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """The rules that marketing departments use: silence alone, and RFM.

    Parameters
    ----------
    features : pandas.DataFrame
        `customer_id, days_since_last_order`, and `orders_365d, spend_365d` (or `orders_all, spend_all`).

    Returns
    -------
    dict of str to Series
        `days_since_last_order`: the longest silent first. `rfm`: long silent, formerly frequent and big:
        the sum of the fifths (1 to 5) of days since the last order, orders and spend.

    Raises
    ------
    DataError
        When a column is missing.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": ["a", "b"], "days_since_last_order": [3, 90], "orders_all": [1, 9],
    ...                      "spend_all": [5.0, 80.0]})
    >>> usual_rules(rows)["rfm"].to_dict()
    {'a': 3.0, 'b': 9.0}
    """
    window = "365d" if {"orders_365d", "spend_365d"} <= set(features.columns) else "all"
    parts = ["days_since_last_order", f"orders_{window}", f"spend_{window}"]
    missing = [name for name in ["customer_id", *parts] if name not in features.columns]
    if missing:
        raise DataError(f"replay: features lack column {', '.join(missing)}; needed for the RFM rule")
    index = pd.Index(features["customer_id"].astype(str), name="customer_id")
    fifths = sum(_fifth(features[name]) for name in parts)
    days = features["days_since_last_order"].to_numpy(dtype=np.float64)
    return {
        "days_since_last_order": pd.Series(days, index=index),
        "rfm": pd.Series(np.asarray(fifths, dtype=np.float64), index=index),
    }


def _fifth(column: "pd.Series[float]") -> NDArray[np.float64]:
    """Fifth from 1 (smallest) to 5; equal values share one, what is missing counts as smallest."""
    values = column.astype("Float64").fillna(-np.inf).to_numpy(dtype=np.float64)
    below = np.searchsorted(np.sort(values), values, side="left")
    fifth: NDArray[np.float64] = 1.0 + np.floor(5.0 * below / max(len(values), 1))
    return fifth


def _joined(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    for frame, needed, what in (
        (scores, ("customer_id", "score", "value"), "scores"),
        (outcomes, ("customer_id", "lost", "returned", "margin_after"), "outcomes"),
    ):
        missing = [name for name in needed if name not in frame.columns]
        if missing:
            raise DataError(f"replay: {what} lack column {', '.join(missing)}; expected {', '.join(needed)}")
        if bool(frame["customer_id"].duplicated().any()):
            raise DataError(f"replay: {what} hold a customer twice; expected one row each")
    left = scores.assign(customer_id=scores["customer_id"].astype(str))[["customer_id", "score", "value"]]
    right = outcomes.assign(customer_id=outcomes["customer_id"].astype(str))
    right = right[["customer_id", "lost", "returned", "margin_after"]]
    frame = left.merge(right, on="customer_id", how="left").sort_values("customer_id", ignore_index=True)
    unknown = int(frame["lost"].isna().sum())
    if unknown:
        raise DataError(f"replay: {unknown} scored customers have no outcome; expected one for each of {len(frame)}")
    silent = frame["lost"].astype(float) > 0
    back = silent & (frame["returned"].astype(float) > 0)
    return frame.assign(silent=silent, back=back, margin_after=frame["margin_after"].astype(float))


def _by_customer(values: "pd.Series[float]", name: str) -> "pd.Series[float]":
    keyed = pd.Series(values.to_numpy(dtype=np.float64), index=values.index.astype(str))
    if bool(keyed.index.duplicated().any()):
        raise DataError(f"replay: rule {name!r} holds a customer twice; expected one value each")
    return keyed


def _first(rule: "pd.Series[float]", top: int) -> NDArray[np.int64]:
    """Rows of the `top` largest; rows are in order of customer_id, which breaks ties."""
    values = rule.astype("Float64").fillna(-np.inf).to_numpy(dtype=np.float64)
    return np.argsort(-values, kind="stable")[:top].astype(np.int64)


def _fates(rule: str, chosen: pd.DataFrame, base: float) -> dict[str, Any]:
    silent, back = chosen["silent"].to_numpy(dtype=bool), chosen["back"].to_numpy(dtype=bool)
    value, margin = chosen["value"].to_numpy(dtype=np.float64), chosen["margin_after"].to_numpy(dtype=np.float64)
    n, lost = len(chosen), int((silent & ~back).sum())
    share = lost / n if n else float("nan")
    return {
        "rule": rule,
        "top": n,
        "lost": lost,
        "stayed": int((~silent).sum()),
        "came_back": int(back.sum()),
        "share_lost": share,
        "share_silent": float(silent.mean()) if n else float("nan"),
        "base_share_lost": base,
        "lift": share / base if base > 0 else float("nan"),
        "margin_lost": float((value - margin)[silent].sum()),
        "margin_stayed": float(margin[~silent].sum()),
        "margin_came_back": float(margin[back].sum()),
    }
