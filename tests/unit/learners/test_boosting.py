import numpy as np
import pytest
import xgboost

from holdfast.errors import ModelError
from holdfast.learners.boosting import (
    BoostingSettings,
    auto_min_child_weight,
    booster_bytes,
    booster_from_bytes,
    booster_margin,
    fit_booster,
)

SETTINGS = BoostingSettings(40, 0.1, 3, 5.0, 5.0, 0.5, 0.7, 64, 0)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    matrix = np.column_stack([rng.integers(0, 6, 800).astype(float), rng.normal(size=800)])
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    y = (np.isin(matrix[:, 0], [1, 4]) + 0.3 * rng.normal(size=800) > 0.5).astype(int)
    return fit_booster(matrix, y, ["c", "q"], SETTINGS), matrix, y


@pytest.mark.parametrize(("n", "least"), [(10_000, 100), (9_999, 30), (1_500, 30), (1_000, 20), (10, 1)])
def test_leaf_size_goes_by_the_number_of_rows(n, least):
    assert auto_min_child_weight(n) == least


def test_categories_are_split_as_sets(fitted):
    booster, matrix, _ = fitted
    margin = booster_margin(booster, matrix)
    # Levels 1 and 4 lie apart: one threshold on the code could not do this.
    assert margin[np.isin(matrix[:, 0], [1, 4])].min() > margin[np.isin(matrix[:, 0], [0, 2, 3, 5])].max()
    assert "c" in booster.feature_types


def test_margin_equals_the_dmatrix_road_and_ignores_neighbours(fitted):
    booster, matrix, _ = fitted
    data = xgboost.DMatrix(matrix, feature_types=["c", "q"], enable_categorical=True)
    margin = booster_margin(booster, matrix)
    np.testing.assert_array_equal(margin, booster.predict(data, output_margin=True).astype(np.float64))
    np.testing.assert_array_equal(margin[5:17], booster_margin(booster, matrix[5:17]))


def test_bytes_are_repeatable_and_predictions_survive_them(fitted):
    booster, matrix, y = fitted
    content = booster_bytes(booster)
    assert content == booster_bytes(fit_booster(matrix, y, ["c", "q"], SETTINGS))
    np.testing.assert_array_equal(booster_margin(booster_from_bytes(content), matrix), booster_margin(booster, matrix))
    with pytest.raises(ModelError, match="ubj"):
        booster_from_bytes(b"not a model")


def test_a_handful_of_features_is_not_sampled_down_to_one():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(600, 4))
    y = (matrix.sum(axis=1) > 0).astype(int)
    config = fit_booster(matrix, y, ["q"] * 4, SETTINGS).save_config()
    assert '"colsample_bytree":"1"' in config
