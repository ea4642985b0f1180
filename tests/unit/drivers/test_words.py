import re
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.drivers import words
from holdfast.drivers.attribution import GENERAL, Attribution, attribute, by_exit_class, by_family
from holdfast.drivers.words import indicated_class, sentences
from holdfast.errors import ModelError
from holdfast.features.attributes import attribute_block
from holdfast.features.block import Available
from holdfast.features.feature import Case, Feature
from holdfast.features.population import FITTED_FEATURES
from holdfast.features.products import category_block, product_block
from holdfast.features.purchases import median_block, returns_block, state_block, window_block
from holdfast.features.rhythm import rhythm_block
from holdfast.features.tables import optional_blocks
from holdfast.schema import EXIT_CLASSES, TABLES

from .worlds import FEATURES, fitted, frame

reasons = partial(words.reasons, fill=False)
"""What pushes toward leaving, alone."""

PLAIN = [
    Feature("a_short", "orders", "frequency", "90d", None, "a short {a_short:.0f}"),
    Feature("a_long", "orders", "frequency", "365d", None, "a long {a_long:.0f}"),
    Feature("b", "days", "recency", "all", None, "b {b:.0f}"),
    Feature("c", "money", "money", "all", "price", "c {c:.0f}"),
    Feature("d", "days", "rhythm", "all", None, "d {d:.0f}"),
]


def explained(values, features=PLAIN):
    values = np.asarray(values, dtype="float32")
    return Attribution(
        values, 0.0, values.sum(axis=1), by_family(values, features), by_exit_class(values, features),
        tuple(feature.name for feature in features),
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


def test_customers_with_no_reason_at_all():
    table = reasons(explained([[0, -1, 0, 0, 0]] * 2), cells(2), PLAIN)
    assert table.to_numpy().tolist() == [["", "", ""]] * 2
    assert reasons(explained(np.zeros((0, 5))), cells(0), PLAIN).shape == (0, 3)


def test_places_without_a_driver_say_what_speaks_against_it():
    # recency .5 pushes; frequency -.6 and rhythm -.2 hold back, the stronger first; nothing is said twice
    table = words.reasons(explained([[0.0, -0.6, 0.5, 0.0, -0.2]]), cells(), PLAIN)
    pushed = reasons(explained([[0.0, 0.6, 0.0, 0.0, 0.2]]), cells(), PLAIN).iloc[0].tolist()
    against = [f"speaks against it: {text}" for text in pushed if text]
    assert table.iloc[0].tolist() == ["b 20", *against]
    nothing = words.reasons(explained(np.zeros((1, 5))), cells(), PLAIN)
    assert nothing.iloc[0].tolist() == ["nothing else stands out"] * 3


def test_ties_go_by_the_order_of_the_families():
    table = reasons(explained([[0.0, 0.0, 0.2, 0.2, 0.2]]), cells(), PLAIN)
    assert table.iloc[0].tolist() == ["b 20", "c 30", "d 40"]  # recency, money, rhythm as in FAMILIES


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
    known = np.isfinite(table.iloc[0].to_numpy())
    speaks = by_family((np.asarray(values, dtype="float32") > 0) & known, PLAIN) > 0
    for row, positive in zip(written.itertuples(index=False), ((families > 0) & speaks).sum(axis=1), strict=True):
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
        ("usual {y:.0f}; x {x:.0f}", {"x": 3.0, "y": None}, ""),  # what the sentence begins with is not known
        ("x {x:.0f}; usual {y:.0f}; z", {"x": 3.0, "y": None}, "x 3; z"),
        ("x {x:.0f}; usual {y:.0f}", {"x": np.nan, "y": 2.0}, ""),
        ("", {"x": 3.0}, ""),
        ("changed by {x:+.1f}", {"x": -0.04}, "changed by +0.0"),
        ("nothing to fill in", {"x": np.nan}, "nothing to fill in"),
        ("{{x}} {x:,.0f}", {"x": 1234.0}, "{x} 1,234"),
        ("from {x}", {"x": "Côte d'Or"}, "from Côte d'Or"),
        ("from {x}", {"x": None}, ""),
        ("100% {x:.0f}", {"x": 5.0}, "100% 5"),
        ("{x:no order|one order|# orders} so far", {"x": 0.0}, "no order so far"),
        ("{x:no order|one order|# orders} so far", {"x": 1.0}, "one order so far"),
        ("{x:no order|one order|# orders} so far", {"x": 2500.0}, "2,500 orders so far"),
        ("{x:# day|# days} ago", {"x": 0.0}, "0 days ago"),
        ("{x:# day|# days} ago", {"x": 1.4}, "1 day ago"),
        ("spent {x:money}", {"x": 9.5}, "spent 9.50"),
        ("spent {x:money}", {"x": 9.996}, "spent 10"),
        ("spent {x:money}", {"x": 1234.5}, "spent 1,234"),
        ("spent {x:money}", {"x": 0.0}, "spent 0"),
        ("{x:about} lines", {"x": 2.04}, "2 lines"),
        ("{x:about} lines", {"x": 2.06}, "2.1 lines"),
        ("{x:about} lines", {"x": 9.96}, "10 lines"),
        ("at {x:clock}", {"x": 23.7}, "at 0:00"),
        ("on a {x:weekday}", {"x": 6.0}, "on a Sunday"),
    ],
)
def test_sentences_by_hand(words, row, text):
    assert write(words, row) == text


