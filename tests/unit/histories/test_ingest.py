"""Ingestion: what is kept, what is refused and why, and that nothing is lost."""

import gzip
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.errors import ConfigError, DataError
from holdfast.histories.histories import Histories
from holdfast.histories.ingest import ingest
from holdfast.histories.sources import GivenLabel, JoinedFile, Source, TableSource
from holdfast.histories.words import same_value
from holdfast.windows import Span

TODAY = date(2024, 12, 31)
PURCHASES = {"customer_id": "id", "at": "day", "amount": "value"}
SPAN = Span(60, 0, 30)


def read(tmp_path, tables, **settings):
    """Ingest and return the report, the frames and the refused rows."""
    span = settings.pop("span", SPAN)
    settings.setdefault("label_table", tables[0].name)
    out = tmp_path / "out"
    source = Source("test", settings.pop("root", "."), tmp_path, tuple(tables), **settings)
    report = ingest(source, out, span=span, today=TODAY)
    frames = {table.name: pd.read_parquet(out / f"{table.name}.parquet") for table in tables}
    refused = {table.name: pd.read_parquet(out / "quarantine" / f"{table.name}.parquet") for table in tables}
    return report, frames, refused


def purchases(tmp_path, text, columns=None, **options):
    (tmp_path / "p.csv").write_text(text)
    settings = {key: options.pop(key) for key in ("timezone", "as_of", "span") if key in options}
    table = TableSource("purchases", "p.csv", columns or PURCHASES, **options)
    report, frames, refused = read(tmp_path, [table], **settings)
    return report, frames["purchases"], refused["purchases"]


def test_names_with_spaces_keywords_and_expressions(tmp_path):
    text = "Customer ID,order,Quantity,UnitPrice,day\n00001,A1,2,2.55,2024-01-01\n00002,7,3,1.10,2024-01-02\n"
    columns = {"customer_id": "Customer ID", "at": "day", "order_id": "order", "amount": "Quantity * UnitPrice"}
    report, frame, _ = purchases(tmp_path, text, columns)
    assert frame["customer_id"].tolist() == ["00001", "00002"]
    assert frame["order_id"].tolist() == ["A1", "7"]
    assert frame["amount"].tolist() == [Decimal("5.1000"), Decimal("3.3000")]  # 2 x 2.55, 3 x 1.10
    assert report.end == date(2024, 1, 3)
    assert Histories.open(tmp_path / "out").end == date(2024, 1, 3)


def test_expressions_see_typed_columns(tmp_path):
    text = "id,day,Quantity,price,invoice,code,zip\na,2024-02-03,2,3.0,A,5,00501\na,2024-02-03,2,3.0,A,5,00501\n"
    expected = {
        "Quantity * price": 6,
        "quantity * PRICE": 6,
        '"Quantity" + 1': 3,
        "CASE WHEN invoice LIKE 'C%' THEN -price ELSE price END": 3,
        "CASE WHEN code LIKE '5%' THEN 1 ELSE 2 END": 1,
        "length(code)": 1,
        "date_part('month', day)": 2,
        "CASE WHEN day >= DATE '2024-02-01' THEN 9 ELSE 8 END": 9,
        "12.5": Decimal("12.5"),
        "price -- a comment": 3,
        "CASE WHEN zip = '00501' THEN 1 ELSE 0 END": 1,
    }
    names = ("amount", "quantity", "unit_price", "list_price", "cost")
    items = list(expected.items())
    for start in range(0, len(items), len(names)):
        part = dict(zip(names, items[start : start + len(names)], strict=False))
        columns = {"customer_id": "id", "at": "day", "amount": "price"} | {name: sql for name, (sql, _) in part.items()}
        _, frame, _ = purchases(tmp_path, text, columns)
        for name, (sql, value) in part.items():
            assert frame[name].tolist() == [value, value], sql


