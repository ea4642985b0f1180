"""`holdfast run` end to end on a simulated world: what lies in DIR is what contract.md promises."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import CUSTOMERS, Finished

LIST_COLUMNS = """
    list_id rank customer_id cutoff p_churn p_loyal history_state clv loss_if_silent profit_at_risk exit_reason
    reason_source reason_prob reason_1 reason_2 reason_3 planned_offer channel cost expected_uplift effect_source
    expected_profit profit_low profit_high arm suppressed_because consent_basis last_contact_at contacts_30d
    open_complaint owner act_before valid_until is_new_on_list model_version run_id
""".split()  # noqa: SIM905
PREDICTION_COLUMNS = ["customer_id", "cutoff", "part", "score", "low", "high", "history_state", "label"]
METRICS = """
    auroc average_precision log_loss brier ece ece_floor calibration_slope calibration_intercept top_decile_lift mpc
    empc return_rate
""".split()  # noqa: SIM905
TASKS = ("churn", "loyalty")


@pytest.fixture(scope="module")
def facts(finished: Finished) -> dict[str, Any]:
    return json.loads((finished.out / "run.json").read_text())


@pytest.fixture(scope="module")
def listed(finished: Finished) -> pd.DataFrame:
    return pd.read_parquet(finished.out / "lists/retention.parquet")


@pytest.fixture(scope="module")
def read(finished: Finished) -> Callable[[str], pd.DataFrame]:
    return lambda name: pd.read_parquet(finished.out / name)


def test_every_file_of_the_contract_is_there(finished: Finished) -> None:
    wanted = ["run.json", "features.parquet", "features_loyalty.parquet", "value.parquet", "report.html",
              "lists/retention.parquet", "lists/retention.csv", "lists/data_dictionary.csv",
              "relationship.parquet"]  # fmt: skip
    for task in TASKS:
        wanted += [f"predictions/{task}.parquet", f"metrics/{task}.json", f"drivers/{task}.parquet"]
        wanted += [f"drivers/{task}_global.csv"]
    missing = [name for name in wanted if not (finished.out / name).is_file()]
    assert not missing
    assert (finished.out / "quarantine").is_dir()
    for picture in ("roc", "gain", "calibration"):
        assert (finished.out / f"plots/{picture}.png").read_bytes().startswith(b"\x89PNG"), picture


def test_nothing_half_written_lies_about(finished: Finished) -> None:
    assert not [path for path in finished.out.rglob("*") if path.name.startswith(".aside")]


def test_rows_in_are_rows_out_filtered_or_quarantined(finished: Finished, facts: dict[str, Any]) -> None:
    assert set(facts["rows"]) == {path.stem for path in finished.world.glob("*.parquet")}
    for table, counts in facts["rows"].items():
        refused = sum(counts["quarantined"].values())
        assert counts["rows_in"] == counts["rows_out"] + counts["filtered"] + refused, table
        assert counts["rows_in"] == len(pd.read_parquet(finished.world / f"{table}.parquet")), table
        kept = pd.read_parquet(finished.out / f"histories/{table}.parquet")
        assert len(kept) == counts["rows_out"], table
        lying = finished.out / f"quarantine/{table}.parquet"
        assert (len(pd.read_parquet(lying)) if lying.is_file() else 0) == refused, table


def test_run_json_says_where_the_result_comes_from(finished: Finished, facts: dict[str, Any]) -> None:
    assert facts["version"] == 1
    assert facts["seed"] == 7
    assert facts["config"]["cutoffs"]["test"] == 2
    assert len(facts["data_hash"]) >= 16
    assert {"xgboost", "numpy", "duckdb", "holdfast"} <= set(facts["libraries"])
    stages = {"ingest", "reasons", "economics", "relate", "value", "target", "exits", "report", "record"}
    each = ("label", "featurize", "tune", "train", "evaluate", "explain")
    stages |= {f"{stage}@{task}" for stage in each for task in TASKS}
    assert set(facts["timings"]) == stages
    assert all(timing["seconds"] >= 0 and timing["peak_mb"] > 0 for timing in facts["timings"].values())
    # the label window ends lead 7 + horizon 60 days after the scoring date
    due = pd.Timestamp(facts["cutoff"]) + pd.Timedelta(days=67)
    assert pd.Timestamp(facts["next_label_maturity"]) == due
    assert not any(tuned["cut_short"] for tuned in facts["tuning"].values())


@pytest.mark.parametrize("task", TASKS)
def test_predictions(read: Callable[[str], pd.DataFrame], facts: dict[str, Any], task: str) -> None:
    rows = read(f"predictions/{task}.parquet")
    assert list(rows.columns) == PREDICTION_COLUMNS
    assert set(rows["part"]) == {"test", "score"}
    assert not rows.duplicated(["customer_id", "cutoff", "part"]).any()
    assert rows["score"].between(0, 1, inclusive="neither").all()
    bounds = rows[["low", "score", "high"]].dropna()
    assert len(bounds)
    assert (bounds["low"] <= bounds["score"]).all()
    assert (bounds["score"] <= bounds["high"]).all()
    test, score = rows[rows["part"] == "test"], rows[rows["part"] == "score"]
    assert set(test["label"]) == {0.0, 1.0}
    assert score["label"].isna().all()
    assert set(score["cutoff"]) == {pd.Timestamp(facts["cutoff"])}
    assert test["cutoff"].nunique() == 2
    horizon = {"churn": 67, "loyalty": 60}[task]
    assert test["cutoff"].max() == pd.Timestamp(facts["cutoff"]) - pd.Timedelta(days=horizon)
    assert score[["low", "high"]].notna().all(axis=None)


def test_value_has_parts_that_add_up_and_a_backtest(finished: Finished, read: Callable[[str], pd.DataFrame]) -> None:
    """C1: the parts add up for every customer, and the method was judged on a later period."""
    rows = read("value.parquet")
    scored = read("predictions/churn.parquet")
    assert set(rows["customer_id"]) == set(scored.loc[scored["part"] == "score", "customer_id"])
    parts = rows[["clv_purchase", "clv_retention", "clv_referral"]]
    assert rows["clv"].to_numpy() == pytest.approx(parts.fillna(0).sum(axis=1).to_numpy())
    assert (parts.dropna(axis=1, how="all") >= 0).all(axis=None)
    assert ((rows["clv_low"] <= rows["clv"]) & (rows["clv_high"] >= 0)).all()
    assert rows["p_alive"].between(0, 1).all()
    told = json.loads((finished.out / "value.json").read_text())["clv"]
    assert told["method"] == rows["clv_method"].unique().item()
    assert {row["method"] for row in told["backtest"]["methods"]} >= {"bg/nbd x gamma-gamma", "past margin", "rfm"}
    assert len(told["backtest"]["deciles"]) == 10
    assert 0.6 < told["backtest"]["range"]["coverage"] <= 1


def test_features_hold_every_scored_customer_once(read: Callable[[str], pd.DataFrame]) -> None:
    features, scored = read("features.parquet"), read("predictions/churn.parquet")
    assert list(features.columns[:2]) == ["customer_id", "cutoff"]
    assert len(features.columns) >= 62
    assert not features.duplicated(["customer_id", "cutoff"]).any()
    keys = scored[["customer_id", "cutoff"]].merge(features[["customer_id", "cutoff"]], how="left", indicator=True)
    assert (keys["_merge"] == "both").all()
    numbers = features.select_dtypes("number")
    assert not np.isinf(numbers.to_numpy()).any()


@pytest.mark.parametrize("task", TASKS)
def test_metrics(finished: Finished, task: str) -> None:
    found = json.loads((finished.out / f"metrics/{task}.json").read_text())
    assert len(found["cutoffs"]) == 2
    for page in found["cutoffs"]:
        assert not [name for name in METRICS if name not in page]
        assert 0.5 < page["auroc"] < 1
        assert {"base_rate", "rfm_logit", "bgnbd_p_alive"} & set(page["baselines"])
        # AUROC again, from the predictions, by the Mann-Whitney count
        rows = pd.read_parquet(finished.out / f"predictions/{task}.parquet")
        rows = rows[(rows["part"] == "test") & (rows["cutoff"] == pd.Timestamp(page["cutoff"]))]
        ranks, hit = rows["score"].rank().to_numpy(), rows["label"].to_numpy() == 1
        n1, n0 = hit.sum(), (~hit).sum()
        assert page["auroc"] == pytest.approx((ranks[hit].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))
        assert page["brier"] == pytest.approx(float(((rows["score"] - rows["label"]) ** 2).mean()))
    assert {"mean", "worst"} <= set(found)


def test_the_list_has_the_columns_of_the_contract_in_order(finished: Finished, listed: pd.DataFrame) -> None:
    assert list(listed.columns) == LIST_COLUMNS
    assert list(pd.read_csv(finished.out / "lists/retention.csv", nrows=1).columns) == LIST_COLUMNS
    assert set(pd.read_csv(finished.out / "lists/data_dictionary.csv").iloc[:, 0]) >= set(LIST_COLUMNS)


def test_the_list_holds_every_scored_customer_once_best_first(
    listed: pd.DataFrame, read: Callable[[str], pd.DataFrame], facts: dict[str, Any]
) -> None:
    scored = read("predictions/churn.parquet").query("part == 'score'").set_index("customer_id")["score"]
    assert listed["rank"].tolist() == list(range(1, len(listed) + 1))
    pd.testing.assert_series_equal(listed.set_index("customer_id")["p_churn"].sort_index(), scored.sort_index(),
                                   check_names=False, check_index_type=False)  # fmt: skip
    assert set(listed["run_id"]) == {facts["run_id"]}
    assert set(listed["model_version"]) == {facts["model_version"]}
    chosen = listed[listed["arm"] != "none"]
    assert chosen["rank"].max() == len(chosen), "the selected come first"
    assert listed[["reason_1"]].notna().all(axis=None)


def test_the_budget_is_obeyed_to_the_penny(finished: Finished, listed: pd.DataFrame, facts: dict[str, Any]) -> None:
    budget = Decimal(str(facts["config"]["targeting"]["budget"]))
    treated = listed[listed["arm"] == "treat"]
    spent = sum((Decimal(str(cost)) for cost in treated["cost"]), Decimal())
    offers = {offer["name"]: offer for offer in facts["config"]["offers"]}
    assert Decimal() < spent <= budget
    assert len(treated) > 5
    for name, count in treated["planned_offer"].value_counts().items():
        assert count <= offers[str(name)]["capacity"]
    told = json.loads((finished.out / "lists/summary.json").read_text())
    assert Decimal(str(told["expected_cost"])) == spent, "the holdout costs nothing"


def test_a_random_holdout_is_kept(listed: pd.DataFrame, facts: dict[str, Any]) -> None:
    selected = listed[listed["arm"].isin(["treat", "holdout"])]
    held = (selected["arm"] == "holdout").sum()
    assert held >= int(facts["config"]["targeting"]["holdout"] * len(selected)) > 0


def test_consent_is_obeyed(finished: Finished, listed: pd.DataFrame, facts: dict[str, Any]) -> None:
    """Against the raw table: the newest statement on the offer's channel, or on all channels, must be a grant."""
    rows = pd.read_parquet(finished.world / "consents.parquet")
    rows = rows[(rows["at"] < facts["cutoff"]) & (rows["purpose"] == "marketing")]
    assert len(rows)
    assert set(listed["consent_basis"]) == {"granted"}
    rows = rows.sort_values(["at", "granted"], ascending=[True, False])
    newest = rows.groupby(["customer_id", "channel"])["granted"].last()
    chosen = listed[listed["arm"].isin(["treat", "holdout"])]
    for row in chosen.itertuples():
        assert newest.get((row.customer_id, row.channel), False), (row.customer_id, row.channel)
    withdrawn = listed[listed["suppressed_because"] == "consent withdrawn or not given"]
    assert len(withdrawn)
    assert (withdrawn["arm"] == "none").all()


