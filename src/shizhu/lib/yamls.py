"""YAML as people mean it: scalars by the core schema of YAML 1.2, where `on`, `no` and `12:30` are words and a code
keeps its leading noughts; no key twice in one mapping."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError, SafeConstructor

_SCALARS = {  # name → pattern, what it may begin with
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": ("[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))"
        r"|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
MOST = 200_000  # values of a file, those told by an alias counted wherever they stand
LARGEST = 2**63  # of whole numbers
UNMADE = (ValueError, LookupError, AttributeError, OverflowError)  # raised for a scalar that is not what it says
HINT = "a text that begins with - or holds one of { } [ ] , : # stands in quotes"


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    wanted = {f"tag:yaml.org,2002:{name}": found for name, found in _SCALARS.items()}
    usual = yaml.SafeLoader.yaml_implicit_resolvers
    found = {first: [pair for pair in pairs if pair[0] not in wanted] for first, pairs in usual.items()}
    for tag, (pattern, firsts) in wanted.items():
        for first in firsts:
            found.setdefault(first, []).append((tag, re.compile(f"^(?:{pattern})$")))
    return found


class _Strict(SafeConstructor):
    yaml_implicit_resolvers = _resolvers()

    def construct_document(self, node: Any) -> Any:
        _count(node, {})
        return super().construct_document(node)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            made = super().construct_object(node, deep)
            if type(made) is not int or abs(made) < LARGEST:
                return made
        except UNMADE:
            pass
        problem = f"{str(node.value)[:40]!r} is no {node.tag.rpartition(':')[2]} that can be kept"
        raise ConstructorError(None, None, problem, node.start_mark)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise ConstructorError(None, None, f"{key.value!r} stands here twice", key.start_mark)
                seen.add(key.value)
                if key.tag.endswith((":timestamp", ":binary")):
                    problem = f"{key.value!r} is no text: such a key stands in quotes"
                    raise ConstructorError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)


def _count(node: Any, known: dict[int, int]) -> int:
    """How many values a node holds; 0 is one that is being counted. A few aliases can mean gigabytes."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)], found = 0, 1
        for one in node.value:
            found += sum(_count(part, known) for part in (one if isinstance(one, tuple) else (one,)))
            if found > MOST:
                raise ConstructorError(None, None, f"more than {MOST:,} values, with its aliases", node.start_mark)
        known[id(node)] = found
    elif not known[id(node)]:
        raise ConstructorError(None, None, "holds itself by an alias", node.start_mark)
    return known[id(node)]


class _Slow(_Strict, yaml.SafeLoader):
    pass


class _Fast(_Strict, yaml.CSafeLoader):
    pass


def read(text: str) -> Any:
    """What a stranger brings: nesting without end is a RecursionError. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Slow)  # noqa: S506  # a safe one


def read_own(text: str) -> Any:
    """What is installed, seven times as fast; nesting without end ends the process. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Fast)  # noqa: S506  # a safe one


def told(error: yaml.YAMLError) -> str:
    """What is wrong in one line: the place, the rule, and what people most often forget."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(error).split())
    hint = "" if isinstance(error, ConstructorError) else f"; {HINT}"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}{hint}"
