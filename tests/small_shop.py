"""A small shop in CSV files, with everything that a bad-input test wants to break."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

START = pd.Timestamp("2023-01-01")
DAYS = 420


def purchases(customers: int = 160, seed: int = 3) -> pd.DataFrame:
    """Purchases of customers with a rhythm of their own; a third of them stop at some day."""
    random = np.random.default_rng(seed)
    parts = []
    for number in range(customers):
        gap = random.uniform(8, 40)
        last = random.uniform(60, DAYS) if random.random() < 0.35 else DAYS
        days = np.cumsum(random.gamma(2.0, gap / 2.0, size=80))
        days = days[days < last]
        at = START + pd.to_timedelta((days * 86400).astype(int), unit="s")
        sums = np.round(random.gamma(3, 9, len(days)), 2)
        parts.append(pd.DataFrame({"customer": f"k{number:04d}", "day": at, "sum": sums}))
    return pd.concat(parts, ignore_index=True)


def contracts(customers: int = 160, seed: int = 4) -> pd.DataFrame:
    """One contract for most customers; some have ended."""
    random = np.random.default_rng(seed)
    chosen = np.arange(customers)[random.random(customers) < 0.7]
    began = START + pd.to_timedelta(random.integers(0, 200, len(chosen)), unit="D")
    ended = began + pd.to_timedelta(random.integers(60, 200, len(chosen)), unit="D")
    ended = pd.Series(ended).where(random.random(len(chosen)) < 0.3)
    return pd.DataFrame({"customer": [f"k{n:04d}" for n in chosen], "started": began, "ended": ended,
                         "why": np.where(ended.notna(), "Moved", None)})  # fmt: skip


def config(**changes: Any) -> dict[str, Any]:
    """The shop's config, small enough for a run of some seconds."""
    return {
        "version": 1,
        "source": {
            "name": "small-shop",
            "tables": {
                "purchases": {
                    "path": "purchases.csv",
                    "columns": {"customer_id": "customer", "at": "day", "amount": "sum"},
                }
            },
        },
        "tasks": {"churn": {"kind": "silence", "lookback": "90d", "horizon": "45d"}},
        "cutoffs": {"test": 1, "train": 2},
        "tune": {"trials": 0},
        "offers": [{"name": "call", "contact_cost": 1.0, "effect": {"assumed": 0.2}}],
        "targeting": {"budget": 20},
    } | changes


def with_contracts() -> dict[str, Any]:
    """The config with the contracts beside the purchases."""
    content = config()
    content["source"]["tables"]["contracts"] = {
        "path": "contracts.csv",
        "columns": {"customer_id": "customer", "started_at": "started", "ended_at": "ended", "end_reason": "why"},
    }
    return content


def write_shop(folder: Path, frame: pd.DataFrame | None = None) -> Path:
    """Write `purchases.csv` into the folder."""
    (purchases() if frame is None else frame).to_csv(folder / "purchases.csv", index=False)
    return folder
