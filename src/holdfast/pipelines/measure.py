"""`holdfast measure`: what past campaigns changed, for whom, and how sure that is (A9)."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from holdfast.evaluation.effects import (
    SUSPECT,
    Effect,
    always_valid,
    balance_test,
    e_value,
    mean_difference,
    mean_effect,
    sample_ratio,
    standardised_differences,
)
from holdfast.evaluation.uplift import (
    Judged,
    curve,
    judge_uplift,
    qini_normalised,
    uplift_at,
)
from holdfast.histories.histories import Histories
from holdfast.learners.uplift import DefaultUplift, Design
from holdfast.learners.uplift.learners import LEAST_ARM, assignment_model, pseudo_outcomes
from holdfast.params import Config
from holdfast.pipelines.graph import Context
from holdfast.pipelines.origin import read_sources
from holdfast.pipelines.prepare import declared_end
from holdfast.pipelines.trials import OfferTrial, read_trials
from holdfast.reporting import plots_measure, style

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_LEVELS = 12
"""A column with more levels is no segment."""
SHARES = (0.1, 0.2, 0.3)
LEARNER = "average of shallow doubly robust trees and two logistic (money: ridge) regressions, fixed beforehand"
OVERLAP = (0.05, 0.95)
"""Where a campaign was not randomised, only customers with a chance of both arms within these bounds are compared."""
SEGMENTS = ("customer_segment", "customer_region", "customer_kind")
EFFECT_COLUMNS = [
    "offer", "segment", "n_treated", "n_control", "effect", "low", "high", "verdict", "effect_source", "unit",
    "level", "unadjusted", "low_any_time", "high_any_time", "value_effect", "value_low", "value_high",
    "cost_per_treated", "because",
]  # fmt: skip
UPLIFT_COLUMNS = ["customer_id", "offer", "uplift", "low", "high", "part"]


@dataclass(frozen=True)
class Found:
    """Everything that is said of one offer."""

    effects: list[dict[str, Any]]
    verdict: dict[str, Any]
    uplift: pd.DataFrame
    points: pd.DataFrame


def measure(context: Context) -> dict[str, Any]:
    """Read the sources, judge every campaign in them, write the folder `campaigns/`.

    Returns
    -------
    dict
        What `campaigns/verdict.json` holds: facts by offer.

    Raises
    ------
    DataError
        Without campaigns, or without any result.
    """
    config, workspace = context.config, context.workspace
    with (
        workspace.locked(),
        tempfile.TemporaryDirectory(prefix="holdfast-") as folder,
        threadpool_limits(limits=1),
    ):
        out = Path(folder)
        with workspace.aside("campaigns/quarantine") as quarantine:
            report = read_sources(config, out / "histories", quarantine)
        histories = declared_end(Histories.open(out / "histories"), config)
        trials, without, told = read_trials(histories, config)
        found = []
        for trial in trials:
            context.say(f"measuring {trial.offer}")
            found.append(judge(trial, config))
        rows = [row for one in found for row in one.effects]
        rows += [_absent(offer, why) for offer, why in without.items()]
        effects = pd.DataFrame(rows, columns=EFFECT_COLUMNS)
        verdicts = {one.verdict["offer"]: one.verdict for one in found}
        verdicts |= {offer: {"offer": offer, "heterogeneity": "not measurable", "because": why}
                     for offer, why in without.items()}  # fmt: skip
        counts = report.to_dict()
        read = {**told, "tables": counts.get("tables", counts)}
        points = pd.concat([one.points for one in found], ignore_index=True) if found else pd.DataFrame(
            columns=["offer", "share", "gain", "uplift", "random"])  # fmt: skip
        scores = pd.concat([one.uplift for one in found], ignore_index=True) if found else pd.DataFrame(
            columns=UPLIFT_COLUMNS)  # fmt: skip
        workspace.write_frame("campaigns/effects.csv", effects)
        workspace.write_frame("campaigns/uplift.parquet", scores)
        workspace.write_frame("campaigns/qini.csv", points)
        workspace.write_json("campaigns/verdict.json", verdicts)
        workspace.write_json("campaigns/read.json", read)
        for name, figure in plots_measure.pictures(effects, points).items():
            with workspace.aside(f"campaigns/{name}.png") as target:
                style.save_png(figure, target)
    return verdicts


def judge(trial: OfferTrial, config: Config) -> Found:
    """Checks, average effect, segments and heterogeneity of one offer."""
    rows = trial.rows
    treated = rows["treated"].to_numpy(bool)
    checks, source, e = _checks(trial, config.seed)
    base = {"offer": trial.offer, "effect_source": source}
    arms = {"n_treated": int(treated.sum()), "n_control": int((~treated).sum())}
    facts: dict[str, Any] = {**base, **arms, **trial.counts, **checks, "delivery": _delivery(rows)}
    if min(arms.values()) < 2:
        why = f"not measurable: {arms['n_treated']} treated and {arms['n_control']} controls with a result"
        return Found([_absent(trial.offer, why)], facts | {"heterogeneity": "not measurable", "because": why},
                     pd.DataFrame(columns=UPLIFT_COLUMNS), pd.DataFrame())  # fmt: skip
    name = "outcome" if rows["outcome"].notna().any() else "value"
    known = rows[name].notna().to_numpy() & _overlapping(e, source)
    trial, treated, e, rows = trial.take(known), treated[known], e[known], rows[known].reset_index(drop=True)
    y, weight = rows[name].to_numpy(float), np.where(treated, 1 / e, 1 / (1 - e))
    wanted = [name, *(["value"] if rows["value"].notna().all() and name != "value" else [])]
    money = {each: rows[each].to_numpy(float) for each in wanted}
    scores = {each: _pseudo(trial.X, treated, money[each], e, config.seed) for each in wanted}

    def estimate(each: str, inside: Flags, level: float, adjusted: bool = True) -> Effect:
        own = scores[each]
        if own is None or not adjusted:
            return mean_difference(money[each][inside], treated[inside], weight[inside], level)
        return mean_effect(own[inside], level)

    cost = _cost(trial, config)
    judged, found, points, fitted = _heterogeneity(trial, treated, y, e, config.seed)
    sound = checks["sample_ratio"]["passed"] is not False
    table = [_line(base, "all", np.ones(len(y), dtype=bool), treated, estimate, wanted, cost, 0.95)]
    segments = _segments(trial, found)
    level = 1 - 0.05 / max(len(segments), 1)
    table += [_line(base, label, inside, treated, estimate, wanted, cost, level) for label, inside in segments.items()]
    _decide(table, judged, sound, source)
    facts |= {
        "unit": table[0]["unit"], "average": {key: table[0].get(key) for key in ("effect", "low", "high", "verdict")},
        **_told(judged, fitted), "cost_per_treated": cost, "because": table[0]["because"],
        "advice": _advice(table[0], judged, source),
    }  # fmt: skip
    if source == "observed" and name == "outcome":
        facts["sensitivity"] = _sensitivity(table[0], y, treated)
    return Found(table, facts, found.assign(offer=trial.offer)[UPLIFT_COLUMNS], points.assign(offer=trial.offer))


def _checks(trial: OfferTrial, seed: int) -> tuple[dict[str, Any], str, Floats]:
    """Sample ratio and balance, whether the effect counts as measured, and the propensity to weigh with."""
    rows = trial.rows
    treated, e = rows["treated"].to_numpy(bool), rows["propensity"].to_numpy(float)
    planned = bool(rows["planned"].notna().all()) and len(rows) > 0
    if planned:
        p = sample_ratio(treated, e)
        ratio: dict[str, Any] = {"planned": float(e.mean()), "came": float(treated.mean()), "p_value": p,
                                 "passed": p >= SUSPECT}  # fmt: skip
    else:
        ratio = {"came": float(treated.mean()) if len(rows) else None, "passed": None,
                 "why": "not measured: campaigns have no propensity, the planned share of treated"}  # fmt: skip
    if min(int(treated.sum()), int((~treated).sum())) < LEAST_ARM or not trial.X.shape[1]:
        why = f"not measured: fewer than {LEAST_ARM} in an arm" if trial.X.shape[1] else "not measured: no features"
        return {"sample_ratio": ratio, "balance": {"passed": None, "why": why}}, "measured", e
    design = Design.of(trial.X)
    matrix, names = design.linear(trial.X), design.linear_names
    p = balance_test(matrix, treated, e)
    apart = standardised_differences(matrix, treated, np.where(treated, 1 / e, 1 / (1 - e)))
    worst = np.argsort(-np.abs(apart), kind="stable")[:5]
    balance: dict[str, Any] = {
        "p_value": p, "passed": p >= SUSPECT, "features": len(names),
        "largest": {names[k]: float(apart[k]) for k in worst},
    }  # fmt: skip
    if p >= SUSPECT:
        return {"sample_ratio": ratio, "balance": balance}, "measured", e
    estimated = assignment_model(trial.X, treated, seed=seed)
    inside = float(np.mean((estimated > OVERLAP[0]) & (estimated < OVERLAP[1])))
    balance["why"] = (
        f"treatment can be told from {', '.join(names[k] for k in worst[:3])}: not a random draw, or these columns "
        "were filled in after it (then exclude them)"
    )
    overlap = {"inside": inside, "bounds": list(OVERLAP), "left_out": round((1 - inside) * len(rows))}
    return {"sample_ratio": ratio, "balance": balance, "overlap": overlap}, "observed", estimated


def _overlapping(e: Floats, source: str) -> Flags:
    return (e > OVERLAP[0]) & (e < OVERLAP[1]) if source == "observed" else np.ones(len(e), dtype=bool)


def _pseudo(X: pd.DataFrame, treated: Flags, y: Floats, e: Floats, seed: int) -> Floats | None:
    """Doubly robust scores; None where an arm is too small to adjust."""
    if min(int(treated.sum()), int((~treated).sum())) < LEAST_ARM or not X.shape[1]:
        return None
    return pseudo_outcomes(X, treated, y, e, seed=seed)


def _cost(trial: OfferTrial, config: Config) -> float | None:
    """Money that a treated customer costs beyond a control: as recorded, else the config's contact cost."""
    rows = trial.rows
    if rows["cost"].notna().any():
        mean = rows.assign(cost=rows["cost"].fillna(0.0)).groupby("treated")["cost"].mean()
        return float(mean.get(True, 0.0) - mean.get(False, 0.0))
    offer = next((one for one in config.offers if one.name == trial.offer), None)
    return None if offer is None else offer.contact_cost


