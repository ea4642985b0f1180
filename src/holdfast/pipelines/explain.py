"""Stages explain and value: reasons in words for every scored customer, and what silence would cost."""

from typing import Any

import numpy as np
import pandas as pd

from holdfast.drivers.attribution import attribute, global_ranking
from holdfast.drivers.words import indicated_class, reasons
from holdfast.errors import DataError
from holdfast.learners.blend import BlendClassifier
from holdfast.pipelines.domain import main_task, make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import FINAL, load_examples
from holdfast.pipelines.prepare import open_histories
from holdfast.pipelines.provenance import threads
from holdfast.tasks.task import GivenTask
from holdfast.value.backtest import backtest
from holdfast.value.concentration import concentration
from holdfast.value.history import margin_history, past_margin
from holdfast.value.horizon import plan_loss
from holdfast.value.loss import LossSettings, fit_loss

VALUE_COLUMNS = (
    "customer_id", "clv", "clv_purchase", "clv_retention", "clv_referral", "loss_if_silent", "loss_low", "loss_high",
    "expected_orders", "p_alive", "past_margin_per_day", "horizon_days", "method",
)  # fmt: skip


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


def run_value(context: Context, task: str) -> None:
    """`loss_if_silent` per customer at the scoring date, with its backtest; where it cannot be measured, why."""
    histories = open_histories(context)
    question = make_task(context.config, main_task(context.config).name)
    examples, _, plan = load_examples(context, question.name)
    score = examples.frame.loc[examples.frame["part"] == "score"].reset_index(drop=True)
    frame = _blank_values(score)
    summary: dict[str, Any] = {"clv": "not measured: lifetime value is not estimated yet; the list uses loss_if_silent"}
    if histories.has("purchases") and question.span.lookback:
        purchases = histories.upto(plan.score).frame("purchases")[["customer_id", "at", "amount"]]
        try:
            frame, measured = _measured(context, question, purchases, frame, plan)
            summary |= measured
        except DataError as error:
            summary["loss_if_silent"] = f"not measured: {error}"
    else:
        summary["loss_if_silent"] = f"not measured: kind {question.kind} has no purchases with a lookback to value"
    context.workspace.write_frame("value.parquet", frame[list(VALUE_COLUMNS)])
    context.workspace.write_json("value.json", summary)


def _blank_values(score: pd.DataFrame) -> pd.DataFrame:
    def column(name: str) -> Any:
        return score[name].astype("float64") if name in score.columns else np.nan

    known = {"customer_id": score["customer_id"], "expected_orders": column("btyd_expected_purchases_h"),
             "p_alive": column("btyd_p_alive"), "method": "not measured"}  # fmt: skip
    return pd.DataFrame({name: known.get(name, np.nan) for name in VALUE_COLUMNS}, index=score.index)


def _measured(
    context: Context, question: Any, purchases: pd.DataFrame, frame: pd.DataFrame, plan: Any
) -> tuple[pd.DataFrame, dict[str, Any]]:
    economics = context.config.economics
    settings = LossSettings(discount_rate=economics.discount_rate, seed=context.config.seed)
    walk = plan_loss(plan.start, plan.score, question.span, economics.value_horizon, question.span.horizon)
    history = pd.concat(
        [margin_history(purchases, at, question.span, walk.horizon_days, economics.margin) for at in walk.cutoffs]
    )
    model = fit_loss(history, walk.horizon_days, settings)
    rates = past_margin(purchases, plan.score, question.span.lookback, economics.margin)
    rate = rates.reindex(frame["customer_id"]).to_numpy()
    frame = frame.assign(
        **model.table(rate),
        past_margin_per_day=rate,
        horizon_days=model.horizon_days,
        method=f"group difference, {model.method}",
    )
    summary: dict[str, Any] = {
        "horizon_days": model.horizon_days, "wanted_horizon_days": economics.value_horizon,
        "fitted_at": [str(at) for at in walk.cutoffs],
        "mean_active": model.mean_active, "mean_silent": model.mean_silent,
        "n_active": model.n_active, "n_silent": model.n_silent, "method": model.method,
        "concentration": concentration(np.maximum(rates.to_numpy(), 0)),
        "backtest": "not measured: the history cannot hold two value windows",
    }  # fmt: skip
    if walk.backtest_fit is not None and walk.backtest_at is not None and walk.backtest_horizon_days is not None:
        days = walk.backtest_horizon_days
        earlier = margin_history(purchases, walk.backtest_fit, question.span, days, economics.margin)
        later = margin_history(purchases, walk.backtest_at, question.span, days, economics.margin)
        judged = backtest(fit_loss(earlier, days, settings), later, seed=context.config.seed)
        summary["backtest"] = {
            "at": str(walk.backtest_at), "horizon_days": days, "predicted_over_actual": judged.ratio,
            "low": judged.ratio_low, "high": judged.ratio_high, "n": judged.n,
            "deciles": judged.deciles.to_dict(orient="records"),
        }  # fmt: skip
    return frame, summary
