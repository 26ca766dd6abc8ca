"""From a BPMN file to a flow."""

import hashlib
from functools import lru_cache

from shizhu.engines.cases.logic.flow import Flow, Scope, Step
from shizhu.engines.cases.logic.program import compile_scope
from shizhu.engines.cases.logic.reading import read_notes, read_process, read_root, read_scope
from shizhu.engines.cases.logic.rules import check


@lru_cache(maxsize=256)
def parse(xml: bytes, *, key: str) -> Flow:
    """The flow a BPMN 2.0 file describes, cached: a case that runs on an old version brings that version's file.

    Raises FlowError with the element, the value and the rule for whatever could not run as drawn.
    """
    root = read_root(xml)
    process = read_process(root)
    scope = read_scope(process)
    check(scope)
    return Flow(
        key=key,
        digest=hashlib.sha256(xml).hexdigest(),
        name=process.get("name") or key,
        steps=tuple(_steps(scope)),
        notes=read_notes(root, process),
        xml=xml,
        scope=scope,
        program=compile_scope(scope),
    )


def _steps(scope: Scope) -> list[Step]:
    steps = []
    for node in scope.nodes:
        steps += [node.step, *(_steps(node.inner) if node.inner else [])]
    return steps
