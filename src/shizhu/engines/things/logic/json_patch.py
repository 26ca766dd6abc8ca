"""JSON Patch (RFC 6902) on a JSON value."""

from __future__ import annotations

import copy
from typing import Any


class PatchFault(ValueError):
    """A patch that does not fit; the text names operation, value and rule."""


def patched(value: Any, patch: Any) -> Any:
    """The value after all operations; the one given stays as it is. Raises PatchFault."""
    if not isinstance(patch, list):
        raise PatchFault("a JSON Patch is a list of operations")
    root = {"": copy.deepcopy(value)}
    for number, operation in enumerate(patch):
        try:
            _apply(root, operation)
        except (KeyError, IndexError, TypeError, ValueError) as fault:
            told = f"there is no {fault}" if isinstance(fault, KeyError) else "it does not fit what is there"
            why = fault if isinstance(fault, PatchFault) else told
            raise PatchFault(f"[{number}]: {operation!r:.80}: {why}") from None
    return root[""]


def _apply(root: dict[str, Any], operation: dict[str, Any]) -> None:
    name, path = operation["op"], operation["path"]
    match name:
        case "add":
            _add(root, path, copy.deepcopy(operation["value"]))
        case "remove":
            _remove(root, path)
        case "replace":
            _remove(root, path)
            _add(root, path, copy.deepcopy(operation["value"]))
        case "move":
            if path.startswith(operation["from"] + "/"):
                raise PatchFault("nothing moves into itself")
            _add(root, path, _remove(root, operation["from"]))
        case "copy":
            _add(root, path, copy.deepcopy(_get(root, operation["from"])))
        case "test":
            found = _get(root, path)
            if found != operation["value"] or isinstance(found, bool) != isinstance(operation["value"], bool):
                raise PatchFault("the test fails")
        case _:
            raise PatchFault("op must be add, remove, replace, move, copy or test")


def _place(root: Any, pointer: str) -> tuple[Any, str]:
    """What holds the place a pointer (RFC 6901) names, and the last name."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise PatchFault("a pointer is text that begins with /")
    names = [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")]
    holder = root
    for name in names[:-1]:
        holder = holder[_index(holder, name)]
    return holder, names[-1]


def _index(holder: Any, name: str, most: int = -1) -> Any:
    if not isinstance(holder, list):
        return name
    if not name.isascii() or not name.isdigit() or (name[0] == "0" and name != "0"):
        raise PatchFault(f"{name!r} is no place in a list")
    if int(name) > len(holder) + most:
        raise PatchFault(f"the list has {len(holder)} items")
    return int(name)


def _get(root: Any, pointer: str) -> Any:
    holder, name = _place(root, pointer)
    return holder[_index(holder, name)]


def _add(root: Any, pointer: str, value: Any) -> None:
    holder, name = _place(root, pointer)
    if isinstance(holder, list):
        holder.insert(len(holder) if name == "-" else _index(holder, name, 0), value)
    else:
        holder[name] = value


def _remove(root: Any, pointer: str) -> Any:
    holder, name = _place(root, pointer)
    return holder.pop(_index(holder, name))
