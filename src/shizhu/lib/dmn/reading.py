"""DMN XML of 1.1 to 1.5 (OMG formal/2021-02 for 1.3), as any editor saves it, read into JSON for `frontend/src/dmn.ts`.

Drawings, annotations and extensions are left alone; what could not be decided as written is refused by name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import count
from typing import Any, TypeAlias
from xml.sax.saxutils import quoteattr

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.lib import markup

Element: TypeAlias = Any
Json: TypeAlias = dict[str, Any]

NAMESPACES = {
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd": "1.1",
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "1.2",
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}
ASKED = "https://shizhu.example/dmn"  # namespace of `asked` of a file: the id of the decision it is there for
ROOT = re.compile(r"\A(?:\s|<\?.*?\?>|<!--.*?-->)*<(?:[\w.-]+:)?definitions\b", re.DOTALL)
POLICIES = {"UNIQUE", "FIRST", "PRIORITY", "ANY", "COLLECT", "RULE ORDER", "OUTPUT ORDER"}
LISTS = {"COLLECT", "RULE ORDER", "OUTPUT ORDER"}  # a type of such a table is read as that of its rows by some editors
DEEPEST = 200  # decisions that require one another
INNERMOST = 100  # elements around an expression, or around a part of a type
AGGREGATIONS = {"SUM", "COUNT", "MIN", "MAX"}
FEEL = {
    "", "feel", "http://www.omg.org/spec/FEEL/20140401", "http://www.omg.org/spec/DMN/20180521/FEEL/",
    "https://www.omg.org/spec/DMN/20191111/FEEL/", "https://www.omg.org/spec/DMN/20211108/FEEL/",
    "https://www.omg.org/spec/DMN/20230324/FEEL/", "http://www.omg.org/spec/FEEL/",
}  # fmt: skip
EXPRESSIONS = {
    "literalExpression", "decisionTable", "context", "invocation", "list", "relation", "functionDefinition",
    "conditional", "filter", "for", "some", "every",
}  # fmt: skip


class DmnError(ValueError):
    """What is wrong in a decision model: the element, the value found there and the rule it breaks."""

    def __init__(
        self, element: str, value: object, rule: str, *, row: int = 0, column: int = 0, title: str = ""
    ) -> None:
        super().__init__(f"{element}: {value!r} {rule}")
        self.element, self.value, self.rule = element, value, rule
        self.row, self.column, self.title = row, column, title  # of a table, from 1, inputs first


def read(xml: bytes, others: Mapping[str, bytes] | None = None) -> Json:
    """The model a file describes, with what it imports from `others`, files by their namespace. Raises DmnError."""
    model: Json = {"items": {}, "inputs": [], "decisions": [], "knowledge": [], "services": []}
    root = root_of(xml)
    _add(model, root, others or {}, "", {})
    model["asked"] = str(root.get(f"{{{ASKED}}}asked") or "")
    _check(model)
    return model


def asking(text: str, id_: str) -> str:
    """A file, else as it was, that says which of its decisions it is there for."""
    prefixes = (f"shizhu{number or ''}" for number in count())
    prefix = next(one for one in prefixes if f"xmlns:{one}=" not in text)
    told = f" xmlns:{prefix}={quoteattr(ASKED)} {prefix}:asked={quoteattr(id_)}"
    return ROOT.sub(lambda found: found[0] + told, text, count=1)


@lru_cache(maxsize=128)
def imports(xml: bytes) -> tuple[str, ...]:
    """Namespaces of the decision models a file imports (6.3.3); none of a file that is no decision model."""
    try:
        return tuple(one.get("namespace") or "" for one in _imported(root_of(xml)))
    except DmnError:
        return ()


@lru_cache(maxsize=128)
def namespace(xml: bytes) -> str:
    """The namespace others import a file by; "" where it is no decision model."""
    try:
        return str(root_of(xml).get("namespace") or "")
    except DmnError:
        return ""


def root_of(xml: bytes) -> Element:
    """The element `definitions` of a file, names in it without breaks. Raises DmnError."""
    try:
        root = markup.read(xml, "a decision model")
    except markup.MarkupError as error:
        raise DmnError("file", error.value, error.rule) from None
    name = etree.QName(root)
    if name.localname != "definitions" or name.namespace not in NAMESPACES:
        raise DmnError("file", root.tag, "is no DMN file: its root is `definitions` of DMN 1.1 to 1.5")
    for element in root.iter(etree.Element):
        if "name" in element.attrib:  # an editor breaks lines in a label
            element.set("name", " ".join(element.get("name").split()))
    return root


def _imported(root: Element) -> list[Element]:
    return [one for one in _children(root, "import") if one.get("importType") in NAMESPACES]


def _add(model: Json, root: Element, others: Mapping[str, bytes], place: str, begun: dict[str, bool]) -> None:
    """Put a file and what it imports into the model, its own parts first.

    `place` comes before its ids and types: "" for the file itself, else `namespace#`. `begun`: namespace → is done.
    """
    own = str(root.get("namespace") or "")
    begun[own] = False
    read_, names, same = _merged(root, others, {own})
    for far, name in names.items():
        if begun.get(far) is False:
            raise DmnError(name, far, "imports itself")
        if far not in begun:
            _add(model, root_of(_file(others, far, name)), others, f"{far}#", begun)
    begun[own] = True
    for kind, parts in _qualified(read_, names, same, place, model["items"]).items():
        model[kind] = parts | model[kind] if kind == "items" else parts + model[kind]


def _merged(root: Element, others: Mapping[str, bytes], seen: set[str]) -> tuple[Json, dict[str, str], dict[str, str]]:
    """A file with all that it imports without a name, which is part of it (6.3.3); of one name or id the first counts.

    With it: its other imports, namespace → name; ids that stand for another, which came first. `seen`: namespaces that
    are part of it, so that files may import one another.
    """
    file = _read_one(root)
    names: dict[str, str] = {}
    same: dict[str, str] = {}
    for one in _imported(root):
        far, name = str(one.get("namespace") or ""), one.get("name") or ""
        if name:
            names.setdefault(far, name)
        elif far not in seen:
            seen.add(far)
            parts, further, others_same = _merged(root_of(_file(others, far, "import")), others, seen)
            names, same = further | names, same | others_same | _put(file, parts)
    return file, names, same


def _file(others: Mapping[str, bytes], far: str, name: str) -> bytes:
    if far not in others:
        raise DmnError(name, far, "is imported, and no file beside it has this namespace")
    return others[far]


def _put(file: Json, more: Json) -> dict[str, str]:
    """Add to a file the parts of another whose names and ids it does not have; ids of the rest → those it has."""
    same = {}
    file["items"] = more["items"] | file["items"]
    for kind in more.keys() - {"items"}:
        for part in more[kind]:
            kept = next((own for own in file[kind] if part["id"] == own["id"] or part["name"] == own["name"]), None)
            if kept is None:
                file[kind].append(part)
            elif kept["id"] != part["id"]:
                same[part["id"]] = kept["id"]
    return same


def _read_one(root: Element) -> Json:
    return _with_inputs(
        {
            "items": dict(_items(root)),
            "inputs": [{**_named(element), "id": _id(element)} for element in _children(root, "inputData")],
            "decisions": [_decision(element) for element in _children(root, "decision")],
            "knowledge": [_knowledge(element) for element in _children(root, "businessKnowledgeModel")],
            "services": [_service(element) for element in _children(root, "decisionService")],
        }
    )


def _with_inputs(file: Json) -> Json:
    """The same; where it draws no requirements (as Flowable and Camunda 7 write tables) names that its tables test are
    its input data.
    """
    if file["inputs"] or any(one["requires"] for one in file["decisions"]):
        return file
    made: dict[str, Json] = {}
    known = {one["name"] for kind in ("decisions", "knowledge") for one in file[kind]}
    for one in file["decisions"]:
        for asked in (one["body"] or {}).get("inputs", ()) if (one["body"] or {}).get("kind") == "table" else ():
            name = asked["test"]
            if name.isidentifier() and name not in known:
                made.setdefault(name, {"name": name, "id": f"input {name}"} | _given(type=asked.get("type")))
                one["requires"].append(made[name]["id"])
    return {**file, "inputs": list(made.values())}


def _qualified(
    file: Json, names: Mapping[str, str], same: Mapping[str, str], place: str, known: Mapping[str, Json]
) -> Json:
    """A file with its ids and types as the whole model has them. `far` of a part: the names of imports it requires."""

    def id_(href: str) -> str:
        far, _, rest = href.rpartition("#")
        while far not in names and rest in same:
            rest = same[rest]
        return href if far in names else f"{place}{rest}"

    def type_(written: str) -> str:
        if written in file["items"]:
            return f"{place}{written}"
        for far, name in names.items():
            rest = written.removeprefix(f"{name}.")
            if f"{far}#{rest}" in known and rest != written:
                return f"{far}#{rest}"
        return written

    for part in [*file["inputs"], *file["decisions"], *file["knowledge"], *file["services"]]:
        part["id"] = f"{place}{part['id']}"
        for kind in {"requires", "knows", "outputs", "inputs"} & part.keys():
            part[kind] = [id_(href) for href in part[kind]]
        required = [*part.get("requires", ()), *part.get("knows", ())]
        far = {id_: names.get(id_.rpartition("#")[0], "") for id_ in required}
        part["far"] = {id_: name for id_, name in far.items() if name}
    _retype(file, type_)
    return {**file, "items": {f"{place}{name}": item for name, item in file["items"].items()}}


def _retype(found: Any, type_: Callable[[str], str]) -> None:
    for one in found.values() if isinstance(found, dict) else found:
        if isinstance(one, (dict, list)):
            _retype(one, type_)
    if isinstance(found, dict):
        found |= {
            key: type_(found[key]) for key in ("type", "base", "result", "logic") if isinstance(found.get(key), str)
        }
        if "types" in found:
            found["types"] = [one and type_(one) for one in found["types"]]


def _local(element: Element) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""


def _children(element: Element, *names: str) -> list[Element]:
    return [child for child in element if _local(child) in names]


def _child(element: Element, *names: str) -> Element | None:
    return next(iter(_children(element, *names)), None)


def _id(element: Element) -> str:
    return str(element.get("id") or element.get("name") or "")


def _text(element: Element | None) -> str:
    """The text of a `text` child, as older editors also wrote it directly."""
    if element is None:
        return ""
    inner = _child(element, "text")
    return "".join((inner if inner is not None else element).itertext()).strip()


def _type(element: Element | None) -> str | None:
    """A typeRef without the prefix that stands for a namespace: `feel:number`, `{…}number`."""
    if element is None:
        return None
    written = element.get("typeRef") or _text(_child(element, "typeRef")) or None
    if written is None:
        return None
    prefix, colon, rest = written.partition(":")
    return rest if colon and (prefix in element.nsmap or prefix == "feel") else written.rpartition("}")[2]


def _named(element: Element) -> Json:
    """Name and type: those of its variable, where there is one (Signavio calls the element otherwise, for people)."""
    variable = _child(element, "variable")
    made = {"name": (variable.get("name") if variable is not None else "") or element.get("name") or ""}
    found = _type(variable)
    return {**made, "type": found} if found else made


def _hrefs(element: Element, name: str) -> list[str]:
    return [child.get("href") or "" for child in _children(element, name)]


def _requires(element: Element) -> Json:
    needed = [
        href
        for requirement in _children(element, "informationRequirement")
        for kind in ("requiredInput", "requiredDecision")
        for href in _hrefs(requirement, kind)
    ]
    known = [
        href
        for requirement in _children(element, "knowledgeRequirement")
        for href in _hrefs(requirement, "requiredKnowledge")
    ]
    return {"requires": needed, "knows": known}


def _decision(element: Element) -> Json:
    return {**_named(element), "id": _id(element), **_requires(element), "body": _body(element)}


def _knowledge(element: Element) -> Json:
    logic = _child(element, "encapsulatedLogic")
    made = {**_named(element), "id": _id(element), **_requires(element)}
    made |= _given(logic=_type(logic))
    return {**made, **(_function(logic) if logic is not None else {"language": "FEEL", "parameters": [], "body": None})}


def _service(element: Element) -> Json:
    return {
        **_named(element),
        "id": _id(element),
        "outputs": _hrefs(element, "outputDecision"),
        "inputs": _hrefs(element, "inputData") + _hrefs(element, "inputDecision"),
    }


def _items(root: Element) -> Iterator[tuple[str, Json]]:
    for element in _children(root, "itemDefinition"):
        yield from _item(element, element.get("name") or "")


def _item(element: Element, name: str) -> Iterator[tuple[str, Json]]:
    """An item definition and those inside it, which get names of their own."""
    _within_reach(element)
    made: Json = {}
    parts = _children(element, "itemComponent")
    if parts:
        made["parts"] = [{"name": part.get("name"), "type": f"{name}.{part.get('name')}"} for part in parts]
        for part in parts:
            yield from _item(part, f"{name}.{part.get('name')}")
    base = _type(element)
    if base:
        made["base"] = base
    if element.get("isCollection") in {"true", "1"}:
        made["isMany"] = True
    allowed = _text(_child(element, "allowedValues"))
    if allowed:
        made["allowed"] = allowed
    constraint = _text(_child(element, "typeConstraint"))
    if constraint:
        made["constraint"] = constraint
    function = _child(element, "functionItem")
    if function is not None:
        made |= {"isFunction": True, "parameters": [_parameter(child) for child in _children(function, "parameters")]}
        made |= _given(result=function.get("outputTypeRef"))
    yield name, made


def _body(element: Element) -> Json | None:
    """The expression inside an element, None if there is none."""
    found = _child(element, *EXPRESSIONS)
    return None if found is None else _expression(found)


def _needed(element: Element) -> Json:
    found = _body(element)
    if found is None:
        raise DmnError(_place(element), _local(element), "holds no expression")
    return found


def _place(element: Element) -> str:
    """What an element is called in a message: the nearest name, else its id."""
    around = (element, *element.iterancestors())
    return str(next((one.get("name") for one in around if one.get("name")), element.get("id") or "file"))


def _expression(element: Element) -> Json:
    _within_reach(element)
    made = READERS[_local(element)](element)
    found = None if made["kind"] == "table" and made["policy"] in LISTS else _type(element)
    return {**made, "id": _place(element)} | ({"type": found} if found else {})


def _within_reach(element: Element) -> None:
    depth = sum(1 for _ in element.iterancestors())
    if depth > INNERMOST:
        raise DmnError(_place(element), depth, "is how deep it stands in others: that is too deep")


def _literal(element: Element) -> Json:
    _speaks_feel(element)
    return {"kind": "literal", "text": _text(element) or "null"}


def _speaks_feel(element: Element, row: int = 0, column: int = 0, title: str = "") -> None:
    language = (element.get("expressionLanguage") or "").strip()
    if language.lower() not in {known.lower() for known in FEEL}:
        rule = "is no language that is evaluated here: expressions are FEEL"
        raise DmnError(_place(element), language, rule, row=row, column=column, title=title)


def _table(element: Element) -> Json:
    policy, aggregation = element.get("hitPolicy") or "UNIQUE", element.get("aggregation")
    if policy not in POLICIES:
        raise DmnError(_place(element), policy, f"is no hit policy: {', '.join(sorted(POLICIES))}")
    if aggregation is not None and aggregation not in AGGREGATIONS:
        raise DmnError(_place(element), aggregation, f"is no aggregation: {', '.join(sorted(AGGREGATIONS))}")
    asked, said = _children(element, "input"), _children(element, "output")
    titles = [_title(child) for child in asked + said]
    for column, child in enumerate(asked, 1):
        for expression in _children(child, "inputExpression"):
            _speaks_feel(expression, column=column, title=titles[column - 1])
    inputs, outputs = [_input(child) for child in asked], [_output(child) for child in said]
    if not outputs:
        raise DmnError(_place(element), 0, "outputs: a decision table has at least one")
    rules = []
    for number, rule in enumerate(_children(element, "rule"), 1):
        tests = [_text(entry) for entry in _children(rule, "inputEntry")]
        found = [_text(entry) for entry in _children(rule, "outputEntry")]
        if (len(tests), len(found)) != (len(inputs), len(outputs)):
            rule_ = "has not one cell for each input and each output of its table"
            raise DmnError(_place(element), f"rule {number}", rule_, row=number)
        for column, entry in enumerate(_children(rule, "inputEntry") + _children(rule, "outputEntry"), 1):
            _speaks_feel(entry, number, column, titles[column - 1])
        types = [_type(entry) for entry in _children(rule, "outputEntry")]
        rules.append({"tests": tests, "outputs": found} | ({"types": types} if any(types) else {}))
    made: Json = {"kind": "table", "policy": policy, "inputs": inputs, "outputs": outputs, "rules": rules}
    return {**made, "aggregation": aggregation} if aggregation else made


def _title(element: Element) -> str:
    """What a column is called."""
    return element.get("label") or element.get("name") or _text(_child(element, "inputExpression"))


def _input(element: Element) -> Json:
    expression = _child(element, "inputExpression")
    made: Json = {"test": _text(expression) or element.get("label") or "null"}
    values = _text(_child(element, "inputValues"))
    return made | _given(type=_type(expression), values=values, title=_title(element))


def _output(element: Element) -> Json:
    made = {"name": element.get("name") or element.get("label") or ""}
    default = _child(element, "defaultOutputEntry")
    values = _text(_child(element, "outputValues"))
    return made | _given(type=_type(element), values=values, default=_text(default), title=_title(element))


def _given(**values: str | None) -> Json:
    return {name: value for name, value in values.items() if value}


def _context(element: Element) -> Json:
    entries = []
    for entry in _children(element, "contextEntry"):
        variable = _child(entry, "variable")
        made: Json = {"body": _needed(entry)}
        if variable is not None:
            made |= {"name": variable.get("name") or ""} | _given(type=_type(variable))
        entries.append(made)
    return {"kind": "context", "entries": entries}


def _invocation(element: Element) -> Json:
    bindings = []
    for binding in _children(element, "binding"):
        parameter = _child(binding, "parameter")
        named = _parameter(parameter) if parameter is not None else {"name": ""}
        bindings.append({**named, "body": _body(binding)})
    return {"kind": "invocation", "called": _needed(element), "bindings": bindings}


def _list(element: Element) -> Json:
    return {"kind": "list", "items": [_expression(child) for child in _children(element, *EXPRESSIONS)]}


def _relation(element: Element) -> Json:
    columns = [_parameter(child) for child in _children(element, "column")]
    rows = [[_expression(cell) for cell in _children(row, *EXPRESSIONS)] for row in _children(element, "row")]
    for number, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise DmnError(_place(element), f"row {number}", "has not one cell for each column")
    return {"kind": "relation", "columns": columns, "rows": rows}


def _function(element: Element) -> Json:
    parameters = [_parameter(child) for child in _children(element, "formalParameter")]
    language = {"J": "Java", "P": "PMML"}.get((element.get("kind") or "F")[0].upper(), "FEEL")
    return {"kind": "function", "language": language, "parameters": parameters, "body": _body(element)}


def _parameter(element: Element) -> Json:
    return {"name": element.get("name") or ""} | _given(type=_type(element))


def _conditional(element: Element) -> Json:
    parts = {name: _child(element, name) for name in ("if", "then", "else")}
    for name, part in parts.items():
        if part is None:
            raise DmnError(_place(element), name, "is missing")
    return {
        "kind": "conditional", "when": _needed(parts["if"]), "then": _needed(parts["then"]),
        "else": _needed(parts["else"]),
    }  # fmt: skip


def _filter(element: Element) -> Json:
    return {"kind": "filter", "of": _part(element, "in"), "match": _part(element, "match")}


def _iterator(element: Element) -> Json:
    kind = _local(element)
    body = _part(element, "return" if kind == "for" else "satisfies")
    return {"kind": kind, "variable": element.get("iteratorVariable") or "", "of": _part(element, "in"), "body": body}


def _part(element: Element, name: str) -> Json:
    found = _child(element, name)
    if found is None:
        raise DmnError(_place(element), name, "is missing")
    return _needed(found)


READERS = {
    "literalExpression": _literal,
    "decisionTable": _table,
    "context": _context,
    "invocation": _invocation,
    "list": _list,
    "relation": _relation,
    "functionDefinition": _function,
    "conditional": _conditional,
    "filter": _filter,
    "for": _iterator,
    "some": _iterator,
    "every": _iterator,
}


def _check(model: Json) -> None:
    """What is required exists, nothing is there twice, nothing requires itself."""
    parts = [*model["inputs"], *model["decisions"], *model["knowledge"], *model["services"]]
    ids = Counter(part["id"] for part in parts)
    for part in parts:
        if ids[part["id"]] > 1:
            raise DmnError(part["name"], part["id"], "is the id of more than one element")
        for href in [*part.get("requires", ()), *part.get("knows", ()), *part.get("outputs", ())]:
            if href not in ids:
                raise DmnError(part["name"], href, "is required, and there is no such element in this file")
    needs = {one["id"]: [*one["requires"], *one["knows"]] for one in model["decisions"]}
    if model["asked"] and model["asked"] not in needs:
        raise DmnError("definitions", model["asked"], "is required, and there is no such element in this file")
    names = {one["id"]: one["name"] for one in model["decisions"]}
    done: set[str] = set()
    for id_ in needs:
        _follow(needs, id_, {}, done, names)
    for name in model["items"]:
        _settle(model["items"], name)


def _settle(items: Mapping[str, Json], name: str) -> None:
    """A type comes down to one that is none of these."""
    path = [name]
    while (base := str(items[path[-1]].get("base"))) in items:
        path.append(base)
        if base in path[:-1]:
            raise DmnError(name, " → ".join(path), "is a type that is made of itself")


def _follow(
    needs: Mapping[str, list[str]], id_: str, path: dict[str, None], done: set[str], names: Mapping[str, str]
) -> None:
    if id_ in path:
        circle = [names[one] for one in [*path, id_]]
        raise DmnError(circle[-1], " → ".join(circle), "requires itself")
    if id_ in done or id_ not in needs:
        return
    if len(path) > DEEPEST:
        raise DmnError(names[id_], len(path), "decisions require one another: that is too deep")
    for next_ in needs[id_]:
        _follow(needs, next_, {**path, id_: None}, done, names)
    done.add(id_)
