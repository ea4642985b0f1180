"""What is asked of a finished run later: export looks at the sources again, target at what it can honour."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from command_line import holdfast_command, succeed, write_config
from small_shop import config, write_shop


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """A shop where everybody consents, with a finished run."""
    write_shop(tmp_path)
    ids = sorted(pd.read_csv(tmp_path / "purchases.csv")["customer"].unique())
    pd.DataFrame({"customer": ids, "day": "2023-01-02", "purpose": "marketing", "way": "email", "yes": True}).to_csv(
        tmp_path / "consents.csv", index=False
    )
    content = config(offers=[{"name": "call", "contact_cost": 0.1, "effect": {"assumed": 0.2}, "channels": ["email"]}])
    content["source"]["tables"]["consents"] = {
        "path": "consents.csv",
        "columns": {"customer_id": "customer", "at": "day", "purpose": "purpose", "channel": "way", "granted": "yes"},
    }
    content["targeting"] = {"budget": 1000}
    write_config(tmp_path / "holdfast.yaml", content)
    succeed(["run", "-c", "holdfast.yaml", "-o", "out"], tmp_path)
    return tmp_path


def test_a_consent_withdrawn_since_the_run_takes_the_customer_out(done: Path) -> None:
    said = succeed(["export", "out", "-o", "before.csv"], done)
    assert "have not changed" in said
    before = pd.read_csv(done / "before.csv")
    gone = before["customer_id"].iloc[0]
    with (done / "consents.csv").open("a") as file:
        file.write(f"{gone},2024-01-05,marketing,email,False\n")
    said = succeed(["export", "out", "-o", "after.csv"], done)
    assert "read again" in said
    after = pd.read_csv(done / "after.csv")
    assert set(before["customer_id"]) - set(after["customer_id"]) == {gone}
    refused = pd.read_csv(done / "after_suppression.csv").set_index("customer_id")["suppressed_because"]
    assert "consent" in refused[gone]
    (done / "consents.csv").unlink()
    assert "cannot be read again" in succeed(["export", "out", "-o", "blind.csv"], done)


def test_target_writes_the_report_anew_and_refuses_another_seed(done: Path) -> None:
    old = (done / "out/report.html").read_text()
    succeed(["target", "-c", "holdfast.yaml", "-o", "out", "--budget", "1"], done)
    new = (done / "out/report.html").read_text()
    assert new != old
    assert "made anew" in new
    content = yaml.safe_load((done / "holdfast.yaml").read_text())
    (done / "other.yaml").write_text(yaml.safe_dump({**content, "seed": 99}))
    refused = holdfast_command(["target", "-c", "other.yaml", "-o", "out"], done)
    assert refused.returncode != 0
    assert "seed" in refused.stderr


def test_a_feature_may_decide_who_is_eligible(done: Path) -> None:
    content = yaml.safe_load((done / "holdfast.yaml").read_text())
    content["offers"][0]["eligible"] = "days_since_last_order > 20"
    (done / "holdfast.yaml").write_text(yaml.safe_dump(content))
    succeed(["target", "-c", "holdfast.yaml", "-o", "out"], done)
    listed = pd.read_parquet(done / "out/lists/retention.parquet").set_index("customer_id")
    known = pd.read_parquet(done / "out/features.parquet")
    now = known[known["cutoff"] == listed["cutoff"].iloc[0]].set_index("customer_id")["days_since_last_order"]
    chosen = listed.index[listed["arm"].isin(["treat", "holdout"])]
    assert len(chosen) > 0
    assert (now[chosen] > 20).all()
    assert (listed["act_before"] <= listed["valid_until"]).all()