def _line(
    base: dict[str, Any], label: str, inside: Flags, treated: Flags, estimate: Callable[..., Effect],
    wanted: list[str], cost: float | None, level: float,
) -> dict[str, Any]:  # fmt: skip
    """One row of `effects.csv`; `wanted` names the outcome, and the value where it is measured beside it."""
    arm, name = treated[inside], wanted[0]
    row: dict[str, Any] = {
        **base, "segment": label, "n_treated": int(arm.sum()), "n_control": int((~arm).sum()), "level": level,
        "unit": name, "cost_per_treated": cost,
    }  # fmt: skip
    if min(row["n_treated"], row["n_control"]) < 2:
        return row | {"because": "an arm is empty or nearly so"}
    effect = estimate(name, inside, level)
    low, high = always_valid(effect, level)
    row |= {"effect": effect.value, "low": effect.low, "high": effect.high,
            "unadjusted": estimate(name, inside, level, adjusted=False).value,
            "low_any_time": low, "high_any_time": high}  # fmt: skip
    if "value" in wanted:
        value = effect if name == "value" else estimate("value", inside, level)
        row |= {"value_effect": value.value, "value_low": value.low, "value_high": value.high}
    return row


def _segments(trial: OfferTrial, scored: pd.DataFrame) -> dict[str, Flags]:
    """Parts of the customers that were known before, and thirds of the predicted uplift among the unseen half."""
    found: dict[str, Flags] = {}
    for column in SEGMENTS:
        if column in trial.X.columns and trial.X[column].nunique() <= MOST_LEVELS:
            levels = trial.X[column].astype(str)
            for level in sorted(levels[trial.X[column].notna()].unique()):
                found[f"{column.removeprefix('customer_')}: {level}"] = (levels == level).to_numpy()
    if len(scored):
        unseen = (scored["part"] == "test").to_numpy()
        uplift = scored["uplift"].to_numpy(float)
        ends = np.quantile(uplift[unseen], [1 / 3, 2 / 3])
        if ends[0] < ends[1]:
            found["predicted uplift: upper third (unseen half)"] = unseen & (uplift >= ends[1])
            found["predicted uplift: lower third (unseen half)"] = unseen & (uplift < ends[0])
    return found


