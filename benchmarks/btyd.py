"""BG/NBD: a million customers, and CDNOW's published estimates.

    python benchmarks/btyd.py [--data FOLDER] [--customers 1000000]

The sample are the 2,357 customers of Fader, Hardie & Lee (2005), weeks 1 to 39; time is measured in weeks. `lifetimes`
is fitted beside it where it is installed (it is no longer kept up, and not among the dependencies).
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from holdfast.btyd.bgnbd import fit_bgnbd

IDS = Path(__file__).resolve().parents[1] / "tests" / "real" / "cdnow_sample_ids.txt"
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "log likelihood": -9582.4}
END = pd.Timestamp("1997-09-30")


def world(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Histories drawn from BG/NBD with CDNOW's parameters: repeat purchases, time of the last, age, in days."""
    rng = np.random.default_rng(seed)
    age = rng.integers(90, 730, n).astype(float)
    rate = rng.gamma(0.243, 1 / 4.414, n) / 7
    drop = rng.beta(0.793, 2.426, n)
    x, last, alive, now = np.zeros(n), np.zeros(n), np.ones(n, dtype=bool), np.zeros(n)
    while alive.any():
        now[alive] += rng.exponential(1 / np.maximum(rate[alive], 1e-12))
        alive &= now <= age
        x[alive] += 1
        last[alive] = now[alive]
        alive &= rng.random(n) >= drop
    return x, last, age


def cdnow(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The published sample; None where CDNOW is not at hand."""
    master = data / "cdnow" / "CDNOW_master.txt.gz"
    if not master.is_file():
        return None
    raw = pd.read_csv(master, sep=r"\s+")
    raw["day"] = pd.to_datetime(raw["date"].astype(str), format="%Y%m%d")
    wanted = {int(word) for word in IDS.read_text().split("\n", 1)[1].split()}
    days = raw.loc[raw["customer_id"].isin(wanted) & (raw["day"] <= END), ["customer_id", "day"]].drop_duplicates()
    own = days.groupby("customer_id")["day"].agg(["min", "max", "size"])
    return (
        (own["size"] - 1).to_numpy(float), (own["max"] - own["min"]).dt.days.to_numpy(float),
        (END - own["min"]).dt.days.to_numpy(float),
    )  # fmt: skip


def beside(x: np.ndarray, last: np.ndarray, age: np.ndarray, ours: float) -> str:
    """Time of the peer over ours."""
    try:
        from lifetimes import BetaGeoFitter
    except ImportError:
        return "lifetimes: not measured, not installed"
    began = time.perf_counter()
    BetaGeoFitter().fit(x, last / 7, age / 7)
    return f"lifetimes: {(time.perf_counter() - began) / ours:.1f} × our time"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder of the real data; default: HOLDFAST_DATA")
    parser.add_argument("--customers", type=int, default=1_000_000)
    asked = parser.parse_args()
    found = cdnow(Path(asked.data or os.environ.get("HOLDFAST_DATA") or "data/raw"))
    if found is None:
        print("CDNOW: not at hand")
    else:
        model = fit_bgnbd(*found, penalty=0)
        own = dict(zip(PUBLISHED, (model.r, model.alpha, model.a, model.b, model.log_likelihood), strict=True))
        print("| CDNOW, 2,357 customers | " + " | ".join(PUBLISHED) + " |\n|---|---|---|---|---|---|")
        print("| published | " + " | ".join(f"{value:g}" for value in PUBLISHED.values()) + " |")
        print("| here | " + " | ".join(f"{value:.3f}" for value in own.values()) + " |")
    x, last, age = world(asked.customers, 1)
    began = time.perf_counter()
    model = fit_bgnbd(x, last, age)
    took = time.perf_counter() - began
    print(f"\n{asked.customers:,} customers drawn with r .243, alpha 4.414, a .793, b 2.426: "
          f"r {model.r:.3f}, alpha {model.alpha:.3f}, a {model.a:.3f}, b {model.b:.3f}; {model.status}; "
          f"{'within' if took < 60 else 'MORE THAN'} a minute ({took:.0f} s)")  # fmt: skip
    print(beside(x[:50_000], last[:50_000], age[:50_000], took * 50_000 / asked.customers))


if __name__ == "__main__":
    main()
