import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.reporting import words

NUMBERS = st.floats(-1e9, 1e9)


@pytest.mark.parametrize("write", [words.count, words.money, words.rough_money, words.percent, words.figure])
@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_not_measured_is_said(write, value):
    assert write(value) == "not measured"


@given(NUMBERS)
def test_minus_signs_are_real_ones(value):
    for write in (words.count, words.money, words.rough_money, words.percent, words.figure):
        assert "-" not in write(value)


@given(st.floats(1000, 1e9))
def test_rough_money_is_within_half_a_percent(value):
    shown = float(words.rough_money(value, "GBP").removeprefix("£").replace(",", ""))
    assert abs(shown - value) <= 0.00501 * value


@given(st.floats(0, 1))
def test_in_ten_never_promises_certainty(share):
    assert words.in_ten(share) not in ("about 0 in 10", "about 10 in 10")


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (0, "GBP", "£0"),
        (99.994, "GBP", "£99.99"),
        (100, "EUR", "€100"),
        (-1234.4, "USD", "−$1,234"),
        (5, "CHF", "CHF 5.00"),
    ],
)
def test_money(value, currency, text):
    assert words.money(value, currency) == text


def test_every_family_of_features_has_words():
    from holdfast.features.feature import FAMILIES

    assert set(FAMILIES) == set(words.FAMILY_WORDS)


def test_every_exit_class_and_baseline_has_words():
    from holdfast.learners.baselines import NEEDS
    from holdfast.schema import EXIT_CLASSES

    assert set(EXIT_CLASSES) <= set(words.CLASS_WORDS)
    assert set(NEEDS) <= set(words.BASELINE_WORDS)
