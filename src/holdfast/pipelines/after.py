"""What can be asked of a finished run: another list, the file to send, a difference, a replay of the past."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import ConfigError, DataError
from holdfast.examples import Examples, join
from holdfast.histories.histories import Histories
from holdfast.learners.baselines import fit_baselines
from holdfast.pipelines.act import (
    consent,
    last_contacts,
    make_list,
    read_list,
    require_finished,
    require_last_list,
    write_list,
)
from holdfast.pipelines.domain import main_task
from holdfast.pipelines.exits import run_exits
from holdfast.pipelines.features import feature_set, task_features
from holdfast.pipelines.finish import write_pages
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import CLASSES
from holdfast.pipelines.levels import with_levels
from holdfast.pipelines.origin import present_histories
from holdfast.pipelines.workspace import Workspace
from holdfast.targeting.difference import diff_lists, summarise_diff
from holdfast.targeting.export import prepare_export
from holdfast.targeting.replay import replay
from holdfast.tasks.task import Task
from holdfast.value.history import margin_history
from holdfast.windows import days_between, label_window, training_cutoffs

FORMATS = ("csv", "parquet")


def retarget(context: Context, budget: float | None) -> dict[str, Any]:
    """Make a new list in a finished run's folder with the present config; nothing is trained again.

    Raises
    ------
    DataError
        When no run has finished in the folder, or scores, reasons or values are not those it finished with.
    ConfigError
        When the config asks something that needs new scores.

    Returns
    -------
    dict
        The summary of the new list.
    """
    require_finished(context)
    require_last_list(context)
    context = replace(context, cutoff=_scored_at(context))
    if budget is not None:
        if not np.isfinite(budget) or budget < 0:
            raise ConfigError(f"--budget: came {budget}; expected an amount of money, zero or more")
        targeting = context.config.targeting.model_copy(update={"budget": budget})
        context = replace(context, config=context.config.model_copy(update={"targeting": targeting}))
    facts = context.workspace.read_json("run.json")
    _same_question(context, facts)
    with context.workspace.locked():
        before = facts["config"]["economics"]["margin"]
        scored = make_list(
            context, run=facts["run_id"], margin=context.config.economics.margin / before if before else 1.0
        )
        write_list(context, scored)
        run_exits(context, "")
        write_pages(context, facts["run_id"])
    return scored.summary


def _same_question(context: Context, facts: dict[str, Any]) -> None:
    """Refuse a config that asks or reads something else than the finished run did."""
    asked = context.config.resolved()
    for section in ("source", "tasks"):
        if asked[section] != facts["config"][section]:
            raise ConfigError(
                f"{section}: differs from the finished run in {context.workspace.root}; `target` changes offers, "
                "budget, margin and suppression only: use `holdfast run`"
            )
    if asked["seed"] != facts["config"]["seed"]:
        raise ConfigError("seed: differs from the finished run; another seed is another run: use `holdfast run`")
    if not facts["config"]["economics"]["margin"] and asked["economics"]["margin"]:
        raise ConfigError("economics.margin: was 0 in the finished run, so nothing can be scaled: use `holdfast run`")
    for name in ("discount_rate", "value_horizon", "monthly_revenue"):
        if asked["economics"][name] != facts["config"]["economics"][name]:
            raise ConfigError(
                f"economics.{name}: differs from the finished run; the value has to be fitted anew: use `holdfast run`"
            )


def _scored_at(context: Context) -> date:
    return date.fromisoformat(context.workspace.read_json("run.json")["cutoff"])


@dataclass(frozen=True)
class Exported:
    """How many customers are in each file."""

    send: int
    control: int
    suppression: int
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def export(folder: Path, out: Path, asserted_by: str | None, with_reasons: bool, kind: str | None) -> Exported:
    """Write the file for the sending tool, the control file and the suppression file beside it.

    Consent, contacts and what happened since are read again from the sources, the cap is the list's own.

    Raises
    ------
    ConfigError
        For an unknown format, or when nobody answers for the consent.
    """
    chosen = kind or out.suffix.lstrip(".") or "csv"
    if chosen not in FORMATS:
        raise ConfigError(f"--format: came {chosen!r}; expected one of {', '.join(FORMATS)}")
    workspace = Workspace.at(folder)
    listed = workspace.read_frame("lists/retention.parquet")
    summary = workspace.read_json("lists/summary.json")
    with present_histories(workspace) as (histories, told):
        parts = prepare_export(
            listed,
            asserted_by=asserted_by,
            permitted=consent(histories, sorted(set(listed["channel"].dropna().astype(str)) - {""})),
            purchases=_table(histories, "purchases", ["customer_id", "at", "amount"]),
            complaints=_table(histories, "complaints", ["customer_id", "at"]),
            contacts=last_contacts(histories, histories.end, summary["contact_cap_days"]),
            contact_cap_max=summary["contact_cap_max"],
            with_reasons=with_reasons,
            spreadsheet_safe=chosen == "csv",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in (("", parts.send), ("_control", parts.control), ("_suppression", parts.suppression)):
        target = out.with_name(f"{out.stem}{name}{out.suffix or '.' + chosen}")
        with Workspace.at(target.parent).aside(target.name) as path:
            if chosen == "csv":
                frame.to_csv(path, index=False, lineterminator="\n")
            else:
                frame.to_parquet(path, index=False, compression="zstd")
        written.append(target)
    notes = [told]
    if parts.defused:
        notes.append(
            f"{parts.defused} customer ids begin like a spreadsheet formula and got a ' before them; "
            "use --format parquet to join them back as they are"
        )
    return Exported(len(parts.send), len(parts.control), len(parts.suppression), tuple(written), tuple(notes))


def _table(histories: Histories, name: str, columns: list[str]) -> pd.DataFrame | None:
    return histories.frame(name)[columns] if set(columns) <= set(histories.columns(name)) else None


def difference(old: Path, new: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Two lists: who came, who went, who moved, and why (H4)."""
    changes = diff_lists(read_list(old), read_list(new))
    return changes, summarise_diff(changes)


