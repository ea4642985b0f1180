"""A tiny, safe language for `eligible:` of an offer: comparisons and arithmetic over list columns.

The text is parsed with `ast` and walked node by node; nothing is ever handed to Python's `eval`. What is
not measured stays unknown through every operator (three-valued logic, as in SQL), and an unknown answer
means *not eligible*: ``not (clv > 50)`` lets nobody in whose value was never measured.
"""

import ast
import operator
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import pandas as pd

from holdfast.errors import ConfigError

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ALLOWED = "columns, numbers, texts, + - * /, comparisons, `in`, and, or, not"


def parse(text: str, where: str) -> ast.expr:
    """Read an eligibility text; refuse everything but the tiny language.

    Parameters
    ----------
    text : str
        For instance ``"clv > 50 and p_churn >= 0.2"``.
    where : str
        Named in the error.

    Raises
    ------
    ConfigError
        When the text is no expression, or uses anything else (calls, attributes, indexing …).

    Examples
    --------
    >>> sorted(names(parse("clv > 50 and owner == 'anna'", "offer a")))
    ['clv', 'owner']
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{where}: eligible {text!r} cannot be read; expected {_ALLOWED}") from error
    for node in ast.walk(tree):
        if not _permitted(node):
            raise ConfigError(f"{where}: eligible {text!r} uses {type(node).__name__}; expected only {_ALLOWED}")
    return tree


def names(tree: ast.expr) -> frozenset[str]:
    """Columns that the expression reads."""
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def eligible(text: str, frame: pd.DataFrame, where: str = "offer") -> "pd.Series[bool]":
    """Evaluate an eligibility text row by row; unknown counts as no.

    Parameters
    ----------
    text : str
        Expression over columns of `frame`; chained comparisons and ``owner in ('a', 'b')`` work.
    frame : pandas.DataFrame
        One row per customer.
    where : str
        Named in errors.

    Returns
    -------
    pandas.Series
        bool, indexed as `frame`.

    Raises
    ------
    ConfigError
        For an unknown column (with the nearest name), for types that do not compare, or when the text is
        no condition.

    Examples
    --------
    >>> frame = pd.DataFrame({"clv": [10.0, 80.0, None], "owner": ["a", "b", "b"]})
    >>> eligible("clv > 50 and owner == 'b'", frame).tolist()
    [False, True, False]
    >>> eligible("not (clv > 50)", frame).tolist()
    [True, False, False]
    """
    tree = parse(text, where)
    for name in sorted(names(tree)):
        if name not in frame.columns:
            near = get_close_matches(name, [str(column) for column in frame.columns], n=1, cutoff=0.0)
            hint = f"; nearest: {near[0]}" if near else ""
            raise ConfigError(f"{where}: eligible {text!r} names column {name!r}, which the list does not have{hint}")
    columns = {name: _nullable(frame[name]) for name in names(tree)}
    try:
        answer = _value(tree, columns)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"{where}: eligible {text!r} compares things of different kinds ({error})") from error
    if isinstance(answer, bool):
        return pd.Series(answer, index=frame.index, dtype=bool)
    if not (isinstance(answer, pd.Series) and answer.dtype == "boolean"):
        raise ConfigError(f"{where}: eligible {text!r} is no condition; expected one such as 'clv > 50'")
    return answer.fillna(False).astype(bool)


def _permitted(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, bool | int | float | str)
    if isinstance(node, ast.Compare):
        return all(type(op) in _COMPARE or isinstance(op, ast.In | ast.NotIn) for op in node.ops)
    if isinstance(node, ast.BinOp):
        return type(node.op) in _ARITHMETIC
    plain = (ast.Name, ast.Load, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Tuple, ast.List)
    return isinstance(node, plain + tuple(_COMPARE) + tuple(_ARITHMETIC) + (ast.In, ast.NotIn))


def _nullable(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """The column in a dtype that knows NA, so that comparisons with what is missing stay unknown."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamp: pd.Series[Any] = column.dt.strftime("%Y-%m-%d %H:%M:%S").astype("string")
        return stamp
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("boolean")
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("Float64")
    if bool(column.isna().all()):
        return pd.Series(pd.NA, index=column.index, dtype="Float64")
    converted = column.convert_dtypes()
    if pd.api.types.is_bool_dtype(converted.dtype):
        return converted.astype("boolean")
    if pd.api.types.is_numeric_dtype(converted.dtype):
        return converted.astype("Float64")
    return converted.astype("string")


def _value(node: ast.expr, columns: dict[str, "pd.Series[Any]"]) -> Any:
    if isinstance(node, ast.Name):
        return columns[node.id]
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BoolOp):
        join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
        parts = [_condition(_value(part, columns)) for part in node.values]
        answer = parts[0]
        for part in parts[1:]:
            answer = join(answer, part)
        return answer
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, columns)
        if isinstance(node.op, ast.USub):
            return -inner
        inner = _condition(inner)
        return (not inner) if isinstance(inner, bool) else ~inner
    if isinstance(node, ast.BinOp):
        return _ARITHMETIC[type(node.op)](_value(node.left, columns), _value(node.right, columns))
    if isinstance(node, ast.Compare):
        return _chain(node, columns)
    raise TypeError("a list of values stands where a single value is needed")


def _condition(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, pd.Series) and value.dtype == "boolean"):
        return value
    raise TypeError("and, or, not join conditions")


def _chain(node: ast.Compare, columns: dict[str, "pd.Series[Any]"]) -> Any:
    """`a < b < c` is `a < b and b < c`."""
    answer: Any = True
    left = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            step = _member(_value(left, columns), right, columns)
            step = ((not step) if isinstance(step, bool) else ~step) if isinstance(op, ast.NotIn) else step
        else:
            step = _compare(_COMPARE[type(op)], _value(left, columns), _value(right, columns))
        answer = step & answer
        left = right
    return answer


def _compare(how: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if _is_text(left) != _is_text(right) and not (_all_missing(left) or _all_missing(right)):
        raise TypeError("text beside a number")
    if _all_missing(left) or _all_missing(right):
        series = left if isinstance(left, pd.Series) else right
        return pd.Series(pd.NA, index=series.index, dtype="boolean")
    answer = how(left, right)
    return answer.astype("boolean") if isinstance(answer, pd.Series) else bool(answer)


def _member(left: Any, right: ast.expr, columns: dict[str, "pd.Series[Any]"]) -> Any:
    if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
        raise TypeError("`in` needs a list of values such as ('a', 'b')")
    answer = _compare(operator.eq, left, _value(right.elts[0], columns))
    for item in right.elts[1:]:
        answer = answer | _compare(operator.eq, left, _value(item, columns))
    return answer


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, pd.Series) and isinstance(value.dtype, pd.StringDtype))


def _all_missing(value: Any) -> bool:
    return isinstance(value, pd.Series) and bool(value.isna().all())
