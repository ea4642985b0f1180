from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import DataError
from holdfast.params.sections import CutoffsSection
from holdfast.pipelines.plan import Plan, make_plan
from holdfast.pipelines.provenance import code_hash, library_versions, model_version, run_id, threads
from holdfast.pipelines.snapshot import snapshot_folds
from holdfast.tasks.task import SilenceTask
from holdfast.windows import Span, label_window, observation_window

START = date(2022, 1, 1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    span=st.builds(Span, st.integers(0, 120), st.integers(0, 14), st.integers(1, 90)),
    length=st.integers(0, 900),
    test=st.integers(1, 4),
    every=st.integers(1, 60),
    train=st.integers(1, 6),
    spacing=st.sampled_from(["horizon", 7, 45]),
)
def test_no_window_of_a_plan_reaches_past_what_it_serves(span, length, test, every, train, spacing) -> None:
    task, end = SilenceTask("churn", span), START + timedelta(days=length)
    section = CutoffsSection(test=test, every=every, train=train, spacing=spacing)
    try:
        plan = make_plan(task, START, end, section)
    except DataError:
        assert length < span.lookback + 2 * (span.lead + span.horizon)
        return
    assert plan.score == end
    assert 1 <= len(plan.test) <= test
    assert set(plan.train) == {*plan.test, end}
    for at, cutoffs in plan.train.items():
        assert 1 <= len(cutoffs) <= train
        assert all(label_window(cutoff, span).end <= at for cutoff in cutoffs)
        assert label_window(cutoffs[-1], span).end == at
    for cutoff in plan.test:
        assert label_window(cutoff, span).end <= end
        assert plan.follow_up_days(cutoff, task) >= 0
    for cutoff in plan.all_cutoffs:
        assert observation_window(cutoff, span.lookback).start >= START
    assert plan.all_cutoffs == sorted(set(plan.all_cutoffs))
    assert Plan.from_dict(plan.to_dict()) == plan


def snapshot(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(n)],
            "plan": rng.choice(["a", "b"], n),
            "size": rng.integers(0, n, n).astype(float),
            "label": rng.integers(0, 2, n),
        }
    )


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_folds_keep_twins_together_and_ignore_the_order(seed: int) -> None:
    customers = snapshot(80, seed)
    found = snapshot_folds(customers, customers["customer_id"], "label", seed)
    assert set(found) == {0, 1, 2, 3}
    assert abs((found == 0).mean() - 0.25) < 0.1
    twins = customers.assign(fold=found).groupby(["plan", "size"])["fold"].nunique()
    assert (twins == 1).all()
    mixed = customers.sample(frac=1, random_state=seed)
    again = snapshot_folds(mixed[["size", "label", "plan", "customer_id"]], mixed["customer_id"], "label", seed)
    assert dict(zip(mixed["customer_id"], again, strict=True)) == dict(
        zip(customers["customer_id"], found, strict=True)
    )
    flipped = customers.assign(label=1 - customers["label"])
    assert (snapshot_folds(flipped, flipped["customer_id"], "label", seed) == found).all()


def test_another_seed_draws_other_folds_and_missing_cells_are_equal() -> None:
    customers = snapshot(80, 1)
    folds = [snapshot_folds(customers, customers["customer_id"], "label", seed) for seed in (1, 2)]
    assert (folds[0] != folds[1]).any()
    holes = customers.assign(plan=None, size=np.where(customers["size"] < 40, np.nan, customers["size"]))
    found = snapshot_folds(holes, holes["customer_id"], "label", 1)
    assert len(set(found[holes["size"].isna()])) == 1


def test_identity_follows_config_data_cutoff_and_code(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = run_id({"a": 1}, "data", None)
    assert base == run_id({"a": 1}, "data", None)
    assert (
        len({base, run_id({"a": 2}, "data", None), run_id({"a": 1}, "other", None), run_id({"a": 1}, "data", START)})
        == 4
    )
    assert len(code_hash()) == 16
    (tmp_path / "m").write_text("1")
    first = model_version(tmp_path)
    (tmp_path / "m").write_text("2")
    assert model_version(tmp_path) != first
    assert library_versions()["duckdb"] != "not installed"
    for told, expected in (("3", 3), ("0", None), ("x", None), ("", None)):
        monkeypatch.setenv("OMP_NUM_THREADS", told)
        assert threads() == expected or (expected is None and threads() >= 1)