def test_open_complaints_and_contact_caps_keep_customers_off_the_treated(listed: pd.DataFrame) -> None:
    chosen = listed[listed["arm"].isin(["treat", "holdout"])]
    assert not chosen["open_complaint"].any()
    assert (chosen["contacts_30d"] < 2).all()
    assert listed.loc[listed["arm"] == "none", "suppressed_because"].notna().mean() > 0.5


def test_effects_are_marked_as_assumed(listed: pd.DataFrame) -> None:
    assert set(listed.loc[listed["arm"] == "treat", "effect_source"]) == {"assumed"}


def test_no_customer_id_in_what_people_look_at(finished: Finished) -> None:
    customers = set(pd.read_parquet(finished.world / "customers.parquet")["customer_id"])
    assert len([one for one in customers if re.fullmatch(r"c\d{7}", one)]) == CUSTOMERS
    looked_at = [finished.out / "report.html", finished.work / "mlflow.db", *(finished.out / "metrics").glob("*"),
                 *(finished.out / "plots").glob("*"), *(finished.out / "models").rglob("*.json"),
                 *(finished.out / "drivers").glob("*.csv"), finished.out / "run.json",
                 *(finished.work / "mlartifacts").rglob("*")]  # fmt: skip
    for path in looked_at:
        if path.is_file():
            found = {match.decode() for match in re.findall(rb"c\d{7}", path.read_bytes())}
            assert not found & customers, path


