"""Stage target: the scored list under budget, capacity, consent and contact cap, with a control group."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from holdfast.errors import ConfigError, DataError
from holdfast.histories.histories import Histories
from holdfast.params.sections import ExitsSection
from holdfast.pipelines.domain import main_task, make_offers, make_policy, make_task, task_names
from holdfast.pipelines.graph import Context, changed_inputs
from holdfast.pipelines.identity import identity
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.prepare import open_histories
from holdfast.targeting.dictionary import data_dictionary
from holdfast.targeting.eligibility import names, parse
from holdfast.targeting.export import safe_cells
from holdfast.targeting.scored_list import ScoredList, build_list
from holdfast.tasks.task import GivenTask
from holdfast.windows import shift

MONTH = 30
"""Days of the list's column `contacts_30d`."""
MARKETING = ("market", "retention", "promo", "advert", "newsletter", "offer")
"""Parts of words that name the purpose of a retention contact."""
OTHER_PURPOSES = ("profil", "analy", "research", "cookie", "transaction", "contract", "billing", "sharing", "service")
"""Parts of words that name other purposes: a consent to them permits no contact."""


def run_target(context: Context, task: str) -> None:
    """Build the list from what the earlier stages wrote."""
    write_list(context, make_list(context))


def write_list(context: Context, scored: ScoredList) -> None:
    """Write the list, its summary and the data dictionary."""
    workspace = context.workspace
    workspace.write_frame("lists/retention.parquet", scored.frame)
    workspace.write_frame("lists/retention.csv", safe_cells(scored.frame))
    workspace.write_frame("lists/data_dictionary.csv", data_dictionary())
    workspace.write_json("lists/summary.json", scored.summary)


def make_list(context: Context, run: str | None = None, margin: float = 1.0) -> ScoredList:
    """The retention list under the present config.

    `run` names a finished run that it is made from; `margin` scales its losses to another margin.
    """
    identified, model = identity(context)
    offers, policy = make_offers(context.config), replace(make_policy(context.config), margin=margin)
    return build_list(candidates(context), offers, policy, model_version=model, run_id=run or identified)


def candidates(context: Context) -> pd.DataFrame:
    """One row per scored customer with everything that targeting may look at."""
    workspace, config = context.workspace, context.config
    main = main_task(config).name
    scores = workspace.read_frame(f"predictions/{main}.parquet")
    frame = scores.loc[scores["part"] == "score", ["customer_id", "cutoff", "score", "history_state"]]
    if make_task(config, main).kind == "repeat":
        # a score of staying: the list's risk is that the customer does not stay loyal
        frame = frame.assign(p_loyal=frame["score"], score=1 - frame["score"])
    frame = frame.rename(columns={"score": "p_churn"})
    if "loyalty" in task_names(config) and main != "loyalty":
        loyal = workspace.read_frame("predictions/loyalty.parquet")
        loyal = loyal.loc[loyal["part"] == "score", ["customer_id", "score"]].rename(columns={"score": "p_loyal"})
        frame = frame.merge(loyal, on="customer_id", how="left")
    value = workspace.read_frame("value.parquet")[["customer_id", "clv", "loss_if_silent", "loss_low", "loss_high"]]
    words = ["reason_1", "reason_2", "reason_3", "reason_indicated", "reason_indicated_strength"]
    drivers = workspace.read_frame(f"drivers/{main}.parquet")[["customer_id", *words]]
    frame = frame.merge(value, on="customer_id", how="left").merge(drivers, on="customer_id", how="left")
    predicted = workspace.read_frame("reasons.parquet")
    predicted = predicted.loc[
        predicted["part"] == "score", ["customer_id", "reason_predicted", "reason_predicted_prob"]
    ]
    frame = frame.merge(predicted, on="customer_id", how="left")
    histories = open_histories(context)
    plan = Plan.from_dict(workspace.read_json(f"plan/{main}.json"))
    return _with_history(context, frame, histories.upto(plan.score), plan.score)


