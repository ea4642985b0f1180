"""The public data sets come in complete (counts of the data folder's README)."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.params import load_config

REPOSITORY = Path(__file__).parents[2]
DATA = Path(os.environ.get("HOLDFAST_DATA") or REPOSITORY / "../shared/data")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the public data sets are not at {DATA}; set HOLDFAST_DATA"),
]


@pytest.fixture(scope="module", params=["online_retail", "cdnow", "telco"])
def ingested(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOLDFAST_DATA", str(DATA.resolve()))
        config = load_config(REPOSITORY / "configs" / f"{request.param}.yaml")
        report = ingest(config.build_source(), folder, span=config.span)
    return request.param, report, Histories.open(folder)


def test_counts(ingested):
    name, report, histories = ingested
    counts = {table.name: (table.rows_in, table.filtered, table.rows_out) for table in report.tables}
    expected = {
        "online_retail": {"purchases": (541_909, 135_080, 406_829)},
        "cdnow": {"purchases": (69_659, 0, 69_659)},
        "telco": {"customers": (7_043, 0, 7_043), "exits": (7_043, 5_174, 1_869)},
    }
    assert counts == expected[name]
    assert not any(table.quarantined for table in report.tables)
    with histories.connect() as connection:
        if name == "online_retail":
            query = "SELECT count(DISTINCT customer_id), count(*) FILTER (amount < 0) FROM purchases"
            # 4 372 customers; 8 905 of the 9 288 cancellation lines have a customer
            assert connection.execute(query).fetchone() == (4_372, 8_905)
            assert (str(report.start), str(report.end)) == ("2010-12-01", "2011-12-10")
        elif name == "cdnow":
            query = (
                "SELECT count(DISTINCT customer_id), sum(amount), count(*) - (SELECT count(*) FROM (SELECT DISTINCT *"
            )
            row = connection.execute(f"{query} FROM purchases)) FROM purchases").fetchone()
            assert row == (23_570, Decimal("2500315.6300"), 255)
            assert connection.execute("SELECT min(customer_id) FROM purchases").fetchone() == ("00001",)
        else:
            query = "SELECT count(*) FILTER (\"Churn Label\" = 'Yes') FROM customers"
            assert connection.execute(query).fetchone() == (1_869,)
            assert not {"Churn Label", "Churn Score", "Satisfaction Score"} & set(report.attributes)
            assert report.attributes["Monthly Charge"] == "number"
            assert report.attributes["Contract"] == "category"


def test_threads_do_not_matter(ingested, tmp_path, monkeypatch):
    name, report, histories = ingested
    monkeypatch.setenv("HOLDFAST_DATA", str(DATA.resolve()))
    config = load_config(REPOSITORY / "configs" / f"{name}.yaml")
    again = ingest(config.build_source(), tmp_path, span=config.span, threads=1)
    assert again.data_hash == report.data_hash
    for table in histories.tables.values():
        assert (tmp_path / table.name).read_bytes() == table.read_bytes()