def test_a_bad_cell_in_an_expression_refuses_its_row_only(tmp_path):
    text = "id,day,q,p\na,2024-02-03,2,3.0\nb,2024-02-03,x,3.0\nc,2024-02-03,2,3.0\n"
    columns = {"customer_id": "id", "at": "day", "quantity": "q", "amount": "q * p"}
    report, frame, refused = purchases(tmp_path, text, columns)
    assert frame["customer_id"].tolist() == ["a", "c"]
    assert refused["reason"].tolist() == ["amount: missing"]
    assert report.tables[0].rows_in == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Quantty * value", "there is no source column 'Quantty'; did you mean 'Quantity'?"),
        ("Cust ID", "did you mean 'Customer ID'?"),
        ("sum(value)", "it mixes rows"),
        ("value *", "syntax error"),
        ("no_such(value)", "no_such"),
        ("1; DROP TABLE x", "neither a column"),
        ("value) AS a, (value", "neither a column"),
        ("(SELECT count(*) FROM read_csv('/etc/hostname'))", "neither a column"),
    ],
)
def test_a_column_that_cannot_be_resolved(tmp_path, content, expected):
    text = "Customer ID,day,value,Quantity\na,2024-01-01,1,1\n"
    with pytest.raises(ConfigError) as caught:
        purchases(tmp_path, text, {"customer_id": "Customer ID", "at": "day", "amount": content})
    line = str(caught.value)
    assert line.startswith("tables.purchases.columns.amount: ")
    assert expected in line
    assert "\n" not in line


def test_an_expression_that_makes_rows_is_refused(tmp_path):
    with pytest.raises((ConfigError, DataError)):
        purchases(tmp_path, "id,day,value\na,2024-01-01,1\n", PURCHASES | {"amount": "unnest([1, 2])"})


def test_where_is_counted_apart(tmp_path):
    text = "id,day,value\na,2024-01-01,1\n,2024-01-01,1\n,2024-01-01,x\nb,2024-01-01,x\n"
    report, frame, refused = purchases(tmp_path, text, where="id is not null")
    table = report.tables[0]
    assert (table.rows_in, table.filtered, table.rows_out) == (4, 2, 1)
    assert table.quarantined == {"amount: not a number": 1}
    assert refused["value"].tolist() == ["x"]
    assert refused["file"].tolist() == ["p.csv"]
    assert refused["row_number"].tolist() == [4]
    assert frame["customer_id"].tolist() == ["a"]
    with pytest.raises(ConfigError, match=r"tables.purchases.where: 'value' .*gives BIGINT"):
        purchases(tmp_path, "id,day,value\na,2024-01-01,1\n", where="value")


def test_amounts_that_are_none(tmp_path):
    cells = ["", "abc", "inf", "-Infinity", "nan", "1e15", "99999999999999", "-1e-3"]
    rows = "".join(f"a,2024-01-01,{cell}\n" for cell in cells)
    report, frame, refused = purchases(tmp_path, "id,day,value\n" + rows)
    assert frame["amount"].tolist() == [Decimal("-0.0010"), Decimal("99999999999999.0000")]
    assert refused["reason"].tolist() == [
        "amount: missing",
        "amount: not a number: abc",
        "amount: not finite: inf",
        "amount: not finite: -Infinity",
        "amount: missing",
        "amount: too large: 1e15",
    ]
    assert report.tables[0].quarantined["amount: not finite"] == 2


def test_missing_customer(tmp_path):
    text = 'id,day,value\na,2024-01-01,5\n"",2024-01-01,5\n  ,2024-01-01,5\nNULL,2024-01-01,5\n'
    report, _, refused = purchases(tmp_path, text)
    assert refused["reason"].tolist() == ["customer_id: missing"] * 3
    assert report.tables[0].quarantined == {"customer_id: missing": 3}


