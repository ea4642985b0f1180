"""Stages report and record: what people look at, and the ledger."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from holdfast.pipelines.domain import main_task, task_names
from holdfast.pipelines.gate import gate_figures
from holdfast.pipelines.graph import Context
from holdfast.pipelines.identity import identity
from holdfast.pipelines.plan import Plan
from holdfast.pipelines.predictions import FINAL
from holdfast.pipelines.prepare import open_histories
from holdfast.pipelines.provenance import code_revision, library_versions, model_version
from holdfast.reporting.curves import curves
from holdfast.reporting.data import ReportData
from holdfast.reporting.report import render, write_plots
from holdfast.reporting.words import readable
from holdfast.schema import SCHEMA_VERSION
from holdfast.tracking.connection import resolve_uri
from holdfast.tracking.feature_list import read_features
from holdfast.tracking.ledger import RecordInput, TaskRecord, record
from holdfast.windows import label_window

LATER = {
    "measured effects": "no campaign has been measured; every effect on the list is assumed",
}


def run_report(context: Context, task: str) -> None:
    """Write `report.html`, the plots and `run.json`."""
    write_pages(context)
    context.workspace.write_json("run.json", run_facts(context))


def write_pages(context: Context, made_from: str | None = None) -> None:
    """Write `report.html` and the plots; `made_from` names the run whose scores a new list was made from."""
    data = report_data(context, made_from)
    context.workspace.write_text("report.html", render(data))
    with context.workspace.aside("plots") as folder:
        folder.mkdir(parents=True)
        write_plots(data, folder)


def report_data(context: Context, made_from: str | None = None) -> ReportData:
    """Collect from the run's files what the report says."""
    workspace, config = context.workspace, context.config
    main = main_task(config)
    metrics = workspace.read_json(f"metrics/{main.name}.json")
    names = task_names(config)
    loyalty = workspace.read_json("metrics/loyalty.json") if "loyalty" in names and main.name != "loyalty" else None
    plan = Plan.from_dict(workspace.read_json(f"plan/{main.name}.json"))
    features = workspace.path(f"models/{main.name}/{FINAL}/features.json")
    facts = run_facts(context)
    if made_from:
        anew = "The list was made anew by `holdfast target`; run.json keeps the config of the run it is made from."
        facts |= {"run_id": made_from, "warnings": [anew, *facts["warnings"]]}
    value = workspace.read_json("value.json")
    not_measured = dict(LATER) | {"return of the silent": ""}
    if not any(row.get("return_rate") is not None for row in metrics["cutoffs"]):
        not_measured["return of the silent"] = "the data end with the newest label window, or the task has no purchases"
    for name, key in (("loss if silent", "loss_if_silent"), ("lifetime value (clv)", "clv")):
        if isinstance(value.get(key), str):
            not_measured[name] = value[key].removeprefix("not measured: ")
    listed = workspace.read_frame("lists/retention.parquet")
    indicated = workspace.read_frame(f"drivers/{main.name}.parquet").set_index("customer_id")["reason_indicated"]
    return ReportData(
        source=config.source.name,
        scored_at=str(plan.score),
        metrics=metrics,
        listed=listed.assign(reason_indicated=listed["customer_id"].map(indicated).to_numpy()),
        summary=workspace.read_json("lists/summary.json"),
        drivers=pd.read_csv(workspace.existing(f"drivers/{main.name}_global.csv")),
        curves=curves(workspace.read_frame(f"predictions/{main.name}.parquet")),
        kind=main.kind,
        currency=config.economics.currency or "",
        n_outside=_outside(context, plan, len(listed)),
        loyalty=loyalty,
        relationship=workspace.read_json("relationship.json"),
        exits=_exits(context),
        value=_value_words(value),
        words=_feature_names(features),
        caveats=tuple(facts["warnings"]),
        not_measured={name: why for name, why in not_measured.items() if why},
        provenance={
            "run": facts["run_id"], "model": facts["model_version"], "data": facts["data_hash"][:16],
            "code": facts["code_revision"], "seed": str(config.seed),
        },
        versions=facts["libraries"],
        simulated=_simulated(context),
    )  # fmt: skip


