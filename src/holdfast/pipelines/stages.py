"""The graph itself: every stage with its config keys, inputs and outputs (house.md, "One stage graph")."""

from collections.abc import Sequence

from holdfast.pipelines.act import list_file, run_target
from holdfast.pipelines.domain import main_task, task_names
from holdfast.pipelines.economics import run_economics
from holdfast.pipelines.exits import run_exits
from holdfast.pipelines.explain import run_explain
from holdfast.pipelines.finish import run_record, run_report, tracking_uri
from holdfast.pipelines.graph import Context, Stage, features_file
from holdfast.pipelines.learn import run_evaluate, run_train, run_tune
from holdfast.pipelines.origin import source_files
from holdfast.pipelines.prepare import run_featurize, run_ingest, run_label
from holdfast.pipelines.reasons import run_reasons
from holdfast.pipelines.relate import run_relate
from holdfast.pipelines.value import run_value
from holdfast.pipelines.workspace import digest


def _source_files(context: Context) -> dict[str, str]:
    return source_files(context.config)


def _last_list(context: Context) -> str | None:
    return digest(list_file(context.previous)) if context.previous else None


LISTS = tuple(f"lists/{name}" for name in ("retention.parquet", "retention.csv", "data_dictionary.csv", "summary.json"))
"""What the stage target writes; `holdfast winback` writes beside it."""
SOMETIMES = ("survival.parquet", "lorenz.png")
"""Files that only some configs make."""


def _relate(main: str, tasks: Sequence[str]) -> Stage:
    """Where customers stand; with the tiers of loyalty where the config asks for loyalty."""
    keys: tuple[str, ...] = (f"tasks.{main}", "seed")
    needs: tuple[str, ...] = ("histories", f"plan/{main}.json")
    if "loyalty" in tasks:
        keys = (*keys, "tasks.loyalty")
        needs = (*needs, "labels/loyalty.parquet", features_file("loyalty", tasks), "plan/loyalty.json",
                 "tune/loyalty.json", "models/loyalty", "predictions/loyalty.parquet")  # fmt: skip
    return Stage("relate", run_relate, keys, needs, ("relationship.parquet", "relationship.json"))


def build_stages(context: Context) -> Sequence[Stage]:
    """The stages of a config, in order."""
    main = main_task(context.config).name
    lorenz = ("lorenz.png",) if "purchases" in context.config.source.tables else ()
    survival = ("survival.parquet",) if main_task(context.config).kind == "contract_end" else ()
    return (
        Stage("ingest", run_ingest, ("source", "tasks"), (), ("histories", "quarantine", "ingest.json"),
              outside=_source_files),
        Stage("label", run_label, ("tasks.{task}", "cutoffs", "seed"), ("histories",),
              ("labels/{task}.parquet", "plan/{task}.json"), per_task=True),
        Stage("featurize", run_featurize, ("tasks.{task}", "features"), ("histories", "plan/{task}.json"),
              ("{features}", "population/{task}.json"), per_task=True),
        Stage("tune", run_tune, ("tasks.{task}", "tune", "checks", "features", "seed"),
              ("labels/{task}.parquet", "{features}"),
              ("tune/{task}.json", "tune/{task}_trials.csv"), per_task=True),
        Stage("train", run_train, ("tasks.{task}", "features", "seed"),
              ("histories", "labels/{task}.parquet", "{features}", "plan/{task}.json", "tune/{task}.json",
               "population/{task}.json"), ("models/{task}",), per_task=True),
        Stage("evaluate", run_evaluate, ("tasks.{task}", "seed", "economics", "offers", "targeting.budget"),
              ("models/{task}", "labels/{task}.parquet", "{features}", "plan/{task}.json"),
              ("predictions/{task}.parquet", "metrics/{task}.json"), per_task=True),
        Stage("explain", run_explain, ("tasks.{task}",),
              ("models/{task}", "labels/{task}.parquet", "{features}"),
              ("drivers/{task}.parquet", "drivers/{task}_global.csv"), per_task=True),
        Stage("reasons", run_reasons, (f"tasks.{main}", "exits", "seed"),
              ("histories", f"labels/{main}.parquet", "features.parquet", f"plan/{main}.json", f"models/{main}",
               f"drivers/{main}.parquet"), ("reasons.parquet", "reasons.json")),
        _relate(main, task_names(context.config)),
        Stage("value", run_value, (f"tasks.{main}", "economics", "seed"),
              ("histories", f"labels/{main}.parquet", "features.parquet", f"plan/{main}.json"),
              ("value.parquet", "value.json", *survival)),
        Stage("economics", run_economics, (f"tasks.{main}", "economics", "offers"),
              ("histories", "value.parquet", "features.parquet", f"plan/{main}.json"),
              ("tiers.parquet", "economics.json", *lorenz)),
        Stage("target", run_target, ("",),  # every row carries the run_id, a hash of the whole config
              ("histories", "predictions/{*}.parquet", f"drivers/{main}.parquet", "reasons.parquet",
               "value.parquet"), LISTS,
              outside=_last_list),
        Stage("exits", run_exits, (f"tasks.{main}", "economics", "exits", "measures"),
              ("histories", *LISTS, f"plan/{main}.json", "reasons.parquet", "reasons.json"), ("exits",)),
        Stage("report", run_report, ("",),
              (*LISTS, "exits", "metrics/{*}.json", f"predictions/{main}.parquet", f"drivers/{main}_global.csv",
               "value.json", "ingest.json", "relationship.json"),
              ("report.html", "plots", "run.json")),
        Stage("record", run_record, ("tracking",),
              ("run.json", "report.html", "metrics/{*}.json", "tune/{*}.json", "models/{*}"), ("record.json",),
              outside=tracking_uri),
    )  # fmt: skip