def _with_history(context: Context, frame: pd.DataFrame, histories: Histories, at: date) -> pd.DataFrame:
    """Add consent, contacts, complaints, owner, dates to act by, and who is already lost."""
    days = _cap_days(context)
    channels = [name for offer in make_offers(context.config) for name in offer.channels]
    for table in (
        consent(histories, channels), last_contacts(histories, at, days), open_complaints(histories), owners(histories),
        _already_lost(context), _last_list(context, frame["customer_id"]),
        stated_reasons(histories, context.config.exits),
    ):  # fmt: skip
        if table is not None:
            frame = frame.merge(table, on="customer_id", how="left")
    for name in ("contacts_30d", "contacts_in_cap"):
        if name in frame.columns:
            frame[name] = frame[name].fillna(0)
    if "open_complaint" in frame.columns:
        frame["open_complaint"] = frame["open_complaint"].astype("boolean").fillna(False)
    if histories.has("consents"):
        frame["consent_channels"] = frame["consent_channels"].fillna("")
    valid = pd.Timestamp(shift(at, context.config.cutoffs.every))
    act = _act_before(context, frame, at)
    act = act.mask(act > valid, valid)  # a list that is stale by then is no help
    return _with_features(context, frame, at).assign(valid_until=valid, act_before=act)


def _with_features(context: Context, frame: pd.DataFrame, at: date) -> pd.DataFrame:
    """Add the features that some offer's `eligible` asks for."""
    asked = {name for offer in make_offers(context.config) if offer.eligible
             for name in names(parse(offer.eligible, offer.name))}  # fmt: skip
    path = context.workspace.existing("features.parquet")
    extra = sorted((asked - set(frame.columns)) & set(pq.read_schema(path).names))
    if not extra:
        return frame
    rows = pd.read_parquet(path, columns=["customer_id", "cutoff", *extra])
    now = rows.loc[rows["cutoff"] == pd.Timestamp(at)].drop(columns="cutoff")
    return frame.merge(now, on="customer_id", how="left")


def consent(histories: Histories, channels: Sequence[str] = ()) -> pd.DataFrame | None:
    """Permitted channels per customer, `*` for every channel; None without a consents table.

    Channels are compared without regard to capitals. Of several statements for the same channel the newest wins; at
    the same moment a withdrawal beats a grant, and a withdrawal for every channel beats an older grant for one. A
    grant for every channel does not outlive a newer withdrawal for one: what is left of it is named channel by channel.

    Parameters
    ----------
    histories : Histories
        Read as far as they are cut.
    channels : sequence of str
        The firm's channels, beside those that the consents name.
    """
    if not histories.has("consents"):
        return None
    rows = histories.frame("consents")
    purpose = rows["purpose"].astype("str").str.lower()
    asked = purpose.str.contains("|".join(MARKETING), regex=True)
    other = purpose.str.contains("|".join(OTHER_PURPOSES), regex=True)
    granted = rows["granted"].astype("boolean").fillna(False).astype(bool)
    # where marketing is named, a grant has to name it; a refusal counts unless it clearly means something else
    counts = ((asked & ~other) if (asked & ~other).any() else ~other) | (~granted & ~other)
    rows, granted = rows.loc[counts], granted.loc[counts]
    channel = rows["channel"] if "channel" in rows.columns else pd.Series(None, index=rows.index, dtype=object)
    channel = channel.astype("object").where(channel.isna(), channel.astype("str").str.strip().str.lower())
    moment = rows["at"] if "at" in rows.columns else pd.Timestamp(0)
    rows = rows.assign(
        purpose=purpose.loc[rows.index].str.strip(), channel=channel.fillna("*"), granted=granted, at=moment
    )
    rows = rows.sort_values(["at", "granted"], ascending=[True, False], kind="stable")
    newest = rows.drop_duplicates(["customer_id", "purpose", "channel"], keep="last")
    # of several purposes that permit a contact, one that was withdrawn beats all that were granted
    newest = newest.groupby(["customer_id", "channel"], as_index=False, sort=True).agg({"granted": "all", "at": "max"})
    wide = newest.loc[newest["channel"] == "*", ["customer_id", "at", "granted"]]
    newest = newest.merge(wide, on="customer_id", how="left", suffixes=("", "_wide"))
    wide_refused = newest["granted_wide"].eq(False) & (newest["at_wide"] >= newest["at"])
    allowed = newest.loc[newest["granted"] & ~wide_refused, ["customer_id", "channel"]]
    refused = newest.loc[~newest["granted"] & ~(newest["at_wide"] > newest["at"]), ["customer_id", "channel"]]
    named = sorted({*newest["channel"], *(name.lower() for name in channels)} - {"*"})
    joined = _narrowed(allowed, refused, named).sort_values("channel").groupby("customer_id")["channel"].agg("|".join)
    return joined.rename("consent_channels").reset_index()


