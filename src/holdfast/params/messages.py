"""A pydantic error as one line: key, what came, what was expected, the nearest valid name."""

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from holdfast.histories.words import nearest

_EXPECTED = {
    "int": "a whole number", "float": "a number", "decimal": "a number", "bool": "true or false", "string": "a text",
    "dict": "keys and values", "model": "keys and values", "list": "a list", "tuple": "a list",
    "date": "a date such as 2024-12-31",
}  # fmt: skip
_SHOWN = 60


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem of a validation, as one line without the file.

    Unknown keys come first: a key that seems to be missing is often one of these, misspelt.
    """
    problems = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    first = problems[0]
    line = _sentence(first, model)
    more = len({tuple(_path(model, problem["loc"])) for problem in problems}) - 1
    return f"{line} (and {more} more)" if more > 0 else line


def _sentence(problem: Any, model: type[BaseModel]) -> str:
    path = _path(model, problem["loc"])
    key, kind, context = _dotted(path), str(problem["type"]), problem.get("ctx", {})
    if kind == "extra_forbidden":
        keys = [name for name in _keys(model, path[:-1]) if name != path[-1]]
        if len(keys) < len(_keys(model, path[:-1])):
            return f"{key}: key {str(path[-1])!r} belongs to another kind than the one asked for"
        return f"{key}: unknown key {str(path[-1])!r}{nearest(str(path[-1]), keys)}"
    if kind == "missing":
        return f"{key}: missing; expected {_wanted(model, path)}"
    if kind.startswith("union_tag"):
        tags = [tag.strip().strip("'") for tag in str(context.get("expected_tags", "")).split(",")]
        found = context.get("tag")
        if found is None:
            return f"{key}.kind: missing; expected one of {', '.join(_kinds(model, path))}"
        return f"{key}.kind: came {str(found)!r}; expected one of {', '.join(tags)}{_hint(str(found), tags)}"
    came = _show(problem["input"])
    if kind in ("literal_error", "enum"):
        names = _literals(str(context.get("expected", "")))
        return f"{key}: came {came}; expected {_one_of(names)}{_hint(str(problem['input']), names)}"
    return f"{key}: came {came}; expected {_expected(kind, context, str(problem['msg']))}"


def _expected(kind: str, context: Any, message: str) -> str:
    limits = {"greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least"),
              "less_than": ("lt", "less than"), "less_than_equal": ("le", "at most")}  # fmt: skip
    if kind in limits:
        name, words = limits[kind]
        return f"{words} {context.get(name)}"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind in ("too_short", "string_too_short"):
        return "at least one entry" if kind == "too_short" else "a text that is not empty"
    if kind == "finite_number":
        return "a finite number"
    return _EXPECTED.get(kind.split("_")[0], message)


def _show(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _literals(text: str) -> list[str]:
    return [word.strip().strip("'") for word in text.replace(" or ", ", ").split(",") if word.strip()]


def _one_of(names: Sequence[str]) -> str:
    return f"one of {', '.join(names)}" if len(names) > 1 else "".join(names)


def _hint(word: str, names: Sequence[str]) -> str:
    near = nearest(word, names)
    return near if "did you mean" in near else ""


def _dotted(path: Sequence[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "config"


def _strip(annotation: Any) -> Any:
    """Without Annotated; the one model of `Model | None`."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _choices(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, unions flattened."""
    annotation = _strip(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return [choice for part in get_args(annotation) for choice in _choices(part)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tag(model: Any) -> str | None:
    field = model.model_fields.get("kind") if _is_model(model) else None
    values = get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()
    return str(values[0]) if values else None


def _path(model: type[BaseModel], loc: Sequence[str | int]) -> list[str | int]:
    """The location without what pydantic adds: tags of unions, names of types, `[key]` of mappings."""
    path: list[str | int] = []
    choices: list[Any] = [model]
    for part in loc:
        models = [choice for choice in choices if _is_model(choice)]
        if part == "[key]":
            continue
        tagged = [choice for choice in models if _tag(choice) == part]
        if tagged and len(models) > 1:
            choices = tagged
            continue
        fields = [choice.model_fields[part].annotation for choice in models if part in choice.model_fields]
        inner = [argument for choice in choices if get_origin(choice) in (dict, tuple, list)
                 for argument in [[one for one in get_args(choice) if one is not Ellipsis][-1]]]  # fmt: skip
        if fields:
            choices = _choices(fields[0])
        elif inner and (isinstance(part, int) or any(get_origin(choice) is dict for choice in choices)):
            choices = _choices(inner[0])
        elif not models:
            continue
        path.append(part)
    return path


def _models_at(model: type[BaseModel], path: Sequence[str | int]) -> list[Any]:
    choices: list[Any] = [model]
    for part in path:
        models = [choice for choice in choices if _is_model(choice)]
        fields = [choice.model_fields[part].annotation for choice in models if part in choice.model_fields]
        inner = [get_args(choice) for choice in choices if get_origin(choice) in (dict, tuple, list)]
        found = fields or [[one for one in arguments if one is not Ellipsis][-1] for arguments in inner]
        choices = [choice for annotation in found for choice in _choices(annotation)]
    return choices


def _keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    models = [choice for choice in _models_at(model, path) if _is_model(choice)]
    return list(dict.fromkeys(name for choice in models for name in choice.model_fields))


def _kinds(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    return [tag for tag in map(_tag, _models_at(model, path)) if tag] or ["silence"]


def _wanted(model: type[BaseModel], path: Sequence[str | int]) -> str:
    choices = _models_at(model, path)
    if choices and (_is_model(choices[0]) or get_origin(choices[0]) is dict):
        keys = _keys(model, path)
        return f"keys and values ({', '.join(keys)})" if keys else "keys and values"
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return names.get(choices[0], "a value") if choices else "a value"
