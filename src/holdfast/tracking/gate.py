"""The champion/challenger gate: a pure decision from figures, with its reason in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DELTA = 0.005
"""How much worse a refresh of the same recipe may be at the lower bound of its paired interval."""
PROFIT_DELTA = 0.05
"""The same where profit decides, as a share of the champion's own profit at the budget."""


@dataclass(frozen=True)
class Verdict:
    """Outcome of a gate.

    Parameters
    ----------
    passed : bool
        Whether the challenger may take the place.
    reason : str
        One sentence with the figures it rests on.
    """

    passed: bool
    reason: str


def decide(gate: Mapping[str, Any], *, has_champion: bool) -> Verdict:
    """Decide whether the challenger becomes champion (evaluation.md, "Promotion").

    The first model needs to beat the baselines. Later, a *refresh* of the same recipe must not be worse (lower bound
    of the paired interval above −delta) and a *changed* recipe must be better (lower bound above 0); calibration and
    the worst segment must pass. What is not measured does not pass.

    Parameters
    ----------
    gate : mapping
        `beats_baselines` (bool), `recipe` (``refresh`` or ``changed``), `metric` (name, larger is better),
        `difference`, `low`, `high` (challenger − champion, paired on the same resamples), `delta`,
        `calibration_ok`, `worst_segment_ok` (bool); `not_measured` (why the two could not be compared).
    has_champion : bool
        Whether there is a champion to beat.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> decide({"beats_baselines": True}, has_champion=False)
    Verdict(passed=True, reason='first model of its kind; it beats the baselines')
    >>> figures = {"beats_baselines": True, "recipe": "changed", "metric": "average_precision", "low": -0.001}
    >>> decide(figures | {"calibration_ok": True, "worst_segment_ok": True}, has_champion=True).reason
    'a changed recipe must be better: lower bound of the difference in average_precision is -0.0010, not above 0'
    """
    if gate.get("beats_baselines") is not True:
        return Verdict(
            False, "it does not beat the baselines" if "beats_baselines" in gate else _absent("beats_baselines")
        )
    if not has_champion:
        return Verdict(True, "first model of its kind; it beats the baselines")
    if gate.get("not_measured"):
        return Verdict(False, f"not measured: {gate['not_measured']}")
    for key, words in (("calibration_ok", "calibration"), ("worst_segment_ok", "the worst segment")):
        if gate.get(key) is not True:
            return Verdict(False, f"{words} does not pass" if key in gate else _absent(key))
    return compare_figures(gate)


def beats_baselines(metrics: Mapping[str, Any]) -> Verdict:
    """Compare a task's mean figures with every baseline: AUROC above, Brier score not above.

    Baselines without a figure (such as the base rate's AUROC) are skipped in that figure.

    Parameters
    ----------
    metrics : mapping
        Content of `metrics/<task>.json` with `mean` and `baselines_mean`.

    Returns
    -------
    Verdict
        The reason names the first baseline that is not beaten.

    Examples
    --------
    >>> rivals = {"rfm": {"auroc": 0.75, "brier": 0.2}}
    >>> beats_baselines({"mean": {"auroc": 0.74, "brier": 0.20}, "baselines_mean": rivals})
    Verdict(passed=False, reason='auroc 0.7400 does not beat rfm (0.7500)')
    """
    mean, rivals = metrics.get("mean") or {}, metrics.get("baselines_mean") or {}
    if not rivals or mean.get("auroc") is None:
        return Verdict(False, "no baseline was measured beside it")
    for name in sorted(rivals):
        for metric, sign in (("auroc", 1), ("brier", -1)):
            own, other = mean.get(metric), rivals[name].get(metric)
            if own is None or other is None:
                continue
            if sign * own < sign * other or (metric == "auroc" and own == other):
                return Verdict(False, f"{metric} {own:.4f} does not beat {name} ({other:.4f})")
    return Verdict(True, f"beats {len(rivals)} baseline{'s' if len(rivals) != 1 else ''}")


def compare_figures(gate: Mapping[str, Any]) -> Verdict:
    """The rule about the difference alone: a refresh not worse, a changed recipe better.

    Parameters
    ----------
    gate : mapping
        `recipe`, `metric`, `low`, `delta` as in `decide`.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> compare_figures({"recipe": "refresh", "metric": "average_precision", "low": -0.001}).passed
    True
    """
    low, metric = gate.get("low"), str(gate.get("metric", "the measure"))
    if low is None:
        return Verdict(False, _absent("low"))
    changed = gate.get("recipe") != "refresh"
    bar = 0.0 if changed else -float(gate.get("delta", DELTA))
    rule = "a changed recipe must be better" if changed else "a refresh must not be worse"
    passed = float(low) > bar
    relation = "above" if passed else "not above"
    return Verdict(passed, f"{rule}: lower bound of the difference in {metric} is {low:.4f}, {relation} {bar:g}")


def _absent(key: str) -> str:
    return f"not measured: {key}"