def _heterogeneity(
    trial: OfferTrial, treated: Flags, y: Floats, e: Floats, seed: int
) -> tuple[Judged | str, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Fit on one half of the customers, judge on the other; scores of both."""
    nothing = pd.DataFrame(columns=UPLIFT_COLUMNS), pd.DataFrame(columns=["share", "gain", "uplift", "random"])
    n = (int(treated.sum()), int((~treated).sum()))
    if min(n) < 2 * LEAST_ARM:
        return f"not measurable: {n[0]} treated and {n[1]} controls; {2 * LEAST_ARM} of each are needed", *nothing, {}
    if not trial.X.shape[1]:
        return "not measurable: nothing is known of the customers before the campaign", *nothing, {}
    test = _half(treated, seed)
    learner = DefaultUplift(seed).fit(trial.X[~test], treated[~test], y[~test], e[~test])
    score = learner.effect(trial.X)
    unseen = (y[test], treated[test], score[test], e[test])
    judged = judge_uplift(*unseen, seed=seed)
    average = mean_difference(y[test], treated[test], np.where(treated[test], 1 / e[test], 1 / (1 - e[test])))
    low, high = _band(score, score[test], judged.slope.error, average.error)
    frame = pd.DataFrame({"customer_id": trial.rows["customer_id"], "uplift": score, "low": low, "high": high,
                          "part": np.where(test, "test", "train")})  # fmt: skip
    binary = set(np.unique(y)) <= {0.0, 1.0}
    figures = {
        "qini_normalised": qini_normalised(*unseen[:3]) if binary else None,
        "uplift_at": {str(share): uplift_at(*unseen[:3], share, e[test]) for share in SHARES},
        "train": int((~test).sum()), "test": int(test.sum()),
        "learner": LEARNER,
    }  # fmt: skip
    return judged, frame, curve(*unseen), figures


def _half(treated: Flags, seed: int) -> Flags:
    """A seeded half, the same share of each arm; customers come sorted."""
    rng, test = np.random.default_rng(seed), np.zeros(len(treated), dtype=bool)
    for arm in (True, False):
        rows = rng.permutation(np.flatnonzero(treated == arm))
        test[rows[: len(rows) // 2]] = True
    return test


def _band(score: Floats, unseen: Floats, slope_error: float, average_error: float) -> tuple[Floats, Floats]:
    """95 % band of the mean effect of customers with such a score, from the best linear predictor's errors."""
    width = 1.96 * np.sqrt(average_error**2 + (slope_error * (score - unseen.mean())) ** 2)
    return score - width, score + width


def _told(judged: Judged | str, figures: dict[str, Any]) -> dict[str, Any]:
    if isinstance(judged, str):
        return {"heterogeneity": "not measurable", "why": judged, "qini": None, "low": None, "high": None}
    return {
        "heterogeneity": judged.verdict, "qini": judged.q, "low": judged.low, "high": judged.high,
        "smallest_detectable_qini": judged.detectable, "slope": judged.slope.slope, "slope_z": judged.slope.z,
        **figures,
    }  # fmt: skip


def _decide(table: list[dict[str, Any]], judged: Judged | str, sound: bool, source: str) -> None:
    """Fill in the verdicts: money where it is measured, else the outcome against nought."""
    for row in table:
        row["verdict"], row["because"] = _verdict(row, sound, source)
    found = isinstance(judged, Judged) and judged.verdict == "found"
    first = table[0]
    parts = [row for row in table[1:] if row["segment"].startswith("predicted uplift") and row["verdict"] == "keep"]
    if found and sound and source == "measured" and first["verdict"] != "keep" and parts:
        first["verdict"], first["because"] = "change", "the effect is concentrated: it pays in the upper third only"


def _verdict(row: dict[str, Any], sound: bool, source: str) -> tuple[str, str]:
    if "effect" not in row:
        return "not measurable", row["because"]
    if not sound:
        return "not measurable", "the arms do not have the planned sizes: find out why before believing the effect"
    if source != "measured":
        return "not measurable", "not randomised: the effect is observed, not measured; see balance in verdict.json"
    money = "value_low" in row
    low, high = (row["value_low"], row["value_high"]) if money else (row["low"], row["high"])
    cost = (row["cost_per_treated"] or 0.0) if money else 0.0
    against = f"the cost of {cost:.4g}" if money else "nought: the outcome has no value in money"
    if low > cost:
        return "keep", f"lower bound {low:.4g} above {against}"
    if high < cost:
        return "stop", f"upper bound {high:.4g} below {against}"
    return "not measurable", f"the interval [{low:.4g}, {high:.4g}] covers {against}"


def _advice(row: dict[str, Any], judged: Judged | str, source: str) -> str:
    """One sentence on what to do."""
    verdict = judged if isinstance(judged, str) else judged.verdict
    if row["verdict"] == "keep":
        if verdict == "found":
            return "heterogeneity found: rank by predicted uplift"
        told = "no heterogeneity found" if verdict == "not found" else "personalisation is not measurable"
        return f"{told}: treat by the average effect, all of them or at random under the budget"
    if row["verdict"] == "stop":
        return "the average effect is below the cost: treat nobody"
    if row["verdict"] == "change":
        return "treat only those with a high predicted uplift"
    return (
        "this trial alone cannot answer: hold out more or pool rounds"
        if source == "measured"
        else "run a randomised trial"
    )


def _sensitivity(row: dict[str, Any], y: Floats, treated: Flags) -> dict[str, Any]:
    """How strong an unseen cause would have to be (E-value), for the effect and for its end nearer to nought."""
    base = float(y[~treated].mean())
    if base <= 0 or "effect" not in row:
        return {"why": "not measured: no control had the outcome"}
    near = 0.0 if row["low"] <= 0 <= row["high"] else min(row["low"], row["high"], key=abs)
    ratios = {name: max((base + change) / base, 1e-9) for name, change in (("effect", row["effect"]), ("bound", near))}
    return {f"e_value_{name}": e_value(ratio) for name, ratio in ratios.items()}


def _delivery(rows: pd.DataFrame) -> dict[str, Any]:
    """Sent, delivered, bounced, redeemed among the treated; the effect is by intention to treat."""
    sent = rows[rows["treated"]]
    found: dict[str, Any] = {"sent": len(sent)}
    for name, column in (("delivered", "delivered_at"), ("bounced", "bounced"), ("redeemed", "redeemed_at")):
        if column not in rows.columns:
            found[name] = f"not measured: campaigns have no {column}"
        else:
            found[name] = int(sent[column].eq(True).sum() if column == "bounced" else sent[column].notna().sum())
    touched = [column for column in ("delivered_at", "redeemed_at") if column in rows.columns]
    found["controls_reached"] = int(rows.loc[~rows["treated"], touched].notna().any(axis=1).sum()) if touched else (
        "not measured: no record of delivery")  # fmt: skip
    return found


def _absent(offer: str, why: str) -> dict[str, Any]:
    return {"offer": offer, "segment": "all", "verdict": "not measurable", "because": why}