def _narrowed(allowed: pd.DataFrame, refused: pd.DataFrame, named: Sequence[str]) -> pd.DataFrame:
    """A grant for every channel, where one channel was refused since, becomes the channels left of it."""
    cut = (allowed["channel"] == "*") & allowed["customer_id"].isin(refused["customer_id"])
    left = allowed.loc[cut, ["customer_id"]].merge(pd.DataFrame({"channel": named}, dtype="str"), how="cross")
    pairs = pd.MultiIndex.from_frame(refused)
    left = left.loc[~pd.MultiIndex.from_frame(left).isin(pairs)]
    return pd.concat([allowed.loc[~cut], left]).drop_duplicates()


def last_contacts(histories: Histories, at: date, days: int) -> pd.DataFrame | None:
    """When each customer was last contacted by the firm, how often in 30 days, and how often in the cap's `days`."""
    parts = []
    if "at" in histories.columns("contacts"):
        rows = histories.frame("contacts")
        # whatever is not known to have come from the customer counts against the cap
        if "direction" in rows.columns:
            rows = rows.loc[~rows["direction"].eq("inbound").fillna(False).astype(bool)]
        parts.append(rows)
    if "at" in histories.columns("campaigns"):
        rows = histories.frame("campaigns")
        parts.append(rows.loc[rows["arm"] == "treated"])
    if not parts:
        return None
    rows = pd.concat([part[["customer_id", "at"]] for part in parts], ignore_index=True)
    month, cap = (rows["at"] >= pd.Timestamp(shift(at, -back)) for back in (MONTH, days))
    grouped = rows.assign(month=month, cap=cap).groupby("customer_id")
    counts = grouped.agg(last_contact_at=("at", "max"), contacts_30d=("month", "sum"), contacts_in_cap=("cap", "sum"))
    return counts.reset_index()


def open_complaints(histories: Histories) -> pd.DataFrame | None:
    """Who has a complaint that is not resolved; None where that is not recorded."""
    if not histories.has("complaints") or "resolved_at" not in histories.columns("complaints"):
        return None
    rows = histories.frame("complaints")
    still = rows.loc[rows["resolved_at"].isna(), ["customer_id"]].drop_duplicates()
    return still.assign(open_complaint=True)


def owners(histories: Histories) -> pd.DataFrame | None:
    """The present relationship manager of each managed customer."""
    if not histories.has("managers"):
        return None
    rows = histories.frame("managers")
    active = rows.loc[rows["to"].isna()] if "to" in rows.columns else rows
    order = [name for name in ("from", "employee_id") if name in active.columns]
    newest = active.sort_values(order, kind="stable").drop_duplicates("customer_id", keep="last")
    return newest[["customer_id", "employee_id"]].rename(columns={"employee_id": "owner"})


def stated_reasons(histories: Histories, exits: ExitsSection) -> pd.DataFrame | None:
    """The newest reason each customer stated, mapped onto the six classes, and whether the firm can influence it.

    A reason that the config does not map stays out (it is in the histories), and so does one that a later purchase
    has overtaken: who came back has not moved away. None without an exits table.
    """
    if not histories.has("exits") or "stated_reason" not in histories.columns("exits"):
        return None
    rows = histories.frame("exits").dropna(subset=["stated_reason"])
    if "at" in rows.columns:
        rows = rows.sort_values(["at", "stated_reason"], kind="stable")
        if {"at", "amount"} <= set(histories.columns("purchases")):
            bought = histories.frame("purchases")[["customer_id", "at", "amount"]]
            last = bought.loc[bought["amount"] > 0].groupby("customer_id")["at"].max()
            rows = rows.loc[~(rows["customer_id"].map(last) > rows["at"])]
    newest = rows.drop_duplicates("customer_id", keep="last")[["customer_id", "stated_reason"]]
    fixed = newest["stated_reason"].isin(exits.not_influenceable)
    influenceable = pd.Series(pd.NA, index=newest.index, dtype="boolean").mask(fixed, False)
    mapped = newest["stated_reason"].map(exits.class_of())
    return newest.assign(reason_stated=mapped, influenceable=influenceable).drop(columns="stated_reason")


