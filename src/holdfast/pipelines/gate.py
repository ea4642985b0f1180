"""The champion's figures beside the challenger's: what `promote` decides on (evaluation.md, "Promotion")."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import ModelError
from holdfast.evaluation.comparison import Fold, compare_mean
from holdfast.evaluation.ranking import auroc
from holdfast.examples import Examples
from holdfast.learners.blend import BlendClassifier
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import SERVES_FILE, load_examples
from holdfast.pipelines.predictions import FINAL
from holdfast.tracking.gate import beats_baselines
from holdfast.tracking.registry import fetch_model, find_model, model_files

METRIC = "average_precision"
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
    out: dict[str, Any] = {"recipe": "refresh" if refresh else "changed", "metric": METRIC}
    cutoffs = [at for at in plan.test if at >= serves]
    missing = [name for name in model.columns_.names if name not in examples.names]
    if not cutoffs or missing:
        why = f"feature {missing[0]} is gone" if missing else f"no test cutoff at or after its scoring date {serves}"
        return out | {"not_measured": why}
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
    folds = []
    for at in cutoffs:
        mask = (joined["cutoff"] == pd.Timestamp(at)).to_numpy()
        folds.append(Fold(rows.y[mask], new[mask], old[mask], joined["customer_id"].to_numpy(object)[mask]))
    found = compare_mean(folds, seed=context.config.seed)[METRIC]
    losses = [
        auroc(rows.y[mask], old[mask]) - auroc(rows.y[mask], new[mask])
        for mask in (joined["history_state"] == state for state in sorted(joined["history_state"].unique()))
        if len(np.unique(rows.y[mask])) == 2
    ]
    return {**found, "worst_segment_ok": max(losses, default=0.0) <= MAX_SEGMENT_LOSS, "test_cutoffs": len(cutoffs)}


def _serves(folder: Path) -> date:
    """The date from which a stored model serves."""
    try:
        return date.fromisoformat(json.loads((folder / SERVES_FILE).read_text())["serves"])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: the champion does not say when it was fitted ({SERVES_FILE}): {error}") from error
