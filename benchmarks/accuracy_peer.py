"""AutoGluon on a table of features, run by the python of its own environment.

    PEER_PYTHON benchmarks/accuracy_peer.py TRAIN.parquet TEST.parquet SCORES.parquet SECONDS

Numbers come as floats, categories as categories, and `label` in the training table; the scores file gets the
probability of label 1 for each test row, the seconds of fitting and scoring on the clock and on the processors, and the
version.
"""

import resource
import sys
import tempfile
import time

import pandas as pd


def main() -> None:
    """Fit on the first table, score the second."""
    from autogluon.tabular import TabularPredictor, __version__

    train, test, scores, seconds = sys.argv[1:5]
    frame, asked = pd.read_parquet(train), pd.read_parquet(test)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(label="label", path=folder, eval_metric="log_loss", verbosity=0).fit(
            frame, presets="best_quality", time_limit=float(seconds), num_cpus=2
        )
        p = predictor.predict_proba(asked)[1].to_numpy()
    found = {"score": p, "seconds": time.perf_counter() - began, "processor": processor(), "version": __version__}
    pd.DataFrame(found).to_parquet(scores)


def processor() -> float:
    """Seconds on the processors so far: under a time limit, how much of the machine there was to work with."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    main()
