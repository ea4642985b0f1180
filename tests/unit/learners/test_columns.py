import numpy as np
import pandas as pd
import pytest

from holdfast.learners.columns import Columns, FeatureMismatch


def test_codes_follow_sorted_levels_whatever_the_order_of_rows_or_declared_categories():
    frame = pd.DataFrame({"plan": pd.Categorical(["gold", "basic", None], categories=["gold", "unused", "basic"])})
    columns = Columns.of(frame)
    assert columns.levels == {0: ("basic", "gold")}
    expected = np.array([[1.0], [0.0], [np.nan]])
    np.testing.assert_array_equal(columns.matrix(frame), expected)
    np.testing.assert_array_equal(columns.matrix(frame.astype("object")), expected)
    assert Columns.of(frame.iloc[::-1]).levels == columns.levels


def test_an_unseen_level_is_counted_and_missing_for_the_trees():
    columns = Columns.of(pd.DataFrame({"plan": ["a", "b"], "x": [1.0, 2.0]}))
    matrix = columns.matrix(pd.DataFrame({"plan": ["a", "z", None], "x": [1.0, 2.0, 3.0]}))
    assert matrix[:, 0].tolist()[:2] == [0.0, 2.0]
    assert columns.unseen(matrix) == {"plan": 1}
    assert np.isnan(columns.known(matrix)[:, 0]).tolist() == [False, True, True]
    assert columns.unseen(columns.matrix(pd.DataFrame({"plan": ["a"], "x": [0.0]}))) == {}


def test_numbers_of_every_kind_become_float64():
    frame = pd.DataFrame(
        {
            "f": np.array([1.5, np.nan], dtype=np.float32),
            "i": pd.array([1, None], dtype="Int64"),
            "b": [True, False],
            "o": pd.Series([1, None], dtype=object),
            "empty": pd.Series([None, None], dtype=object),
        }
    )
    expected = np.array([[1.5, 1, 1, 1, np.nan], [np.nan, np.nan, 0, np.nan, np.nan]])
    np.testing.assert_array_equal(Columns.of(frame).matrix(frame), expected)


@pytest.mark.parametrize("bad", [pd.to_datetime(["2024-01-01"]), pd.Series([[1, 2]])], ids=["date", "list"])
def test_a_column_that_is_neither_number_nor_category_is_refused_by_name(bad):
    frame = pd.DataFrame({"when": bad})
    with pytest.raises(FeatureMismatch, match="when"):
        Columns.of(frame).matrix(frame)


def test_text_where_training_had_numbers_is_refused_by_name():
    columns = Columns.of(pd.DataFrame({"spend": [1.0, 2.0]}))
    with pytest.raises(FeatureMismatch, match="spend"):
        columns.matrix(pd.DataFrame({"spend": ["much", "little"]}))


def test_an_infinite_number_is_refused_by_name():
    frame = pd.DataFrame({"spend": [1.0, np.inf]})
    with pytest.raises(FeatureMismatch, match="spend"):
        Columns.of(frame).matrix(frame)


def test_dict_round_trip():
    columns = Columns.of(pd.DataFrame({"plan": ["é", "b"], "x": [1.0, 2.0]}))
    assert Columns.from_dict(columns.as_dict()) == columns
