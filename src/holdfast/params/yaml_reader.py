"""YAML into plain values, strictly: repeated keys are refused, and `yes`, `no`, `on`, `12:30` are texts."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from holdfast.errors import ConfigError

_BOOL, _INT, _FLOAT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}")


class _Loader(yaml.SafeLoader):
    """YAML 1.2 scalars (a label value `Yes`, a key `on` stay texts), no repeated keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, (str, int, float, bool)):
                raise _Refused(f"line {line}: key {key!r}: expected a text")
            if key in seen:
                raise _Refused(f"line {line}: key {key!r} stands here twice (first on line {seen[key]}); keep one")
            seen[key] = line
        return dict(super().construct_mapping(node, deep=deep))


class _Refused(Exception):
    """A problem of the file itself, with its line."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_BOOL, _INT, _FLOAT)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_INT, re.compile(r"^[-+]?(?:0|[1-9]\d*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _FLOAT,
    re.compile(r"^(?:[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
    list("-+.0123456789"),
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a config file.

    Raises
    ------
    ConfigError
        One line: missing, unreadable or empty file, a syntax error with its line, a repeated key.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such config file; `holdfast init` writes one")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}); save the config as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except _Refused as error:
        raise ConfigError(f"{path}: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: {_syntax(error)}") from error
    if content is None:
        raise ConfigError(f"{path}: the config is empty; expected at least version, source and tasks")
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: came {type(content).__name__}; expected keys such as version, source and tasks")
    return content


def expand(text: str) -> str:
    """Replace `${NAME}` and `${NAME:-default}` by the environment.

    Raises
    ------
    ValueError
        For a variable that is not set and has no default.

    Examples
    --------
    >>> expand("${HOLDFAST_NO_SUCH_NAME:-../data}/shop")
    '../data/shop'
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            raise ValueError(f"environment variable {match[1]} is not set; set it or write ${{{match[1]}:-default}}")
        return found

    return _VARIABLE.sub(value, text)


def _syntax(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}not valid YAML: {' '.join(str(problem).split())}"
