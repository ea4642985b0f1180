"""The champion's figures beside the challenger's: what `promote` decides on (evaluation.md, "Promotion")."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import ModelError
from holdfast.evaluation.comparison import Fold, compare_mean
from holdfast.evaluation.profit import Spend, profit_at_budget
from holdfast.evaluation.ranking import auroc
from holdfast.examples import Examples
from holdfast.learners.blend import BlendClassifier
from holdfast.pipelines.domain import make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import SERVES_FILE, load_examples
from holdfast.pipelines.predictions import FINAL
from holdfast.pipelines.stake import at_stake
from holdfast.tracking.gate import PROFIT_DELTA, beats_baselines
from holdfast.tracking.registry import fetch_model, find_model, model_files
from holdfast.windows import label_window

MAX_ECE_EXCESS = 0.05
MAX_SEGMENT_LOSS = 0.05


def gate_figures(context: Context, task: str, uri: str) -> dict[str, Any]:
    """Measure the run's model of `task` against the present champion on the run's own test cutoffs.

    Only test cutoffs at or after the champion's scoring date count: at earlier ones it has seen the labels.

    Returns
    -------
    dict
        Figures for `holdfast.tracking.gate.decide`; without a champion only `beats_baselines`.
    """
    metrics = context.workspace.read_json(f"metrics/{task}.json")
    excess = metrics["mean"].get("ece_excess")
    gate: dict[str, Any] = {
        "beats_baselines": beats_baselines(metrics).passed,
        "calibration_ok": excess is not None and excess <= MAX_ECE_EXCESS,
    }
    champion = find_model(task, uri=uri)
    if champion is None:
        return gate
    folder = model_files(fetch_model(f"models:/{champion.name}/{champion.version}", uri=uri))
    return gate | {"champion_version": champion.version} | _against(context, task, folder)


def _against(context: Context, task: str, folder: Path) -> dict[str, Any]:
    try:
        serves = _serves(folder)
    except ModelError as error:
        return {"not_measured": str(error)}
    model = BlendClassifier.from_files(folder)
    examples, _, plan = load_examples(context, task)
    own = BlendClassifier.from_files(context.workspace.existing(f"models/{task}/{FINAL}"))
    refresh = own.get_params() == model.get_params() and own.columns_.names == model.columns_.names
    out: dict[str, Any] = {"recipe": "refresh" if refresh else "changed"}
    cutoffs = [at for at in plan.test if at >= serves]
    missing = [name for name in model.columns_.names if name not in examples.names]
    if not cutoffs or missing:
        return out | {"not_measured": f"feature {missing[0]} is gone" if missing else _too_early(context, task, serves)}
    return out | _paired(context, task, model, examples, cutoffs)


def _paired(
    context: Context, task: str, model: BlendClassifier, examples: Examples, cutoffs: list[date]
) -> dict[str, Any]:
    scored = context.workspace.read_frame(f"predictions/{task}.parquet")
    scored = scored.loc[scored["part"] == "test", ["customer_id", "cutoff", "score", "history_state"]]
    chosen = (examples.frame["part"] == "test") & examples.frame["cutoff"].isin([pd.Timestamp(at) for at in cutoffs])
    rows = examples.where(chosen)
    joined = rows.frame[["customer_id", "cutoff"]].merge(scored, on=["customer_id", "cutoff"], how="left")
    old = model.predict_proba(rows.X[list(model.columns_.names)])[:, 1]
    new = joined["score"].to_numpy()
    value, spend = at_stake(context, task, rows, float(examples.where(examples.frame["part"] == "train").y.mean()))
    masks = [(joined["cutoff"] == pd.Timestamp(at)).to_numpy() for at in cutoffs]
    customer = joined["customer_id"].to_numpy(object)
    folds = [
        Fold(rows.y[mask], new[mask], old[mask], customer[mask], None if value is None else value[mask])
        for mask in masks
    ]
    found = compare_mean(folds, seed=context.config.seed, spend=spend)
    earned = _profit(rows, old, customer, masks, value, spend)
    # where no contact pays, the profit is zero whatever the scores
    metric = "profit_at_budget" if earned else "average_precision"
    told = found[metric] | {"metric": metric} | ({"delta": PROFIT_DELTA * earned} if earned else {})
    beside = {f"{name}_difference": found[name]["difference"] for name in ("average_precision", "auroc", "brier")}
    losses = [
        auroc(rows.y[mask], old[mask]) - auroc(rows.y[mask], new[mask])
        for mask in (
            (joined["history_state"] == state).to_numpy() for state in sorted(joined["history_state"].unique())
        )
        if len(np.unique(rows.y[mask])) == 2
    ]
    return {
        **told,
        **beside,
        "worst_segment_ok": max(losses, default=0.0) <= MAX_SEGMENT_LOSS,
        "test_cutoffs": len(cutoffs),
    }


def _profit(rows: Examples, p: Any, customer: Any, masks: Sequence[Any], value: Any, spend: Spend | None) -> float:
    """Mean size of a model's profit at the budget over the cutoffs; zero where it is not known."""
    if value is None or spend is None:
        return 0.0
    found = [profit_at_budget(rows.y[one], p[one], value[one], customer[one], spend).modelled for one in masks]
    return float(np.mean(np.abs(found)))


def _too_early(context: Context, task: str, serves: date) -> str:
    known = label_window(serves, make_task(context.config, task).span).end
    return f"the champion serves from {serves} and its outcomes are not in; run again with data and a cutoff from " \
           f"{known} on"  # fmt: skip


def _serves(folder: Path) -> date:
    """The date from which a stored model serves."""
    try:
        return date.fromisoformat(json.loads((folder / SERVES_FILE).read_text())["serves"])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: the champion does not say when it was fitted ({SERVES_FILE}): {error}") from error
