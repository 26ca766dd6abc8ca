"""A file of another editor made plain: what the editor in the browser (bpmn-js) would drop in silence is said its way.

It drops elements without an id, with that of another or with one that is no word of ASCII, all but the last extension
elements and line ends of Windows, references with the prefix of a namespace or to
nothing, attributes of a vendor whose prefix it knows otherwise, and draws nothing on a plane of an unknown element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, TypeAlias

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.cases.logic.flow import FlowError
from shizhu.engines.cases.logic.reading import (
    BPMN,
    CAMUNDA,
    KINDS,
    NOT_RUN,
    could_run,
    read_book,
    read_doers,
    read_root,
)
from shizhu.engines.cases.logic.vendors import attribute

Element: TypeAlias = Any
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
PREFIXES = {  # that bpmn-js takes for these alone
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "bioc": "http://bpmn.io/schema/bpmn/biocolor/1.0",
    "color": "http://www.omg.org/spec/BPMN/non-normative/color/1.0",
}
ID = re.compile(r"([a-z][\w.-]*:)?[a-z_][\w.-]*", re.IGNORECASE | re.ASCII)
DRAWN = {"participant", "sequenceFlow", "association", "messageFlow", "textAnnotation", "group"}
DRAWN |= {"dataObjectReference", "dataStoreReference"}
TOLD = {*KINDS, *NOT_RUN, *DRAWN, "process", "lane", "message", "signal", "error", "escalation"}  # if they share an id
DATA = {"property", "dataInput", "dataOutput", "dataObject", "inputDataItem", "outputDataItem"}  # named by their id
DEFINED = {"message", "signal", "error", "escalation", "itemDefinition"}  # what events refer to
THROWN = {"signal": "name", "error": "errorCode"}  # other engines take a reference to none for its name


def made_plain(root: Element) -> Element:
    """The root of the same file, said so that nothing of it is lost."""
    root = _with_prefixes(root)
    _mend_ids(root)
    _part_doubles(root)
    _name_all(root)
    _join_extensions(root)
    _end_lines(root)
    _refer_plainly(root)
    _declare_thrown(root)
    _keep_collections(root)
    _mend_planes(root)
    return root


def with_roles(text: str, roles: Mapping[str, str]) -> str:
    """The file with the keys of roles (title → key) where it calls who does a step, or its lane, by their titles."""
    root = read_root(text.encode())
    book = read_book(root)
    is_changed = False
    for task in root.iter(f"{BPMN}userTask"):
        try:
            groups = read_doers(task, book)[0].split(",")
        except FlowError:
            continue  # told of when the file is read
        found = ",".join(roles.get(group, group) for group in groups)
        if found != ",".join(groups):
            task.set(f"{CAMUNDA}candidateGroups", found)
            is_changed = True
    if not is_changed:
        return text
    etree.cleanup_namespaces(root, {"camunda": CAMUNDA[1:-1]}, [*filter(None, root.nsmap)])
    changed: str = etree.tostring(root, encoding="unicode")
    return changed


def pools(text: str) -> list[tuple[str, str]]:
    """(id, name) of the processes of a file of which it is not said which one runs; nothing where it is plain."""
    root = read_root(text.encode())
    found = could_run(root)
    called = {local(pool.get("processRef")): pool.get("name") for pool in root.iter(f"{BPMN}participant")}
    named = [(one.get("id", ""), called.get(one.get("id")) or one.get("name") or one.get("id", "")) for one in found]
    return named if len(named) > 1 else []


def run_by(text: str, process: str) -> str:
    """The file with this process, and no other, marked as the one that runs."""
    root = read_root(text.encode())
    for one in root.iter(f"{BPMN}process"):
        one.set("isExecutable", "true" if one.get("id") == process else "false")
    changed: str = etree.tostring(root, encoding="unicode")
    return changed


def local(reference: str | None) -> str:
    """A reference without the prefix of a namespace."""
    return (reference or "").strip().rpartition(":")[2]


def _name(element: Element) -> str:
    return str(element.tag).removeprefix(BPMN)


def _numbered(word: str, taken: set[str]) -> str:
    return next(id_ for n in count(1) if (id_ := f"{word}_{n}") not in taken)


def _with_prefixes(root: Element) -> Element:
    """One prefix for a namespace, none that means another one to bpmn-js; types of expressions with that of BPMN."""
    spaces: dict[str | None, str] = {}
    for prefix, space in root.nsmap.items():
        is_double = prefix is None and f"{{{space}}}" != BPMN and list(root.nsmap.values()).count(space) > 1
        if not is_double:
            known = PREFIXES.get(prefix or "", space)
            spaces[prefix if known == space else _numbered(prefix or "", set(filter(None, root.nsmap)))] = space
    if spaces != root.nsmap:
        made = etree.Element(root.tag, root.attrib, nsmap=spaces)
        made.text = root.text
        made.extend(list(root))
        root = made
    for element in root.iter(f"{BPMN}*"):
        kind = element.get(TYPE, "")
        if local(kind).startswith("t"):
            element.set(TYPE, f"{root.prefix}:{local(kind)}" if root.prefix else local(kind))
    return root


def _mend_ids(root: Element) -> None:
    """Ids that are words, and what refers to them, FEEL of answers too."""
    taken = {element.get("id") for element in root.iter() if element.get("id")}
    mended: dict[str, str] = {}
    for element in root.iter(f"{BPMN}*", f"{DI}*"):
        id_ = element.get("id", "x")
        if not ID.fullmatch(id_):
            word = re.sub(r"[^\w.-]", "_", id_.strip(), flags=re.ASCII)
            word = word if ID.fullmatch(word) else f"_{word}"
            if not word.strip("_"):
                word = _numbered(_name(element), taken)
            mended[id_.strip()] = _numbered(word, taken) if word in taken else word
            taken.add(mended[id_.strip()])
            element.set("id", mended[id_.strip()])
    if not mended:
        return
    answers = re.compile(rf"\banswers\.({'|'.join(map(re.escape, mended))})(?!\w)")
    for holder, name, value in _references(root):
        if (found := mended.get(value.strip(), mended.get(local(value)))) is not None:
            _set(holder, name, found)
    for element in root.iter(etree.Element):
        for name, value in (*element.attrib.items(), ("", element.text or "")):
            if answers.search(value):
                _set(element, name, answers.sub(lambda found: f"answers.{mended[found[1]]}", value))


def _references(root: Element) -> Iterator[tuple[Element, str, str]]:
    """(element, attribute or "" for its text, value) of all that refers to an element."""
    for element in root.iter(f"{BPMN}*", f"{DI}*"):
        for name, value in element.attrib.items():
            if name.endswith(("Ref", "Element", "default")):
                yield element, name, value
        if _name(element).endswith(("Ref", "Refs", "incoming", "outgoing")) and element.text:
            yield element, "", element.text


def _set(element: Element, name: str, value: str) -> None:
    if name:
        element.set(name, value)
    else:
        element.text = value


def _part_doubles(root: Element) -> None:
    """An id of its own for what only holds data or is a drawing; that others share one is told when they are read.

    A message, signal or error that is written down twice, word for word, is one (jBPM does so for each event).
    """
    said: set[tuple[str, ...]] = set()
    for element in [one for one in root if _name(one) in DEFINED and len(one) == 0]:
        words = (element.tag, *(word for pair in sorted(element.items()) for word in pair))
        if words in said:
            root.remove(element)
        said.add(words)
    sharing: dict[str, list[Element]] = {}
    for element in root.iter(f"{BPMN}*", f"{DI}*"):
        sharing.setdefault(element.get("id", ""), []).append(element)
    for id_, elements in sharing.items():
        numbers = count(1)
        kept = min(elements, key=lambda one: _name(one) not in TOLD)
        for element in elements if id_ else []:
            if element is kept or _name(element) in TOLD:
                continue
            if _name(element) in DATA and not element.get("name"):
                element.set("name", id_)
            element.set("id", next(word for n in numbers if (word := f"{id_}_{n}") not in sharing))


def _join_extensions(root: Element) -> None:
    """One list of extension elements of an element that has several."""
    for more in root.findall(f".//{BPMN}extensionElements"):
        first = more.getparent().find(f"{BPMN}extensionElements")
        if first is not more:
            first.extend(list(more))
            more.getparent().remove(more)


def _end_lines(root: Element) -> None:
    """Line ends of texts in attributes as XML has them elsewhere."""
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if "\r" in value:
                element.set(name, value.replace("\r\n", "\n").replace("\r", "\n"))


def _name_all(root: Element) -> None:
    """Ids for what BPMN lets be without: nothing without one is drawn or told of."""
    taken = {element.get("id") for element in root.iter()}
    for element in root.iter(f"{BPMN}*"):
        name = _name(element)
        if not element.get("id") and (name in KINDS or name in NOT_RUN or name in DRAWN or name == "process"):
            element.set("id", _numbered(name, taken))
            taken.add(element.get("id"))


def _refer_plainly(root: Element) -> None:
    known = {element.get("id") for element in root.iter() if element.get("id")}
    for element, name, value in _references(root):
        if ":" in value and local(value) in known:
            _set(element, name, local(value))


def _declare_thrown(root: Element) -> None:
    """Signals and errors that events name without declaring them."""
    known = {element.get("id") for element in root.iter() if element.get("id")}
    first = root.find(f"{BPMN}process")
    for kind, named in THROWN.items():
        for event in list(root.iter(f"{BPMN}{kind}EventDefinition")):
            wanted = local(event.get(f"{kind}Ref"))
            if ID.fullmatch(wanted) and wanted not in known and first is not None:
                first.addprevious(etree.Element(f"{BPMN}{kind}", {"id": wanted, "name": wanted, named: wanted}))
                known.add(wanted)


def _keep_collections(root: Element) -> None:
    """The variable that Flowable lets a loop name where BPMN refers to data."""
    known = {element.get("id") for element in root.iter() if element.get("id")}
    for loop in root.iter(f"{BPMN}multiInstanceLoopCharacteristics"):
        named = (loop.findtext(f"{BPMN}loopDataInputRef") or "").strip()
        if named and named not in known and not attribute(loop, "collection"):
            loop.set(f"{CAMUNDA}collection", named)
            etree.cleanup_namespaces(root, {"camunda": CAMUNDA[1:-1]}, [*filter(None, root.nsmap)])


def _mend_planes(root: Element) -> None:
    """A plane of an element that is not there is that of what is drawn on it."""
    named = {element.get("id"): element for element in root.iter(f"{BPMN}*") if element.get("id")}
    for plane in root.iter(f"{DI}BPMNPlane"):
        drawn = [named[shape.get("bpmnElement")] for shape in plane if shape.get("bpmnElement") in named]
        if plane.get("bpmnElement") not in named and drawn:
            pools = [one.getparent() for one in drawn if _name(one) == "participant"]
            around = next(drawn[0].iterancestors(f"{BPMN}process"), None)
            if (holder := pools[0] if pools else around) is not None:
                plane.set("bpmnElement", holder.get("id", ""))
