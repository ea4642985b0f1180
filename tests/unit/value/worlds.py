"""A world in which the loss is known: `days` days' worth of the own past margin, exactly."""

import numpy as np
import pandas as pd


def history(n=4000, seed=0, stay_days=100.0, left_days=30.0, cutoff="2024-01-01", noise=0.5):
    """Future margin = past rate x stay_days (active) or x left_days (silent), times noise with mean 1."""
    random = np.random.default_rng(seed)
    rate = random.lognormal(0.0, 1.0, n)
    silent = random.random(n) < 1 / (1 + rate)
    factor = random.gamma(1 / noise**2, noise**2, n) if noise > 0.01 else np.ones(n)
    return pd.DataFrame(
        {
            "customer_id": [f"c{k:06d}" for k in range(n)],
            "cutoff": pd.Timestamp(cutoff),
            "silent": silent.astype("int8"),
            "past_margin_per_day": rate,
            "future_margin": rate * np.where(silent, left_days, stay_days) * factor,
        }
    )
