"""Past campaigns as trials: per offer who was in which arm, what came of it, and what was known before."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from holdfast.errors import DataError
from holdfast.features.featureset import FeatureSet
from holdfast.histories.histories import Histories
from holdfast.params import Config
from holdfast.pipelines.domain import main_task, task_names
from holdfast.tasks.task import ContractEndTask, GivenTask

Floats = npt.NDArray[np.float64]

LEAST_ROUND = 50
"""Customers that each arm of a month needs for a share of treated of its own."""
MOST_DATES = 24
MOST_LEVELS = 20
AFTER_TREATMENT = ("offer", "arm", "cost", "delivered_at", "bounced", "redeemed_at", "outcome", "outcome_value")
"""Columns of `campaigns`; what they are made of is no feature."""
CANONICAL = ("segment", "region", "kind")
"""Columns of `customers` that are features as they stand."""
DELIVERY = ("delivered_at", "bounced", "redeemed_at")


@dataclass(frozen=True)
class OfferTrial:
    """One offer against its control, one row per customer.

    Parameters
    ----------
    offer : str
    rows : DataFrame
        `customer_id, treated, outcome, value, cost, planned, propensity, at` and, where recorded, what was delivered;
        sorted by customer. `outcome` and `value` are missing where they are not measured.
    X : DataFrame
        Features known at the start, on the same rows.
    counts : dict
        What was left out and why.
    """

    offer: str
    rows: pd.DataFrame
    X: pd.DataFrame
    counts: dict[str, int]

    def take(self, keep: npt.NDArray[np.bool_]) -> "OfferTrial":
        """Some of the customers."""
        return replace(self, rows=self.rows[keep].reset_index(drop=True), X=self.X[keep].reset_index(drop=True))


def read_trials(histories: Histories, config: Config) -> tuple[list[OfferTrial], dict[str, str], dict[str, Any]]:
    """Every offer with treated and controls, those without and why, and facts on how results were read.

    Raises
    ------
    DataError
        Without a table of campaigns, or without any way to read their results.
    """
    if not histories.has("campaigns"):
        raise DataError("measure: no table campaigns; expected source.tables.campaigns with customer_id, offer and arm")
    rows = _with_results(histories, config, histories.frame("campaigns"))
    if rows["outcome"].isna().all() and rows["value"].isna().all():
        raise DataError("measure: no result can be read: none of the campaigns' windows is complete, or all are empty")
    pooled = _dated(histories, _shared_controls(rows))
    table, told = _features(histories, config, pooled)
    trials, without = [], {}
    for offer, part in pooled.groupby("offer", sort=True):
        arms = set(part["arm"])
        if arms == {"treated", "control"}:
            trials.append((str(offer), part))
        else:
            without[str(offer)] = f"not measurable: no {'control group' if 'treated' in arms else 'treated customers'}"
    found = [_trial(offer, part, table) for offer, part in trials]
    return found, without, told | {"results": _how(histories, config)}


def _how(histories: Histories, config: Config) -> str:
    given = [name for name in ("outcome", "outcome_value") if name in histories.columns("campaigns")]
    if given:
        return f"given in campaigns: {', '.join(given)}"
    task = main_task(config)
    if isinstance(task, ContractEndTask):
        return f"stayed: no contract ended within {_window(config)} days"
    return f"stayed: a purchase within {_window(config)} days; value: margin of the same days"


def _window(config: Config) -> int:
    span = main_task(config).span
    return span.lead + span.horizon


def _with_results(histories: Histories, config: Config, rows: pd.DataFrame) -> pd.DataFrame:
    """`outcome` and `value` of every row: given, else read from what happened after the start."""
    columns = set(rows.columns)
    rows = rows.assign(
        cost=rows["cost"].astype(float) if "cost" in columns else np.nan,
        planned=rows["propensity"].astype(float) if "propensity" in columns else np.nan,
        at=rows["at"] if "at" in columns else pd.Series(pd.NaT, index=rows.index),
    )
    if columns & {"outcome", "outcome_value"}:
        return rows.assign(
            outcome=rows["outcome"].astype(float) if "outcome" in columns else np.nan,
            value=rows["outcome_value"].astype(float) if "outcome_value" in columns else np.nan,
        )
    if not task_names(config) or isinstance(main_task(config), GivenTask):
        raise DataError(
            "measure: campaigns have neither outcome nor outcome_value, and no task with dates says what to look for; "
            "expected one of them, for example columns: {outcome: visited}"
        )
    if rows["at"].isna().all():
        raise DataError("measure: campaigns have no dates and no outcome; expected at, or outcome")
    return _from_histories(histories, config, rows)


def _from_histories(histories: Histories, config: Config, rows: pd.DataFrame) -> pd.DataFrame:
    task, days = main_task(config), _window(config)
    with histories.connect() as connection:
        connection.register("tried", rows[["customer_id", "at"]].reset_index(names="row").astype({"customer_id": str}))
        if isinstance(task, ContractEndTask):
            sql = f"""SELECT t.row, 1 - CAST(count(c.ended_at) FILTER (c.ended_at >= t."at"
                AND c.ended_at < t."at" + INTERVAL {days} DAY {_counts(task, histories)}) > 0 AS INTEGER) AS outcome,
                NULL AS value
                FROM tried t LEFT JOIN contracts c ON c.customer_id = t.customer_id GROUP BY t.row"""
        else:
            window = f'p."at" >= t."at" AND p."at" < t."at" + INTERVAL {days} DAY'
            sql = f"""SELECT t.row, CAST(count(*) FILTER ({window} AND p.amount > 0) > 0 AS INTEGER) AS outcome,
                {config.economics.margin} * coalesce(CAST(sum(p.amount) FILTER ({window}) AS DOUBLE), 0) AS value
                FROM tried t LEFT JOIN purchases p ON p.customer_id = t.customer_id GROUP BY t.row"""
        found = connection.execute(sql).df().set_index("row").reindex(rows.index)
    end = pd.Timestamp(min(histories.end, histories.until or histories.end))
    whole = rows["at"] + pd.Timedelta(days=days) <= end
    return rows.assign(
        outcome=found["outcome"].astype(float).where(whole), value=found["value"].astype(float).where(whole)
    )


def _counts(task: ContractEndTask, histories: Histories) -> str:
    if not task.not_churn or "end_reason" not in histories.columns("contracts"):
        return ""
    listed = ", ".join("'" + word.replace("'", "''") + "'" for word in task.not_churn)
    return f"AND (c.end_reason IS NULL OR c.end_reason NOT IN ({listed}))"


def _shared_controls(rows: pd.DataFrame) -> pd.DataFrame:
    """A control group under a name of its own serves every offer that has none, as in a trial of several arms."""
    arms = rows.groupby("offer")["arm"].agg(set)
    alone = arms.index[arms.map(lambda found: found == {"control"})]
    bare = arms.index[arms.map(lambda found: found == {"treated"})]
    if not len(alone) or not len(bare):
        return rows
    shared = rows[rows["offer"].isin(alone)]
    parts = [rows[~rows["offer"].isin(alone)], *(shared.assign(offer=offer) for offer in bare)]
    return pd.concat(parts, ignore_index=True)


def _trial(offer: str, part: pd.DataFrame, table: pd.DataFrame) -> OfferTrial:
    """One row per customer: the first assignment counts, whatever came later."""
    order = part.sort_values(["at", "customer_id"], kind="stable", na_position="first")
    both = order.groupby("customer_id")["arm"].nunique()
    first = order.drop_duplicates("customer_id").sort_values("customer_id", kind="stable")
    known = first["outcome"].notna() | first["value"].notna()
    counts = {
        "rows": len(part), "repeated": len(part) - len(first), "in_both_arms": int((both > 1).sum()),
        "without_result": int((~known).sum()),
    }  # fmt: skip
    first = first[known].reset_index(drop=True)
    treated = (first["arm"] == "treated").to_numpy()
    rows = first.assign(treated=treated, propensity=_propensity(first, treated))
    X = rows[["customer_id", "feature_date"]].merge(table, on=["customer_id", "feature_date"], how="left")
    X = X.drop(columns=[name for name in X.columns[2:] if _is_the_arm(X[name], treated)])
    kept = ["customer_id", "treated", "outcome", "value", "cost", "planned", "propensity", "at",
            *(name for name in DELIVERY if name in rows.columns)]  # fmt: skip
    return OfferTrial(offer, rows[kept], X.drop(columns=["customer_id", "feature_date"]), counts)


def _is_the_arm(column: "pd.Series[Any]", treated: npt.NDArray[np.bool_]) -> bool:
    """Whether a column only repeats who was treated: no value of it occurs in both arms."""
    one, none = set(column[treated].dropna().unique()), set(column[~treated].dropna().unique())
    return bool(one) and bool(none) and column.nunique() <= MOST_LEVELS and not one & none


def _propensity(rows: pd.DataFrame, treated: npt.NDArray[np.bool_]) -> Floats:
    """The planned share, else the share treated: by month where every month has enough of both arms."""
    planned = rows["planned"].to_numpy(float)
    if np.isfinite(planned).all() and ((planned > 0) & (planned < 1)).all():
        return planned
    share = np.full(len(rows), treated.mean() if len(rows) else np.nan)
    if rows["at"].notna().all() and len(rows):
        month = rows["at"].dt.to_period("M")
        counts = pd.crosstab(month, treated)
        if counts.shape[1] == 2 and (counts >= LEAST_ROUND).all(axis=None):
            return np.asarray(month.map(counts[True] / counts.sum(axis=1)), dtype=np.float64)
    return share


def _features(histories: Histories, config: Config, rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Features of every participant at their `feature_date`, and which attributes were left out."""
    dated = _by_day(histories, rows)
    # without dates nobody knows what happened before the campaign: only attributes are left
    kept = set(histories.tables) - {"exits"} if dated else {"customers"}
    inside = {name: source for name, source in histories.tables.items() if name in kept}
    closed = _used_by_campaigns(config)
    names = {column: kind for column, kind in histories.attributes.items() if column.lower() not in closed}
    told = {"left_out": sorted(set(histories.attributes) - set(names))}
    wanted = sorted({stamp.date() for stamp in rows["feature_date"].unique()})
    if dated:
        # before the first day of the data there is no history: those participants' features are missing
        wanted = [day for day in wanted if day > histories.start]
    section = config.source.tables.get("customers")
    mapped = {name: str((section.columns if section else {}).get(name, name)).lower() for name in CANONICAL}
    shut = {f"customer_{name}" for name, source in mapped.items() if source in closed or name in closed}
    known = Histories(inside, histories.start, histories.end, names, histories.static, histories.until)
    horizon = main_task(config).span.horizon if task_names(config) else 60
    if not inside or not wanted or not _has_anything(known):
        blank = rows[["customer_id", "feature_date"]].drop_duplicates()
        return blank, told | {"features": 0}
    matrix = FeatureSet.of(known, horizon, everyone=not dated or "customers" in inside)
    frame = matrix.compute(known, wanted).frame
    told["left_out"] += sorted(shut & set(frame.columns))
    frame = frame.drop(columns=list(shut & set(frame.columns))).rename(columns={"cutoff": "feature_date"})
    frame["feature_date"] = frame["feature_date"].astype(rows["feature_date"].dtype)
    return frame, told | {"features": frame.shape[1] - 2}


