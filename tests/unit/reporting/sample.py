"""Made-up but realistic input for the report: about 3,900 customers of a gift shop."""

import numpy as np
import pandas as pd

from holdfast.reporting.curves import curves
from holdfast.reporting.data import ReportData

CLASSES = ("price", "product", "service", "market", "unknown")
CUTOFFS = ("2011-06-13", "2011-07-13", "2011-08-12")
_RIVALS = {
    "base_rate": (None, None, 0.248, 1.00),
    "bgnbd_p_alive": (0.717, 0.668, 0.231, 1.48),
    "bgnbd_p_no_purchase": (0.7315, 0.675, 0.2120, 1.52),
    "recency_alone": (0.607, 0.579, 0.238, 1.37),
    "rfm_boosting": (0.701, 0.644, 0.2302, 1.45),
    "rfm_logit": (0.7412, 0.687, 0.2067, 1.59),
}


def predictions(n: int = 1300, seed: int = 5) -> pd.DataFrame:
    """Test predictions whose scores are nearly calibrated."""
    rng = np.random.default_rng(seed)
    parts = []
    for cutoff in CUTOFFS:
        risk = rng.beta(1.6, 1.5, n)
        drift = np.clip(risk + rng.normal(0.02, 0.03, n), 0.01, 0.99)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": [f"C{i:05d}" for i in range(n)],
                    "cutoff": pd.Timestamp(cutoff),
                    "part": "test",
                    "score": risk,
                    "label": (rng.random(n) < drift).astype(float),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def listed(n: int = 3872, seed: int = 8) -> pd.DataFrame:
    """A list in the contract's columns that the report reads, with ids to be dropped."""
    rng = np.random.default_rng(seed)
    risk = np.round(rng.beta(1.3, 1.9, n), 4)
    loss = np.round(rng.lognormal(4.6, 1.0, n), 2)
    uplift = np.round(0.05 * risk, 5)
    cost = np.where(rng.random(n) < 0.6, 3.2, 1.15)
    profit = np.round(uplift * loss - cost, 2)
    order = np.lexsort((-profit,))
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "p_churn": risk,
            "history_state": rng.choice(["enough", "thin", "one_order"], n, p=[0.68, 0.2, 0.12]),
            "loss_if_silent": loss,
            "profit_at_risk": np.round(risk * loss, 2),
            "exit_reason": rng.choice(
                ["price", "product", "service", "market", "unknown"], n, p=[0.17, 0.21, 0.05, 0.02, 0.55]
            ),
            "reason_source": "indicated",
            "reason_1": "last order 74 days ago; usual gap 21",
            "reason_2": "3 orders in the last 90 days, 9 in the 90 before",
            "reason_3": "no order in these 60 days last year",
            "planned_offer": np.where(cost == 3.2, "voucher10", "newsletter"),
            "channel": "email",
            "cost": cost,
            "expected_uplift": uplift,
            "effect_source": "assumed",
            "expected_profit": profit,
        }
    ).iloc[order]
    place = np.arange(n)
    pays = frame["expected_profit"].to_numpy() > 0
    held = (place % 9 == 4) & (place < 990) & pays
    frame["arm"] = np.where(held, "holdout", np.where((place < 990) & pays, "treat", "none"))
    beyond = np.where(pays, "budget", "not profitable")
    reasons = np.where(place % 31 == 0, "open complaint: recover first", beyond)
    frame["suppressed_because"] = np.where(frame["arm"] == "none", reasons, None)
    return frame.reset_index(drop=True)


def summary(frame: pd.DataFrame) -> dict:
    """What `build_list` says of such a list."""
    treat, held = frame[frame["arm"] == "treat"], frame[frame["arm"] == "holdout"]
    offers = {}
    for name, worst in (("voucher10", 10.2), ("newsletter", 1.15)):
        mine = treat[treat["planned_offer"] == name]
        offers[name] = {
            "n_treated": len(mine),
            "n_holdout": int((held["planned_offer"] == name).sum()),
            "capacity": None,
            "expected_cost": float(mine["cost"].sum()),
            "worst_case_cost": len(mine) * worst,
            "expected_profit": float(mine["expected_profit"].sum()),
            "effect": 0.05,
            "effect_of": "leavers",
            "effect_source": "assumed",
        }
    profit = float(treat["expected_profit"].sum())
    return {
        "n_considered": len(frame),
        "n_treated": len(treat),
        "n_holdout": len(held),
        "budget": 2500.0,
        "expected_cost": float(treat["cost"].sum()),
        "worst_case_cost": sum(one["worst_case_cost"] for one in offers.values()),
        "expected_profit": profit,
        "low": 0.72 * profit,
        "high": 1.31 * profit,
        "round_can_answer": False,
        "by_offer": offers,
        "by_suppression": frame["suppressed_because"].value_counts().to_dict(),
        "notes": [
            "With 110 held out the smallest effect this round can show is 13.10 points of churn, but 2.61 are "
            "expected: this round alone cannot answer; pool several rounds.",
            "Consent is not recorded (no consents table): export asks who asserts it.",
        ],
    }


