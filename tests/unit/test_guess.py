"""`holdfast init`: what it guesses from small files whose meaning is known."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.cli import main
from holdfast.errors import ConfigError, DataError
from holdfast.histories.guess.match import spell
from holdfast.histories.guess.names import collapsed
from holdfast.histories.guess.paths import find_files
from holdfast.histories.guess.rhythm import fit, usual_horizon
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.histories.simulate.world import simulate
from holdfast.params import load_config
from holdfast.params.guess import write_guess
from holdfast.params.guess_text import scalar
from holdfast.params.yaml_reader import read_yaml
from holdfast.windows import rolling_cutoffs

START = date(2023, 1, 1)


def orders(days=400, customers=12, gap=20, **names):
    """Each customer buys every `gap` days; columns may be renamed."""
    rows = []
    for customer in range(customers):
        for number, day in enumerate(range(customer % gap, days, gap)):
            bought = START + timedelta(days=day)
            rows.append((f"C{customer:03d}", f"{bought} 10:00:00", f"O{customer}-{number}", 2, 5.0 + number))
    frame = pd.DataFrame(rows, columns=["customer", "at", "order", "pieces", "price"])
    return frame.rename(columns=names)


def snapshot(rows=300, **columns):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"tenure": rng.integers(1, 60, rows), "bill": rng.normal(50, 9, rows).round(2)})
    return frame.assign(**{name: make(rng, rows) if callable(make) else make for name, make in columns.items()})


def guessed(tmp_path, *frames, **named):
    """Write frames as csv, guess, and load what was written."""
    data = []
    for name, frame in named.items():
        path = tmp_path / f"{name}.csv"
        frame.to_csv(path, index=False)
        data.append(str(path))
    out = tmp_path / "holdfast.yaml"
    guess = write_guess(data, out)
    return guess, load_config(out) if guess.complete else None


def ingested(config, folder):
    report = ingest(config.build_source(), folder, span=config.span)
    return report, Histories.open(folder)


@pytest.mark.parametrize(
    ("customer", "at", "order", "pieces", "price"),
    [
        ("CustomerID", "InvoiceDate", "InvoiceNo", "Quantity", "UnitPrice"),
        ("cust no", "order date", "Order Number", "Qty", "Price"),
        ("client", "purchased_at", "transaction_id", "units", "unit price"),
        ("User Id", "timestamp", "receipt no", "order", "Item Price"),
    ],
)
def test_purchases_in_several_spellings(tmp_path, customer, at, order, pieces, price):
    pieces = "quantity" if pieces == "order" else pieces
    frame = orders().rename(columns={"customer": customer, "at": at, "order": order, "pieces": pieces, "price": price})
    guess, config = guessed(tmp_path, shop=frame)
    columns = config.source.tables["purchases"].columns
    assert (columns["customer_id"], columns["at"], columns["order_id"]) == (customer, at, order)
    report, histories = ingested(config, tmp_path / "out")
    assert report.tables[0].rows_out == len(frame)
    # no column holds the amount: 2 pieces times the price
    assert float(histories.frame("purchases")["amount"].sum()) == pytest.approx(2 * frame[price].sum())
    assert guess.complete


def test_a_total_is_preferred_to_price_times_quantity(tmp_path):
    _, config = guessed(tmp_path, orders=orders().assign(order_total=9.5))
    assert config.source.tables["purchases"].columns["amount"] == "order_total"


def test_a_price_without_quantity_is_asked_about(tmp_path):
    guess, config = guessed(tmp_path, shop=orders().drop(columns="pieces"))
    assert config.source.tables["purchases"].columns["amount"] == "price"
    assert any("'price'" in question and "paid" in question for question in guess.questions)


def test_rows_without_customer_are_filtered_when_many(tmp_path):
    frame = orders()
    frame.loc[::3, "customer"] = None
    _, config = guessed(tmp_path, shop=frame)
    assert config.source.tables["purchases"].where == "customer is not null"
    report, _ = ingested(config, tmp_path / "out")
    assert report.tables[0].filtered == frame["customer"].isna().sum()
    assert not report.tables[0].quarantined


@pytest.mark.parametrize(("gap", "horizon"), [(8, 30), (55, 60), (85, 90)])
def test_horizon_follows_the_gaps(tmp_path, gap, horizon):
    # every gap is `gap` days, so is the 75 % quantile; to the nearest month, at least one
    _, config = guessed(tmp_path, shop=orders(days=800, gap=gap))
    assert config.tasks.churn.span.horizon == horizon
    assert config.tasks.churn.span.lookback == 2 * horizon
    assert config.tasks.loyalty.horizon == horizon


@settings(max_examples=60, deadline=None)
@given(length=st.integers(4, 900), gap=st.floats(0, 500))
def test_every_fitted_span_leaves_a_test_and_a_training_cutoff(length, gap):
    days = [(START + timedelta(days=day), 1) for day in range(length)]
    timing = fit(days, usual_horizon(gap), 2)
    assert timing is not None
    cutoffs = rolling_cutoffs(timing.start, timing.end, timing.span, timing.every, timing.tests)
    assert len(cutoffs) == timing.tests >= 1
    assert timing.span.horizon <= usual_horizon(gap)


def test_no_span_fits_into_three_days():
    # one test and one training cutoff need lookback + 2 horizons = 4 days at least
    assert fit([(START + timedelta(days=day), 1) for day in range(3)], 30, 2) is None


def test_one_far_row_does_not_stretch_the_history(tmp_path):
    frame = pd.concat([orders(), orders().head(1).assign(at="1970-01-01 00:00:00")])
    _, config = guessed(tmp_path, shop=frame)
    report, _ = ingested(config, tmp_path / "out")
    span = config.tasks.churn.span
    found = rolling_cutoffs(report.start, report.end, span, config.cutoffs.every, config.cutoffs.test)
    assert report.start.year == 2023
    assert len(found) == config.cutoffs.test


def test_short_history_gets_fewer_cutoffs(tmp_path):
    # 130 days: horizon 30 and lookback 60 need 120, so one test cutoff is left, not three
    _, config = guessed(tmp_path, shop=orders(days=130, gap=10))
    assert (config.tasks.churn.span.horizon, config.cutoffs.test) == (30, 1)


def test_dates_that_nobody_can_read_are_asked_about(tmp_path):
    frame = orders(days=11, gap=2).assign(at="03/04/2023")
    guess, config = guessed(tmp_path, shop=frame)
    assert config.source.tables["purchases"].columns["at"] == "at"
    assert any("day/month" in question for question in guess.questions)
    with pytest.raises(DataError, match="day/month"):
        ingest(config.build_source(), tmp_path / "out")


def coin(share, yes="Yes", no="No"):
    return lambda rng, rows: np.where(rng.random(rows) < share, yes, no)


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("Churn", "Yes", "No"), ("churned", "1", "0"), ("Exited", "1", "0"), ("lapse", "1", "0"),
        ("Attrition_Flag", "Attrited Customer", "Existing Customer"), ("Customer Status", "Churned", "Stayed"),
        ("is_churn", "True", "False"), ("Left", "y", "n"),
    ],
)  # fmt: skip
def test_label_and_its_positive_value(tmp_path, name, yes, no):
    frame = snapshot(customer_id=lambda _, n: [f"K{i}" for i in range(n)], **{name: coin(0.3, yes, no)})
    guess, config = guessed(tmp_path, people=frame)
    assert config.tasks.churn.kind == "given"
    assert (config.tasks.churn.label, config.tasks.churn.positive) == (name, yes)
    report, histories = ingested(config, tmp_path / "out")
    assert report.tables[0].rows_out == len(frame)
    assert name not in report.attributes
    assert (histories.frame("customers")[name] == yes).sum() == (frame[name] == yes).sum()
    assert not any("mean that the customer left" in question for question in guess.questions)


def test_a_label_of_staying_is_turned_round(tmp_path):
    _, config = guessed(tmp_path, people=snapshot(client_id=lambda _, n: range(n), retained=coin(0.8)))
    assert (config.tasks.churn.label, config.tasks.churn.positive) == ("retained", "No")


def test_an_unclear_positive_value_is_asked_about(tmp_path):
    guess, config = guessed(tmp_path, people=snapshot(client_id=lambda _, n: range(n), churn=coin(0.2, "A", "B")))
    assert config.tasks.churn.positive == "A"
    assert any("mean that the customer left" in question for question in guess.questions)


def test_columns_of_customers_are_sorted_out(tmp_path):
    frame = snapshot(
        RowNumber=lambda _, n: range(1, n + 1),
        CustomerId=lambda rng, n: rng.permutation(n) + 15_000,
        Surname=lambda _, n: [f"Name{i % 90}" for i in range(n)],
        Gender=coin(0.5, "Female", "Male"),
        email=lambda _, n: [f"a{i}@example.org" for i in range(n)],
        phone_service=coin(0.9),
        Comment=lambda _, n: [f"text number {i}" for i in range(n)],
        Country="France",
        Plan=coin(0.4, "basic", "gold"),
        Exited=coin(0.2, 1, 0),
    )
    frame["churn_reason"] = np.where(frame["Exited"].astype(int) == 1, "price", None)
    frame["state_now"] = np.where(frame["Exited"].astype(int) == 1, "gone", "here")
    _, config = guessed(tmp_path, bank=frame)
    table = config.source.tables["customers"]
    assert table.columns == {"customer_id": "CustomerId"}
    assert table.roles == {"Surname": "contact", "Gender": "sensitive", "email": "contact"}
    assert set(table.exclude) == {"RowNumber", "Comment", "Country", "churn_reason", "state_now"}
    report, _ = ingested(config, tmp_path / "out")
    assert set(report.attributes) == {"tenure", "bill", "phone_service", "Plan"}


def test_a_snapshot_without_id_counts_rows(tmp_path):
    guess, config = guessed(tmp_path, lapse_data=snapshot(lapse=coin(0.2, 1, 0)))
    _, histories = ingested(config, tmp_path / "out")
    assert histories.frame("customers")["customer_id"].nunique() == 300
    assert any("number of the row" in question for question in guess.questions)


def test_contracts_come_from_start_and_end(tmp_path):
    begin = [START + timedelta(days=3 * i) for i in range(200)]
    frame = pd.DataFrame({
        "subscription_id": [f"S{i}" for i in range(200)], "account_id": [f"A{i % 90}" for i in range(200)],
        "start_date": begin,
        "cancel_date": [day + timedelta(days=40) if i % 2 else None for i, day in enumerate(begin)],
        "cancel_reason": ["Upgrade" if i % 4 == 1 else "Price" if i % 2 else None for i in range(200)],
    })  # fmt: skip
    _, config = guessed(tmp_path, data=frame)
    assert config.source.tables["contracts"].columns == {
        "contract_id": "subscription_id", "customer_id": "account_id", "started_at": "start_date",
        "ended_at": "cancel_date", "end_reason": "cancel_reason",
    }  # fmt: skip
    assert config.tasks.churn.kind == "contract_end"
    assert config.tasks.churn.not_churn == ("Upgrade",)
    assert config.exits.reasons == {"price": ("Price",)}
    ingested(config, tmp_path / "out")


def test_one_row_contracts_give_customers_without_the_end(tmp_path):
    begin = [START + timedelta(days=2 * i) for i in range(200)]
    frame = pd.DataFrame({
        "customer_id": range(200), "signup_date": begin, "age": np.arange(200) % 50, "churned": np.arange(200) % 2,
        "churn_date": [day + timedelta(days=60) if i % 2 else None for i, day in enumerate(begin)],
    })  # fmt: skip
    _, config = guessed(tmp_path, data=frame)
    assert config.tasks.churn.kind == "contract_end"
    assert config.source.tables["customers"].exclude[-1] == "churned"
    report, _ = ingested(config, tmp_path / "out")
    assert set(report.attributes) == {"age"}


def test_one_row_files_with_the_same_id_are_joined(tmp_path):
    ids = [f"K{i}" for i in range(300)]
    services = snapshot(customer_id=lambda _, n: ids, plan=coin(0.4, "a", "b"))
    status = pd.DataFrame({"customer_id": ids[::-1], "points": np.arange(300) % 7, "churn": ["Yes", "No", "No"] * 100})
    guess, config = guessed(tmp_path, services=services, status=status)
    assert len(config.source.tables["customers"].join) == 1
    report, _ = ingested(config, tmp_path / "out")
    assert set(report.attributes) == {"tenure", "bill", "plan", "points"}
    assert guess.complete


def test_parts_of_one_table_become_a_glob(tmp_path):
    frame = orders()
    for year, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        frame.iloc[part].to_csv(tmp_path / f"orders_{2021 + year}.csv", index=False)
    root, paths = find_files([str(tmp_path)])
    assert (root, paths) == (tmp_path.resolve(), ("orders_202*.csv",))
    write_guess([str(tmp_path)], tmp_path / "h.yaml")
    report, _ = ingested(load_config(tmp_path / "h.yaml"), tmp_path / "out")
    assert report.tables[0].rows_out == len(frame)


def test_files_with_other_columns_stay_apart(tmp_path):
    orders().to_csv(tmp_path / "part1.csv", index=False)
    snapshot(customer=lambda _, n: range(n)).to_csv(tmp_path / "part2.csv", index=False)
    assert find_files([str(tmp_path)])[1] == ("part1.csv", "part2.csv")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    simulate(150, 14, 5).write(folder)
    return folder


def test_the_simulated_world_is_recognised(world, tmp_path):
    out = tmp_path / "holdfast.yaml"
    write_guess([str(world)], out)
    own, found = load_config(world / "holdfast.yaml"), load_config(out)
    assert {name: dict(table.columns) for name, table in found.source.tables.items()} == {
        name: dict(table.columns) for name, table in own.source.tables.items()
    }
    ingested(found, tmp_path / "out")


def test_tables_are_recognised_without_their_names(world, tmp_path):
    names = ["purchases", "customers", "contracts", "payments", "complaints", "contacts", "surveys", "consents",
             "exits", "referrals", "memberships", "campaigns", "managers", "events"]  # fmt: skip
    for number, name in enumerate(names):
        (tmp_path / f"{chr(97 + number)}.parquet").write_bytes((world / f"{name}.parquet").read_bytes())
    write_guess([str(tmp_path)], tmp_path / "holdfast.yaml")
    config = load_config(tmp_path / "holdfast.yaml")
    found = {table.path: name for name, table in config.source.tables.items()}
    assert found == {f"{chr(97 + number)}.parquet": name for number, name in enumerate(names)}


def test_unreadable_and_unknown_files_are_named(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    guess_frame = pd.DataFrame({"colour": ["red", "blue"], "weight": [1, 2]})
    guess_frame.to_csv(tmp_path / "odd.csv", index=False)
    orders().to_csv(tmp_path / "shop.csv", index=False)
    guess = write_guess([str(tmp_path)], tmp_path / "h.yaml")
    assert any(line.startswith("broken.parquet: not read") for line in guess.questions)
    assert any(line.startswith("odd.csv: no column names the customer") for line in guess.questions)
    with pytest.raises(DataError, match=r"odd\.csv"):
        write_guess([str(tmp_path / "odd.csv")], tmp_path / "other.yaml")
    assert not (tmp_path / "other.yaml").exists()


def test_without_a_question_the_config_says_so(tmp_path):
    guess, _ = guessed(tmp_path, customers=snapshot(customer_id=lambda _, n: range(n), plan=coin(0.5, "a", "b")))
    assert not guess.complete
    assert any("no question" in question for question in guess.questions)
    assert "customers" in read_yaml(tmp_path / "holdfast.yaml")["source"]["tables"]


def test_the_same_files_give_the_same_text(tmp_path):
    first, _ = guessed(tmp_path, shop=orders())
    assert write_guess([str(tmp_path / "shop.csv")], tmp_path / "holdfast.yaml", force=True).text == first.text


def test_an_existing_file_is_kept(tmp_path, capsys):
    orders().to_csv(tmp_path / "shop.csv", index=False)
    out = tmp_path / "holdfast.yaml"
    out.write_text("mine")
    codes = []
    main(["init", str(tmp_path / "shop.csv"), "-o", str(out)], codes.append)
    assert codes[0] == 2
    assert out.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    main(["init", str(tmp_path / "shop.csv"), "-o", str(out), "--force"], codes.append)
    assert load_config(out).tasks.churn.kind == "silence"
    assert "purchases: shop.csv" in capsys.readouterr().out


def test_missing_data_is_wrong_usage(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.csv"):
        find_files([str(tmp_path / "nothing.csv")])


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Cn", "Co")), min_size=1))
def test_any_text_survives_yaml(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "scalar.yaml"
    path.write_text(f"key: {scalar(text)}  # a comment\nlist: [{scalar(text)}, x]\n", encoding="utf-8")
    assert read_yaml(path) == {"key": text, "list": [text, "x"]}


def test_names_are_compared_without_case_and_punctuation():
    assert {collapsed(name) for name in ("CustomerID", "customer_id", "Customer-Id", "CUSTOMER ID")} == {"customerid"}


def test_odd_column_names_are_quoted():
    assert spell('a"b', frozenset()) == '"a""b"'