def test_a_column_agrees_on_the_order_of_day_and_month(tmp_path):
    text = "id,day,value\na,03/04/2024,5\nb,13/04/2024,5\nc,05/05/2024,5\n"
    _, frame, _ = purchases(tmp_path, text)
    assert frame["at"].tolist() == [datetime(2024, 4, 3), datetime(2024, 4, 13), datetime(2024, 5, 5)]
    _, frame, _ = purchases(tmp_path, text.replace("13/04", "04/13"))
    assert frame["at"].tolist() == [datetime(2024, 3, 4), datetime(2024, 4, 13), datetime(2024, 5, 5)]


def test_an_order_that_no_row_decides_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"column at \(source day\): every date such as '03/04/2024' reads both"):
        purchases(tmp_path, "id,day,value\na,03/04/2024,5\nb,05/06/2024,5\n")
    with pytest.raises(DataError, match="1 rows can only be day/month and 1 only month/day"):
        purchases(tmp_path, "id,day,value\na,13/04/2024,5\nb,05/16/2024,5\nc,01/02/2024,5\n")
    columns = PURCHASES | {"at": "strptime(day, '%d/%m/%Y')"}
    _, frame, _ = purchases(tmp_path, "id,day,value\na,03/04/2024,5\nb,05/06/2024,5\n", columns)
    assert frame["at"].tolist() == [datetime(2024, 4, 3), datetime(2024, 6, 5)]


def test_mixed_spellings_in_one_column(tmp_path):
    text = "id,day,value\na,2024-01-05,5\nb,13/01/2024,5\nc,20240106,5\nd,when?,5\n"
    report, frame, _ = purchases(tmp_path, text)
    assert frame["at"].tolist() == [datetime(2024, 1, 5), datetime(2024, 1, 6), datetime(2024, 1, 13)]
    assert report.tables[0].quarantined == {"at: not a date": 1}


def test_one_row_in_2099_moves_nothing(tmp_path):
    rows = "".join(f"a,2024-0{month}-01,5\n" for month in range(1, 7))
    plain, frame, _ = purchases(tmp_path, "id,day,value\n" + rows)
    odd, kept, refused = purchases(tmp_path, "id,day,value\n" + rows + "z,2099-01-01,5\nz,1970-01-01,5\n")
    assert frame.equals(kept)
    assert (plain.start, plain.end, plain.data_hash) == (odd.start, odd.end, odd.data_hash)
    assert sorted(refused["reason"]) == [
        "at: impossible date: 1970-01-01 is more than 90 days from all other rows",
        "at: impossible date: 2099-01-01 is after today",
    ]
    assert odd.tables[0].quarantined == {"at: impossible date": 2}


def test_without_a_span_a_gap_is_no_reason(tmp_path):
    _, frame, _ = purchases(tmp_path, "id,day,value\na,1970-01-01,5\nb,2024-01-01,5\nc,2024-01-02,5\n", span=None)
    assert len(frame) == 3


def test_a_yearly_survey_is_no_impossible_date(tmp_path):
    rows = "".join(f"a,2023-{month:02}-01,5\n" for month in range(1, 13))
    (tmp_path / "p.csv").write_text("id,day,value\n" + rows)
    (tmp_path / "s.csv").write_text("id,day,nps\na,2023-01-10,5\na,2023-11-10,5\na,1999-01-01,3\n")
    survey = TableSource("surveys", "s.csv", {"customer_id": "id", "at": "day", "nps": "nps"})
    _, frames, refused = read(tmp_path, [TableSource("purchases", "p.csv", PURCHASES), survey])
    assert len(frames["surveys"]) == 2
    assert refused["surveys"]["day"].tolist() == ["1999-01-01"]


def test_duplicates_stay_without_a_key(tmp_path):
    text = "id,day,value,n\na,2024-01-01,5,1\na,2024-01-01,5,2\nb,2024-01-01,5,3\n"
    _, frame, _ = purchases(tmp_path, text)
    assert len(frame) == 3
    report, frame, refused = purchases(tmp_path, text, key=("customer_id", "day"))
    assert len(frame) == 2
    assert refused["n"].tolist() == ["2"]
    assert report.tables[0].quarantined == {"duplicate by key": 1}
    with pytest.raises(ConfigError, match=r"tables\.purchases\.key: 'dy'"):
        purchases(tmp_path, text, key=("customer_id", "dy"))