def metrics() -> dict:
    """A `metrics/churn.json` with three cutoffs and every baseline."""
    pages = []
    for place, cutoff in enumerate(CUTOFFS):
        auroc = 0.749 - 0.004 * place
        pages.append(
            {
                "cutoff": cutoff,
                "n": 1300 + 40 * place,
                "base_rate": 0.47 + 0.03 * place,
                "mean_score": 0.48 + 0.02 * place,
                "auroc": auroc,
                "average_precision": 0.695 - 0.003 * place,
                "top_decile_lift": 1.61 - 0.02 * place,
                "brier": 0.2031 + 0.001 * place,
                "ece": 0.047 + 0.002 * place,
                "ece_floor": 0.032,
                "calibration_slope": 0.97 + 0.02 * place,
                "return_rate": 0.58 - 0.03 * place,
                "intervals": {
                    "auroc": [auroc - 0.026, auroc + 0.025],
                    "brier": [0.194, 0.213],
                    "top_decile_lift": [1.48, 1.73],
                    "ece": None,
                },
                "baselines": {name: {"auroc": one[0], "brier": one[2]} for name, one in _RIVALS.items()},
                "paired": {
                    "rfm_logit": {"auroc": {"difference": 0.006, "low": -0.001 + 0.002 * place, "high": 0.012}},
                    "recency_alone": {"auroc": {"difference": 0.14, "low": 0.11, "high": 0.17}},
                },
            }
        )
    return {
        "task": "churn",
        "kind": "silence",
        "horizon_days": 60,
        "lead_days": 7,
        "lookback_days": 120,
        "cutoffs": pages,
        "mean": {"auroc": 0.745, "average_precision": 0.692, "top_decile_lift": 1.59, "brier": 0.2041, "ece": 0.049},
        "worst": {"auroc": 0.741},
        "baselines_mean": {
            name: {
                "auroc": one[0],
                "average_precision": one[1],
                "brier": one[2],
                "top_decile_lift": one[3],
                "ece": 0.06,
            }
            for name, one in _RIVALS.items()
        },
    }


def drivers() -> pd.DataFrame:
    """A global ranking of drivers."""
    rows = [
        ("days_since_last_order", "recency", 0.41), ("btyd_p_no_purchase", "expectation", 0.33),
        ("orders_365d", "frequency", 0.27), ("days_since_over_own_gap", "rhythm", 0.22),
        ("last_year_orders_h", "season", 0.17), ("spend_90d", "money", 0.13),
        ("distinct_products_180d", "breadth", 0.11), ("tenure_days", "tenure", 0.10), ("orders_90d", "frequency", 0.09),
        ("returns_share_365d", "returns", 0.06), ("orders_trend_90d", "trend", 0.05),
        ("basket_lines_mean", "basket", 0.04),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["feature", "family", "mean_abs"])


def report_data(**changes: object) -> ReportData:
    """The whole input; keyword arguments replace fields."""
    frame = listed()
    fields = {
        "source": "online-retail",
        "scored_at": "2011-12-10",
        "metrics": metrics(),
        "listed": frame,
        "summary": summary(frame),
        "drivers": drivers(),
        "curves": curves(predictions()),
        "n_outside": 1466,
        "loyalty": {"mean": {"auroc": 0.781, "brier": 0.164}},
        "value": {
            "horizon_days": 240,
            "wanted_days": 365,
            "ratio": 1.04,
            "low": 0.91,
            "high": 1.2,
            "top_20_share": 0.74,
        },
        "caveats": ["Country counts as constant: its history is not known."],
        "not_measured": {
            "Consent": "no table of consents; the export asks who asserts it",
            "Service and complaints": "no table of complaints, so open faults could not be checked",
            "Stated reasons": "no table of exits",
        },
        "provenance": {
            "run": "7c1f0e9ab2d4",
            "model": "churn 5e0d41c2",
            "data": "sha256 9f2c…e1",
            "code": "a1b2c3d",
            "seed": "7",
        },
        "versions": {"holdfast": "0.1.0", "xgboost": "3.2.0", "scikit-learn": "1.9.1"},
    }
    return ReportData(**{**fields, **changes})
