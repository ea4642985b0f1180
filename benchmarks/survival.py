"""Survival of contracts: the discrete hazard beside lifelines' Cox on the same rows, and price as a driver of lapse.

    python benchmarks/survival.py [--data FOLDER]

On each set a random 30 % is held out, five times; figures are the mean cumulative/dynamic AUC and the integrated Brier
score over the holdout, weighted for censoring. Cox gets one-hot categories, standardised columns and the best of three
penalties *on the holdout*, which favours it. Telco: months with the firm until churn (IBM sample). World: the library's
simulator, hazards from a cutoff on. Motor: a snapshot of renewals with last, final and market premium; the table shows
where the premium's change and the premium over the market stand among the drivers, and which way they push.
"""

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from threadpoolctl import threadpool_limits

from holdfast.evaluation.survival import judge_survival
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.histories.simulate.options import WorldOptions
from holdfast.histories.simulate.world import simulate
from holdfast.learners.hazard import DiscreteHazard
from holdfast.params import Config, load_config
from holdfast.pipelines.features import feature_set
from holdfast.pipelines.graph import Context, walk
from holdfast.pipelines.stages import build_stages
from holdfast.pipelines.workspace import Workspace
from holdfast.tasks.task import ContractEndTask
from holdfast.windows import Span

PENALTIES = (0.001, 0.01, 0.1)
SPLITS = 5
PERIOD = 30
Rows = tuple[pd.DataFrame, Any, Any]


def telco(data: Path) -> Rows | str:
    """Months with the firm, and whether the customer left; columns that leak the end are left out."""
    folder = data / "telco_ibm"
    if not folder.is_dir():
        return "telco: not at hand"
    services = pd.read_csv(folder / "Telco_customer_churn_services.csv.gz")
    status = pd.read_csv(folder / "Telco_customer_churn_status.csv.gz")[["Customer ID", "Churn Value"]]
    frame = services.merge(status, on="Customer ID")
    time_like = [name for name in frame.columns if "Tenure" in name or "Total" in name]
    X = frame.drop(columns=["Customer ID", "Churn Value", "Service ID", "Count", *time_like], errors="ignore")
    X = X.loc[:, X.nunique() > 1]
    X = X.astype({name: "category" for name in X.columns if not pd.api.types.is_numeric_dtype(X[name])})
    ended = frame["Churn Value"].to_numpy() == 1
    return X, frame["Tenure in Months"].to_numpy(float) * PERIOD, np.where(ended, "churn", None)


def world(scratch: Path) -> Rows:
    """Contracts of a simulated world from a cutoff one year before its end."""
    simulate(8000, 36, 11, options=WorldOptions(subscription_share=0.6)).write(scratch / "world")
    config = load_config(scratch / "world" / "holdfast.yaml")
    ingest(config.build_source(), scratch / "histories", span=config.span, quarantine_dir=scratch / "quarantine")
    histories = Histories.open(scratch / "histories")
    question, at, end = ContractEndTask("churn", Span(0, 0, 30)), date(2024, 1, 1), histories.end
    wanted = feature_set(histories, question)
    matrix = wanted.compute(histories, [at]).frame
    rows = question.exits(histories, [at], end).merge(matrix, on=["customer_id", "cutoff"])
    cause = np.where(rows["cause"].notna(), "churn", None)
    return rows[[feature.name for feature in wanted.features]], rows["duration_days"].to_numpy(float), cause


def cox(X: pd.DataFrame, train: Any, test: Any, duration: Any, ended: Any, times: list[float]) -> Iterator[Any]:
    """Holdout survival for each penalty."""
    wide = pd.get_dummies(X, drop_first=True, dtype=float).astype(float)
    wide = wide.fillna(wide.loc[train].median()).fillna(0.0)
    spread = wide.loc[train].std()
    wide = wide.loc[:, spread > 1e-6]
    wide = ((wide - wide.loc[train].mean()) / wide.loc[train].std()).clip(-5, 5)
    wide.columns = [f"x{k}" for k in range(wide.shape[1])]
    frame = wide.copy().assign(days=np.maximum(duration, 1.0), ended=ended)
    for penalty in PENALTIES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = CoxPHFitter(penalizer=penalty).fit(frame.loc[train], "days", "ended")
            yield model.predict_survival_function(wide.loc[test], times=times).T.to_numpy()


