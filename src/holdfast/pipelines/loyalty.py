"""Loyalty tiers of the stage relate, and staying that is chosen told apart from staying that is not (D9, C7)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from holdfast.errors import ConfigError
from holdfast.evaluation.ordinal import ranked_probability_score
from holdfast.evaluation.report import evaluate
from holdfast.examples import KEYS, Examples
from holdfast.histories.histories import Histories
from holdfast.learners.blend import BlendClassifier, LoyaltyClassifier
from holdfast.pipelines.domain import make_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.learn import load_examples, training_rows
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.predictions import FINAL
from holdfast.pipelines.prepare import open_histories
from holdfast.relationship.loyalty import STRATEGY, attachment, evidence, switching_cost
from holdfast.relationship.tiers import TIERS, tier_probabilities
from holdfast.tasks.task import RepeatTask

LOYALTY = "loyalty"
KEPT = ("auroc", "brier", "ece", "ece_floor", "calibration_slope")
PARTS = [f"p_tier_{name}" for name in TIERS]


def loyalty(context: Context) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Tiers and attachment of the scored customers, and the figures of the tiers."""
    question = make_task(context.config, LOYALTY)
    if not isinstance(question, RepeatTask):  # loyalty has no other kind today
        raise ConfigError(f"tasks.loyalty: kind {question.kind} has no tiers; expected repeat")
    examples, _, plan = load_examples(context, LOYALTY)
    histories, lower = open_histories(context), replace(question, min_active_periods=1)
    scores = context.workspace.read_frame(f"predictions/{LOYALTY}.parquet")
    pages = [_page(context, lower, histories, examples, scores, plan, at) for at in plan.test]
    table = _table(context, lower, histories, examples, scores, plan)
    return table, {
        "tiers": list(TIERS), "cutoffs": pages,
        "mean": {key: float(np.mean([page[key] for page in pages])) for key in ("rps", "rps_base_rates")},
        "tier_counts": table["loyalty_tier"].value_counts().sort_index().to_dict(),
        "attachment": table["attachment"].value_counts().sort_index().to_dict(),
        "not_measured": _not_measured(examples.names),
    }  # fmt: skip


def _lower_model(
    context: Context, lower: RepeatTask, histories: Histories, examples: Examples, plan: Plan, at: date
) -> BlendClassifier:
    """The model of any purchase at all, fitted as the loyalty model that serves from the same date was."""
    params = context.workspace.read_json(f"tune/{LOYALTY}.json")["params"]
    training = training_rows(examples, at, lower)
    y = _labels(lower, histories.upto(at), list(plan.train[at]), training)
    model = LoyaltyClassifier(seed=context.config.seed, **params)
    served = (examples.frame["part"] != "train") & (examples.frame["cutoff"] == pd.Timestamp(at))
    model.fit(training.X, y, served=examples.where(served).X)
    # one level for both thresholds, as in a proportional-odds model (McCullagh, 1980)
    name = FINAL if at == plan.score else str(at)
    upper = BlendClassifier.from_files(context.workspace.existing(f"models/{LOYALTY}/{name}"))
    return model.shifted(upper.shift_)


def _labels(question: RepeatTask, histories: Histories, cutoffs: Sequence[date], rows: Examples) -> Any:
    known = question.labels(histories, cutoffs)[[*KEYS, "label"]]
    joined = rows.frame[KEYS].merge(known, on=KEYS, how="left", validate="many_to_one")
    return joined["label"].to_numpy(np.int8)


def _tiers(
    context: Context, lower: RepeatTask, histories: Histories, rows: Examples, scores: pd.DataFrame,
    examples: Examples, plan: Plan, at: date,
) -> pd.DataFrame:  # fmt: skip
    part = "score" if at == plan.score else "test"
    upper = rows.frame[KEYS].merge(scores.loc[scores["part"] == part, [*KEYS, "score"]], on=KEYS, how="left")["score"]
    if make_task(context.config, LOYALTY) == lower:
        return tier_probabilities(upper, upper)
    model = _lower_model(context, lower, histories, examples, plan, at)
    return tier_probabilities(expit(model.decision_function(rows.X)), upper)


def _page(
    context: Context, lower: RepeatTask, histories: Histories, examples: Examples, scores: pd.DataFrame, plan: Plan,
    at: date,
) -> dict[str, Any]:  # fmt: skip
    """Figures of the tiers at one test cutoff, beside tiers that everybody shares."""
    frame = examples.frame
    rows = examples.where((frame["part"] == "test") & (frame["cutoff"] == pd.Timestamp(at)))
    found = _tiers(context, lower, histories, rows, scores, examples, plan, at)
    bought = _labels(lower, histories, [at], rows)
    came = bought + rows.y
    training = training_rows(examples, at, lower)
    past = _labels(lower, histories.upto(at), list(plan.train[at]), training) + training.y
    shares = np.bincount(past, minlength=len(TIERS)) / len(past)
    customer = rows.frame["customer_id"].to_numpy(object)
    reached = evaluate(bought, 1 - found["p_tier_silent"], customer, seed=context.config.seed, n_boot=0)
    return {
        "cutoff": str(at), "n": len(came),
        "rps": ranked_probability_score(came, found[PARTS]),
        "rps_base_rates": ranked_probability_score(came, np.tile(shares, (len(came), 1))),
        "forecast": found[PARTS].mean().to_dict(),
        "came": dict(zip(PARTS, np.bincount(came, minlength=len(TIERS)) / len(came), strict=True)),
        "any_purchase": {key: reached.get(key) for key in KEPT},
    }  # fmt: skip


def _table(
    context: Context, lower: RepeatTask, histories: Histories, examples: Examples, scores: pd.DataFrame, plan: Plan
) -> pd.DataFrame:
    rows = examples.where(examples.frame["part"] == "score")
    tiers = _tiers(context, lower, histories, rows, scores, examples, plan, plan.score)
    cost, known = switching_cost(rows.frame), evidence(rows.frame)
    kinds = attachment(tiers["p_tier_loyal"], cost, known)
    return pd.concat(
        [rows.frame[KEYS], tiers, known, pd.DataFrame({
            "switching_cost": cost, "attachment": kinds, "attachment_strategy": kinds.map(STRATEGY),
        })], axis=1,
    )  # fmt: skip


def _not_measured(names: Sequence[str]) -> dict[str, str]:
    """What the attachment could not look at, and which table would bring it."""
    wanted = {
        "contract still to run": ("contract_term_used", "contracts with term_months"),
        "memberships": ("memberships_active", "memberships"),
        "points": ("membership_points", "memberships with points"),
        "recommendation": ("referrals_all", "referrals, or surveys with nps"),
        "commitment": ("commitment_last", "surveys with commitment"),
    }
    have = set(names) | ({"referrals_all"} if "nps_last" in names else set())
    return {what: f"no table of {table}" for what, (name, table) in wanted.items() if name not in have}
