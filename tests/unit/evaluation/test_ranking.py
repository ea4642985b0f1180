import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from holdfast.evaluation.ranking import (
    auroc,
    average_precision,
    hits_at,
    lift_curve,
    precision_at,
    recall_at,
    roc_curve,
    top_decile_lift,
)


@pytest.mark.parametrize("digits", [1, 2, 12])
def test_auroc_and_average_precision_equal_scikit_learn_with_and_without_ties(digits):
    rng = np.random.default_rng(digits)
    for _ in range(20):
        p = rng.random(60).round(digits)
        y = (rng.random(60) < 0.3).astype(int)
        y[:2] = 0, 1
        assert auroc(y, p) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
        assert average_precision(y, p) == pytest.approx(average_precision_score(y, p), abs=1e-12)


def test_auroc_by_hand():
    # pairs: (.9 > .2), (.9 > .6), (.6 > .2), (.6 = .6 counts half): 3.5 of 4
    assert auroc([1, 1, 0, 0], [0.9, 0.6, 0.6, 0.2]) == 0.875


def test_average_precision_with_a_tie_by_hand():
    # level .9: precision 1, recall 1/2; level .5 (a leaver, two stayers): precision 2/4, recall 1/2 more
    assert average_precision([1, 1, 0, 0], [0.9, 0.5, 0.5, 0.5]) == pytest.approx(0.5 * 1 + 0.5 * 0.5)


@pytest.mark.parametrize("y", [[0, 0, 0], [1, 1, 1]])
def test_one_class_has_no_auroc(y):
    assert np.isnan(auroc(y, [0.1, 0.2, 0.3]))


def test_nobody_left_has_no_precision_curve_and_no_lift():
    assert np.isnan(average_precision([0, 0], [0.1, 0.2]))
    assert np.isnan(top_decile_lift([0, 0], [0.1, 0.2], ["a", "b"]))
    assert np.isnan(recall_at([0, 0], [0.1, 0.2], ["a", "b"], 1))


def test_ties_at_the_edge_are_broken_by_customer_id_not_by_position():
    y, p = [0, 1, 0, 1], [0.5, 0.5, 0.5, 0.9]
    assert hits_at(y, p, ["b", "c", "a", "z"], 2) == 1  # z, then a
    assert hits_at(y, p, ["b", "a", "c", "z"], 2) == 2  # z, then a, who left


def test_lift_of_the_top_tenth_by_hand():
    # 20 customers, 4 leavers (rate .2); top 2 hold one leaver: .5 / .2
    y = [1, 0, 1, 1, 1] + 15 * [0]
    p = np.linspace(1, 0, 20)
    assert top_decile_lift(y, p, np.arange(20)) == pytest.approx(2.5)


def test_lift_of_a_constant_score_is_one_on_average():
    rng = np.random.default_rng(5)
    lifts = []
    for _ in range(300):
        y = (rng.random(200) < 0.3).astype(int)
        lifts.append(top_decile_lift(y, np.full(200, 0.3), rng.permutation(200)))
    # one lift has a standard deviation of about sqrt(.7 / .3 / 20) = .34; the mean of 300 of .02
    assert np.mean(lifts) == pytest.approx(1.0, abs=0.06)


def test_precision_and_recall_of_a_list_by_hand():
    y, p, ids = [1, 0, 1, 0, 1], [0.9, 0.8, 0.7, 0.2, 0.1], list("abcde")
    assert precision_at(y, p, ids, 3) == pytest.approx(2 / 3)
    assert recall_at(y, p, ids, 3) == pytest.approx(2 / 3)
    assert precision_at(y, p, ids, 99) == pytest.approx(3 / 5)
    assert recall_at(y, p, ids, 99) == 1.0


def test_curves_start_and_end_where_they_should():
    rng = np.random.default_rng(0)
    y, p = (rng.random(1000) < 0.4).astype(int), rng.random(1000).round(2)
    false, true = roc_curve(y, p, points=2000)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2) == pytest.approx(auroc(y, p), abs=1e-12)
    share, lift = lift_curve(y, p, np.arange(1000))
    assert share[-1] == 1
    assert lift[-1] == pytest.approx(1)
