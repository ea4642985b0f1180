"""When a class is claimed, agreement of two columns, and what a group of leavers costs (A3, A5)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from holdfast.errors import DataError
from holdfast.exits.agreement import cohen_kappa, confusion
from holdfast.exits.claim import claim
from holdfast.exits.ledger import group_profit
from holdfast.schema import EXIT_CLASSES

named = st.sampled_from([*EXIT_CLASSES, None])


def test_a3_thin_evidence_is_unknown_and_not_the_majority() -> None:
    """A3: where the evidence says no more than the shares do, the answer is unknown, however common a class is."""
    prior = np.array([0.8, 0.15, 0.05])
    said = claim(np.tile(prior, (3, 1)), prior, ["price", "service", "market"])
    assert said["reason"].tolist() == ["unknown"] * 3


@given(st.lists(st.floats(0.02, 1), min_size=3, max_size=3), st.lists(st.floats(0.02, 1), min_size=3, max_size=3))
def test_a3_a_claim_is_likely_and_the_evidence_at_least_doubles_its_odds(p: list[float], shares: list[float]) -> None:
    """A3: whatever is claimed has a probability of one half or more and twice the odds of its share."""
    probability, prior = np.array([p]) / sum(p), np.array(shares) / sum(shares)
    found = claim(probability, prior, ["price", "service", "market"]).iloc[0]
    best = int(probability[0].argmax())
    odds = [q / (1 - q) if q < 1 else np.inf for q in (probability[0, best], prior[best])]
    claimed = probability[0, best] >= 0.5 and odds[0] >= 2 * odds[1] * (1 - 1e-9)
    if found["reason"] == "unknown":
        assert not claimed or odds[0] < 2 * odds[1] * (1 + 1e-9)
    else:
        assert found["reason"] == ["price", "service", "market"][best]
        assert claimed
    assert found["prob"] == pytest.approx(probability[0].max())


def test_a3_without_direct_evidence_a_class_is_never_claimed() -> None:
    """A3: technology and political are not claimed where nothing recorded speaks for them."""
    p, prior = np.array([[0.05, 0.95], [0.05, 0.95]]), np.array([0.5, 0.5])
    allowed = np.array([[True, False], [True, True]])
    assert claim(p, prior, ["price", "technology"], allowed)["reason"].tolist() == ["unknown", "technology"]


@given(st.floats(0, 1))
def test_a3_claims_grow_fewer_as_evidence_is_taken_away(kept: float) -> None:
    """A3: moving probabilities toward the shares never adds a claim."""
    rng = np.random.default_rng(0)
    prior = np.array([0.5, 0.3, 0.2])
    full = rng.dirichlet([0.5, 0.5, 0.5], 200)
    less = prior + kept * (full - prior)
    names = ["price", "service", "market"]
    claimed = [(claim(p, prior, names)["reason"] != "unknown").to_numpy() for p in (full, less)]
    assert not (claimed[1] & ~claimed[0]).any()


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DataError, match="classes 3"):
        claim(np.ones((2, 2)) / 2, np.array([0.5, 0.5]), ["price", "service", "market"])
    assert claim(np.zeros((0, 2)), np.array([0.5, 0.5]), ["price", "service"]).empty


@given(st.lists(st.tuples(named, named), min_size=1, max_size=40))
def test_a3_agreement_is_that_of_the_reference(pairs: list[tuple[str | None, str | None]]) -> None:
    """A3: counts and kappa are those of scikit-learn, on the rows in which both name a class."""
    first, second = (pd.Series(column, dtype=object) for column in zip(*pairs, strict=True))
    both = [(a, b) for a, b in pairs if a and b]
    counts = confusion(first, second)
    assert counts["n"].sum() == len(pairs)
    found = cohen_kappa(first, second)
    assert found["n"] == len(both)
    if both:
        left, right = (list(column) for column in zip(*both, strict=True))
        known = counts[(counts["first"] != "unknown") & (counts["second"] != "unknown")]["n"].to_numpy().reshape(6, 6)
        assert (known == confusion_matrix(left, right, labels=list(EXIT_CLASSES))).all()
        if len({*left, *right}) > 1:
            assert found["kappa"] == pytest.approx(cohen_kappa_score(left, right))
            assert found["low"] <= found["kappa"] <= found["high"]


@given(st.lists(st.integers(0, 5), min_size=6, max_size=6), st.sets(st.sampled_from("abcdef")), st.data())
def test_a5_a_group_is_the_union_of_its_members_and_whom_they_brought(
    money: list[int], members: set[str], data: st.DataObject
) -> None:
    """A5: group = members − overlap, which is the own profit of everybody concerned, each once."""
    own = pd.Series(money, index=list("abcdef"), dtype=float)
    brought = data.draw(st.dictionaries(st.sampled_from("bcdef"), st.sampled_from("abcdef"), max_size=5))
    referrer = pd.Series({who: by for who, by in brought.items() if who != by}, dtype=object)
    found = group_profit(own, referrer, pd.Index(sorted(members)))
    union = set(members) | {who for who, by in referrer.items() if by in members}
    assert found.group == pytest.approx(own[sorted(union)].sum())
    assert found.group == found.members - found.overlap
