"""From a BPMN file to a flow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from shizhu.engines.cases.logic.flow import Flow, FlowError, Node, Note, Scope, Step
from shizhu.engines.cases.logic.reading import BPMN, Book, read_book, read_notes, read_process, read_root, read_scope
from shizhu.engines.cases.logic.rules import faults
from shizhu.engines.cases.logic.vendors import told

DEEPEST = 5  # flows that call flows


def parse(xml: bytes, *, key: str, called: Mapping[str, bytes] | None = None) -> Flow:
    """The flow a BPMN 2.0 file describes, cached: a case that runs on an old version brings that version's file.

    `called` are files of the flows that its call activities name, and those that these name. Raises FlowError with the
    element, the value and the rule for whatever could not run as drawn; its `all` are all of them.
    """
    return _parse(xml, key, tuple(sorted((called or {}).items())))


@lru_cache(maxsize=256)
def _parse(xml: bytes, key: str, called: tuple[tuple[str, bytes], ...]) -> Flow:
    root = read_root(xml)
    process = read_process(root)
    book = read_book(root)
    book.clock = told(process).get("clock", "")
    calls: dict[str, None] = {}
    scope = _linked(read_scope(process, book), root, book, dict(called), calls, (process.get("id"),))
    found = [*book.faults, *faults(scope)]
    if found:
        for fault in found:
            fault.name = fault.name or book.ends(fault.element_id)
        found[0].all = tuple(found)
        raise found[0]
    notes = [*book.notes, *(Note(node.step.id, "begins", "timer") for node in scope.starts() if _is_timed(node))]
    if process.get("isExecutable") != "true":
        notes.append(Note(process.get("id"), "unmarked", "is not marked as executable"))
    return Flow(
        key=key,
        digest=_digest(xml, called),
        name=process.get("name") or key,
        steps=tuple(_steps(scope)),
        notes=(*notes, *read_notes(root, process)),
        calls=tuple(calls),
        xml=xml,
        scope=scope,
    )


def _is_timed(node: Node) -> bool:
    return node.event is not None and node.event.kind == "timer"


def _digest(xml: bytes, called: tuple[tuple[str, bytes], ...]) -> str:
    """SHA-256 of the file, and of those it calls behind it."""
    whole = hashlib.sha256(xml)
    for name, other in called:
        whole.update(name.encode() + hashlib.sha256(other).digest())
    return whole.hexdigest()


def _linked(
    scope: Scope, root: Any, book: Book, called: Mapping[str, bytes], calls: dict[str, None], path: tuple[str, ...]
) -> Scope:
    """The scope with what its call activities call inside them: a process of the same file, else another flow."""
    nodes = []
    for node in scope.nodes:
        inner = node.inner and _linked(node.inner, root, book, called, calls, path)
        if node.called:
            inner = book.attempt(lambda node=node: _callee(node, root, called, calls, path), None)  # type: ignore[misc]
        nodes.append(replace(node, inner=inner))
    return replace(scope, nodes=tuple(nodes))


def _callee(
    node: Node, root: Any, called: Mapping[str, bytes], calls: dict[str, None], path: tuple[str, ...]
) -> Scope | None:
    local = node.called.rpartition(":")[2]
    if local in path or len(path) > DEEPEST:
        raise FlowError(node.step.id, " → ".join([*path, local]), "calls itself", node.step.name)
    process = next((found for found in root.findall(f"{BPMN}process") if found.get("id") == local), None)
    if process is None:
        calls[node.called] = None
        if node.called not in called:
            return None  # whether there is one, only the county knows
        root = read_root(called[node.called])
        process = read_process(root)
    book = read_book(root)
    scope = _linked(read_scope(process, book), root, book, called, calls, (*path, local))
    for fault in [*book.faults, *faults(scope)]:
        raise FlowError(node.step.id, node.called, "is a flow with a fault: %(fault)s", node.step.name, fault=fault)
    return scope.under(node.step.id)


def _steps(scope: Scope) -> list[Step]:
    steps = []
    for node in scope.nodes:
        steps += [node.step, *(_steps(node.inner) if node.inner else [])]
    return steps
