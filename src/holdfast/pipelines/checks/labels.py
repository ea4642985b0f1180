"""Points 4 to 7 of the leakage suite: permuted labels, features that give the answer away, and the random split."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from holdfast.errors import LeakError
from holdfast.evaluation.ranking import auroc
from holdfast.examples import Examples, refuse_leaks, single_feature_aurocs
from holdfast.learners.blend import ChurnClassifier
from holdfast.params.sections import ChecksSection
from holdfast.pipelines.checks.finding import Finding, judged

SEEDS = (1, 2, 3, 4, 5)
MOST_ROWS = 20_000
"""Rows used to fit, at most: the checks ask about the road, not for the best model."""
MAX_ERRORS = 3.0
"""Standard errors by which the AUROC on permuted labels may differ from one half."""
WIDE_GAP = 0.05
"""Gap between the random and the temporal split from which the words warn."""


def label_findings(
    training: Examples, test: Examples, checks: ChecksSection, task: str, *, columns: Mapping[str, str],
    dated: bool, seed: int,
) -> list[Finding]:  # fmt: skip
    """Points 4 to 7.

    Parameters
    ----------
    training, test : Examples
        Rows of the newest test cutoff's model, and of the cutoff itself.
    checks : ChecksSection
        Limit, and what the user allows by name.
    task : str
    columns : mapping of str to str
        The user's own column behind a feature.
    dated : bool
        Whether the test rows lie later than the training rows (not a snapshot).
    seed : int

    Returns
    -------
    list of Finding
    """
    if len(np.unique(test.y)) < 2:
        why = "the newest test cutoff has one class only"
        names = {"4": "permuted labels", "5": "single features", "6": "planted leaks", "7": "random split"}
        return [Finding(point, check, "not measured", why, task) for point, check in names.items()]
    small = _sampled(training, seed)
    return [
        _permuted(small, test, task, seed),
        *_single(training, checks, task, columns),
        _planted(training, checks, task, seed),
        _random_split(small, test, task, seed) if dated else Finding(
            "7", "random split", "not measured", "a snapshot has no temporal split to compare with", task
        ),
    ]  # fmt: skip


def _permuted(training: Examples, test: Examples, task: str, seed: int) -> Finding:
    found = []
    for number in SEEDS:
        rng = np.random.default_rng([seed, number])
        model = ChurnClassifier(seed=seed).fit(training.X, _shuffled(training, rng))
        found.append(auroc(_shuffled(test, rng), model.predict_proba(test.X)[:, 1]))
    error = _null_error(test) / len(SEEDS) ** 0.5
    mean = float(np.mean(found))
    words = f"mean AUROC {mean:.3f} over {len(SEEDS)} fixed seeds ({min(found):.3f} to {max(found):.3f}), labels " \
            f"permuted in training and test per cutoff; .5 expected within {MAX_ERRORS * error:.3f}"  # fmt: skip
    return judged("4", "permuted labels", abs(mean - 0.5) <= MAX_ERRORS * error, words, task)


def _shuffled(examples: Examples, rng: np.random.Generator) -> "np.ndarray[tuple[int], np.dtype[np.int8]]":
    y = examples.y.copy()
    for at in pd.unique(examples.frame["cutoff"]):
        rows = np.flatnonzero((examples.frame["cutoff"] == at).to_numpy())
        y[rows] = rng.permutation(y[rows])
    return y


def _null_error(test: Examples) -> float:
    """Standard error of the AUROC of scores that know nothing (Mann & Whitney, 1947)."""
    positives = int(test.y.sum())
    negatives = len(test.y) - positives
    return float(np.sqrt((positives + negatives + 1) / (12 * positives * negatives)))


def _single(training: Examples, checks: ChecksSection, task: str, columns: Mapping[str, str]) -> list[Finding]:
    aurocs = single_feature_aurocs(training)
    limit, allowed = checks.max_single_feature_auroc, set(checks.allow)
    found = []
    for name, value in aurocs[aurocs > limit].items():
        behind = columns.get(str(name))
        told = f"column {behind!r} (feature {name})" if behind else f"feature {name}"
        if {str(name), behind} & allowed:
            words = f"{told} ranks with AUROC {value:.3f} alone and is allowed by name"
            found.append(Finding("5", "single features", "note", words, task))
            continue
        where = (
            "legitimate only if it stood there at the cutoff for stayers and leavers alike (a tariff, a notice already "
            "given); a leak if it was written when or after the customer left, or is a model's score"
            if behind
            else "legitimate where the definition of churn repeats it (long silence predicts silence); else look at "
            "the table behind it for rows entered after the fact and give them `known_at`"
        )
        found.append(Finding("5", "single features", "failed",
                             f"{told} alone ranks with AUROC {value:.3f}, above {limit:g}: {where}. Exclude it "
                             "(`exclude`), or allow it by name (`checks.allow`)", task))  # fmt: skip
    if not any(finding.verdict == "failed" for finding in found):
        top = ", ".join(f"{name} {value:.3f}" for name, value in aurocs.head(3).items())
        found.insert(0, Finding("5", "single features", "passed",
                                f"none of {len(aurocs)} features above {limit:g} that is not allowed; strongest: {top}",
                                task))  # fmt: skip
    return found


def _planted(training: Examples, checks: ChecksSection, task: str, seed: int) -> Finding:
    """Two leaks of the usual kinds are planted; the check that guards every run has to name both."""
    rng = np.random.default_rng([seed, 6])
    flipped = np.where(rng.random(len(training.y)) < 0.03, 1 - training.y, training.y).astype(np.float32)
    reasons = pd.Series(rng.choice(["price", "service", "moved"], len(training.y))).where(training.y == 1)
    planted: dict[str, Any] = {"planted_score": flipped, "planted_reason": pd.Categorical(reasons)}
    names = (*training.names, *planted)
    leaky = Examples(training.frame.assign(**planted), names)
    try:
        refuse_leaks(replace(leaky, names=tuple(planted)), checks.max_single_feature_auroc)
        caught = ""
    except LeakError as error:
        caught = str(error)
    missed = [name for name in planted if name not in caught]
    words = (
        f"{', '.join(missed)} not caught: the limit {checks.max_single_feature_auroc:g} is too high"
        if missed
        else ("a late score (the label with 3 % of it turned) and a reason that only leavers have, both caught by name")
    )
    return judged("6", "planted leaks", not missed, words, task)


def _random_split(training: Examples, test: Examples, task: str, seed: int) -> Finding:
    temporal = _fitted_auroc(training, test, seed)
    mixed = Examples(pd.concat([training.frame, test.frame], ignore_index=True), training.names)
    held = pd.Series(np.random.default_rng([seed, 7]).random(len(mixed.y)) < 0.25, dtype=bool)
    random = _fitted_auroc(mixed.where(~held), mixed.where(held), seed)
    gap = random - temporal
    words = f"AUROC {random:.3f} when rows are split at random, {temporal:.3f} on the later cutoff: gap {gap:+.3f}"
    words += "; a random split would promise too much" if gap > WIDE_GAP else ""
    return Finding("7", "random split", "note", words, task)


def _fitted_auroc(training: Examples, test: Examples, seed: int) -> float:
    model = ChurnClassifier(seed=seed).fit(training.X, training.y)
    return float(auroc(test.y, model.predict_proba(test.X)[:, 1]))


def _sampled(examples: Examples, seed: int) -> Examples:
    if len(examples.y) <= MOST_ROWS:
        return examples
    kept = np.zeros(len(examples.y), dtype=bool)
    kept[np.random.default_rng([seed, 0]).choice(len(kept), MOST_ROWS, replace=False)] = True
    return examples.where(pd.Series(kept))
