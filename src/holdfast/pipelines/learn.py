"""Stages tune, train and evaluate: the blend for every test cutoff and for the scoring date, and its figures."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from holdfast.evaluation.comparison import Fold, compare_mean, mean_intervals
from holdfast.evaluation.coverage import coverage
from holdfast.evaluation.report import NOTE, evaluate, stability, summarise
from holdfast.evaluation.sensitivity import mean_sensitivity, profit_sensitivity
from holdfast.examples import Examples, join, refuse_leaks
from holdfast.features.attributes import attribute_name
from holdfast.features.feature import Feature
from holdfast.learners.baselines import fit_baselines, skipped_baselines
from holdfast.learners.blend import BlendClassifier, ChurnClassifier, LoyaltyClassifier
from holdfast.learners.folds import random_folds
from holdfast.learners.tune import tune
from holdfast.pipelines.domain import make_task, task_names
from holdfast.pipelines.features import task_features
from holdfast.pipelines.graph import Context, features_file
from holdfast.pipelines.level import level_shifts
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.predictions import FINAL, predictions_of, score_rows, unseen_categories
from holdfast.pipelines.prepare import open_histories
from holdfast.pipelines.provenance import threads
from holdfast.pipelines.selection import PastCutoff, selection_regret
from holdfast.pipelines.stake import at_stake
from holdfast.tasks.task import GivenTask
from holdfast.tracking.feature_list import write_features

SERVES_FILE = "serves.json"
CLASSES: dict[str, type[BlendClassifier]] = {"churn": ChurnClassifier, "loyalty": LoyaltyClassifier}


def load_examples(context: Context, task: str) -> tuple[Examples, tuple[Feature, ...], Plan]:
    """Labels joined with features, the metadata of the features and the plan."""
    workspace = context.workspace
    features = task_features(open_histories(context), make_task(context.config, task), context.config.features.levels)
    labels = workspace.read_frame(f"labels/{task}.parquet")
    examples = join(labels, workspace.read_frame(features_file(task, task_names(context.config))), features)
    return examples, features, Plan.from_dict(workspace.read_json(f"plan/{task}.json"))


def run_tune(context: Context, task: str) -> None:
    """Check for single-feature leaks, then tune once, on the training set of the oldest test cutoff."""
    examples, _, plan = load_examples(context, task)
    config, question = context.config, make_task(context.config, task)
    training = training_rows(examples, plan.test[0], question)
    columns = {attribute_name(column): column for column in open_histories(context).attributes}
    strongest = refuse_leaks(training, config.checks.max_single_feature_auroc, config.checks.allow, columns)
    names = task_names(config)
    trials = config.tune.trials // len(names) + (task == names[0]) * (config.tune.trials % len(names))
    folds = None
    if isinstance(question, GivenTask):
        folds = random_folds(training.y, seed=config.seed, customer=training.frame["customer_id"].tolist())
    result = tune(
        training.X, training.y, training.frame["cutoff"].to_numpy(), horizon_days=question.span.horizon,
        lead_days=question.span.lead, trials=trials, timeout_s=config.tune.timeout_s / len(names), seed=config.seed,
        threads=threads(), folds=folds,
    )  # fmt: skip
    workspace = context.workspace
    workspace.write_frame(f"tune/{task}_trials.csv", result.trials.drop(columns="seconds", errors="ignore"))
    workspace.write_json(
        f"tune/{task}.json",
        {
            "params": result.best_params, "capacity": result.capacity, "improved": result.improved,
            "default_value": result.default_value,
            "best_value": result.best_value, "cut_short": result.cut_short, "trials_counted": result.n_complete,
            "trials_asked": trials, "reason": result.reason, "tuned_for": str(plan.test[0]),
            "strongest_features_alone": strongest.head(5).round(4).to_dict(),
        },
    )  # fmt: skip


def run_train(context: Context, task: str) -> None:
    """Fit the model of every test cutoff and of the scoring date, each as it would have been in service."""
    examples, features, plan = load_examples(context, task)
    question = make_task(context.config, task)
    params = context.workspace.read_json(f"tune/{task}.json")["params"]
    parts = _fold_parts(examples) if isinstance(question, GivenTask) else _serving_parts(examples, plan, question)

    def fit(part: tuple[str, Examples]) -> tuple[str, BlendClassifier]:
        model = CLASSES[task](seed=context.config.seed, **params)
        return part[0], model.fit(part[1].X, part[1].y, served=_served(examples, plan, part[0]))

    models = _parallel(fit, parts)
    shifts = level_shifts(context, task, plan, _served_logits(dict(models), examples, plan), question)
    decided = {FINAL if at == plan.score else str(at): shift for at, shift in shifts.items()}
    population = context.workspace.path(f"population/{task}.json").read_text()
    with context.workspace.aside(f"models/{task}") as folder:
        for name, model in models:
            model.shifted(decided[name].shift if name in decided else 0.0).to_files(folder / name)
            write_features(folder / name, features)
            (folder / name / "population.json").write_text(_state_of(population, name, plan))
            serves = str(plan.score) if name not in {str(at) for at in plan.test} else name
            (folder / name / SERVES_FILE).write_text(json.dumps({"task": task, "serves": serves}) + "\n")
        decisions = {name: {"shift": s.shift, "applied": s.applied, "reason": s.reason} for name, s in decided.items()}
        (folder / "level.json").write_text(json.dumps(decisions, indent=2, sort_keys=True) + "\n")


def run_evaluate(context: Context, task: str) -> None:
    """Score test and scoring rows, and put every figure beside the baselines."""
    examples, _, plan = load_examples(context, task)
    question = make_task(context.config, task)
    test, score = (examples.where(examples.frame["part"] == part) for part in ("test", "score"))
    snapshot = isinstance(question, GivenTask)
    tested, scored = (score_rows(context, task, rows, snapshot) for rows in (test, score))
    predictions = predictions_of(test, score, tested, scored, question.span, snapshot)
    context.workspace.write_frame(f"predictions/{task}.parquet", predictions)
    asked = ~test.frame["in_lead"]
    kept = tested["score"][asked].reset_index(drop=True)
    metrics = _metrics(context, task, examples, test.where(asked), kept, plan)
    metrics["interval_coverage"] = _coverage(predictions)
    metrics["unseen_categories"] = {
        part: unseen_categories(context, task, rows, snapshot) for part, rows in (("test", test), ("score", score))
    }
    context.workspace.write_json(f"metrics/{task}.json", metrics)


def _coverage(predictions: pd.DataFrame) -> dict[str, Any]:
    """How often the range of a score held, at each test cutoff."""
    found = {}
    for at in sorted(predictions.loc[predictions["part"] == "test", "cutoff"].dt.date.unique()):
        rows = predictions[(predictions["part"] == "test") & (predictions["cutoff"] == pd.Timestamp(at))]
        found[str(at)] = coverage(rows["label"], rows["score"], rows["low"], rows["high"])
    return found


def final_model(context: Context, task: str) -> BlendClassifier:
    """The model that serves from the scoring date."""
    return BlendClassifier.from_files(context.workspace.existing(f"models/{task}/{FINAL}"))


def training_rows(examples: Examples, serves: date, question: Any) -> Examples:
    """The rows that a model serving from a date is fitted on; those who left inside the lead are left out."""
    frame = examples.frame
    mask = (frame["part"] == "train") & ~frame["in_lead"]
    if not isinstance(question, GivenTask):
        mask &= frame["serves"] == pd.Timestamp(serves)
    return examples.where(mask)


def _serving_parts(examples: Examples, plan: Plan, question: Any) -> list[tuple[str, Examples]]:
    names = {at: str(at) for at in plan.test} | {plan.score: FINAL}
    return [(names[at], training_rows(examples, at, question)) for at in plan.train]


def _fold_parts(examples: Examples) -> list[tuple[str, Examples]]:
    """Snapshot: a model per fold, fitted without it, and one on everybody for the registry."""
    known = examples.frame["part"] != "score"
    folds = sorted(examples.frame["fold"].unique())
    parts = [(f"without_fold_{fold}", examples.where(known & (examples.frame["fold"] != fold))) for fold in folds]
    return [*parts, (FINAL, examples.where(known))]


def _parallel(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Independent fits side by side; each uses one thread, so the result does not depend on how many run."""
    with ThreadPoolExecutor(max_workers=max(threads(), 1)) as pool:
        return list(pool.map(work, items))


