"""`holdfast measure`: trials with given results and trials read from the histories, sound ones and broken ones (A9)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from command_line import holdfast_command
from conftest import Finished

ATTRIBUTES = ["age", "app"]


def shop(n: int = 3000, effect: float = 0.1, seed: int = 0) -> pd.DataFrame:
    """One row per customer: two e-mails and a control; `visit` and `spend` after two weeks."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(["red", "blue", "none"], n)
    app = rng.random(n) < 0.5
    chance = 0.2 + effect * (arm == "red") + 2 * effect * app * (arm == "blue")
    visit = rng.random(n) < chance
    return pd.DataFrame({
        "id": [f"k{k:05d}" for k in range(n)], "mail": arm, "age": rng.integers(18, 80, n), "app": app.astype(int),
        "visit": visit.astype(int), "spend": np.where(visit, rng.gamma(2, 10, n), 0.0).round(2),
    })  # fmt: skip


def run(folder: Path, rows: pd.DataFrame, name: str = "out", **columns: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows.to_csv(folder / "trial.csv", index=False)
    mapped = {"customer_id": "id", "offer": "mail",
              "arm": "case when mail = 'none' then 'control' else 'treated' end", **columns}  # fmt: skip
    tables = {"customers": {"path": "trial.csv", "columns": {"customer_id": "id"}, "attributes": ATTRIBUTES},
              "campaigns": {"path": "trial.csv", "columns": mapped}}  # fmt: skip
    (folder / "trial.yaml").write_text(yaml.safe_dump({"version": 1, "seed": 7, "source": {"tables": tables}}))
    done = holdfast_command(["measure", "-c", folder / "trial.yaml", "-o", folder / name], folder)
    assert done.returncode == 0, done.stderr
    effects = pd.read_csv(folder / name / "campaigns/effects.csv")
    return effects, json.loads((folder / name / "campaigns/verdict.json").read_text())


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    run(folder, shop(), outcome="visit", outcome_value="spend", cost="case when mail = 'none' then 0 else 0.2 end")
    return folder


def test_a9_two_offers_share_a_control_and_their_effects_are_covered(given: Path) -> None:
    """A9: without dates or tasks: planted effects of .1 each are covered, the arms are whole, both are kept."""
    effects = pd.read_csv(given / "out/campaigns/effects.csv")
    whole = effects[effects["segment"] == "all"].set_index("offer")
    assert list(whole.index) == ["blue", "red"]
    rows = shop()
    for offer, row in whole.iterrows():
        assert row["n_treated"] == (rows["mail"] == offer).sum()
        assert row["n_control"] == (rows["mail"] == "none").sum()
        assert row["low"] <= 0.1 <= row["high"]
        # a visit brings 20 on average: .1 x 20 − .2 is well above nought
        assert row["verdict"] == "keep"
        assert row["low_any_time"] < row["low"]
    assert set(effects["effect_source"]) == {"measured"}


def test_a9_heterogeneity_is_found_where_it_was_planted(given: Path) -> None:
    """A9: only blue works through the app; its uplift out of sample is higher there."""
    facts = json.loads((given / "out/campaigns/verdict.json").read_text())
    assert facts["blue"]["heterogeneity"] == "found"
    assert facts["red"]["heterogeneity"] in ("not found", "not measurable")
    scored = pd.read_parquet(given / "out/campaigns/uplift.parquet")
    assert list(scored.columns) == ["customer_id", "offer", "uplift", "low", "high", "part"]
    blue = scored[(scored["offer"] == "blue") & (scored["part"] == "test")].merge(
        shop()[["id", "app"]], left_on="customer_id", right_on="id"
    )
    means = blue.groupby("app")["uplift"].mean()
    assert means[1] > means[0] + 0.05
    assert (blue["low"] < blue["uplift"]).all()
    assert abs(len(blue) - (scored["offer"] == "blue").sum() / 2) <= 1


def test_a9_nobody_is_lost_and_no_identifier_leaves_the_tables(given: Path) -> None:
    facts = json.loads((given / "out/campaigns/verdict.json").read_text())
    rows = shop()
    for offer, one in facts.items():
        assert one["rows"] == rows["mail"].isin([offer, "none"]).sum()
        assert one["rows"] == one["n_treated"] + one["n_control"] + one["repeated"] + one["without_result"]
    assert "k00001" not in (given / "out/campaigns/verdict.json").read_text()
    assert {path.name for path in (given / "out/campaigns").glob("*.png")} == {"effects.png", "qini.png"}


def test_a9_the_same_trial_gives_the_same_bytes(given: Path) -> None:
    run(given, shop(), "again", outcome="visit", outcome_value="spend",
        cost="case when mail = 'none' then 0 else 0.2 end")  # fmt: skip
    for name in ("effects.csv", "verdict.json", "uplift.parquet", "qini.csv"):
        first, second = (given / out / "campaigns" / name for out in ("out", "again"))
        assert first.read_bytes() == second.read_bytes(), name


def test_a9_without_an_effect_nothing_is_claimed(tmp_path: Path) -> None:
    """A9: an A/A trial comes out inconclusive: nothing is found, nothing kept."""
    effects, facts = run(tmp_path, shop(effect=0.0, seed=4), outcome="visit")
    assert set(effects["verdict"]) == {"not measurable"}
    assert all(one["heterogeneity"] != "found" for one in facts.values())


def test_a9_arm_sizes_that_break_the_plan_are_not_believed(tmp_path: Path) -> None:
    """A9: planned half and half, a third of the controls got lost: no verdict in spite of a clear effect."""
    rows = shop(effect=0.3)
    rows = rows[(rows["mail"] == "red") | ((rows["mail"] == "none") & (np.arange(len(rows)) % 3 > 0))]
    effects, facts = run(tmp_path, rows, outcome="visit", propensity="0.5")
    assert facts["red"]["sample_ratio"]["passed"] is False
    assert set(effects["verdict"]) == {"not measurable"}
    assert "planned sizes" in effects["because"].iloc[0]


def test_a9_who_was_chosen_by_hand_is_observed_never_measured(tmp_path: Path) -> None:
    """A9: treated because they are old: the balance fails and names the column, the source is observed."""
    rows = shop(effect=0.2)
    rows = rows[rows["mail"] != "blue"]
    old = rows["age"] + np.random.default_rng(0).normal(0, 10, len(rows)) > 50
    rows = rows.assign(mail=np.where(old, "red", "none"))
    effects, facts = run(tmp_path, rows, outcome="visit")
    one = facts["red"]
    assert one["effect_source"] == "observed"
    assert "attribute_age" in one["balance"]["why"]
    assert one["overlap"]["inside"] < 1
    assert one["sensitivity"]["e_value_effect"] >= 1
    assert set(effects["verdict"]) == {"not measurable"}


def test_a9_no_control_is_not_measurable(tmp_path: Path) -> None:
    rows = shop()
    effects, facts = run(tmp_path, rows[rows["mail"] == "red"].assign(visit=1, mail="red"), outcome="visit")
    assert effects["verdict"].tolist() == ["not measurable"]
    assert facts["red"]["because"] == "not measurable: no control group"


def test_a9_the_column_that_is_the_arm_is_no_feature(tmp_path: Path) -> None:
    """A9: with every column an attribute the arm, the result and what repeats the arm stay out of the learner."""
    rows = shop().rename(columns={"mail": "segment"}).assign(mail=lambda frame: frame["segment"])
    rows = rows.assign(group_name=rows["mail"].map({"red": "A", "blue": "B", "none": "C"}))
    rows.to_csv(tmp_path / "trial.csv", index=False)
    mapped = {"customer_id": "id", "offer": "segment", "outcome": "visit",
              "arm": "case when segment = 'none' then 'control' else 'treated' end"}  # fmt: skip
    tables = {"customers": {"path": "trial.csv", "columns": {"customer_id": "id"}, "attributes": "*",
                            "exclude": ["spend", "mail"]},
              "campaigns": {"path": "trial.csv", "columns": mapped}}  # fmt: skip
    (tmp_path / "trial.yaml").write_text(yaml.safe_dump({"version": 1, "source": {"tables": tables}}))
    done = holdfast_command(["measure", "-c", tmp_path / "trial.yaml", "-o", tmp_path / "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out/campaigns/verdict.json").read_text())
    read = json.loads((tmp_path / "out/campaigns/read.json").read_text())
    assert "customer_segment" in read["left_out"]
    for one in facts.values():
        assert one["effect_source"] == "measured"


def test_a9_without_dates_of_the_campaign_no_history_is_a_feature(tmp_path: Path) -> None:
    """A9: purchases that the campaign itself brought would tell the arm; undated, only attributes may be looked at."""
    rows = shop()
    rows.to_csv(tmp_path / "trial.csv", index=False)
    bought = rows[rows["mail"] != "none"].assign(day="2024-05-01", money=5.0)
    bought[["id", "day", "money"]].to_csv(tmp_path / "bought.csv", index=False)
    mapped = {"customer_id": "id", "offer": "mail", "outcome": "visit",
              "arm": "case when mail = 'none' then 'control' else 'treated' end"}  # fmt: skip
    tables = {"customers": {"path": "trial.csv", "columns": {"customer_id": "id"}, "attributes": ATTRIBUTES},
              "purchases": {"path": "bought.csv", "columns": {"customer_id": "id", "at": "day", "amount": "money"}},
              "campaigns": {"path": "trial.csv", "columns": mapped}}  # fmt: skip
    (tmp_path / "trial.yaml").write_text(yaml.safe_dump({"version": 1, "source": {"tables": tables}}))
    done = holdfast_command(["measure", "-c", tmp_path / "trial.yaml", "-o", tmp_path / "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out/campaigns/verdict.json").read_text())
    assert json.loads((tmp_path / "out/campaigns/read.json").read_text())["features"] == len(ATTRIBUTES)
    assert {one["effect_source"] for one in facts.values()} == {"measured"}


def test_a9_small_arms_are_weighed_against_their_cost_too(tmp_path: Path) -> None:
    """A9: 40 in each arm, all treated visit and bring 1, no control does: 1 − 0 is below a cost of 5: stop."""
    rows = shop(80)
    red = np.arange(80) < 40
    rows = rows.assign(mail=np.where(red, "red", "none"), visit=red.astype(int), spend=np.where(red, 1.0, 0.0))
    rows.loc[[0, 79], ["visit", "spend"]] = [[0, 0.5], [1, 0.5]]
    effects, _ = run(tmp_path, rows, outcome="visit", outcome_value="spend",
                     cost="case when mail = 'none' then 0 else 5 end")  # fmt: skip
    assert effects.loc[0, "low"] > 0
    assert effects.loc[0, "verdict"] == "stop"


def test_a9_a_planned_chance_that_differs_is_weighed_also_without_features(tmp_path: Path) -> None:
    """A9: app users are treated at .8 and visit more, others at .2: no effect, though the raw difference is .3."""
    rng = np.random.default_rng(0)
    rows = shop(4000)
    app = rows["app"].to_numpy() == 1
    rows = rows.assign(mail=np.where(rng.random(4000) < np.where(app, 0.8, 0.2), "red", "none"),
                       visit=(rng.random(4000) < 0.2 + 0.5 * app).astype(int))  # fmt: skip
    rows.to_csv(tmp_path / "trial.csv", index=False)
    mapped = {"customer_id": "id", "offer": "mail", "outcome": "visit",
              "propensity": "case when app = 1 then 0.8 else 0.2 end",
              "arm": "case when mail = 'none' then 'control' else 'treated' end"}  # fmt: skip
    tables = {"campaigns": {"path": "trial.csv", "columns": mapped}}
    (tmp_path / "trial.yaml").write_text(yaml.safe_dump({"version": 1, "source": {"tables": tables}}))
    done = holdfast_command(["measure", "-c", tmp_path / "trial.yaml", "-o", tmp_path / "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    row = pd.read_csv(tmp_path / "out/campaigns/effects.csv").iloc[0]
    assert row["low"] < 0 < row["high"]
    assert row["verdict"] == "not measurable"


def test_a9_planted_effects_of_a_world_are_covered(finished: Finished, tmp_path: Path) -> None:
    """A9: read from the histories: of six trials at least five intervals hold the mean of the planted effects."""
    done = holdfast_command(["measure", "-c", finished.config, "-o", tmp_path / "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    effects = pd.read_csv(tmp_path / "out/campaigns/effects.csv")
    whole = effects[(effects["segment"] == "all") & effects["effect"].notna()].set_index("offer")
    truth = pd.read_parquet(finished.world / "truth/trials.parquet").groupby("offer")["effect"].mean()
    known = truth.reindex(whole.index).dropna()
    assert len(known) >= 5
    inside = (whole["low"] <= known) & (known <= whole["high"])
    assert inside.sum() >= len(known) - 1


def test_a9_campaigns_without_any_result_are_refused_in_one_line(tmp_path: Path) -> None:
    rows = shop(200)
    rows.assign(day="2024-01-01").to_csv(tmp_path / "trial.csv", index=False)
    mapped = {"customer_id": "id", "offer": "mail", "arm": "case when mail = 'none' then 'control' else 'treated' end",
              "at": "day"}  # fmt: skip
    tables = {"campaigns": {"path": "trial.csv", "columns": mapped}}
    (tmp_path / "trial.yaml").write_text(yaml.safe_dump({"version": 1, "source": {"tables": tables}}))
    done = holdfast_command(["measure", "-c", tmp_path / "trial.yaml", "-o", tmp_path / "out"], tmp_path)
    assert done.returncode == 1
    assert "neither outcome nor outcome_value" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
