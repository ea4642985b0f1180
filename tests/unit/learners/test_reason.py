"""The classifier of reasons: calibrated, silent without evidence, the same for the same input (A3)."""

import numpy as np
import pandas as pd
import pytest

from holdfast.errors import DataError
from holdfast.evaluation.classes import judge_classes
from holdfast.exits.claim import claim
from holdfast.learners.reason import ReasonClassifier, fit_reasons, scaled
from holdfast.learners.reason_text import fit_text_reasons

CLASSES = ["price", "product", "service"]


def leavers(n: int, signal: float, seed: int = 0) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Three classes with shares .5, .3, .2, each raising a column of its own by `signal`; a category says nothing."""
    rng = np.random.default_rng(seed)
    code = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    X = pd.DataFrame({f"x{k}": rng.normal(signal * (code == k), 1) for k in range(3)})
    X["x0"] = X["x0"].mask(rng.random(n) < 0.2)
    X["colour"] = pd.Categorical(rng.choice(["red", "green"], n))
    return X, pd.Series(np.array(CLASSES)[code])


def test_a3_planted_reasons_are_recovered_and_calibrated() -> None:
    """A3: with clear evidence the classes are found, out of fold, and probabilities are near their floor."""
    X, reason = leavers(900, 2.0)
    found = fit_reasons(X, reason, list(range(900)), seed=1)
    said = claim(found.out_of_fold, found.model.prior, found.model.classes)["reason"]
    judged = judge_classes(reason, found.out_of_fold, found.model.classes, said, seed=0)
    assert judged["macro_auroc"] > 0.85
    assert judged["ece"] < judged["ece_floor"] + 0.02
    assert judged["accuracy_claimed"] > judged["accuracy"] > 0.7


def test_a3_without_evidence_the_answer_is_the_shares_and_nothing_is_claimed() -> None:
    """A3: shuffled reasons give probabilities at the prior, and unknown instead of the majority class."""
    X, reason = leavers(600, 2.0)
    mixed = pd.Series(np.random.default_rng(3).permutation(reason.to_numpy()))
    found = fit_reasons(X, mixed, list(range(600)), seed=1)
    said = claim(found.out_of_fold, found.model.prior, found.model.classes)["reason"]
    assert (said == "unknown").mean() > 0.98
    judged = judge_classes(mixed, found.out_of_fold, found.model.classes, said, seed=0)
    prior = -np.log([found.model.prior[CLASSES.index(name)] for name in mixed]).mean()
    assert judged["log_loss"] == pytest.approx(prior, abs=0.02)
    assert 0.42 < judged["macro_auroc"] < 0.58


def test_a3_the_share_unknown_grows_as_evidence_is_removed() -> None:
    """A3: fewer telling columns, fewer claims."""
    X, reason = leavers(900, 2.0)
    coverage = []
    for kept in (["x0", "x1", "x2", "colour"], ["x0", "x1", "colour"], ["x0", "colour"], ["colour"]):
        found = fit_reasons(X[kept], reason, list(range(900)), seed=1)
        said = claim(found.out_of_fold, found.model.prior, found.model.classes)["reason"]
        coverage.append(float((said != "unknown").mean()))
    assert coverage == sorted(coverage, reverse=True)
    assert coverage[0] > 0.6
    assert coverage[-1] < 0.02


def test_rows_of_one_customer_stay_on_one_side() -> None:
    """A customer repeated ten times with a reason drawn at random cannot be learnt by heart."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(120), 10)
    X = pd.DataFrame(rng.normal(size=(120, 4))).iloc[who].reset_index(drop=True).rename(columns=str)
    reason = pd.Series(np.array(["price", "service"])[rng.integers(0, 2, 120)][who])
    found = fit_reasons(X, reason, who.tolist(), seed=0)
    nothing = pd.Series("unknown", index=reason.index)
    assert judge_classes(reason, found.out_of_fold, found.model.classes, nothing, seed=0)["macro_auroc"] < 0.65


def test_the_same_input_gives_the_same_probabilities() -> None:
    X, reason = leavers(200, 1.0)
    first, second = (fit_reasons(X, reason, list(range(200)), seed=5) for _ in range(2))
    assert (first.out_of_fold == second.out_of_fold).all()
    assert (first.model.predict_proba(X) == second.model.predict_proba(X)).all()
    assert isinstance(first.model, ReasonClassifier)


def test_probabilities_add_to_one_and_scale_nought_is_the_prior() -> None:
    votes = np.log(np.random.default_rng(0).dirichlet([1, 1, 1], (50, 2)).transpose(0, 2, 1))
    prior = np.array([0.5, 0.3, 0.2])
    assert np.allclose(scaled(votes, prior, np.array([0.7, 0.4])).sum(axis=1), 1)
    assert np.allclose(scaled(votes, prior, np.zeros(2)), prior)


@pytest.mark.parametrize("reason", [["price"] * 40, ["price"] * 35 + ["service"] * 5, ["price"] * 20 + [None] * 20])
def test_too_few_classes_are_refused(reason: list[str]) -> None:
    with pytest.raises(DataError, match="at least two classes of 10"):
        fit_reasons(pd.DataFrame({"x": np.arange(40.0)}), pd.Series(reason), list(range(40)), seed=0)


def test_a_text_names_its_reason_and_an_empty_one_gives_the_shares() -> None:
    """A3: words decide; a text without a known word says no more than the shares."""
    text = pd.Series(["far too dear for me", "the price is dear", "nobody called back", "they never called"] * 15)
    reason = pd.Series(["price", "price", "service", "service"] * 15)
    model, unseen = fit_text_reasons(text, reason, list(range(60)), seed=0)
    assert (unseen.argmax(axis=1) == (reason == "service")).all()
    assert np.allclose(model.predict_proba(pd.Series(["", "xylophone", None])), model.prior)


def test_no_address_number_or_rare_name_gets_among_the_words_shown() -> None:
    """F1: an e-mail address, a phone number and a name that few used are not shown."""
    text = [f"the price is dear says Wilhelmina call 0170{k}123 or mail w{k}@example.org" if k < 8
            else "the price is dear" if k % 2 else "nobody called" for k in range(60)]  # fmt: skip
    reason = ["price" if "dear" in one else "service" for one in text]
    model, _ = fit_text_reasons(pd.Series(text), pd.Series(reason), list(range(60)), seed=0)
    shown = " ".join(word for words in model.words.values() for word in words)
    assert "dear" in shown
    assert not any(part in shown for part in ("wilhelmina", "0170", "example", "@"))
