"""What DVC calls: one stage of the graph over params.yaml, as `python pipelines/stage.py NAME [--task TASK]`.

The stages themselves live in `holdfast.pipelines`; `holdfast run` walks the same functions without DVC.
"""

import sys

from holdfast.cli import main

if __name__ == "__main__":
    main(["stage", *sys.argv[1:], "--config", "params.yaml", "--out", "data/run", "--models", "models"])
