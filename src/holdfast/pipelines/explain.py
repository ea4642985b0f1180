"""Stage explain: reasons in words for every scored customer."""

from typing import Any

import numpy as np
import pandas as pd

from holdfast.drivers.attribution import attribute, global_ranking
from holdfast.drivers.words import indicated_class, reasons
from holdfast.learners.blend import BlendClassifier
from holdfast.pipelines.domain import make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import load_examples
from holdfast.pipelines.predictions import FINAL
from holdfast.pipelines.provenance import threads
from holdfast.tasks.task import GivenTask


def run_explain(context: Context, task: str) -> None:
    """Contribution of every family and exit class, and three reasons in words, for every scored row."""
    examples, features, _ = load_examples(context, task)
    score = examples.where(examples.frame["part"] == "score")
    question = make_task(context.config, task)
    parts = [
        _explained(context, task, name, score.where(mask), features)
        for name, mask in _serving_models(score.frame, isinstance(question, GivenTask))
    ]
    frame = pd.concat([table for table, _ in parts], ignore_index=True).sort_values("customer_id", kind="stable")
    keys = ["feature", "family", "exit_class", "unit"]
    ranked = pd.concat([table for _, table in parts])
    pooled = ranked.groupby(keys, sort=True, dropna=False)[["mean_abs", "mean"]].mean()
    ranking = pooled.reset_index().sort_values(["mean_abs", "feature"], ascending=[False, True])
    ranking.insert(0, "rank", range(1, len(ranking) + 1))
    context.workspace.write_frame(f"drivers/{task}.parquet", frame)
    context.workspace.write_frame(f"drivers/{task}_global.csv", ranking)


def _serving_models(frame: pd.DataFrame, snapshot: bool) -> list[tuple[str, Any]]:
    if not snapshot:
        return [(FINAL, pd.Series(True, index=frame.index))]
    return [(f"without_fold_{fold}", frame["fold"] == fold) for fold in sorted(frame["fold"].unique())]


def _explained(context: Context, task: str, name: str, rows: Any, features: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    model = BlendClassifier.from_files(context.workspace.existing(f"models/{task}/{name}"))
    found = attribute(model, rows.X, features, threads=threads())
    indicated, strength = indicated_class(found.by_exit_class)
    keys = rows.frame[["customer_id", "cutoff"]].reset_index(drop=True)
    table = pd.concat(
        [
            keys,
            pd.DataFrame({"margin": found.margin, "base": np.full(len(keys), found.base)}),
            found.by_family.add_prefix("family_").reset_index(drop=True),
            found.by_exit_class.add_prefix("class_").reset_index(drop=True),
            reasons(found, rows.X, features).reset_index(drop=True),
            pd.DataFrame({"reason_indicated": indicated.to_numpy(), "reason_indicated_strength": strength.to_numpy()}),
        ],
        axis=1,
    )
    return table, global_ranking(found, features)