def _dated(histories: Histories, rows: pd.DataFrame) -> pd.DataFrame:
    """Add `feature_date`: the midnight before the start, on a coarser grid where there are many."""
    if not _by_day(histories, rows):
        return rows.assign(feature_date=pd.Timestamp(histories.end))
    return rows.assign(feature_date=_coarser(rows["at"].dt.normalize()))


def _by_day(histories: Histories, rows: pd.DataFrame) -> bool:
    """Whether there are campaigns with days, and histories beside the attributes that can be read up to them."""
    other = any("at" in histories.columns(name) for name in histories.tables if name != "campaigns")
    return bool(rows["at"].notna().all()) and (other or histories.has("contracts"))


def _has_anything(known: Histories) -> bool:
    return known.has("customers") or any("at" in known.columns(name) for name in ("purchases", "contracts", "events"))


def _coarser(days: "pd.Series[Any]") -> "pd.Series[Any]":
    """The same days, or where there are more than two dozen the last of a grid of thirty days before each."""
    if days.nunique() <= MOST_DATES:
        return days
    first = days.min()
    steps = max(30, -(-((days.max() - first).days + 1) // MOST_DATES))
    grid: pd.Series[Any] = first + pd.to_timedelta((days - first).dt.days // steps * steps, unit="D")
    return grid


def _used_by_campaigns(config: Config) -> set[str]:
    """Source columns that the mapping of arm, offer, result and delivery reads, in small letters."""
    section = config.source.tables["campaigns"]
    used: set[str] = set()
    for name in AFTER_TREATMENT:
        text = section.columns.get(name)
        if text is not None:
            used |= {str(text).lower(), *(word.lower() for word in re.findall(r"[A-Za-z_]\w*", str(text)))}
            used |= {word.lower() for word in re.findall(r'"([^"]+)"', str(text))}
    return used
