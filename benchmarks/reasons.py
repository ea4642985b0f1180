"""Reasons of leavers: predicted on Telco, recovered in a simulated world; and alerts where nothing has changed.

    python benchmarks/reasons.py [--data FOLDER] [--customers 3000] [--parts telco,world,alerts]

Telco: the library's classifier beside plain boosting, the majority, the prior and shuffled reasons, on the six classes
and on IBM's five categories, with the columns of the config and with `Satisfaction Score`, which is a leak of churn.
World: planted causes against stated, predicted and indicated reasons, with and without stated ones, and with less and
less evidence; simulated truth says nothing about real customers. Alerts: how often a class that has not changed alarms.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from holdfast.drivers.recovery import reason_recovery
from holdfast.evaluation.classes import judge_classes
from holdfast.exits.alerts import LEAST_LEAVERS, LEAST_RATIO, rise, spread_of
from holdfast.exits.claim import claim
from holdfast.histories.simulate.world import simulate
from holdfast.learners.reason import MIN_CLASS_ROWS, fit_reasons
from holdfast.params import Config
from holdfast.params.yaml_reader import read_yaml
from holdfast.pipelines.graph import Context, walk
from holdfast.pipelines.learn import load_examples
from holdfast.pipelines.stages import build_stages
from holdfast.pipelines.workspace import Workspace

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
TO_FEATURES = ("ingest", "label", "featurize")
TO_REASONS = (*TO_FEATURES, "tune", "train", "evaluate", "explain", "reasons")
FIGURES = ("macro_auroc", "macro_f1", "accuracy", "log_loss", "ece", "ece_floor", "coverage", "accuracy_claimed")
EVIDENCE = {
    "everything": (),
    "no events, surveys": ("events", "surveys"),
    "nor complaints, contacts": ("events", "surveys", "complaints", "contacts"),
    "purchases and what was stated": ("events", "surveys", "complaints", "contacts", "contracts", "payments",
                                      "preferences", "referrals", "memberships", "campaigns", "winback", "consents",
                                      "market"),
}  # fmt: skip


def run(content: dict[str, Any], near: Path, out: Path, stages: Sequence[str]) -> Context:
    """Walk some stages of a config for the churn task."""
    content["tasks"].pop("loyalty", None)
    content["tune"] = {"trials": 0}
    context = Context(Config.from_dict(content, near), Workspace.at(out), None, lambda _: None)
    for _ in walk([stage for stage in build_stages(context) if stage.name in stages], context, ["churn"]):
        pass
    return context


def row(name: str, found: dict[str, Any]) -> str:
    """One line of a table."""
    cells = ["" if np.isnan(found.get(key, np.nan)) else f"{found[key]:.3f}" for key in FIGURES]
    return f"| {name} | {' | '.join(cells)} |"


def head(title: str) -> None:
    """Begin a table."""
    print(f"\n### {title}\n\n| reasons by | {' | '.join(FIGURES)} |\n|{'---|' * (len(FIGURES) + 1)}")


def telco(data: Path, scratch: Path) -> None:
    """Predicted reasons of the leavers of Telco."""
    if not (data / "telco_ibm").is_dir():
        print("\ntelco: not at hand")
        return
    content = read_yaml(CONFIGS / "telco.yaml")
    content["source"]["root"] = str(data / "telco_ibm")
    context = run(content, CONFIGS / "telco.yaml", scratch / "telco", TO_FEATURES)
    examples, _, _ = load_examples(context, "churn")
    gone = examples.where((examples.frame["part"] == "score") & (examples.frame["label"] == 1))
    status = pd.read_csv(data / "telco_ibm/Telco_customer_churn_status.csv.gz").set_index("Customer ID")
    status = status.reindex(gone.frame["customer_id"])
    six = status["Churn Reason"].map(context.config.exits.class_of())
    leak = gone.X.assign(satisfaction=status["Satisfaction Score"].to_numpy())
    for title, truth, X in (
        ("Telco, the six classes", six, gone.X),
        ("Telco, IBM's five categories", status["Churn Category"], gone.X),
        ("Telco, IBM's five categories, with Satisfaction Score (leaks churn)", status["Churn Category"], leak),
    ):
        counts = truth.map(truth.value_counts()).fillna(0)
        known = (counts >= MIN_CLASS_ROWS).to_numpy()
        compare(title, X.loc[known].reset_index(drop=True), truth[known].reset_index(drop=True))


def compare(title: str, X: pd.DataFrame, truth: "pd.Series[str]") -> None:
    """The classifier beside its rivals, all cross-validated."""
    head(f"{title}: {len(truth):,} leavers, {truth.nunique()} classes")
    ids = list(range(len(truth)))
    found = fit_reasons(X, truth, ids, seed=7)
    said = claim(found.out_of_fold, found.model.prior, found.model.classes)["reason"]
    print(row("holdfast", judge_classes(truth, found.out_of_fold, found.model.classes, said, seed=0)))
    nothing = pd.Series("unknown", index=truth.index)
    text = [name for name in X.columns if not pd.api.types.is_numeric_dtype(X[name])]
    table = X.assign(**{name: X[name].astype("category") for name in text})
    plain = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    peer = cross_val_predict(plain, table, truth, cv=folds, method="predict_proba")
    print(row("HistGradientBoosting", judge_classes(truth, peer, sorted(truth.unique()), nothing, seed=0)))
    flat = np.tile(found.model.prior, (len(truth), 1))
    most = pd.Series(found.model.classes[int(found.model.prior.argmax())], index=truth.index)
    print(row("the majority, the prior", judge_classes(truth, flat, found.model.classes, most, seed=0)))
    mixed = pd.Series(np.random.default_rng(0).permutation(truth.to_numpy()))
    control = fit_reasons(X, mixed, ids, seed=7)
    said = claim(control.out_of_fold, control.model.prior, control.model.classes)["reason"]
    print(row("shuffled reasons", judge_classes(mixed, control.out_of_fold, control.model.classes, said, seed=0)))


def world(customers: int, scratch: Path) -> None:
    """Planted causes against the three columns of reasons."""
    folder = scratch / "world"
    simulate(customers, 24, 7).write(folder)
    truth = pd.read_parquet(folder / "truth/customers.parquet").set_index("customer_id")
    print(f"\n### Simulated world, {customers:,} customers: planted causes, at the last cutoff before the exit\n")
    print("| evidence | column | leavers | macro-F1 | shuffled | named | right when named | unknown among scored |")
    print("|---|---|---|---|---|---|---|---|")
    cases = [(name, drop, True) for name, drop in EVIDENCE.items()] + [
        ("everything, nothing stated", ("exits",), False)
    ]
    for number, (name, drop, stated) in enumerate(cases):
        content = read_yaml(folder / "holdfast.yaml")
        for table in drop:
            content["source"]["tables"].pop(table, None)
        context = run(content, folder / "holdfast.yaml", scratch / f"out{number}", TO_REASONS)
        found = context.workspace.read_frame("reasons.parquet")
        columns = ("stated", "predicted", "indicated") if number == 0 else ("predicted", "indicated")
        for column in columns if stated else ("indicated",):
            print(f"| {name} | {column} | {recovered(found, truth, f'reason_{column}')} |")


def recovered(found: pd.DataFrame, truth: pd.DataFrame, column: str) -> str:
    """Cells of one row: macro-F1 against planted causes, beside shuffled causes."""
    against = reason_recovery(found, truth, column)
    rows = against.rows
    named = rows[rows[column] != "unknown"]
    scored = found.loc[found["part"] == "score", column]
    unknown = "" if column == "reason_stated" else f"{(scored == 'unknown').mean():.2f}"
    right = (named["cause"] == named[column]).mean() if len(named) else float("nan")
    return (
        f"{len(rows)} | {against.macro_f1:.3f} | {against.shuffled.mean():.3f} | "
        f"{len(named) / max(len(rows), 1):.2f} | {right:.2f} | {unknown}"
    )


def alarms(runs: int) -> None:
    """False alarms per look over five classes, and how often a threefold rise of one class is seen."""
    print(f"\n### Alerts: five classes, level 5 % per look together, {runs} looks each\n")
    print("| periods | leavers per class and period | spread | false alarms | threefold rise seen |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    for periods in (5, 8, 24):
        for mean in (1, 5, 20, 60):
            for spread in (1, 2, 4):
                found = [look(rng, periods, mean, spread) for _ in range(runs)]
                false, seen = np.mean(found, axis=0)
                print(f"| {periods} | {mean} | {spread} | {false:.3f} | {seen:.2f} |")


def look(rng: np.random.Generator, periods: int, mean: float, spread: float) -> tuple[bool, bool]:
    """One history without a change, and the same with a threefold rise of the first class at its end."""
    clients = np.full(periods, 50.0 * mean)
    counts = [draw(rng, np.full(periods, float(mean)), spread) for _ in range(5)]
    between = spread_of([(one, clients) for one in counts])
    false = any(alarm(one, clients, between) for one in counts)
    counts[0][-1] = draw(rng, np.array([3.0 * mean]), spread)[0]
    return false, alarm(counts[0], clients, between)


def alarm(leavers: Any, clients: Any, spread: tuple[float, int] | None) -> bool:
    """Whether one class of five alarms."""
    found = rise(leavers, clients, spread)
    return bool(found.p_value <= 0.01 and found.ratio >= LEAST_RATIO and leavers[-1] >= LEAST_LEAVERS)


def draw(rng: np.random.Generator, mean: Any, spread: float) -> Any:
    """Counts whose variance is `spread` times that of chance alone."""
    level = mean if spread == 1 else rng.gamma(mean / (spread - 1), spread - 1)
    return rng.poisson(level).astype(float)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the real data; default: HOLDFAST_DATA")
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--parts", default="telco,world,alerts")
    asked = parser.parse_args()
    data = Path(asked.data or os.environ.get("HOLDFAST_DATA") or "data/raw")
    parts = asked.parts.split(",")
    with tempfile.TemporaryDirectory() as folder:
        if "telco" in parts:
            telco(data, Path(folder))
        if "world" in parts:
            world(asked.customers, Path(folder))
        if "alerts" in parts:
            alarms(asked.runs)


if __name__ == "__main__":
    main()
