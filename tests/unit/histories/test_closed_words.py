"""Words whose meaning the code knows, headers that stand twice, endings in capitals."""

import gzip
from datetime import date

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.histories.files import inspect, unique_names
from holdfast.histories.guess.paths import find_files
from holdfast.histories.ingest import ingest
from holdfast.histories.sources import Source, TableSource
from holdfast.histories.words import same_value
from holdfast.schema import TABLES, Kind

TODAY = date(2024, 12, 31)
PURCHASES = {"customer_id": "id", "at": "day", "amount": "value"}
SAMPLE = {Kind.ID: "a", Kind.TEXT: "x", Kind.TIME: "2024-01-01", Kind.DECIMAL: "5", Kind.NUMBER: "5",
          Kind.INTEGER: "5", Kind.FLAG: "yes"}  # fmt: skip
KNOWN = [(table.name, column) for table in TABLES.values() for column in table.columns if column.words]


def ids(value) -> str:
    return value if isinstance(value, str) else value.name


def read(tmp_path, table: str, column: str, words: list[str]):
    """Ingest a table of which one column holds these words; its required columns hold something."""
    schema = TABLES[table]
    names = dict.fromkeys([*schema.required, column])
    frame = pd.DataFrame(
        {name: words if name == column else [SAMPLE[schema.column(name).kind]] * len(words) for name in names}
    )
    if schema.customer and table == "customers":
        frame[schema.customer] = [f"c{n}" for n in range(len(words))]
    frame.to_csv(tmp_path / "t.csv", index=False)
    source = Source("test", ".", tmp_path, (TableSource(table, "t.csv", {name: name for name in names}),))
    report = ingest(source, tmp_path / "out", today=TODAY)
    return report, pd.read_parquet(tmp_path / "out" / f"{table}.parquet")[column].tolist()


@pytest.mark.parametrize(("table", "column"), KNOWN, ids=ids)
def test_known_words_are_read_whatever_their_capitals(tmp_path, table, column) -> None:
    for change in (str.upper, str.title, lambda word: f" {word} "):
        report, found = read(tmp_path, table, column.name, [change(word) for word in column.words])
        assert sorted(found) == sorted(column.words)
        assert not [word for word in report.warnings if "without a meaning" in word]


@pytest.mark.parametrize(("table", "column"), KNOWN, ids=ids)
def test_other_words_stay_as_they_are_and_are_told_where_they_mean_nothing(tmp_path, table, column) -> None:
    report, found = read(tmp_path, table, column.name, ["Grün", column.words[0], "Grün"])
    assert sorted(found) == sorted(["Grün", "Grün", column.words[0]])
    told = [word for word in report.warnings if "without a meaning" in word]
    assert bool(told) == column.closed
    for word in told:
        assert word.startswith(f"{table}: {column.name}: 2 rows hold words without a meaning here, such as 'Grün' (2)")
        assert ", ".join(column.words) in word


def test_the_columns_that_are_read_word_by_word_are_closed() -> None:
    closed = {(table, column.name) for table, column in KNOWN if column.closed}
    assert closed == {("payments", "status"), ("contacts", "direction"), ("campaigns", "arm"), ("costs", "kind")}
    assert all(word == word.lower() for _, column in KNOWN for word in column.words)


def test_an_empty_cell_is_no_unknown_word(tmp_path) -> None:
    report, found = read(tmp_path, "contacts", "direction", ["inbound", "", "outbound"])
    assert found.count("inbound") == found.count("outbound") == 1
    assert pd.Series(found, dtype=object).isna().sum() == 1
    assert not report.warnings


@given(st.lists(st.sampled_from(["a", "A", "b", "a_1", "", "column0"]), min_size=1, max_size=8))
def test_names_become_different_and_first_ones_stay(names) -> None:
    found = unique_names(names)
    assert len({name.lower() for name in found}) == len(names)
    assert found[0] == (names[0] or "column0")


@pytest.mark.parametrize(
    ("header", "names", "renamed"),
    [
        ("a,b,c", ("a", "b", "c"), ()),
        ("a,b,a", ("a", "b", "a_1"), ("a_1",)),
        ("Id,ID,id", ("Id", "ID_1", "id_2"), ("ID_1", "id_2")),
        ("a,,", ("a", "column1", "column2"), ()),  # no name at all is no name that stands twice
    ],
)
def test_a_name_that_stands_twice_is_remembered(tmp_path, header, names, renamed) -> None:
    (tmp_path / "f.csv").write_text(f"{header}\nx,y,z\nx,y,z\n")
    file = inspect(tmp_path / "f.csv")
    assert (file.names, file.renamed) == (names, renamed)


def test_the_second_of_two_columns_can_be_mapped_by_its_new_name(tmp_path) -> None:
    (tmp_path / "p.csv").write_text("id,day,value,Value\na,2024-01-01,1,9\n")
    table = TableSource("purchases", "p.csv", PURCHASES | {"amount": "Value_1"})
    report = ingest(Source("test", ".", tmp_path, (table,), label_table="purchases"), tmp_path / "out", today=TODAY)
    assert pd.read_parquet(tmp_path / "out/purchases.parquet")["amount"].astype(float).tolist() == [9.0]
    assert "p.csv: a column name stands there twice; the later one became Value_1" in report.tables[0].notes


def write_as(tmp_path, name: str) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "day": ["2024-01-01", "2024-01-02"], "value": [1.0, 2.0]})
    if name.lower().endswith(".parquet"):
        frame.to_parquet(tmp_path / name)
        return
    content = frame.to_csv(index=False, sep="\t" if ".tsv" in name.lower() else ",").encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)


@pytest.mark.parametrize("name", ["P.CSV", "p.Csv", "P.TXT", "P.TSV", "P.PARQUET", "p.csv.gz", "P.CSV.GZ"])
def test_endings_are_read_whatever_their_capitals(tmp_path, name) -> None:
    (tmp_path / "in").mkdir()
    write_as(tmp_path / "in", name)
    assert find_files([str(tmp_path / "in")])[1] == (name,)
    source = Source("test", "in", tmp_path, (TableSource("purchases", name, PURCHASES),), label_table="purchases")
    assert ingest(source, tmp_path / "out", today=TODAY).tables[0].rows_out == 2


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet="yesnoYESNOtrufalTRUFAL01.' ", min_size=1, max_size=6).filter(str.strip))
def test_a_value_equals_itself_and_yes_never_equals_no(value) -> None:
    with duckdb.connect() as connection:
        cells = pd.DataFrame({"x": pd.Series([value, value.strip(), f" {value} ", "Yes", "no"], dtype="str")})
        connection.register("cells", cells)
        found = [row[0] for row in connection.execute(f"SELECT {same_value('x', value)} FROM cells").fetchall()]
    assert found[:3] == [True, True, True]
    word = value.strip().lower()
    assert found[3:] == [word == "yes", word == "no"]


def test_numbers_and_flags_of_a_typed_column_are_compared_too() -> None:
    with duckdb.connect() as connection:
        row = connection.execute(
            f"SELECT {same_value('1::BIGINT', '1.0')}, {same_value('1.0::DOUBLE', '1')}, {same_value('true', 'True')}, "
            f"{same_value('false', 'TRUE')}, {same_value('NULL::VARCHAR', 'x')}"
        ).fetchone()
    assert row == (True, True, True, False, None)
