"""AutoGluon on a table of features, run by the python of its own environment.

    PEER_PYTHON benchmarks/accuracy_peer.py TRAIN.parquet TEST.parquet SCORES.parquet SECONDS

The tables hold float columns and `label`; the scores file gets the probability of label 1 for each test row.
"""

import sys
import tempfile

import pandas as pd


def main() -> None:
    """Fit on the first table, score the second."""
    from autogluon.tabular import TabularPredictor

    train, test, scores, seconds = sys.argv[1:5]
    frame = pd.read_parquet(train)
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(label="label", path=folder, eval_metric="log_loss", verbosity=0).fit(
            frame, presets="best_quality", time_limit=float(seconds), num_cpus=2
        )
        p = predictor.predict_proba(pd.read_parquet(test))[1]
    pd.DataFrame({"score": p.to_numpy()}).to_parquet(scores)


if __name__ == "__main__":
    main()