def _served(examples: Examples, plan: Plan, name: str) -> pd.DataFrame | None:
    """Features of the rows that a model serves; None for a snapshot, where they are like the training's."""
    if name.startswith("without") or len(plan.train) == 1:
        return None
    at = plan.score if name == FINAL else date.fromisoformat(name)
    frame = examples.frame
    return examples.where((frame["part"] != "train") & (frame["cutoff"] == pd.Timestamp(at))).X


def _served_logits(models: dict[str, BlendClassifier], examples: Examples, plan: Plan) -> dict[date, Any]:
    """Raw log odds of the cohort that each date's model serves."""
    served = examples.frame["part"] != "train"
    found = {}
    for at in (*plan.test, plan.score):
        model = models.get(FINAL if at == plan.score else str(at))
        rows = examples.where(served & (examples.frame["cutoff"] == pd.Timestamp(at)))
        if model is not None:
            found[at] = model.decision_function(rows.X)
    return found


def _state_of(population: str, name: str, plan: Plan) -> str:
    """The population state of the date a model serves, stored with it."""
    states = json.loads(population)
    at = str(plan.score) if name == FINAL or name.startswith("without") else name
    return json.dumps(states.get(at), indent=1) + "\n"


def _metrics(
    context: Context, task: str, examples: Examples, test: Examples, scores: "pd.Series[float]", plan: Plan
) -> dict[str, Any]:
    """The metrics file: per test cutoff, mean, worst, trend, and everything beside the baselines."""
    question, config = make_task(context.config, task), context.config
    counts = context.workspace.read_json(f"plan/{task}.json")
    pages: list[dict[str, Any]] = []
    folds: dict[str, list[Fold]] = {}
    rivals_at: dict[date, dict[str, Any]] = {}
    for at in plan.test:
        rows = test.where(test.frame["cutoff"] == pd.Timestamp(at))
        p = scores[test.frame["cutoff"] == pd.Timestamp(at)].to_numpy()
        training = training_rows(examples, at, question)
        page, rivals = _page(context, task, rows, p, training, at)
        rivals_at[at] = {name: q for name, q in rivals.items() if len(np.unique(q)) > 1}
        for name, q in rivals.items():
            folds.setdefault(name, []).append(Fold(rows.y, p, q, rows.frame["customer_id"].to_numpy(object)))
        returned = counts["return_rate"].get(str(at), {})
        pages.append(
            page | {"return_rate": returned.get("rate"), "return_follow_up_days": returned.get("follow_up_days")}
        )
    own = [(fold.y, fold.p_a, fold.customer) for fold in next(iter(folds.values()))]
    names = sorted(folds)
    paired = _parallel(lambda name: compare_mean(folds[name], seed=config.seed), names)
    snapshot = isinstance(question, GivenTask)
    return {
        "task": task, "kind": question.kind, "horizon_days": question.span.horizon, "lead_days": question.span.lead,
        "lookback_days": question.span.lookback,
        "split": "random by customer: optimistic" if snapshot else "rolling origin",
        "note": NOTE, "cutoffs": pages, **summarise(pages),
        "mean_intervals": mean_intervals(own, seed=config.seed),
        "baselines_mean": _baseline_means(pages),
        "paired_mean": dict(zip(names, paired, strict=True)),
        "baselines_not_measured": skipped_baselines(examples.names),
        "left_in_lead": counts["left_in_lead"],
        "stability": _stability(test, scores, plan),
        "sensitivity": mean_sensitivity([page.pop("sensitivity") for page in pages]),
        "selection_rule": _selection(context, task, test, plan, rivals_at),
        "level": json.loads(context.workspace.existing(f"models/{task}/level.json").read_text()),
    }  # fmt: skip


