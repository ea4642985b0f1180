import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.drivers.attribution import GENERAL, Attribution, attribute, by_exit_class, by_family
from holdfast.drivers.words import indicated_class, reasons, sentences, strongest
from holdfast.errors import ModelError
from holdfast.features.feature import Feature
from holdfast.schema import EXIT_CLASSES

from .worlds import FEATURES, fitted, frame

PLAIN = [
    Feature("a_short", "orders", "frequency", "90d", None, "a short {a_short:.0f}"),
    Feature("a_long", "orders", "frequency", "365d", None, "a long {a_long:.0f}"),
    Feature("b", "days", "recency", "all", None, "b {b:.0f}"),
    Feature("c", "money", "money", "all", "price", "c {c:.0f}"),
    Feature("d", "days", "rhythm", "all", None, "d {d:.0f}"),
]


def explained(values):
    values = np.asarray(values, dtype="float32")
    return Attribution(
        values, 0.0, values.sum(axis=1), by_family(values, PLAIN), by_exit_class(values, PLAIN),
        tuple(feature.name for feature in PLAIN),
    )  # fmt: skip


def cells(n=1):
    return pd.DataFrame({feature.name: np.arange(n) + 10.0 * k for k, feature in enumerate(PLAIN)})


def test_a_family_speaks_once_through_its_strongest_feature():
    # frequency: .3 + .4 = .7, above recency .5, although no feature of it is as strong as recency's
    table = reasons(explained([[0.3, 0.4, 0.5, -1.0, 0.0]]), cells(), PLAIN)
    assert table.iloc[0].tolist() == ["a long 10", "b 20", ""]


def test_a_family_that_pulls_toward_staying_as_a_whole_gives_no_reason():
    # frequency: .5 - .6 = -.1
    table = reasons(explained([[0.5, -0.6, 0.1, 0.0, 0.0]]), cells(), PLAIN)
    assert table.iloc[0].tolist() == ["b 20", "", ""]


def test_ties_go_by_the_order_of_the_families():
    chosen = strongest(explained([[0.0, 0.0, 0.2, 0.2, 0.2]]), PLAIN)
    assert chosen.tolist() == [[2, 3, 4]]  # recency, money, rhythm as in FAMILIES


def test_more_reasons_than_families_are_empty():
    table = reasons(explained([[1, 1, 1, 1, 1]]), cells(), PLAIN, top=6)
    assert table.iloc[0].tolist()[4:] == ["", ""]


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.lists(st.floats(-2, 2, width=32), min_size=5, max_size=5), min_size=1, max_size=6),
    holes=st.lists(st.sampled_from([0.0, -0.2, np.nan, np.inf, 7.0]), min_size=5, max_size=5),
)
def test_no_reason_ever_says_nan_and_empty_ones_come_last(values, holes):
    table = pd.DataFrame([holes] * len(values), columns=[feature.name for feature in PLAIN])
    written = reasons(explained(values), table, PLAIN)
    families = by_family(np.asarray(values, dtype="float32"), PLAIN)
    for row, positive in zip(written.itertuples(index=False), (families > 0).sum(axis=1), strict=True):
        said = [text for text in row if text]
        assert len(said) == min(positive, 3)
        assert list(row)[len(said) :] == [""] * (3 - len(said))
        assert not any(bad in f" {text} " for text in said for bad in ("nan", "inf", " -0 "))


def test_rows_do_not_depend_on_each_other_and_keep_their_index():
    table = frame()
    whole = reasons(attribute(fitted(), table, FEATURES), table, FEATURES)
    part = table.iloc[37:39]
    alone = reasons(attribute(fitted(), part, FEATURES), part, FEATURES)
    pd.testing.assert_frame_equal(whole.iloc[37:39], alone)
    assert list(whole.columns) == ["reason_1", "reason_2", "reason_3"]


def test_reason_is_in_the_customers_own_values():
    table = frame()
    text = reasons(attribute(fitted(), table, FEATURES), table, FEATURES)
    complaining = text["reason_1"].str.contains("open complaints")
    assert complaining.sum() > 50
    said = text.loc[complaining, "reason_1"].str.extract(r"^(\d+) open")[0].astype(float)
    assert (said == table.loc[complaining, "complaints_open"]).all()
    assert (said >= 1).mean() > 0.95  # having a complaint open, not lacking one, pushes toward leaving


def write(words, row, name="x", **settings):
    feature = Feature(name, "days", "recency", "all", None, words, **settings)
    return sentences(feature, pd.DataFrame([row]))[0]


