"""Which run and which model a result belongs to."""

from holdfast.pipelines.domain import main_task
from holdfast.pipelines.graph import Context
from holdfast.pipelines.provenance import model_version, run_id


def identity(context: Context) -> tuple[str, str]:
    """`run_id` and the version of the main task's model."""
    data_hash = context.workspace.read_json("ingest.json")["data_hash"]
    model = model_version(context.workspace.existing(f"models/{main_task(context.config).name}/final"))
    plan = context.workspace.read_json(f"plan/{main_task(context.config).name}.json")
    return run_id(context.config.resolved(), data_hash, plan["score"]), model