def replay_at(context: Context, histories: Histories, at: date, top: int) -> pd.DataFrame:
    """What the list would have been on a past date and what became of it (H3).

    The model is fitted from what was known then; outcomes come from the histories since.

    Raises
    ------
    DataError
        When the label window after `at` is not complete, or nothing can be trained before it.
    """
    question = main_task(context.config)
    if question.kind == "given":
        raise ConfigError("replay: a snapshot has no past to replay; expected a task with dates")
    window = label_window(at, question.span)
    if window.end > histories.end:
        raise DataError(
            f"replay at {at}: its label window ends {window.end}, after the data ({histories.end}); "
            "choose an earlier date"
        )
    spacing = context.config.cutoffs.spacing_days(question.span.horizon)
    cutoffs = training_cutoffs(at, histories.start, question.span, spacing, context.config.cutoffs.train)
    if not cutoffs:
        raise DataError(
            f"replay at {at}: no training cutoff with {question.span.lookback} days of history lies before it"
        )
    known = histories.upto(at)
    levels = context.config.features.levels
    wanted = task_features(histories, question, levels)
    frame = feature_set(histories, question).compute(known, [*cutoffs, at]).frame
    frame = with_levels(known, frame, [*cutoffs, at]) if levels else frame
    training = join(question.labels(known, cutoffs), frame, wanted)
    training = training.where(~training.frame["in_lead"])
    rows = join(question.labels(histories, [at]), frame, wanted)
    leaves = _leaving(question)
    model = CLASSES[question.name](seed=context.config.seed).fit(training.X, training.y, served=rows.X)
    scores = pd.DataFrame({"customer_id": rows.frame["customer_id"], "score": model.predict_proba(rows.X)[:, leaves]})
    return _replayed(context, histories, question, rows, training, scores, at, top)


def _replayed(
    context: Context, histories: Histories, question: Task, rows: Examples, training: Examples, scores: pd.DataFrame,
    at: date, top: int,
) -> pd.DataFrame:  # fmt: skip
    leaves = _leaving(question)
    ids = rows.frame["customer_id"]
    value, margin_after = _money(context, histories, question, ids, at)
    outcomes = pd.DataFrame({
        "customer_id": ids, "lost": rows.y == leaves, "returned": ids.isin(_back(histories, question, at)).to_numpy(),
        "margin_after": margin_after,
    })  # fmt: skip
    rules: dict[str, pd.Series] = {"value": pd.Series(value, index=ids)}
    baselines = fit_baselines(training.X, training.y, training.frame["cutoff"].to_numpy())
    for name in ("recency_alone", "rfm_logit"):
        if name in baselines:
            rules[name] = pd.Series(baselines[name].predict_proba(rows.X)[:, leaves], index=ids)
    return replay(scores.assign(value=value), outcomes, rules, top)


def _leaving(question: Task) -> int:
    """Which class of a task's label is the loss: 1, but 0 where label 1 is staying loyal."""
    return 0 if question.kind == "repeat" else 1


def _money(context: Context, histories: Histories, question: Task, ids: "pd.Series[str]", at: date) -> tuple[Any, Any]:
    """Margin to be expected from the own past, and the margin that really came, over the same days after the date."""
    if not histories.has("purchases"):
        return np.full(len(ids), np.nan), np.full(len(ids), np.nan)
    economics = context.config.economics
    window = label_window(at, question.span)
    days = min(economics.value_horizon, days_between(window.start, histories.end))
    purchases = histories.frame("purchases")[["customer_id", "at", "amount"]]
    table = margin_history(purchases, at, question.span, days, economics.margin).set_index("customer_id").reindex(ids)
    return (table["past_margin_per_day"] * days).to_numpy(), table["future_margin"].to_numpy()


def _back(histories: Histories, question: Task, at: date) -> "pd.Series[str]":
    """Customers with a sign of life after the label window."""
    if not histories.has("purchases"):
        return pd.Series([], dtype=str)
    rows = histories.frame("purchases")
    until = pd.Timestamp(label_window(at, question.span).end)
    return rows.loc[(rows["at"] >= until) & (rows["amount"] > 0), "customer_id"].drop_duplicates()