@pytest.mark.parametrize(
    ("words", "row", "text"),
    [
        ("x is {x:.0f}", {"x": 3.4}, "x is 3"),
        ("x is {x:.0f}", {"x": -0.3}, "x is 0"),
        ("{x:.0%} of y {y:.1f}", {"x": 0.251, "y": 2}, "25% of y 2.0"),
        ("x {x:.0f}; usual {y:.0f}", {"x": 3.0, "y": np.nan}, "x 3"),
        ("x {x:.0f}; usual {y:.0f}", {"x": 3.0, "y": np.inf}, "x 3"),
        ("usual {y:.0f}; x {x:.0f}", {"x": 3.0, "y": None}, "x 3"),
        ("x {x:.0f}; usual {y:.0f}", {"x": np.nan, "y": 2.0}, "x: not known"),
        ("{y:.0f} is what it hangs on", {"x": 12345.678, "y": np.nan}, "x: 1.235e+04"),
        ("changed by {x:+.1f}", {"x": -0.04}, "changed by +0.0"),
        ("nothing to fill in", {"x": np.nan}, "nothing to fill in"),
        ("{{x}} {x:,.0f}", {"x": 1234.0}, "{x} 1,234"),
        ("from {x}", {"x": "Côte d'Or"}, "from Côte d'Or"),
        ("from {x}", {"x": None}, "x: not known"),
    ],
)
def test_sentences_by_hand(words, row, text):
    assert write(words, row) == text


def test_column_names_with_spaces_and_dots_are_just_names():
    name = "Monthly Charge.v2"
    assert write("pays {Monthly Charge.v2:.0f}", {name: 70.2}, name=name) == "pays 70"


def test_unknown_level_of_a_category_is_said_so():
    feature = FEATURES[-1]
    rows = pd.DataFrame({"region": pd.Categorical(["West", None])})
    assert sentences(feature, rows) == ["lives in West", "region: not known"]


def test_words_that_name_an_absent_column_are_refused():
    with pytest.raises(ModelError, match="'gone'"):
        write("x {gone:.0f}", {"x": 1.0})


def test_words_that_are_no_format_string_are_refused():
    with pytest.raises(ModelError, match="not a format string"):
        write("x {x", {"x": 1.0})


def test_words_that_do_not_fit_the_value_are_refused():
    with pytest.raises(ModelError, match="feature 'x'"):
        write("x {x:.0f}", {"x": "text"})


def test_rows_of_another_frame_are_refused():
    with pytest.raises(ModelError, match="2 rows"):
        reasons(explained([[1, 1, 1, 1, 1]]), cells(2), PLAIN)


def sums(**push):
    return pd.DataFrame([{name: push.get(name, 0.0) for name in (*EXIT_CLASSES, GENERAL)}])


@pytest.mark.parametrize(
    ("push", "name", "strength"),
    [
        ({"price": 0.5, "service": 0.3, GENERAL: 0.2}, "price", 0.5),  # .5 / 1.0
        ({"price": 0.1, "service": 0.1, GENERAL: 0.8}, "unknown", 0.1),  # a tenth is thin
        ({"price": 0.05}, "unknown", 1.0),  # the only push, but hardly any
        ({"price": -1.0, "service": -0.5}, "unknown", 0.0),
        ({"service": 0.4, "price": -5.0, GENERAL: 0.4}, "service", 0.5),  # what pulls back is not weighed in
        ({}, "unknown", 0.0),
    ],
)
def test_indicated_class_by_hand(push, name, strength):
    found, share = indicated_class(sums(**push))
    assert found.tolist() == [name]
    assert share.iloc[0] == pytest.approx(strength)


def test_technology_is_never_indicated_from_purchases_alone():
    features = [
        Feature("x", "count", "money", "all", "technology", "", table="purchases"),
        Feature("y", "count", "money", "all", "price", "", table="purchases"),
    ]
    found, _ = indicated_class(by_exit_class(np.array([[3.0, 0.9], [3.0, 0.1]]), features))
    assert found.tolist() == ["price", "unknown"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=7, max_size=7), st.floats(0, 1))
def test_a_named_class_always_carries_its_share(push, least):
    table = pd.DataFrame([push], columns=[*EXIT_CLASSES, GENERAL])
    found, share = indicated_class(table, min_share=least)
    assert 0 <= share.iloc[0] <= 1
    if found.iloc[0] != "unknown":
        assert share.iloc[0] >= least
        assert table.loc[0, found.iloc[0]] == table.loc[0, list(EXIT_CLASSES)].max()
