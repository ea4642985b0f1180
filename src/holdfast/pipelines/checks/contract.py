"""The data contract: what was read, what was refused and why, and how much of it the tasks can use."""

from collections.abc import Mapping
from typing import Any

from holdfast.pipelines.checks.finding import Finding, judged
from holdfast.pipelines.domain import task_names
from holdfast.pipelines.graph import Context

SHOWN = 3
"""Reasons of refusal named per table."""


def data_contract(context: Context) -> list[Finding]:
    """Counts of every table, its warnings, and the cutoffs of every task."""
    report = context.workspace.read_json("ingest.json")
    found = []
    for name, table in report["tables"].items():
        found.append(_counts(name, table))
        found += [Finding("data", f"table {name}", "note", word)
                  for word in (*table["notes"], *table["warnings"])]  # fmt: skip
    return [*found, *(_cutoffs(context, task) for task in task_names(context.config))]


def _counts(name: str, table: Mapping[str, Any]) -> Finding:
    refused = sum(table["quarantined"].values())
    whole = table["rows_in"] == table["rows_out"] + table["filtered"] + refused
    words = f"{table['rows_in']:,} rows read = {table['rows_out']:,} kept + {refused:,} refused"
    words += f" + {table['filtered']:,} left out by `where`" if table["filtered"] else ""
    most = sorted(table["quarantined"].items(), key=lambda item: (-item[1], item[0]))
    reasons = "; ".join(f"{count:,}: {reason}" for reason, count in most[:SHOWN])
    more = f"; {len(most) - SHOWN} more reasons" if len(most) > SHOWN else ""
    return judged("data", f"table {name}", whole, words + (f" ({reasons}{more})" if reasons else ""))


def _cutoffs(context: Context, task: str) -> Finding:
    plan = context.workspace.read_json(f"plan/{task}.json")
    asked, tests = context.config.cutoffs, plan["test"]
    trains = [len(plan["train"][at]) for at in (*tests, plan["score"]) if at in plan["train"]]
    words = f"scores from {plan['score']}; {len(tests)} test cutoff{'s'[: len(tests) > 1]}, {tests[0]} to {tests[-1]}"
    if not plan["rates"]:
        return Finding("data", "cutoffs", "note", "a snapshot has no time: the split is random, figures are optimistic",
                       task)  # fmt: skip
    short = len(tests) < asked.test or min(trains) < asked.train
    words += f", {min(trains)} to {max(trains)} training cutoffs each"
    words += f"; the history has no room for the {asked.test} test and {asked.train} training cutoffs asked for" * short
    return Finding("data", "cutoffs", "note" if short else "passed", words, task)