def compare(name: str, rows: Rows) -> None:
    """Five holdouts, side by side."""
    X, duration, cause = rows
    ended = pd.notna(pd.Series(cause, dtype=object)).to_numpy()
    times = [float(t) for t in range(2 * PERIOD, int(np.quantile(duration, 0.9)), 2 * PERIOD)]
    found: dict[str, list[tuple[float, float]]] = {"discrete hazard": [], "Cox (lifelines)": []}
    took = dict.fromkeys(found, 0.0)
    plain = []
    for seed in range(SPLITS):
        test = np.random.default_rng(seed).random(len(X)) < 0.3
        train = ~test
        began = time.perf_counter()
        most = int(times[-1] // PERIOD) + 1
        model = DiscreteHazard(PERIOD, periods=most, seed=seed)
        model.fit(X.loc[train], duration[train], cause[train], np.zeros(train.sum()), ["2024-01-01"] * train.sum())
        curves = model.predict(X.loc[test], np.zeros(test.sum()), ["2024-01-01"] * test.sum(), most)
        took["discrete hazard"] += time.perf_counter() - began
        survival = np.column_stack([curves.at(t) for t in times])
        page = judge_survival(survival, times, duration[test], ended[test])
        found["discrete hazard"].append((page["mean_auc"], page["integrated_brier"]))
        plain.append(page["integrated_brier_km"])
        began = time.perf_counter()
        pages = [judge_survival(one, times, duration[test], ended[test])
                 for one in cox(X, train, test, duration, ended, times)]  # fmt: skip
        took["Cox (lifelines)"] += time.perf_counter() - began
        best = min(pages, key=lambda one: one["integrated_brier"])
        found["Cox (lifelines)"].append((best["mean_auc"], best["integrated_brier"]))
    print(f"\n### {name}: {len(X):,} customers, {ended.mean():.0%} ended, {X.shape[1]} columns\n")
    print("| method | mean AUC | integrated Brier | time |\n|---|---|---|---|")
    for key, values in found.items():
        auc, brier = np.array(values).T
        print(f"| {key} | {auc.mean():.4f} ± {auc.std():.4f} | {brier.mean():.4f} ± {brier.std():.4f} | "
              f"{took[key] / took['discrete hazard']:.1f} × |")  # fmt: skip
    print(f"| one curve for all (Kaplan-Meier of the holdout itself) | 0.5000 | {np.mean(plain):.4f} | |")
    gain = np.array(found["discrete hazard"]) - np.array(found["Cox (lifelines)"])
    print(f"\nHazard minus Cox, per holdout: AUC {np.round(gain[:, 0], 4).tolist()}, "
          f"Brier {np.round(gain[:, 1], 4).tolist()}")  # fmt: skip


def motor(data: Path, scratch: Path) -> None:
    """Premium change and premium over the market among the drivers of lapse."""
    files = sorted((data / "motor_lapse").glob("*.csv*")) if (data / "motor_lapse").is_dir() else []
    if not files:
        print("\nmotor: not at hand")
        return
    frame = pd.read_csv(files[0])
    frame.insert(0, "number", [f"c{i:06d}" for i in range(len(frame))])
    frame["premium_change"] = frame["prem_final"] / frame["prem_last"] - 1
    frame["premium_over_market"] = frame["prem_final"] / frame["prem_market"] - 1
    frame.to_csv(scratch / "motor.csv", index=False)
    content = {
        "version": 1, "source": {"name": "motor", "root": str(scratch), "tables": {"customers": {
            "path": "motor.csv", "columns": {"customer_id": "number"}, "attributes": "*", "exclude": ["number"]}}},
        "tasks": {"churn": {"kind": "given", "label": "lapse", "positive": "1", "snapshot_at": "2024-01-01"}},
        "tune": {"trials": 0},
    }  # fmt: skip
    config = Config.from_dict(content, scratch / "motor.yaml")
    context = Context(config, Workspace.at(scratch / "motor_run"), None, lambda _: None)
    wanted = {"ingest", "label", "featurize", "tune", "train", "evaluate", "explain"}
    for _ in walk([stage for stage in build_stages(context) if stage.name in wanted], context, ["churn"]):
        pass
    mean = context.workspace.read_json("metrics/churn.json")["mean"]
    ranking = pd.read_csv(context.workspace.existing("drivers/churn_global.csv"))
    print(
        f"\n### Motor: AUROC {mean['auroc']:.4f}, {len(ranking)} drivers\n\n| driver | rank | share of all influence |"
    )
    print("|---|---|---|")
    ranking = ranking.sort_values("mean_abs", ascending=False).reset_index(drop=True)
    for name in ("premium_change", "premium_over_market"):
        place = int(np.flatnonzero(ranking["feature"].str.contains(name))[0])
        print(f"| {name} | {place + 1} | {ranking['mean_abs'][place] / ranking['mean_abs'].sum():.1%} |")
    for name in ("premium_change", "premium_over_market"):
        groups = pd.qcut(frame[name], 5, duplicates="drop")
        rates = frame.groupby(groups, observed=True)["lapse"].mean()
        print(f"\nLapse by fifth of {name}, lowest first: {', '.join(f'{rate:.1%}' for rate in rates)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the real data; default: HOLDFAST_DATA")
    data = Path(parser.parse_args().data or os.environ.get("HOLDFAST_DATA") or "data/raw")
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder, threadpool_limits(limits=1):
        rows = telco(data)
        print(f"\n{rows}") if isinstance(rows, str) else compare("Telco", rows)
        compare("World", world(Path(folder)))
        motor(data, Path(folder))


if __name__ == "__main__":
    main()
