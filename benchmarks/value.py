"""Lifetime value on a later period: every method beside RFM, and the deciles of the chosen one.

    python benchmarks/value.py [--data FOLDER] [--sets online_retail,cdnow]

Runs the library's own stages up to value and prints what `value.json` holds: the ratio of predicted to actual margin,
rank correlation with what came, and the share of the margin in the tenth ranked first. A decile's interval comes from
resampled customers.
"""

import argparse
import os
import tempfile
from pathlib import Path

from threadpoolctl import threadpool_limits

from holdfast.params import Config
from holdfast.params.yaml_reader import read_yaml
from holdfast.pipelines.graph import Context, walk
from holdfast.pipelines.stages import build_stages
from holdfast.pipelines.workspace import Workspace

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
STAGES = ("ingest", "label", "featurize", "value")


def measure(name: str, data: Path, scratch: Path) -> None:
    """Run and print one data set."""
    if not (data / name).is_dir():
        print(f"\n{name}: not at hand")
        return
    content = read_yaml(CONFIGS / f"{name}.yaml")
    content["source"]["root"] = str(data / name)
    content["tasks"].pop("loyalty", None)
    config = Config.from_dict(content, CONFIGS / f"{name}.yaml")
    context = Context(config, Workspace.at(scratch / name), None, lambda _: None)
    for _ in walk([stage for stage in build_stages(context) if stage.name in STAGES], context, ["churn"]):
        pass
    found = context.workspace.read_json("value.json")["clv"]["backtest"]
    print(f"\n### {name}: {found['horizon_days']} days from {found['at']}, chosen: {found['chosen']}\n")
    print("| method | predicted / actual | Spearman | first tenth's share |\n|---|---|---|---|")
    for row in found["methods"]:
        ratio = "" if row["predicted_over_actual"] is None else f"{row['predicted_over_actual']:.2f}"
        span = f"{row['spearman']:.3f} [{row['spearman_low']:.3f}, {row['spearman_high']:.3f}]"
        print(f"| {row['method']} | {ratio} | {span} | {row['top_decile_share']:.3f} |")
    print("\n| decile | customers | predicted | actual | ratio and interval |\n|---|---|---|---|---|")
    for row in found["deciles"]:
        span = (
            f"{row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]" if row["ratio"] is not None else "not measured"
        )
        print(f"| {row['decile']} | {row['n']} | {row['predicted']:.2f} | {row['actual']:.2f} | {span} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the real data; default: HOLDFAST_DATA")
    parser.add_argument("--sets", default="online_retail,cdnow")
    asked = parser.parse_args()
    data = Path(asked.data or os.environ.get("HOLDFAST_DATA") or "data/raw")
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder, threadpool_limits(limits=1):
        for name in asked.sets.split(","):
            measure(name, data, Path(folder))


if __name__ == "__main__":
    main()
