"""What editors of other engines write beside BPMN, where it means something here: Camunda 7 and 8, Flowable, Activiti.

Attributes are read by their name in any of these namespaces; everything else of them stays in the file untouched.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from shizhu.engines.cases.logic import juel
from shizhu.engines.cases.logic.flow import FlowError

Element: TypeAlias = Any

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
SPACES = (CAMUNDA, "{http://flowable.org/bpmn}", "{http://activiti.org/bpmn}", ZEEBE)
JAVA = ("class", "delegateExpression")  # what another engine would call
UNRUN = {  # what another engine does beside BPMN, or fills variables with
    f"{space}{name}"
    for space in SPACES
    for name in ("executionListener", "taskListener", "connector", "script", "list", "map")
} - {f"{ZEEBE}script"}
READ_HERE = {
    "assignee", "calledElementBinding", "candidateGroups", "candidateStarterGroups", "candidateUsers", "class",
    "collection", "decisionRef", "delegateExpression", "dueDate", "elementVariable", "expression", "formKey",
    "resultVariable", "resultVariableName", "topic", "type", "variableName",
}  # fmt: skip


def attribute(element: Element, *names: str) -> str:
    """Value of the first of these attributes that a vendor wrote, "" for none."""
    for name in names:
        for space in SPACES:
            if value := element.get(f"{space}{name}", "").strip():
                return str(value)
    return ""


def extension(element: Element, *names: str) -> list[Element]:
    """Extension elements of these names that a vendor wrote, one level deep or inside its list of them."""
    holder = element.find(f"{BPMN}extensionElements")
    if holder is None:
        return []
    wanted = {f"{space}{name}" for name in names for space in SPACES}
    return [found for found in holder.iter() if found.tag in wanted]


def first(element: Element, name: str, *attributes: str) -> str:
    """The first of these attributes on the first extension element of the name."""
    for found in extension(element, name)[:1]:
        for key in attributes:
            if value := found.get(key, "").strip():
                return str(value)
    return ""


def told(element: Element) -> dict[str, str]:
    """Properties that an editor lets a person give to any element: name → value."""
    return {item.get("name", ""): item.get("value", "") for item in extension(element, "property")}


def feel_of(element_id: str, text: str, name: str = "") -> str:
    """FEEL of an expression as one writes it: FEEL, FEEL after `=`, or `${…}` as far as it can be translated."""
    text = text.strip()
    if not juel.is_juel(text):
        return text.removeprefix("=").strip()
    try:
        return juel.to_feel(text)
    except juel.NotTranslated as error:
        raise FlowError(element_id, text, error.form, name, **error.told) from None


def is_expression(text: str) -> bool:
    """Whether a text is marked as an expression: `=…`, `${…}`."""
    return text.startswith("=") or juel.is_juel(text)


def value_of(element_id: str, text: str, name: str = "") -> str:
    """FEEL of a value that is text unless it is marked as an expression (`=…`, `${…}`)."""
    return feel_of(element_id, text, name) if is_expression(text) else json.dumps(text, ensure_ascii=False)


def word_of(element_id: str, text: str, name: str = "") -> str:
    """A word as it is, or `=FEEL` where it is marked as an expression."""
    return f"={feel_of(element_id, text, name)}" if is_expression(text) else text


def mapped(element: Element) -> tuple[list[tuple[str, str]], list[tuple[str, str]], bool]:
    """(inputs, outputs, whether nothing else comes in or out): (name, FEEL) of an activity's variables."""
    id_ = element.get("id")
    inputs: list[tuple[str, str]] = []
    outputs: list[tuple[str, str]] = []
    is_isolated = False
    for found in extension(element, "input", "inputParameter", "in", "output", "outputParameter", "out"):
        kind = found.tag.rpartition("}")[2]
        target = found.get("target") or found.get("name") or ""
        source = found.get("source") or found.get("sourceExpression") or (found.text or "").strip()
        if not target or not source:  # a script, a list, `variables="all"`, a business key
            continue
        is_text = kind.endswith("Parameter")
        pair = (target, value_of(id_, source) if is_text else feel_of(id_, source))
        (inputs if kind.startswith("in") else outputs).append(pair)
        is_isolated |= kind in {"in", "out"}
    every = any(found.get("variables") == "all" for found in extension(element, "in", "out"))
    return inputs, outputs, is_isolated and not every
