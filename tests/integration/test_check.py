"""`holdfast check` as a user runs it."""

from pathlib import Path

import pandas as pd
import pytest
from command_line import holdfast_command, succeed, write_config
from small_shop import config, purchases, write_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    frame = purchases()
    broken = pd.DataFrame({"customer": ["k0001", "k0002"], "day": ["soon", "2023-03-01"], "sum": [5.0, None]})
    write_shop(folder, pd.concat([frame, broken], ignore_index=True))
    write_config(folder / "holdfast.yaml", config())
    return folder


def test_the_suite_passes_on_a_clean_config(shop: Path) -> None:
    printed = succeed(["check", "-c", "holdfast.yaml", "-o", "checked"], shop)
    table = pd.read_csv(shop / "checked/check.csv", dtype={"point": "str"})
    assert set(table["point"]) == {"data", *"123456789"}
    assert "failed" not in set(table["verdict"])
    counts = table.loc[table["check"] == "table purchases", "words"].iloc[0]
    assert "2 refused" in counts
    assert "the future is out of sight" in printed


def test_a_leaking_column_is_named_and_can_be_allowed(shop: Path) -> None:
    """A column that counts orders of the training label window: filled in after the cutoff it is used at."""
    bought, content = purchases(), config(cutoffs={"test": 1, "train": 1})
    test_cutoff = bought["day"].max().normalize() + pd.Timedelta(days=1 - 45)
    seen = bought["day"].between(test_cutoff - pd.Timedelta(days=45), test_cutoff, inclusive="left")
    orders = seen.groupby(bought["customer"]).sum().rename("orders_since").rename_axis("customer")
    orders.reset_index().to_csv(shop / "people.csv", index=False)
    content["source"]["tables"]["customers"] = {
        "path": "people.csv", "columns": {"customer_id": "customer"}, "attributes": ["orders_since"],
        "static": ["orders_since"],
    }  # fmt: skip
    write_config(shop / "leaky.yaml", content)
    done = holdfast_command(["check", "-c", "leaky.yaml", "-o", "leaky"], shop)
    assert done.returncode == 1
    assert "point 5 single features (churn)" in done.stderr
    table = pd.read_csv(shop / "leaky/check.csv")
    assert "'orders_since'" in table.loc[table["verdict"] == "failed", "words"].iloc[0]
    content["checks"] = {"allow": ["orders_since"]}
    write_config(shop / "allowed.yaml", content)
    succeed(["check", "-c", "allowed.yaml"], shop)


def test_definitions_stand_side_by_side(shop: Path) -> None:
    printed = succeed(["check", "-c", "holdfast.yaml", "-o", "defined", "--definitions"], shop)
    table = pd.read_csv(shop / "defined/definitions.csv")
    first = table.iloc[0]
    assert (first["kind"], first["horizon"], first["lookback"], first["list_overlap"]) == ("silence", 45, 90, 1.0)
    assert {"silence", "lapse"} == set(table["kind"])
    assert set(table["horizon"]) >= {22, 45, 90}
    measured = table[table["not_measured"].isna()]
    assert measured["churn_rate"].between(0, 1).all()
    assert measured["list_overlap"].between(0, 1).all()
    # a longer horizon leaves more time to buy again
    by_horizon = measured[(measured["kind"] == "silence") & (measured["lookback"] == 90)].set_index("horizon")
    assert by_horizon["churn_rate"].is_monotonic_decreasing == (by_horizon.index.is_monotonic_increasing)
    assert "not which one is right" in printed


def test_a_snapshot_has_no_definitions_to_compare(tmp_path: Path) -> None:
    pd.DataFrame({"id": range(60), "gone": [i % 3 == 0 for i in range(60)], "age": range(60)}).to_csv(
        tmp_path / "people.csv", index=False
    )
    write_config(tmp_path / "holdfast.yaml", {
        "version": 1,
        "source": {"name": "people", "tables": {"customers": {
            "path": "people.csv", "columns": {"customer_id": "id"}, "attributes": ["gone", "age"]}}},
        "tasks": {"churn": {"kind": "given", "label": "gone", "positive": "true"}},
    })  # fmt: skip
    done = holdfast_command(["check", "-c", "holdfast.yaml", "--definitions"], tmp_path)
    assert done.returncode == 2
    assert "snapshot" in done.stderr