def test_second_row_for_a_customer(tmp_path):
    (tmp_path / "p.csv").write_text("id,day,value\na,2024-01-01,5\n")
    (tmp_path / "c.csv").write_text("id,age,plan,email\na,30,x,a@b.c\na,31,y,c@d.e\nb,,x,e@f.g\n")
    customers = TableSource(
        "customers", "c.csv", {"customer_id": "id"}, attributes="*", roles={"email": "contact"}, static=("plan",)
    )
    report, frames, refused = read(tmp_path, [TableSource("purchases", "p.csv", PURCHASES), customers])
    assert frames["customers"]["age"].iloc[0] == 30.0
    assert report.attributes == {"age": "number", "plan": "category"}
    assert refused["customers"]["reason"].tolist() == ["customer_id: second row for a customer"]
    assert Histories.open(tmp_path / "out").static == ("plan",)
    for path in (tmp_path / "out").rglob("*.parquet"):
        assert not any(mail in path.read_bytes() for mail in (b"@b.c", b"@d.e", b"@f.g"))


def test_a_contact_column_cannot_be_mapped(tmp_path):
    (tmp_path / "c.csv").write_text("id,email\na,a@b.c\n")
    table = TableSource("customers", "c.csv", {"customer_id": "email"}, roles={"email": "contact"})
    with pytest.raises(ConfigError, match="'email' has the role contact and cannot pass"):
        read(tmp_path, [table])


def test_many_refused_rows_are_a_warning(tmp_path):
    report, _, _ = purchases(tmp_path, "id,day,value\na,2024-01-01,5\nb,2024-01-01,x\n")
    assert report.warnings == (
        "purchases: 1 of 2 rows refused, most often (1) because amount: not a number; see the quarantine",
    )


def test_attributes_by_name(tmp_path):
    (tmp_path / "c.csv").write_text("id,Age,region,zip\na,30,x,01234\nb,n/a,y,04321\n")
    table = TableSource("customers", "c.csv", {"customer_id": "id"}, attributes=("Age", "region", "zip"))
    report, frames, _ = read(tmp_path, [table])
    assert report.attributes == {"Age": "number", "zip": "category"}  # region is a canonical column
    assert frames["customers"]["region"].tolist() == ["x", "y"]
    assert frames["customers"]["zip"].tolist() == ["01234", "04321"]
    with pytest.raises(
        ConfigError, match=r"tables\.customers\.attributes: 'Agee' is not a column of c\.csv; did you mean 'Age'"
    ):
        read(tmp_path, [TableSource("customers", "c.csv", {"customer_id": "id"}, attributes=("Agee",))])


def test_under_a_star_names_of_people_stay_out(tmp_path):
    rows = "".join(f"{i},name {i},p{i % 3},1\n" for i in range(200))
    (tmp_path / "c.csv").write_text("id,name,plan,one\n" + rows)
    report, _, _ = read(tmp_path, [TableSource("customers", "c.csv", {"customer_id": "id"}, attributes="*")])
    assert report.attributes == {"plan": "category"}
    assert len(report.warnings) == 2