def _selection(
    context: Context, task: str, test: Examples, plan: Plan, rivals: Mapping[date, Mapping[str, Any]]
) -> dict[str, Any]:
    """Regret of the promotion rule over the past cutoffs of this run."""
    question, workspace = make_task(context.config, task), context.workspace
    if isinstance(question, GivenTask):
        return {"not_measured": "a snapshot has no past at which a model could have been chosen"}
    past, spend, names = {}, None, test.names
    for at in plan.test:
        rows = test.where(test.frame["cutoff"] == pd.Timestamp(at))
        value, spend = at_stake(context, task, rows, float(test.y.mean()))

        def score(serves: date, rows: Examples = rows) -> Any:
            model = BlendClassifier.from_files(workspace.existing(f"models/{task}/{serves}"))
            return model.predict_proba(rows.X[list(names)])[:, 1]

        past[at] = PastCutoff(rows.y, rows.frame["customer_id"].to_numpy(object), value, score, rivals[at])
    return selection_regret(past, question.span, spend, context.config.seed)


def _page(
    context: Context, task: str, rows: Examples, p: Any, training: Examples, at: date
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of the blend and of every baseline at one test cutoff."""
    config = context.config
    customer = rows.frame["customer_id"].to_numpy(object)
    value, spend = at_stake(context, task, rows, float(training.y.mean()))
    page = evaluate(rows.y, p, customer, seed=config.seed, value=value, spend=spend)
    page["sensitivity"] = profit_sensitivity(rows.y, p, customer, value=value, spend=spend)
    baselines = fit_baselines(training.X, training.y, training.frame["cutoff"].to_numpy())
    # BG/NBD speaks of silence; where label 1 is staying it is read the other way round.
    stays = make_task(config, task).kind == "repeat"
    rivals = {
        name: baseline.predict_proba(rows.X)[:, 0 if stays and name.startswith("bgnbd") else 1]
        for name, baseline in baselines.items()
    }
    figures = {
        name: evaluate(rows.y, q, customer, seed=config.seed, n_boot=0) | {"words": baselines[name].words}
        for name, q in rivals.items()
    }
    keep = ("auroc", "average_precision", "brier", "log_loss", "ece", "top_decile_lift", "words")
    trimmed = {name: {key: found.get(key) for key in keep} for name, found in figures.items()}
    return {"cutoff": str(at), "n_train": len(training.frame)} | page | {"baselines": trimmed}, rivals


def _baseline_means(pages: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    means: dict[str, dict[str, Any]] = {}
    for name in pages[0]["baselines"]:
        found = [page["baselines"][name] for page in pages if name in page["baselines"]]
        keys = [key for key in found[0] if key != "words"]
        means[name] = {
            key: float(np.mean([row[key] for row in found])) if all(row[key] is not None for row in found) else None
            for key in keys
        } | {"words": found[0]["words"]}
    return means


def _stability(test: Examples, scores: "pd.Series[float]", plan: Plan) -> list[dict[str, Any]]:
    """How much scores and the top decile move from one test cutoff to the next."""
    by_cutoff = [
        pd.Series(scores[mask].to_numpy(), index=test.frame.loc[mask, "customer_id"])
        for mask in (test.frame["cutoff"] == pd.Timestamp(at) for at in plan.test)
    ]
    pairs = zip(by_cutoff, by_cutoff[1:], plan.test[1:], strict=False)
    return [{"to": str(at)} | stability(earlier, later) for earlier, later, at in pairs]