def _already_lost(context: Context) -> pd.DataFrame | None:
    main = main_task(context.config)
    if not isinstance(make_task(context.config, main.name), GivenTask):
        return None
    labels = context.workspace.read_frame(f"labels/{main.name}.parquet")
    scored = labels.loc[labels["part"] == "score", ["customer_id", "label"]]
    return scored.assign(already_lost=scored["label"] == 1).drop(columns="label")


def _last_list(context: Context, ids: "pd.Series[str]") -> pd.DataFrame | None:
    """Who was selected on the list that the run was told to compare with; None when none was named."""
    if context.previous is None:
        return None
    listed = read_list(context.previous)
    selected = listed.loc[listed["arm"].isin(["treat", "holdout"]), "customer_id"].astype("str")
    return pd.DataFrame({"customer_id": ids, "was_on_last_list": ids.astype("str").isin(set(selected))})


def require_last_list(context: Context) -> None:
    """Refuse a `previous` that is not there, or that this list would overwrite, before anything is done."""
    if context.previous is None:
        return
    if list_file(context.previous).resolve() == list_file(context.workspace.root).resolve():
        raise ConfigError(
            f"--previous {context.previous}: is the list that this one takes the place of; expected another folder, or "
            "a copy of the last round's lists/retention.parquet"
        )
    _existing_list(context.previous)


def read_list(path: Path) -> pd.DataFrame:
    """A retention list: the folder of a run, or the Parquet file itself.

    Raises
    ------
    DataError
        When there is none, or the file is no list.
    """
    file = _existing_list(path)
    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file}: cannot be read as Parquet; expected a folder or its lists/retention.parquet"
        ) from error


def _existing_list(path: Path) -> Path:
    file = list_file(path)
    if not file.is_file():
        raise DataError(f"{path}: no list there; expected the folder of a finished run or its lists/retention.parquet")
    return file


def list_file(path: Path) -> Path:
    """Where the list of a run's folder is; a file stands for itself."""
    return path / "lists" / "retention.parquet" if path.is_dir() else path


def _act_before(context: Context, frame: pd.DataFrame, at: date) -> "pd.Series[Any]":
    """The date by which to act: when the present silence outgrows nine in ten of the own gaps (H2).

    At the earliest the day after the scoring date, at the latest the end of the label window; customers
    without a rhythm of their own get the start of the label window.
    """
    question = make_task(context.config, main_task(context.config).name)
    earliest = pd.Timestamp(shift(at, 1))
    latest = pd.Timestamp(shift(at, question.span.lead + question.span.horizon))
    other = pd.Timestamp(shift(at, max(question.span.lead, 1)))
    features = context.workspace.read_frame("features.parquet")
    wanted = ["customer_id", "days_since_last_order", "gap_q90_days"]
    if not set(wanted) <= set(features.columns):
        return pd.Series(other, index=frame.index)
    now = features.loc[features["cutoff"] == pd.Timestamp(at), wanted].set_index("customer_id")
    now = now.reindex(frame["customer_id"]).astype("float64")
    ahead = np.floor((now["gap_q90_days"] - now["days_since_last_order"]).to_numpy())
    due = pd.Series(pd.Timestamp(at), index=frame.index) + pd.to_timedelta(np.nan_to_num(ahead), unit="D")
    clipped: pd.Series[Any] = due.clip(earliest, latest).where(~np.isnan(ahead), other)
    return clipped


def _cap_days(context: Context) -> int:
    cap = context.config.targeting.contact_cap
    return 30 if cap is None else int(cap.per)


def require_finished(context: Context) -> None:
    """Refuse to make a list from a folder in which no run has finished its scores."""
    missing = [
        name for name in ("value.parquet", "predictions", "drivers") if not context.workspace.path(name).exists()
    ]
    if missing:
        raise DataError(
            f"{context.workspace.root}: no finished run here ({missing[0]} is missing); run `holdfast run` first"
        )
    stale = changed_inputs(context.workspace, "target")
    if stale:
        raise DataError(
            f"{context.workspace.root}: {stale[0]} is not what the finished run made its list from (a later run broke "
            "off); let `holdfast run` finish first"
        )
