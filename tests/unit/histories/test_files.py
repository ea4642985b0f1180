"""What a text file looks like."""

import gzip

import pytest

from holdfast.errors import DataError
from holdfast.histories.files import inspect, to_utf8, unique_names


@pytest.mark.parametrize(
    ("text", "delimiter", "names", "header_lines"),
    [
        ("a,b\n1,2\n", ",", ("a", "b"), 1),
        ("a;b\n1,5;2\n2,5;3\n", ";", ("a", "b"), 1),
        ("a\tb c\n1\t2\n", "\t", ("a", "b c"), 1),
        ("a|b\n1|2\n", "|", ("a", "b"), 1),
        ("\n  a   b\n 1   2\n", " ", ("a", "b"), 2),
        ("first name,b\nx y,2\n", ",", ("first name", "b"), 1),
        ('"a,x",b\n"1,2",2\n', ",", ("a,x", "b"), 1),
        ("1,2024-01-01\n2,2024-01-02\n", ",", ("column0", "column1"), 0),
        ("id\n1\n", ",", ("id",), 1),
        ("a,A,\n1,2,3\n", ",", ("a", "A_1", "column2"), 1),
    ],
)
def test_delimiter_and_header(tmp_path, text, delimiter, names, header_lines):
    path = tmp_path / "f.csv"
    path.write_text(text)
    file = inspect(path)
    assert (file.delimiter, file.names, file.header_lines) == (delimiter, names, header_lines)


def test_a_late_byte_decides_the_encoding(tmp_path):
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"x,1\n" * 400_000 + b"caf\xe9,1\n"))
    file = inspect(path)
    assert file.encoding == "cp1252"
    assert to_utf8(file, tmp_path / "g").read_text().endswith("caf\u00e9,1\n")


def test_a_letter_cut_in_half_is_not_utf8(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes("a,b\n1,caf\u00e9".encode()[:-1])
    assert inspect(path).encoding == "cp1252"


def test_empty(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text(" \n\n")
    with pytest.raises(DataError, match="the file is empty"):
        inspect(path)


def test_names_are_unique_whatever_comes():
    assert len({name.lower() for name in unique_names(["a", "A", "a_1", "", "column3"])}) == 5
