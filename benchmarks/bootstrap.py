"""Seconds of the customer-clustered bootstrap against two plain loops on the same resamples.

Both loops repeat each customer's rows as often as drawn. The first then calls the plain figure functions,
each of which sorts for itself; the second is numpy by hand: one sort per resample, all figures from it, EMPC
left out (which favours it). They run on a few resamples and are scaled up; all must agree to 1e-9.

    python benchmarks/bootstrap.py [--rows 50000] [--resamples 1000] [--naive 20]
"""

import argparse
import resource
import time

import numpy as np

from holdfast.evaluation import bootstrap, calibration, profit, ranking
from holdfast.evaluation.rows import FloatArray, IntArray, list_length, sort_rows
from holdfast.evaluation.weighted import Panel, Plan


def world(rows: int, seed: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Labels, probabilities and customers; one customer in ten stands twice."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 5, rows)
    return (rng.random(rows) < p).astype(float), p, rng.integers(0, int(rows * 0.9), rows).astype(np.intp)


def naive(y: FloatArray, p: FloatArray, code: IntArray) -> dict[str, float]:
    """Every figure from repeated rows."""
    k = list_length(len(y), 0.1)
    return {
        "auroc": ranking.auroc(y, p),
        "average_precision": ranking.average_precision(y, p),
        "log_loss": calibration.log_loss(y, p),
        "brier": calibration.brier(y, p),
        "brier_skill": calibration.brier_skill(y, p),
        "ece": calibration.ece(y, p),
        "top_decile_lift": ranking.top_decile_lift(y, p, code),
        "precision_at_list": ranking.precision_at(y, p, code, k),
        "recall_at_list": ranking.recall_at(y, p, code, k),
        "mpc": profit.mpc(y, p),
        "empc": profit.empc(y, p),
    }


def by_hand(y: FloatArray, p: FloatArray, code: IntArray) -> dict[str, float]:
    """The same figures from one sort; takes for granted that scores of different customers differ."""
    order = np.lexsort((code, -p))
    y, p = y[order], p[order]
    n, leavers = len(y), y.sum()
    end = np.searchsorted(-p, -p, side="right")
    found = np.r_[0.0, np.cumsum(y)]
    found_end = found[end]
    k = list_length(n, 0.1)
    rate = leavers / n
    start = np.searchsorted(-p, -p, side="left")
    stayers_above = ((end - found_end) + (start - found[start])) / 2
    brier = ((p - y) ** 2).mean()
    return {
        "auroc": 1 - (y * stayers_above).sum() / (leavers * (n - leavers)),
        "average_precision": (y * found_end / end).sum() / leavers,
        "log_loss": -np.log(np.where(y == 1, p, 1 - p)).mean(),
        "brier": brier,
        "brier_skill": 1 - brier / (rate * (1 - rate)),
        "ece": np.abs(np.add.reduceat(y - p, np.linspace(0, n, 21).astype(int)[:-1])).sum() / n,
        "top_decile_lift": found[k] / k / rate,
        "precision_at_list": found[k] / k,
        "recall_at_list": found[k] / leavers,
        "mpc": max(0.0, (56.0 * found_end - 11.0 * (end - found_end)).max()) / n,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--naive", type=int, default=20)
    options = parser.parse_args()
    y, p, code = world(options.rows, seed=1)
    customers = int(code.max()) + 1

    start = time.perf_counter()
    panel = Panel(sort_rows(y, p, code), Plan())
    fast = bootstrap.resample([panel], customers, n_boot=options.resamples, seed=7)[0]
    seconds = time.perf_counter() - start

    print(f"{options.resamples} resamples x {options.rows} rows ({customers} customers), {len(fast)} figures")
    print(f"vectorised            {seconds:8.2f} s   peak memory {memory():.0f} MB")
    for label, figures_of in (("plain functions", naive), ("numpy, one sort each", by_hand)):
        start = time.perf_counter()
        slow = []
        for counts in bootstrap.customer_counts(customers, options.naive, seed=7, block=1):
            repeated = np.repeat(np.arange(options.rows), counts[0][code].astype(int))
            slow.append(figures_of(y[repeated], p[repeated], code[repeated]))
        plain = (time.perf_counter() - start) / options.naive * options.resamples
        # ECE is left out: the bootstrap keeps the bins of the sample, the loops draw new ones
        worst = max(abs(fast[name][i] - line[name]) for i, line in enumerate(slow) for name in line if name != "ece")
        print(f"{label:<20}  {plain:8.2f} s   ratio {plain / seconds:.1f}   largest difference {worst:.1e}")


def memory() -> float:
    """Peak resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
