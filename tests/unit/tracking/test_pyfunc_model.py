import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from holdfast.errors import ModelError
from holdfast.tracking.pyfunc_model import ScoreModel, aligned, read_features, write_features

from .conftest import FEATURES, Trained, raw_frame


@pytest.fixture
def scorer(trained: Trained) -> ScoreModel:
    model = ScoreModel()
    model.load_context(SimpleNamespace(artifacts={"model": str(trained.folder)}))
    return model


def test_scores_are_the_models_own_to_the_bit(scorer: ScoreModel, trained: Trained):
    scores = scorer.predict(None, trained.frame)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, trained.model.predict_proba(trained.frame)[:, 1])


def test_order_extra_columns_and_the_kind_of_text_change_nothing(scorer: ScoreModel, trained: Trained):
    frame = raw_frame(40, seed=9)
    plain = frame[["region", "orders_90d", "days_since_last_order"]].assign(
        region=frame["region"].astype(object),
        spare="x",
        days_since_last_order=frame["days_since_last_order"].astype(float),
    )
    np.testing.assert_array_equal(scorer.predict(None, plain), scorer.predict(None, frame))


def test_a_missing_column_is_named(scorer: ScoreModel, trained: Trained):
    with pytest.raises(ModelError, match="orders_90d"):
        scorer.predict(None, trained.frame.drop(columns="orders_90d"))


def test_text_where_a_number_belongs_is_named():
    with pytest.raises(ModelError, match="orders_90d: expected numbers"):
        aligned(raw_frame(3).assign(orders_90d=["a", "b", "c"]), [{"name": "orders_90d", "categorical": False}])


def test_many_missing_columns_are_counted():
    features = [{"name": f"f{i}", "categorical": False} for i in range(8)]
    with pytest.raises(ModelError, match="f0, f1, f2, f3, f4 and 3 more"):
        aligned(pd.DataFrame({"x": [1]}), features)


def test_no_rows_give_no_scores(scorer: ScoreModel, trained: Trained):
    assert scorer.predict(None, trained.frame.iloc[:0]).shape == (0,)


def test_the_argument_is_untouched(trained: Trained):
    before = trained.frame.copy()
    aligned(trained.frame, read_features(trained.folder))
    pd.testing.assert_frame_equal(trained.frame, before)


def test_features_come_back_in_order(tmp_path: Path):
    write_features(tmp_path, FEATURES)
    back = read_features(tmp_path)
    assert [one["name"] for one in back] == [one.name for one in FEATURES]
    assert [one["categorical"] for one in back] == [False, False, True]


@pytest.mark.parametrize("content", [None, "no json", json.dumps([1]), json.dumps({"version": 1})])
def test_a_damaged_list_of_features_is_refused(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "features.json").write_text(content)
    with pytest.raises(ModelError, match=r"features\.json"):
        read_features(tmp_path)