def test_the_report_stands_alone(finished: Finished, facts: dict[str, Any]) -> None:
    page = (finished.out / "report.html").read_text(encoding="utf-8")
    assert facts["run_id"] in page
    assert not [word for word in ('src="http', "src='http", "@import", "<link") if word in page]
    assert "<svg" in page or "data:image" in page


def test_mlflow_holds_the_run(finished: Finished, facts: dict[str, Any]) -> None:
    import sqlite3

    recorded = json.loads((finished.out / "record.json").read_text())
    with sqlite3.connect(finished.work / "mlflow.db") as ledger:
        runs = dict(ledger.execute("SELECT run_uuid, status FROM runs").fetchall())
        parent = recorded["mlflow_run"]
        params = dict(ledger.execute("SELECT key, value FROM params WHERE run_uuid = ?", [parent]).fetchall())
        tags = dict(ledger.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [parent]).fetchall())
        metrics = {row[0] for row in ledger.execute("SELECT DISTINCT key FROM metrics WHERE run_uuid = ?", [parent])}
    assert set(runs.values()) == {"FINISHED"}
    assert len(runs) == 1 + 2  # the parent and two trials
    assert params["tasks.churn.horizon"] in ("60", "60d")
    assert facts["run_id"] in tags.values()
    assert facts["data_hash"] in {**tags, **params}.values()
    assert any("auroc" in name for name in metrics)
    assert recorded["models"]["churn"]["aliases"] == ["challenger", "champion"]
    pictures = {path.name for path in (finished.work / "mlartifacts").rglob("*")}
    assert {"report.html", "roc.png", "MLmodel"} <= pictures
