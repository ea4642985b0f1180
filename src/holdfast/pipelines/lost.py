"""Who was lost at a date, what was known of them, and who came back after it."""

from datetime import date

import numpy as np
import pandas as pd

from holdfast.histories.histories import Histories
from holdfast.tasks.task import ContractEndTask, GivenTask, Task
from holdfast.windows import shift

DAY_SECONDS = 86_400
MONTH_DAYS = 30.4375


def relation(histories: Histories, question: Task) -> str | None:
    """What a return is read from: `purchases`, of a contract's end `contracts` with a price; None without it."""
    if isinstance(question, ContractEndTask):
        return "contracts" if "price" in histories.columns("contracts") else None
    return "purchases" if {"at", "amount"} <= set(histories.columns("purchases")) else None


def lost_at(histories: Histories, question: Task, at: date) -> pd.DataFrame:
    """Customers with a history before a date who are not among the customers of that date.

    Parameters
    ----------
    histories : Histories
    question : Task
        Its cohort are the customers; who is outside it and was one is lost. Of contracts only those whose last one
        ended for a reason that counts as churn; of a snapshot those who are labelled so.
    at : date
        Nothing at or after it is read.

    Returns
    -------
    DataFrame
        `customer_id, cutoff, lost_since, silent_days, gap_days, purchase_days, spend_per_day, tenure_days`, sorted;
        missing where there are no dates.
    """
    if isinstance(question, GivenTask):
        labels = question.labels(histories, [at])
        found = labels.loc[labels["label"] == 1, ["customer_id", "cutoff"]]
        found["lost_since"] = pd.Series(pd.NaT, index=found.index)
        blank = ("silent_days", "gap_days", "purchase_days", "spend_per_day", "tenure_days")
        return found.assign(**dict.fromkeys(blank, np.nan)).reset_index(drop=True)
    known = histories.upto(at)
    rows = _ended(known, question, at) if isinstance(question, ContractEndTask) else _silent(known, at)
    active = set(question.cohort(histories, at)["customer_id"])
    rows = rows[~rows["customer_id"].isin(active)]
    return rows.assign(cutoff=pd.Timestamp(at)).sort_values("customer_id", kind="stable", ignore_index=True)


def returns_of(histories: Histories, question: Task, at: date, horizon: int, margin: float) -> pd.DataFrame:
    """The lost of a past date, whether they came back within a horizon, and what they brought after it.

    Who was contacted to be won back in that horizon is left out: the return is to be one without a win-back.

    Returns
    -------
    DataFrame
        The columns of `lost_at`, and `returned` (bool), `returned_at`, `margin_after` (money over the same horizon
        after the return, as far as the data reach).
    """
    lost = lost_at(histories, question, at)
    if "at" in histories.columns("winback"):
        tried = histories.frame("winback")
        late = pd.Timestamp(shift(at, horizon))
        tried = tried[(tried["at"] < late) & (tried["status"].astype(str).str.lower() == "contacted")]
        since = tried.groupby("customer_id")["at"].max()
        contacted = since.reindex(lost["customer_id"]).to_numpy("datetime64[us]") >= lost["lost_since"].to_numpy()
        lost = lost[~contacted].reset_index(drop=True)
    events = _events(histories, question, margin, horizon)
    after = events[events["at"] >= pd.Timestamp(at)].merge(lost[["customer_id"]], on="customer_id")
    first = after.groupby("customer_id")["at"].min()
    first = first[first < pd.Timestamp(shift(at, horizon))]
    came = pd.Series(first.reindex(lost["customer_id"]).to_numpy("datetime64[us]"), index=lost.index)
    back = pd.Series(first.reindex(after["customer_id"]).to_numpy("datetime64[us]"), index=after.index)
    inside = after.assign(back=back).dropna(subset=["back"])
    inside = inside[inside["at"] < inside["back"] + pd.Timedelta(days=horizon)]
    money = inside.groupby("customer_id")["margin"].sum().reindex(lost["customer_id"]).fillna(0.0)
    return lost.assign(returned=came.notna(), returned_at=came, margin_after=money.to_numpy(float))


def _silent(known: Histories, at: date) -> pd.DataFrame:
    with known.connect() as connection:
        rows: pd.DataFrame = connection.execute(f"""
            SELECT customer_id, max("at") AS lost_since, min("at") AS first_at,
                   count(DISTINCT CAST("at" AS DATE)) AS purchase_days,
                   CAST(sum(amount) AS DOUBLE) / count(DISTINCT CAST("at" AS DATE)) AS spend_per_day,
                   CAST(date_diff('day', max("at"), TIMESTAMP '{at}') AS DOUBLE) AS silent_days,
                   CAST(date_diff('day', min("at"), max("at")) AS DOUBLE) AS active_days
            FROM purchases WHERE amount > 0 GROUP BY customer_id""").df()
    gap = rows["active_days"] / (rows["purchase_days"] - 1).where(rows["purchase_days"] > 1)
    kept = ["customer_id", "lost_since", "silent_days", "purchase_days", "spend_per_day"]
    return rows[kept].assign(gap_days=gap, tenure_days=rows["active_days"])


def _ended(known: Histories, question: ContractEndTask, at: date) -> pd.DataFrame:
    rows = known.frame("contracts")
    for name, blank in (("ended_at", pd.NaT), ("end_reason", None), ("price", np.nan)):
        if name not in rows.columns:
            rows[name] = blank
    open_ = set(rows.loc[rows["ended_at"].isna(), "customer_id"])
    rows = rows[~rows["customer_id"].isin(open_)].sort_values(["ended_at", "started_at"], kind="stable")
    grouped = rows.groupby("customer_id")
    last = rows.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    churned = last.index[~last["end_reason"].isin(question.not_churn)]
    last, first, n = last.loc[churned], grouped["started_at"].min().loc[churned], grouped.size().loc[churned]
    silent = (pd.Timestamp(at) - last["ended_at"]).dt.days.astype(float)
    found = pd.DataFrame({
        "lost_since": last["ended_at"], "silent_days": silent, "gap_days": np.nan, "purchase_days": n.astype(float),
        "spend_per_day": last["price"].astype(float), "tenure_days": (last["ended_at"] - first).dt.days.astype(float),
    })  # fmt: skip
    return found.rename_axis("customer_id").reset_index()


def _events(histories: Histories, question: Task, margin: float, horizon: int) -> pd.DataFrame:
    """Signs of life with their margin: positive purchases, or starts of contracts with what they bring in a horizon."""
    if relation(histories, question) == "purchases":
        rows = histories.frame("purchases")[["customer_id", "at", "amount"]]
        rows = rows.assign(margin=rows["amount"].astype(float) * margin)
        return rows.loc[rows["amount"] > 0, ["customer_id", "at", "margin"]]
    rows = histories.frame("contracts")
    end = pd.Timestamp(min(histories.end, histories.until or histories.end))
    ended = rows["ended_at"].fillna(end) if "ended_at" in rows.columns else pd.Series(end, index=rows.index)
    ends = np.minimum(ended.to_numpy("datetime64[s]"), end.to_datetime64())
    days = (ends - rows["started_at"].to_numpy("datetime64[s]")).astype(np.float64) / DAY_SECONDS
    money = rows["price"].to_numpy(float) * np.clip(days, 0.0, horizon) / MONTH_DAYS * margin
    return pd.DataFrame({"customer_id": rows["customer_id"], "at": rows["started_at"], "margin": money})