def test_column_names_with_spaces_and_dots_are_just_names():
    name = "Monthly Charge.v2"
    assert write("pays {Monthly Charge.v2:.0f}", {name: 70.2}, name=name) == "pays 70"


def test_a_category_is_said_as_it_is():
    rows = pd.DataFrame({"region": pd.Categorical(["West", None])})
    assert sentences(FEATURES[-1], rows) == ["lives in West", ""]
    told = replace(FEATURES[-1], cases=(Case("region not given", "region"),))
    assert sentences(told, rows) == ["lives in West", "region not given"]


def test_the_first_case_that_holds_takes_the_place_of_the_words():
    feature = Feature("x", "days", "recency", "all", None, "x {x:.0f}", cases=(
        Case("no x", "x"), Case("", "y", least=5), Case("below 2", "x", below=2), Case("x as y", "x", same_as="y"),
        Case("{x:.0f} from 2 to 4", "x", least=2, below=4),
    ))  # fmt: skip
    rows = pd.DataFrame({"x": [np.nan, 1.0, 1.0, 2.0, 2.0, 4.0], "y": [9.0, 6.0, np.nan, 2.0, np.nan, 4.5]})
    assert sentences(feature, rows) == ["no x", "", "below 2", "x as y", "2 from 2 to 4", "x 4"]


def test_a_feature_with_nothing_to_say_leaves_the_word_to_its_family_then_to_the_next():
    values = [[0.3, 0.4, 0.2, 0.1, 0.0]]
    silent = [replace(feature, words="") if feature.name == "a_long" else feature for feature in PLAIN]
    assert reasons(explained(values, silent), cells(), silent).iloc[0].tolist() == ["a short 0", "b 20", "c 30"]
    silent = [replace(feature, words="") if feature.family == "frequency" else feature for feature in PLAIN]
    assert reasons(explained(values, silent), cells(), silent).iloc[0].tolist() == ["b 20", "c 30", ""]


def test_one_thing_is_told_once_and_by_the_stronger_family():
    telling = {"a_long": ("count",), "b": ("last", "count"), "d": ("last",)}
    features = [replace(feature, about=telling.get(feature.name, ())) for feature in PLAIN]
    # frequency .7 says "a long", so recency .5 is not heard; rhythm .2 is, as nobody told of the last order
    table = reasons(explained([[0.3, 0.4, 0.5, 0.0, 0.2]], features), cells(), features)
    assert table.iloc[0].tolist() == ["a long 10", "d 40", ""]
    # recency first: frequency still has its other feature, rhythm has nothing left
    table = reasons(explained([[0.3, 0.4, 0.8, 0.0, 0.2]], features), cells(), features)
    assert table.iloc[0].tolist() == ["b 20", "a short 0", ""]


def test_weak_sentences_come_last_and_only_with_some_push():
    features = [replace(feature, weak=feature.name in {"b", "c"}) for feature in PLAIN]
    table = reasons(explained([[0.0, 0.2, 0.5, 0.3, 0.1]], features), cells(), features)
    assert table.iloc[0].tolist() == ["a long 10", "d 40", "b 20"]
    table = reasons(explained([[0.0, 0.0, 0.2, 0.09, 0.0]], features), cells(), features)
    assert table.iloc[0].tolist() == ["b 20", "", ""]


def test_blocks_of_rows_do_not_matter(monkeypatch):
    table = frame(60)
    whole = reasons(attribute(fitted(), table, FEATURES), table, FEATURES)
    monkeypatch.setattr("holdfast.drivers.words.BLOCK_ROWS", 7)
    pd.testing.assert_frame_equal(whole, reasons(attribute(fitted(), table, FEATURES), table, FEATURES))


def test_words_that_name_an_absent_column_are_refused():
    with pytest.raises(ModelError, match="'gone'"):
        write("x {gone:.0f}", {"x": 1.0})


def test_words_that_are_no_format_string_are_refused():
    for text in ("x {x", "x {x!r}", "x {x:a|b|c|d}"):
        with pytest.raises(ModelError, match="not a format string"):
            write(text, {"x": 1.0})


def test_nothing_is_looked_up_on_a_value():
    with pytest.raises(ModelError, match="__class__"):
        write("x {x.__class__}", {"x": 1.0})


def test_a_case_that_compares_text_is_refused():
    with pytest.raises(ModelError, match="no number"):
        write("x {x}", {"x": "text"}, cases=(Case("few", "x", below=2),))


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


def every_feature():
    """The features of every table with all its columns."""
    columns = {table: tuple(column.name for column in shape.columns) for table, shape in TABLES.items()}
    have = Available(columns, {"Contract {type}; now": "category", "Monthly Charge": "number"}, 60)
    blocks = [
        state_block(have), window_block(have), rhythm_block(have), median_block(have), returns_block(have),
        product_block(have), category_block(have), *optional_blocks(have), attribute_block(have),
    ]  # fmt: skip
    return [feature for block in blocks if block for feature in block.features] + list(FITTED_FEATURES)