def test_a_snapshot_with_its_label_and_joined_files(tmp_path):
    (tmp_path / "c.csv").write_text("id,age\na,30\nb,31\nc,32\nd,33\n")
    (tmp_path / "s.csv").write_text("id,left,why,age\na,Yes,price,0\nb,No,,0\nc,No,,0\n")
    customers = TableSource(
        "customers", "c.csv", {"customer_id": "id"}, attributes="*", exclude=("why",), join=(JoinedFile("s.csv", "id"),)
    )
    exits = TableSource("exits", "s.csv", {"customer_id": "id", "stated_reason": "why"}, where="why is not null")
    label = GivenLabel("left", "Yes")
    report, frames, refused = read(tmp_path, [customers, exits], label=label, span=None)
    assert frames["customers"]["left"].tolist() == ["Yes", "No", "No"]
    assert refused["customers"]["reason"].tolist() == ["left: label missing"]
    assert frames["customers"]["age"].tolist() == [30.0, 31.0, 32.0]
    assert report.attributes == {"age": "number"}
    assert list(frames["exits"].columns) == ["customer_id", "stated_reason"]
    with pytest.raises(DataError, match=r"'gone' does not occur in column 'left'; its values are No \(2\), Yes \(1\)"):
        read(tmp_path, [customers, exits], label=GivenLabel("left", "gone"), span=None)
    read(tmp_path, [customers, exits], label=GivenLabel("left", "yes"), span=None)
    with pytest.raises(DataError, match=r"tasks.churn.label: 'lefd' is not a column"):
        read(tmp_path, [customers, exits], label=GivenLabel("lefd", "Yes"), span=None)
    (tmp_path / "s.csv").write_text("id,left,why\na,Yes,price\na,No,\n")
    with pytest.raises(DataError, match=r"joined file s\.csv has several rows"):
        read(tmp_path, [customers], label=label, span=None)


def test_ids_of_every_type_meet(tmp_path):
    frame = pd.DataFrame(
        {"id": [17850.0, 17851.0, None], "day": pd.to_datetime(["2024-01-01"] * 3), "value": [1.5] * 3}
    )
    frame.to_parquet(tmp_path / "p.parquet")
    (tmp_path / "e.csv").write_text("id,day,kind\n17850.0,2024-01-01,visit\n,2024-01-01,visit\n")
    tables = [
        TableSource("purchases", "p.parquet", PURCHASES),
        TableSource("events", "e.csv", {"customer_id": "id", "at": "day", "kind": "kind"}),
    ]
    _, frames, refused = read(tmp_path, tables)
    assert frames["purchases"]["customer_id"].tolist() == ["17850", "17851"]
    assert frames["events"]["customer_id"].tolist() == ["17850"]
    assert len(refused["purchases"]) == len(refused["events"]) == 1


def test_parquet_with_zones_and_a_glob(tmp_path):
    at = pd.to_datetime(["2024-07-01T10:00:00Z"])
    for number in (2, 1):
        pd.DataFrame({"id": [f"c{number}"], "day": at, "value": [float("inf") if number == 2 else 1.0]}).to_parquet(
            tmp_path / f"part{number}.parquet"
        )
    table = TableSource("purchases", "part*.parquet", PURCHASES)
    report, frames, refused = read(tmp_path, [table], timezone="Europe/London")
    assert frames["purchases"]["at"].tolist() == [datetime(2024, 7, 1, 11)]
    assert refused["purchases"]["file"].tolist() == ["part2.parquet"]
    assert report.tables[0].files == ("part1.parquet", "part2.parquet")


def test_a_glob_of_csv_with_other_columns(tmp_path):
    (tmp_path / "a1.csv").write_text("id,day,value\na,2024-01-01,5\n")
    (tmp_path / "a2.csv").write_text("value;id;day;extra\n6;b;2024-01-02;x\n")
    _, frames, _ = read(tmp_path, [TableSource("purchases", "a*.csv", PURCHASES)])
    assert frames["purchases"]["amount"].tolist() == [Decimal(5), Decimal(6)]


