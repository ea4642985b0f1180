import numpy as np
import pandas as pd
import pytest

from holdfast.drivers.recovery import cause_recovery
from holdfast.errors import DataError
from holdfast.schema import EXIT_CLASSES


def world(n, push, seed=0):
    random = np.random.default_rng(seed)
    causes = pd.Series(random.choice([*EXIT_CLASSES, "died", None], n))
    table = pd.DataFrame(random.normal(size=(n, 6)), columns=list(EXIT_CLASSES)).assign(general=5.0)
    for name in EXIT_CLASSES:
        table.loc[causes == name, name] += push
    return table, causes


def test_planted_causes_are_found_and_the_shuffled_ones_are_not():
    found = cause_recovery(*world(3000, push=10.0), seed=1, top=1)
    assert found["hit_rate"] > 0.99
    # shuffled, a cause is the top one of six for one customer in six
    assert found["control_rate"] == pytest.approx(1 / 6, abs=0.02)
    assert found["hit_rate"] > found["control_high"] > found["control_rate"]


def test_without_a_planted_effect_the_rate_is_that_of_the_control():
    found = cause_recovery(*world(3000, push=0.0), seed=1)
    assert found["hit_rate"] == pytest.approx(found["control_rate"], abs=0.03)


def test_by_hand():
    table = pd.DataFrame(
        [[3.0, 2, 1, 0.5, 0, 0], [3.0, 2, 1, 0.5, 0, 0], [-1.0, 0, 0, 0, 0, 0], [9.0, 0, 0, 0, 0, 0]],
        columns=list(EXIT_CLASSES),
    )
    causes = pd.Series(["service", "market", "price", "died"])
    found = cause_recovery(table, causes, seed=0)
    # service is third of customer 0: hit; market fourth of customer 1: no; price pulls back for customer 2: no
    assert found["hit_rate"] == pytest.approx(1 / 3)
    assert found["n"] == 3
    assert found["by_class"]["service"] == {"n": 1, "hit_rate": 1.0, "control_rate": pytest.approx(2 / 3)}
    assert set(found["by_class"]) == {"price", "service", "market"}


def test_same_seed_same_figures_and_the_input_stays_as_it_was():
    table, causes = world(200, push=1.0)
    before = table.copy()
    assert cause_recovery(table, causes, seed=5) == cause_recovery(table, causes, seed=5)
    pd.testing.assert_frame_equal(table, before)


def test_nobody_hit_is_not_measured():
    table, _ = world(10, push=0.0)
    found = cause_recovery(table, pd.Series([None] * 10), seed=0)
    assert found["n"] == 0
    assert np.isnan(found["hit_rate"])


def test_other_rows_are_refused():
    table, causes = world(10, push=0.0)
    with pytest.raises(DataError, match="different rows"):
        cause_recovery(table, causes.iloc[::-1], seed=0)
