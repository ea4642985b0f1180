"""Small helpers for one-line messages."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest known name, else the known names.

    Examples
    --------
    >>> nearest("Quantty", ["Quantity", "Price"])
    "; did you mean 'Quantity'?"
    >>> nearest("zzz", ["a", "b"])
    '; expected one of a, b'
    """
    names = list(known)
    lowered = {name.lower(): name for name in reversed(names)}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {lowered[close[0]]!r}?"
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"; expected one of {listed}" if names else ""


def same_value(column: str, value: str) -> str:
    """SQL condition: a column holds a value of the config, as text, as a number, or as yes and no.

    Examples
    --------
    >>> same_value("x", "it's")[:34]
    "(trim(CAST(x AS VARCHAR)) = 'it''s"
    """
    word = "'" + value.strip().replace("'", "''") + "'"
    cell = f"trim(CAST({column} AS VARCHAR))"
    tests = [f"{cell} = {word}", f"coalesce(try_cast({column} AS DOUBLE) = try_cast({word} AS DOUBLE), false)"]
    if value.strip().lower() in _YES_NO:
        tests.append(f"lower({cell}) = lower({word})")
    return "(" + " OR ".join(tests) + ")"


_YES_NO = {"true", "false", "yes", "no"}


def one_line(error: BaseException | str) -> str:
    """First line of a message.

    Examples
    --------
    >>> one_line("Binder Error: no such column" + chr(10) + "LINE 1")
    'no such column'
    """
    first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    head, separator, rest = first.partition(" Error: ")
    return rest if separator and " " not in head else first