def test_a_duckdb_file(tmp_path):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE sales AS SELECT 'a' AS id, DATE '2024-01-01' AS day, 5 AS value")
    report, frames, _ = read(tmp_path, [TableSource("purchases", "sales", PURCHASES)], root="duckdb:///shop.duckdb")
    assert frames["purchases"]["amount"].tolist() == [Decimal(5)]
    assert report.tables[0].files == ("shop.duckdb:sales",)
    with pytest.raises(ConfigError, match=r"no table 'sale' in .*did you mean 'sales'"):
        read(tmp_path, [TableSource("purchases", "sale", PURCHASES)], root="duckdb:///shop.duckdb")
    with pytest.raises(ConfigError, match=r"holdfast\[postgres\]"):
        read(tmp_path, [TableSource("purchases", "sale", PURCHASES)], root="postgresql://host/db")
    with pytest.raises(DataError, match=r"no\.duckdb does not exist"):
        read(tmp_path, [TableSource("purchases", "sale", PURCHASES)], root="duckdb:///no.duckdb")


def test_white_space_and_a_blank_line(tmp_path):
    with gzip.open(tmp_path / "p.txt.gz", "wt") as file:
        file.write("\n id   day  n  value\n 00001 20240101  1   11.77\n 00002 20240102  2    9.50\n 00003 20240103 1\n")
    report, frames, refused = read(tmp_path, [TableSource("purchases", "p.txt.gz", PURCHASES)])
    assert frames["purchases"]["customer_id"].tolist() == ["00001", "00002"]
    assert refused["purchases"]["reason"].tolist() == ["malformed line: expected 4 columns, found 3"]
    assert report.tables[0].rows_in == 3


def test_without_a_header_columns_are_numbered(tmp_path):
    columns = {"customer_id": "column0", "at": "column1", "amount": "column3"}
    _, frame, _ = purchases(tmp_path, "00001 20240101  1   11.77\n00002 20240102  2    9.50\n", columns)
    assert frame["customer_id"].tolist() == ["00001", "00002"]


def test_lines_that_do_not_split_are_kept_in_quarantine(tmp_path):
    text = 'id,day,value\na,2024-01-01,5\nb,2024-01-01\nc,2024-01-01,5,6\n"d,\ne",2024-01-01,7\n'
    report, frame, refused = purchases(tmp_path, text)
    assert frame["customer_id"].tolist() == ["a", "d,\ne"]
    assert sorted(refused["reason"]) == ["malformed line: too few columns", "malformed line: too many columns"]
    assert sorted(refused["line"]) == ["b,2024-01-01", "c,2024-01-01,5,6"]
    assert report.tables[0].rows_in == 4


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-8-sig"])
def test_other_encodings(tmp_path, encoding):
    (tmp_path / "p.csv").write_bytes("id,day,value\nCaf\u00e9,2024-01-01,5\nb,2024-01-01,5\n".encode(encoding))
    report, frames, _ = read(tmp_path, [TableSource("purchases", "p.csv", PURCHASES)])
    assert sorted(frames["purchases"]["customer_id"]) == ["Caf\u00e9", "b"]
    assert bool(report.warnings) == (encoding != "utf-8-sig")