COUNTS = (0.0, 1.0, 2.0, 17.0, 2500.0)
POOLS = {
    "money": (0.0, 0.4, 9.5, 1234.56), "share": (0.0, 0.04, 0.5, 1.0), "probability": (0.001, 0.3, 0.97),
    "ratio": (0.2, 1.0, 3.2), "log ratio": (-0.7, 0.0, 0.7), "hour": (0.2, 15.0, 23.8), "hours": (0.0, 1.0, 2.6),
    "weekday": (0.0, 3.4, 6.0), "day": (1.0, 30.0), "purchases": (0.02, 1.0, 4.26),
    "points": (-2.0, 0.0, 1.0, 7.25), "as given": (0.0, 70.35, -1.0),
}  # fmt: skip
AGES = (1.0, 2.0, 40.0, 730.0)
PER_ORDER = (1.0, 1.4, 2.0, 25.4)


@lru_cache(maxsize=1)
def customers(n=300, seed=5):
    """Values of all features, each likely for its unit, with zeros, ones and holes; they need not fit together."""
    random = np.random.default_rng(seed)
    columns = {}
    for feature in every_feature():
        if feature.categorical:
            columns[feature.name] = pd.Categorical(random.choice(["West", "a|b; {c}", None], n))
            continue
        counted = feature.family in {"frequency", "returns", "season"}
        pool = POOLS.get(feature.unit, AGES if feature.unit == "days" and not counted else COUNTS)
        pool = PER_ORDER if feature.family == "basket" and feature.unit in {"lines", "units", "products"} else pool
        columns[feature.name] = random.choice([*pool, *pool, np.nan], n).astype("float32")
    return pd.DataFrame(columns)


NOUN = "(day|order|time|purchase|product|line|unit|complaint|contact|month|campaign)"
WRONG = (
    r"\bnan\b", r"\binf\b", "not known", rf"(?<![\d.,])1 {NOUN}s\b", rf"(?<![\d.,])0 {NOUN}s?\b", r"\{(?!type|c)", "#",
    r"-0\b", "  ", "_", "^ | $",
)  # fmt: skip


@pytest.mark.parametrize("feature", every_feature(), ids=lambda feature: feature.name)
def test_every_feature_of_every_table_speaks_plainly(feature):
    rows = customers()
    if not feature.words:
        assert set(sentences(feature, rows)) <= {"", *(case.words for case in feature.cases)}
        return
    said = [text for text in sentences(feature, rows) if text]
    assert said
    for text in said:
        for pattern in WRONG:
            assert not re.search(pattern, text), (pattern, text)
        assert len(text) <= 120


def test_a_customer_hears_of_the_last_order_and_of_the_purchases_so_far_once():
    features = every_feature()
    rows = customers()
    random = np.random.default_rng(6)
    table = reasons(explained(random.normal(0.05, 0.2, (len(rows), len(features))), features), rows, features)
    for row in table.itertuples(index=False):
        said = list(row)
        assert sum("last order" in text or "bought on one day only" in text for text in said) <= 1
        assert sum("so far, the first" in text or "bought on one day only" in text for text in said) <= 1
        assert len({text for text in said if text}) == sum(bool(text) for text in said)


def test_a_real_looking_customer_reads_well():
    features = {feature.name: feature for feature in every_feature()}
    one = dict.fromkeys(features, 0.0) | {"customer_region": "West"}
    loyal = one | {
        "purchase_days_all": 9.0, "days_since_last_order": 74.0, "gap_median_days": 21.0, "tenure_days": 300.0,
        "silence_over_gap_median": 3.5, "silence_over_gap_mean": 3.4, "gap_mean_days": 21.6, "purchase_days_90d": 1.0,
        "purchase_days_365d": 9.0, "purchase_days_90d_over_prior_275d": -0.7, "spend_90d": 80.0, "spend_365d": 900.0,
    }  # fmt: skip
    once = one | {"purchase_days_all": 1.0, "days_since_last_order": 74.0, "tenure_days": 74.0, "spend_all": 52.5,
                  "gap_median_days": np.nan}  # fmt: skip
    rows = pd.DataFrame([loyal, once])
    expected = {
        "days_since_last_order": ["last order 74 days ago; usual gap 21 days", "bought on one day only, 74 days ago"],
        "silence_over_gap_mean": ["last order 74 days ago; average gap 22 days", "bought on one day only, 74 days ago"],
        "purchase_days_90d_over_prior_275d": [
            "buys less often than before: on one day in the last 90 days, on 9 in the last 365",
            "bought on one day only, 74 days ago",
        ],
        "spend_90d": ["spent 80 in the last 90 days; 900 in the last 365", "spent 52 on the only purchase day"],
        "open_complaints": ["no complaint open"] * 2,
        "gap_median_days": ["usually orders every 21 days", "bought on one day only, 74 days ago"],
        "customer_region": ["region: West"] * 2,
    }
    assert {name: sentences(features[name], rows) for name in expected} == expected