def _exits(context: Context) -> dict[str, Any]:
    """What the exit chapter reads."""
    rows = {name: pd.read_csv(context.workspace.existing(f"exits/{name}.csv"), keep_default_na=True)
            for name in ("leaver_distribution", "fix_list", "churn_rate", "alerts")}  # fmt: skip
    everybody = rows["churn_rate"][rows["churn_rate"]["split"] == "all"].sort_values("period", kind="stable")
    return {
        "ledger": context.workspace.read_json("exits/exit_ledger.json"),
        "distribution": rows["leaver_distribution"].to_dict("records"),
        "fix_list": rows["fix_list"].to_dict("records"), "alerts": rows["alerts"].to_dict("records"),
        "rates": everybody.iloc[-1].to_dict(),
    }  # fmt: skip


def run_facts(context: Context) -> dict[str, Any]:
    """What `run.json` says, but for the timings that the walker adds."""
    workspace, config = context.workspace, context.config
    run, model = identity(context)
    ingested = workspace.read_json("ingest.json")
    main = main_task(config)
    plan = Plan.from_dict(workspace.read_json(f"plan/{main.name}.json"))
    return {
        "version": 1,
        "schema_version": SCHEMA_VERSION,
        "run_id": run,
        "model_version": model,
        "data_hash": ingested["data_hash"],
        "code_revision": code_revision(),
        "seed": config.seed,
        "cutoff": str(plan.score),
        "next_label_maturity": str(label_window(plan.score, main.span).end) if main.kind != "given" else None,
        "config": config.resolved(),
        "rows": ingested["tables"],
        "warnings": warnings_of(context, ingested),
        "tuning": {name: workspace.read_json(f"tune/{name}.json") for name in task_names(config)},
        "libraries": library_versions(),
        "timings": None,
    }


def warnings_of(context: Context, ingested: dict[str, Any]) -> list[str]:
    """What the user should look at: notes of ingestion, and undated attributes used at past cutoffs."""
    found = [
        f"{name}: {word}"
        for name, table in ingested["tables"].items()
        for word in (*table["notes"], *table["warnings"])
    ]
    section = context.config.source.tables.get("customers")
    static = set(section.static) if section else set()
    canonical = {name for name in ("region", "segment", "kind") if _has_column(context, "customers", name)}
    undated = sorted((set(ingested["attributes"]) | canonical) - static)
    if undated and main_task(context.config).kind != "given":
        found.append(
            f"customers: {', '.join(undated)} carry no date and count as constant at past cutoffs; "
            "list those that are under `static`"
        )
    unseen = context.workspace.read_json(f"metrics/{main_task(context.config).name}.json")["unseen_categories"]
    found += [
        f"{name}: {count} scored customers have a category that the model was not fitted on; it counts as missing"
        for name, count in unseen["score"].items()
    ]
    if main_task(context.config).kind == "contract_end" and context.config.source.as_of is None:
        histories = open_histories(context)
        if "ended_at" in histories.columns("contracts"):
            ended = histories.frame("contracts")["ended_at"].max()
            if pd.notna(ended) and ended.date() >= histories.end:
                found.append(
                    f"contracts: ends are recorded until {ended.date()}, but the last start ends the data at "
                    f"{histories.end}: set source.as_of to the day of the extract to use them"
                )
    return found


def _has_column(context: Context, table: str, name: str) -> bool:
    return name in open_histories(context).columns(table)