def test_broken_files_are_named(tmp_path):
    whole = gzip.compress(b"id,day,value\n" + b"a,2024-01-01,5\n" * 5000)
    (tmp_path / "p.csv.gz").write_bytes(whole[:-20])
    with pytest.raises(DataError, match=r"p\.csv\.gz: the gzip file is cut short or corrupt"):
        read(tmp_path, [TableSource("purchases", "p.csv.gz", PURCHASES)])
    (tmp_path / "q.csv.gz").write_text("id,day,value\n")
    with pytest.raises(DataError, match=r"q\.csv\.gz: the gzip file is cut short or corrupt"):
        read(tmp_path, [TableSource("purchases", "q.csv.gz", PURCHASES)])
    (tmp_path / "p.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(DataError, match=r"p\.parquet is not a whole Parquet file"):
        read(tmp_path, [TableSource("purchases", "p.parquet", PURCHASES)])
    (tmp_path / "b.csv").write_bytes(b"\x00\x01\x02\x00")
    with pytest.raises(DataError, match=r"b\.csv: not a text file"):
        read(tmp_path, [TableSource("purchases", "b.csv", PURCHASES)])
    assert not list((tmp_path / "out").glob(".ingest-*"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("id,day,value\n", "holds no row"),
        ("id,day,value\na,never,5\n", r"no row is left of 1; 1 refused \(at: not a date\)"),
    ],
)
def test_nothing_to_read(tmp_path, text, expected):
    with pytest.raises(DataError, match=expected):
        purchases(tmp_path, text)


def test_missing_files(tmp_path):
    with pytest.raises(DataError, match=r"table purchases: file .*none\.csv does not exist"):
        read(tmp_path, [TableSource("purchases", "none.csv", PURCHASES)])
    with pytest.raises(DataError, match="no file matches"):
        read(tmp_path, [TableSource("purchases", "none*.csv", PURCHASES)])
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path, [TableSource("purchases", "none.csv", PURCHASES)], root="absent")
    (tmp_path / "x.xlsx").write_text("x")
    with pytest.raises(ConfigError, match=r"cannot read 'x\.xlsx'"):
        read(tmp_path, [TableSource("purchases", "x.xlsx", PURCHASES)])


def test_an_open_end_in_the_year_9999(tmp_path):
    (tmp_path / "c.csv").write_text(
        "id,a,b,n\nx,2024-01-01,9999-12-31,12\ny,2024-01-01,2024-05-01,12.5\nz,2024-01-02,,\n"
    )
    columns = {"customer_id": "id", "started_at": "a", "ended_at": "b", "term_months": "n"}
    _, frames, refused = read(tmp_path, [TableSource("contracts", "c.csv", columns)])
    assert frames["contracts"]["ended_at"].isna().tolist() == [True, True]
    assert refused["contracts"]["reason"].tolist() == ["term_months: not a whole number: 12.5"]


def test_flags(tmp_path):
    (tmp_path / "c.csv").write_text(
        "id,day,what,ok\na,2024-01-01,mail,yes\nb,2024-01-01,mail,0\nc,2024-01-01,mail,hm\n"
    )
    columns = {"customer_id": "id", "at": "day", "purpose": "what", "granted": "ok"}
    _, frames, refused = read(tmp_path, [TableSource("consents", "c.csv", columns)])
    assert frames["consents"]["granted"].tolist() == [True, False]
    assert refused["consents"]["reason"].tolist() == ["granted: not a yes or no: hm"]


def test_as_of_ends_the_data(tmp_path):
    report, _, _ = purchases(tmp_path, "id,day,value\na,2024-01-01,5\n", as_of=date(2024, 3, 1))
    assert report.end == date(2024, 3, 1)
    with pytest.raises(DataError, match=r"source\.as_of"):
        purchases(tmp_path, "id,day,value\na,2024-01-01,5\n", as_of=date(2023, 3, 1))


def test_an_earlier_table_does_not_stay_behind(tmp_path):
    (tmp_path / "e.csv").write_text("id,day,kind\na,2024-01-01,visit\n")
    (tmp_path / "p.csv").write_text("id,day,value\na,2024-01-01,5\n")
    events = TableSource("events", "e.csv", {"customer_id": "id", "at": "day", "kind": "kind"})
    table = TableSource("purchases", "p.csv", PURCHASES)
    read(tmp_path, [table, events])
    read(tmp_path, [table])
    assert not (tmp_path / "out" / "events.parquet").exists()


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "00007", ""]), st.integers(1, 28), st.sampled_from(["1", "2.5", "-3", "x", ""])
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, seed=st.randoms(use_true_random=False))
def test_no_row_is_lost_and_order_does_not_matter(tmp_path: Path, rows, seed):
    rows = [("sure", 1, "1"), *rows]
    shuffled = list(rows)
    seed.shuffle(shuffled)
    results = []
    for content in (rows, shuffled):
        text = "id,day,value\n" + "".join(f"{a},2024-01-{day:02},{value}\n" for a, day, value in content)
        report, _, refused = purchases(tmp_path, text)
        table = report.tables[0]
        good = [row for row in content if row[0] and row[2] not in ("x", "")]
        assert table.rows_out == len(good)
        assert table.rows_in == len(content) == table.rows_out + len(refused)
        results.append(((tmp_path / "out" / "purchases.parquet").read_bytes(), report.data_hash))
    assert results[0] == results[1]


