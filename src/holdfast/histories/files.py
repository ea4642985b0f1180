"""What a delimited text file looks like: whole or cut short, its encoding, its delimiter, its header."""

import codecs
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from holdfast.errors import DataError

WHITESPACE = " "
_CHUNK = 1 << 20
_HEAD_LINES = 200
_DELIMITERS = (",", ";", "\t", "|")
_NUMBER_OR_DATE = re.compile(r"^[-+]?[\d.,]+([eE][-+]?\d+)?$|^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class TextFile:
    """A delimited text file, looked at.

    Parameters
    ----------
    path : Path
        The file.
    encoding : str
        ``utf-8``, ``utf-16``, ``cp1252`` or ``latin-1``.
    delimiter : str
        The delimiter; one blank stands for any run of white space.
    names : tuple of str
        Column names, made unique without regard to case.
    header_lines : int
        Lines before the first row.
    empty : bool
        Whether there is no row at all.
    renamed : tuple of str
        Columns whose name stood there before and had to be changed.
    """

    path: Path
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header_lines: int
    empty: bool
    renamed: tuple[str, ...] = ()


def open_bytes(path: Path) -> BinaryIO:
    """Open for reading, unpacking gzip."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def inspect(path: Path) -> TextFile:
    """Read a text file once: is it whole, how is it encoded, what are its columns.

    Raises
    ------
    DataError
        For a truncated or corrupt file and for one that is not text; the message names the file.
    """
    encoding = _encoding(path)
    with open_bytes(path) as stream:
        lines = _head(stream, encoding)
    filled = [(number, line) for number, line in enumerate(lines) if line.strip()]
    if not filled:
        raise DataError(f"{path}: the file is empty; expected a header line and rows")
    text = [line for _, line in filled]
    delimiter = _delimiter(text)
    rows = [split_line(line, delimiter) for line in text]
    with_header = _has_header(rows)
    width = len(rows[0])
    written = rows[0] if with_header else [f"column{i}" for i in range(width)]
    names = unique_names(written)
    skipped = filled[0][0] + (1 if with_header else 0)
    renamed = tuple(new for new, old in zip(names, written, strict=True) if old and new != old)
    return TextFile(path, encoding, delimiter, names, skipped, len(rows) <= int(with_header), renamed)


def split_line(line: str, delimiter: str) -> list[str]:
    """Cells of one line.

    Examples
    --------
    >>> split_line(" 00001 19970101  1   11.77", " ")
    ['00001', '19970101', '1', '11.77']
    """
    if delimiter == WHITESPACE:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Column names made unique without regard to case, as DuckDB needs them.

    Examples
    --------
    >>> unique_names(["a", "A", ""])
    ('a', 'A_1', 'column2')
    """
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names):
        base = name or f"column{position}"
        candidate, count = base, 0
        while candidate.lower() in seen:
            count += 1
            candidate = f"{base}_{count}"
        seen.add(candidate.lower())
        result.append(candidate)
    return tuple(result)


def to_utf8(file: TextFile, target: Path) -> Path:
    """Write a copy of the file in UTF-8 and return its path."""
    with open_bytes(file.path) as stream, target.open("w", encoding="utf-8", newline="") as out:
        for text in _decoded(stream, file.encoding):
            out.write(text)
    return target


def digest(path: Path) -> str:
    """SHA-256 of the bytes of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _encoding(path: Path) -> str:
    """Walk through the whole file; utf-8 unless a byte order mark or an undecodable byte says otherwise."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, western, first = True, True, True
    try:
        with open_bytes(path) as stream:
            while chunk := stream.read(_CHUNK):
                if first:
                    first = False
                    for mark, name in _BOMS:
                        if chunk.startswith(mark):
                            return name
                    if b"\0" in chunk:
                        raise DataError(f"{path}: not a text file (it holds zero bytes); expected csv, txt or parquet")
                if utf8:
                    try:
                        decoder.decode(chunk)
                    except UnicodeDecodeError:
                        utf8 = False
                if not utf8:
                    western = western and not any(
                        byte in chunk for byte in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
                    )
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: the gzip file is cut short or corrupt ({error}); fetch it again") from error
    if utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            utf8 = False
    if utf8:
        return "utf-8"
    return "cp1252" if western else "latin-1"


def _decoded(stream: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while chunk := stream.read(_CHUNK):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _head(stream: BinaryIO, encoding: str) -> list[str]:
    with io.TextIOWrapper(stream, encoding=encoding, errors="replace") as text:
        return [line.rstrip("\r\n") for line in islice(text, _HEAD_LINES)]


def _delimiter(lines: Sequence[str]) -> str:
    """Delimiter that splits most lines into as many cells as the first one, at least two."""
    best, best_score = ",", (0.0, 0)
    for delimiter in (*_DELIMITERS, WHITESPACE):
        widths = [len(split_line(line, delimiter)) for line in lines]
        if widths[0] < 2:
            continue
        agreement = sum(width == widths[0] for width in widths) / len(widths)
        score = (agreement if delimiter != WHITESPACE else agreement - 0.2, widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """A first line of which at least half is numbers or dates is a row, not a header."""
    first = [cell for cell in rows[0] if cell]
    values = sum(bool(_NUMBER_OR_DATE.match(cell)) for cell in first)
    return values * 2 < max(len(first), 1)