def run_record(context: Context, task: str) -> None:
    """Write the run into MLflow; the same run twice adds nothing."""
    workspace, config = context.workspace, context.config
    facts = workspace.read_json("run.json")
    uri = tracking_uri(context)
    result = record(
        RecordInput(
            uri=uri,
            experiment=config.tracking.experiment,
            run_id=facts["run_id"],
            data_hash=facts["data_hash"],
            code_revision=facts["code_revision"],
            config=facts["config"],
            tasks=[_task_record(context, name, uri) for name in task_names(config)],
            artifacts=[workspace.existing("report.html"), workspace.existing("plots")],
            figures=_figures(workspace.read_json("lists/summary.json")),
        )
    )
    workspace.write_json(
        "record.json",
        {
            "tracking_uri": config.tracking.uri, "mlflow_run": result.parent_run_id, "trials": result.trials,
            "models": {name: {"name": found.name, "version": found.version, "aliases": list(found.aliases)}
                       for name, found in result.models.items()},
        },
    )  # fmt: skip


def tracking_uri(context: Context) -> str:
    """Tracking address; a relative SQLite path starts at the working folder, as MLflow reads it."""
    return resolve_uri(context.config.tracking.uri, Path.cwd())


def _task_record(context: Context, name: str, uri: str) -> TaskRecord:
    workspace = context.workspace
    metrics = workspace.read_json(f"metrics/{name}.json")
    folder = workspace.existing(f"models/{name}/{FINAL}")
    trials = pd.read_csv(workspace.existing(f"tune/{name}_trials.csv"))
    gate = gate_figures(context, name, uri)
    return TaskRecord(
        task=name,
        metrics=metrics,
        trials=trials if len(trials) else None,
        model_dir=folder,
        model_version=model_version(folder),
        beats_baselines=gate["beats_baselines"],
        gate=gate,
    )


def _figures(summary: dict[str, Any]) -> dict[str, float]:
    return {
        f"list_{name}": float(value)
        for name, value in summary.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
    }


def _outside(context: Context, plan: Plan, listed: int) -> int | None:
    features = pd.read_parquet(context.workspace.existing("features.parquet"), columns=["customer_id", "cutoff"])
    return int((features["cutoff"] == pd.Timestamp(plan.score)).sum()) - listed


def _value_words(value: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {"note": value.get("loss_note")}
    if "horizon_days" in value:
        known |= {"horizon_days": value["horizon_days"], "wanted_days": value["wanted_horizon_days"]}
        known["top_20_share"] = value["concentration"].get("top_20_share")
    if isinstance(value.get("backtest"), dict):
        judged = value["backtest"]
        known |= {"ratio": judged["predicted_over_actual"], "low": judged["low"], "high": judged["high"]}
    if isinstance(value["clv"], dict):
        known |= _lifetime_words(value["clv"])
    if isinstance(value.get("survival", {}).get("holdout"), dict):
        held = value["survival"]["holdout"]
        known |= {
            "survival_at": held["at"],
            "survival_auc": held["mean_auc"],
            "survival_brier": held["integrated_brier"],
            "survival_brier_km": held["integrated_brier_km"],
        }
    return known


def _lifetime_words(found: dict[str, Any]) -> dict[str, Any]:
    """What the report says of the lifetime value: method, reach, and how it did beside the usual ranking."""
    known = {"clv_method": found["method"], "clv_days": found["horizon_days"], "clv_end": found["lifetime_days"]}
    if isinstance(found["backtest"], dict):
        rows = {row["method"]: row for row in found["backtest"]["methods"]}
        chosen = rows[found["backtest"]["chosen"]]
        known |= {"clv_ratio": chosen["predicted_over_actual"], "clv_rank": chosen["spearman"],
                  "rfm_rank": rows.get("rfm", {}).get("spearman"), "clv_top": chosen["top_decile_share"]}  # fmt: skip
    return known


def _feature_names(path: Path) -> dict[str, str]:
    return {row["name"]: readable(row["name"]) for row in read_features(path.parent)}


def _simulated(context: Context) -> bool:
    """Whether the source is a simulated world: its truth lies beside the tables."""
    source = context.config.build_source()
    return source.database is None and (source.folder / "truth").is_dir()