def test_source_columns_named_like_those_of_the_quarantine_are_kept_beside_them(tmp_path):
    (tmp_path / "complaints.csv").write_text("who,day,reason,file\na,2024-01-01,late,x\nb,no day,rude,y\n")
    (tmp_path / "purchases.csv").write_text("who,day,money\na,2024-01-01,5\nb,2024-01-02,6\n")
    tables = (
        TableSource("purchases", "purchases.csv", {"customer_id": "who", "at": "day", "amount": "money"}),
        TableSource("complaints", "complaints.csv", {"customer_id": "who", "at": "day", "topic": "reason"}),
    )
    source = Source("shop", ".", tmp_path, tables, label_table="purchases")
    ingest(source, tmp_path / "out", quarantine_dir=tmp_path / "quarantine")
    refused = pd.read_parquet(tmp_path / "quarantine" / "complaints.parquet")
    assert refused[["source_reason", "source_file"]].to_numpy().tolist() == [["rude", "y"]]
    assert refused["reason"].tolist()[0].startswith("at: not a date")


def test_words_without_a_meaning_are_told_and_kept(tmp_path):
    text = "id,day,way\na,2024-01-01,Outbound\na,2024-01-02,raus\nb,2024-01-03,raus\nb,2024-01-04,INBOUND\n"
    (tmp_path / "c.csv").write_text(text)
    (tmp_path / "p.csv").write_text("id,day,value\na,2024-01-01,1\nb,2024-01-05,1\n")
    tables = [TableSource("purchases", "p.csv", PURCHASES),
              TableSource("contacts", "c.csv", {"customer_id": "id", "at": "day", "direction": "way"})]  # fmt: skip
    report, frames, _ = read(tmp_path, tables)
    # the code's own words are read whatever their capitals
    assert sorted(frames["contacts"]["direction"]) == ["inbound", "outbound", "raus", "raus"]
    (word,) = [word for word in report.warnings if "direction" in word]
    assert "2 rows hold words without a meaning" in word
    assert "'raus' (2)" in word
    assert "inbound, outbound" in word


def test_a_header_that_stands_twice_and_a_name_in_capitals(tmp_path):
    (tmp_path / "P.CSV").write_text("id,day,value,value\na,2024-01-01,1,9\n")
    report, frames, _ = read(tmp_path, [TableSource("purchases", "P.CSV", PURCHASES)])
    assert frames["purchases"]["amount"].astype(float).tolist() == [1.0]
    assert any("value" in word and "column" in word for word in report.warnings)


@pytest.mark.parametrize(
    ("value", "matching"),
    [
        ("Yes", ["Yes", " Yes ", "yes", "YES"]),
        ("1", ["1", "1.0", "1.00"]),
        ("true", ["true", "True", "TRUE"]),
        ("gone", ["gone"]),
        ("it's", ["it's"]),
    ],
)
def test_a_value_of_the_config_is_compared_as_text_number_or_yes_and_no(value, matching):
    cells = [
        "Yes",
        " Yes ",
        "yes",
        "YES",
        "1",
        "1.0",
        "1.00",
        "true",
        "True",
        "TRUE",
        "gone",
        "Gone",
        "it's",
        "0",
        None,
    ]
    with duckdb.connect() as connection:
        connection.register("cells", pd.DataFrame({"x": pd.Series(cells, dtype="str")}))
        found = connection.execute(f"SELECT x FROM cells WHERE {same_value('x', value)}").fetchall()
    assert [row[0] for row in found] == matching
