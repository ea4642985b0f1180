"""How well the default predicts: beside every baseline and a peer, part by part, on several later cutoffs.

    python benchmarks/accuracy.py [--data FOLDER] [--sets a,b] [--cutoffs 5] [--quick]
                                  [--peer PYTHON] [--seconds 150] [--work FOLDER] [-o OUT.json]

Prints Markdown. The default is the library's own road (ingest, label, featurize, tune without trials, train); every
figure is the mean over the test cutoffs, and differences are paired, with intervals from 1,000 resamples of customers.
Ahead and lost are in favour of the default where they are positive. The peer is AutoGluon (`best_quality`, log loss)
on the very same table with float columns, run by the python of an environment of its own
(`pip install "autogluon.tabular[lightgbm,catboost,xgboost]"`); without `--peer` it is not measured.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from accuracy_cases import SETS, data_folder, find_cases
from accuracy_figures import figures_of
from accuracy_fits import DEFAULT, measure
from accuracy_tables import level_table, main_table, novices_table, overview, parts_table, permuted_table
from threadpoolctl import threadpool_limits

from holdfast.pipelines.provenance import code_revision, library_versions


def say_sets(asked: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Measure and print one data set after the other."""
    sets: dict[str, Any] = {}
    print("## Beside baselines and the peer, and part by part", flush=True)
    for case in find_cases(data_folder(asked.data), work, asked.cutoffs, asked.sets.split(",")):
        if isinstance(case, str):
            print(f"\n{case}", flush=True)
            continue
        sets[case.name] = figures_of(measure(case, work, asked.peer, asked.seconds))
        print(f"\n{main_table(case.name, sets[case.name])}\n\n{parts_table(case.name, sets[case.name])}", flush=True)
        if asked.out:
            write(asked, sets)
    return sets


def say_together(sets: dict[str, Any]) -> None:
    """Tables that hold all data sets side by side."""
    for title, kind, column in (
        ("Ahead of each rival", "methods", "ahead"),
        ("Lost without each part", "parts", "lost"),
    ):
        for word, figure, sign in (("AUROC", "auroc", 1), ("Brier", "brier", -1)):
            print(f"\n## {title}: {word}\n\n{overview(sets, kind, column, figure, sign)}")
    print(f"\n## The level of churn\n\n{level_table(sets)}")
    print(f"\n## Customers with one purchase\n\n{novices_table(sets)}")
    print(f"\n## Permuted labels\n\n{permuted_table(sets)}")


def write(asked: argparse.Namespace, sets: dict[str, Any]) -> None:
    """All figures so far; no path of this machine."""
    told = {name: getattr(asked, name) for name in ("cutoffs", "seconds")} | {"peer": bool(asked.peer)}
    content = {"code": code_revision(), "versions": library_versions(), "asked": told, "default": DEFAULT, "sets": sets}
    Path(asked.out).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the real data; default: HOLDFAST_DATA, else data/raw")
    parser.add_argument("--sets", default=",".join(SETS), help=f"of {', '.join(SETS)}")
    parser.add_argument("--cutoffs", type=int, default=5, help="test cutoffs, or draws of a snapshot (at most three)")
    parser.add_argument("--quick", action="store_true", help="two test cutoffs")
    parser.add_argument("--peer", help="python of an environment with AutoGluon")
    parser.add_argument("--seconds", type=float, default=150.0, help="time limit of a fit of the peer")
    parser.add_argument("--work", help="folder to work in; fits of the peer are kept there and not repeated")
    parser.add_argument("-o", "--out", help="JSON file for all figures")
    asked = parser.parse_args()
    asked.cutoffs = 2 if asked.quick else asked.cutoffs
    if unknown := set(asked.sets.split(",")) - set(SETS):
        parser.error(f"--sets: {', '.join(sorted(unknown))} is unknown; expected some of {', '.join(SETS)}")
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder, threadpool_limits(limits=1):
        work = Path(asked.work or folder)
        work.mkdir(parents=True, exist_ok=True)
        if sets := say_sets(asked, work):
            say_together(sets)


if __name__ == "__main__":
    main()
