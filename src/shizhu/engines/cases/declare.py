"""What packs may declare: flows (`flows/*.bpmn`), decisions (`decisions/*.dmn`), forms (`forms/*.yaml`), and emergency
plans (`emergencies/*.yaml`), which are compiled to flows."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from shizhu.engines.cases import cards, desks, devices, flows, patrols, results
from shizhu.engines.cases.logic import Flow, FlowError, Kit, approval, emergency, next_time, parse, writing
from shizhu.engines.cases.logic.deadends import dead_ends
from shizhu.engines.cases.logic.flow import TAKEN
from shizhu.engines.cases.logic.layout import laid_out
from shizhu.engines.cases.logic.picture import picture
from shizhu.engines.cases.logic.reading import BPMN, read_process, read_root
from shizhu.engines.cases.logic.rules import fields_read
from shizhu.engines.cases.logic.vendors import told
from shizhu.engines.records import api as records
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.lib import dmn, feel

DRAWINGS = "drawings"  # flows that a county draws and that nobody runs yet
OF_PROCESS = {"clock", "en", "limit", "owner", "prefix", "stages", "supplement", "tell"}
OF_ELEMENT = {"after", "assign", "clock", "en", "key", "not_by", "organisation", "role", "stage", "void", "with"}
COMPILED = {"days", "level", "minute", "paper_en", "paper_zh", "when", "when_en", "when_zh"}  # of plans and approvals
OF_FIELD = {"x-begins", "x-choices", "x-help", "x-shizhu-ref", "x-title", "x-widget"}
OF_SCHEMA = {*Draft202012Validator.VALIDATORS, "default", "description", "examples", "title"}
DRAWING: Body = {
    "type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}, "additionalProperties": False,
}  # fmt: skip


def check_flow(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """The file runs, has its texts, and its roles and forms exist."""
    xml = body["text"].encode()
    try:
        flow, about = parse(xml, key=key), flows.about(xml)
        picture(xml)
    except FlowError as error:
        yield from map(str, error.all)
        return
    if not key.startswith("local."):
        yield from (f"{name}: must be given as a property of the process" for name in about.missing)
        yield from _unread_properties(xml)
    yield from _untimed(flow)
    yield from _unknown_fields(flow, everything)
    yield from map(str, dead_ends(flow, lambda form: packs.find(everything, "forms", form)))
    yield from devices.check(flow, everything)
    yield from _unknown_in_steps(key, flow, about, everything)
    for node in (node for scope in flow.scope.walk() for node in scope.nodes if node.called in flow.calls):
        names = (node.called, f"{key.partition('.')[0]}.{node.called}")
        if not any(packs.find(everything, "flows", name) for name in names):
            yield f"{node.step.id}: {node.called}: nobody declares this flow"
    for id_, ask in flow.asks.items():
        if packs.find(everything, "decisions", ask.decision) is None:
            yield f"{id_}: {ask.decision}: no pack declares this decision"
    if about.start_form:
        yield from _unfit_to_begin(flow.scope.starts()[0].step.id, about.start_form, everything)


def _unfit_to_begin(begin: str, key: str, everything: LoadedPacks) -> Iterator[str]:
    """A form to begin with that nobody declares, or whose fields have names that the case and the page need."""
    form = packs.find(everything, "forms", key)
    if form is None:
        yield f"{begin}: {key}: no pack declares this form"
        return
    for name in sorted(TAKEN & form["properties"].keys()):
        yield f"{begin}: {key}: {name}: every case has something of this name; call the field otherwise"


def _unread_properties(xml: bytes) -> Iterator[str]:
    """Properties that nobody reads, as a word with a slip in it."""
    process = read_process(read_root(xml))
    for element in process.iter(f"{BPMN}*"):
        known = OF_PROCESS if element is process else OF_ELEMENT
        for name in told(element):
            if name not in known | COMPILED and not name.startswith(flows.SAYS):
                yield f"{element.get('id')}: property {name!r} is not read here; known are {', '.join(sorted(known))}"


def _unknown_fields(flow: Flow, everything: LoadedPacks) -> Iterator[str]:
    """Answers that an expression reads and no form asks for: they would always be null."""
    for id_, step, name in dict.fromkeys(fields_read(flow.scope)):
        form = flow.step[step].form if step in flow.step else None
        asked = packs.find(everything, "forms", form) if form else None
        if asked is not None and name not in asked["properties"]:
            known = ", ".join(asked["properties"])
            yield f"{id_}: answers.{step}.{name}: the form {form} asks for no such field; it asks for {known}"


def _untimed(flow: Flow) -> Iterator[str]:
    """Timers that begin the flow by FEEL and are no time: there is no case yet that it could read."""
    for node in flow.scope.starts():
        if node.event and node.event.kind == "timer" and not node.event.expression.startswith('"'):
            try:
                next_time(flow, node.step.id, None, Kit(now=timezone.localtime()))
            except FlowError as error:
                yield str(error)


def check_drawing(_key: str, body: Body, _everything: LoadedPacks) -> Iterator[str]:
    """The file can be drawn; whether it runs is asked when it becomes a flow."""
    try:
        laid_out(body["text"].encode())
    except FlowError as error:
        yield from map(str, error.all)


def _unknown_in_steps(key: str, flow: Flow, about: flows.About, everything: LoadedPacks) -> Iterator[str]:
    """Roles, forms and stages that nobody declares."""
    roles = everything[key.split(".", maxsplit=1)[0]].roles
    for step in flow.steps:
        for role in filter(None, (step.role or "").split(",")):
            if role not in roles and not role.startswith("="):
                yield f"{step.id}: {role}: the pack declares no such role"
        if step.form and packs.find(everything, "forms", step.form) is None:
            yield f"{step.id}: {step.form}: no pack declares this form"
        is_told = step.kind in {"user", "task", "start", "end"} and not flow.is_silent(step.id)
        if not about.missing and is_told and step.id not in about.stage_of:
            stages = "、".join(stage["zh"] for stage in about.stages)
            rule = f"is none of the stages of the process ({stages}); name one in its property `stage`"
            yield f"{step.id}: {step.name!r} {rule}"
    for role in about.starters:
        if role not in roles:
            yield f"{flow.scope.id}: {role}: the pack declares no such role"


def check_decision(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:  # one form for every kind
    """The file can be decided, and it is plain which of its decisions is asked for."""
    try:
        xml = body["text"].encode()
        model = dmn.read_model(xml, *dmn.needed(xml, _decisions_of(everything)))
    except dmn.DmnError as error:
        yield str(error)
        return
    if model.answer_to(key.rpartition(".")[2]) is None:
        yield f"{', '.join(model.decisions) or 'no decision'}: one must be named as the file, or required by no other"
    yield from (f"{element}: {text}: is no FEEL that can be read" for element, text in dmn.unreadable(model))


def _decisions_of(everything: LoadedPacks) -> Iterator[bytes]:
    """The files of all decisions: one imports another by its namespace."""
    for pack in everything.values():
        yield from (item.body["text"].encode() for item in pack.declared if item.kind == "decisions")


def check_form(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:  # one form for every kind
    """The form is a JSON Schema, and what its fields point at is declared."""
    for name, item in body["properties"].items():
        target = item.get("x-shizhu-ref")
        if target and packs.find(everything, "registers", target) is None and target not in records.KNOWN_REFERENCES:
            yield f"{name}: {records.reference_fault('unknown', item['x-title'], target)}"
        if target and item["type"] != "string":
            yield f"{name}: {records.reference_fault('no_text', item['x-title'], item['type'])}"
        if item.get("x-widget") == "place" and item["type"] != "string":
            yield f"{name}: x-widget: place: is kept as a string"
        yield from _slips(name, item)
    for name in body.get("required", []):
        if name not in body["properties"]:
            yield f"required: {name}: the form has no such field: nobody could send it"
    when, then = body.get("if", {}), body.get("then", {})
    for name in (*when.get("properties", {}), *when.get("required", []), *then.get("required", [])):
        if name not in body["properties"]:
            yield f"if: {name}: the form has no such field"
    try:
        Draft202012Validator.check_schema(
            {name: part for name, part in body.items() if name not in {"title", "submit"}}
        )
    except SchemaError as error:
        yield f"{error.json_path}: {error.message}"


def _slips(name: str, item: Body) -> Iterator[str]:
    """Words of a field that nobody reads, labels of values that it cannot have, a list that no page could ask for."""
    if item["type"] == "array" and item.get("x-widget") not in {"photo", "file"}:
        yield f"{name}: array: a list is of photos or files (x-widget: photo, file); ask for text and split it in FEEL"
    for word in item.keys() - OF_FIELD - OF_SCHEMA:
        known = ", ".join(sorted(OF_FIELD))
        yield f"{name}: {word!r} is not read here; known are {known} and the keywords of JSON Schema"
    for value in item.get("x-choices", {}):
        if "enum" in item and value not in item["enum"]:
            yield f"{name}: x-choices: {value}: is none of the values of enum"


def check_emergency(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Tasks are named once and wait for tasks of their level in no circle; registers and forms exist.

    What it is compiled to is checked as a flow.
    """
    seen: set[str] = set(emergency.RESERVED)
    for level, item in body["levels"].items():
        tasks = item["tasks"]
        for id_, task in tasks.items():
            if id_ in seen:
                yield f"levels.{level}.tasks.{id_}: is the name of another step"
            seen.add(id_)
            for register in task.get("shows", []):
                if packs.find(everything, "registers", register) is None:
                    yield f"levels.{level}.tasks.{id_}.shows: {register}: no pack declares this register"
            for before in task.get("after", []):
                if before not in tasks:
                    yield f"levels.{level}.tasks.{id_}.after: {before}: is no task of this level"
        try:
            emergency.minutes(tasks)
        except KeyError:
            continue  # told above
        except ValueError as error:
            yield f"levels.{level}.tasks: {error}"
    yield from _named(body, everything)
    roles = everything[key.split(".", maxsplit=1)[0]].roles
    asked = (("bulletin", "receivers"), ("help", "roles"))
    named = ((f"{part}.{name}", role) for part, name in asked for role in body.get(part, {}).get(name, ()))
    yield from (f"{place}: {role}: the pack declares no such role" for place, role in named if role not in roles)


def _named(body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Registers and levels that a plan names are there."""
    for name, register in body.get("near", {}).items():
        if packs.find(everything, "registers", register) is None:
            yield f"near.{name}: {register}: no pack declares this register"
    for level in body.get("alarms", {}).values():
        if level not in body["levels"]:
            yield f"alarms: {level}: the plan has no such level"
    if "confirm" in body and not body.get("alarms"):
        yield "confirm: no alarm proposes a level: say `alarms` too"
    for number, one in enumerate(body.get("bulletin", {}).get("figures", ())):
        register = packs.find(everything, "registers", one["register"])
        if register is None:
            yield f"bulletin.figures.{number}: {one['register']}: no pack declares this register"
            continue
        for name in (one["of"], *one.get("sum", ()), *one.get("list", ())):
            if name not in register["properties"]:
                yield f"bulletin.figures.{number}: {name}: is no field of {one['register']}"


def check_stock(_key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Registers exist, and the articles have the fields that are named."""
    for register in (body["articles"], *body["places"]):
        if packs.find(everything, "registers", register) is None:
            yield f"{register}: no pack declares this register"
    articles = packs.find(everything, "registers", body["articles"]) or {"properties": {}}
    for name in filter(None, (body["unit"], body.get("single"))):
        if name not in articles["properties"]:
            yield f"{name}: is no field of {body['articles']}"


def check_approval(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Items need items that are there, in no circle, and papers have a register that takes them.

    What it is compiled to is checked as a flow.
    """
    if "register" in body and everything:
        yield from _unfit_for_papers(key, body, everything)
    after = approval.needs(body)
    for id_, wanted in after.items():
        if id_ in approval.RESERVED or any(f"{one}_{end}" == id_ for one in after for end in ("if", "past", "join")):
            yield f"items.{id_}: is the name of another step"
        yield from (f"items.{id_}.after: {one}: is no item" for one in wanted if one not in after)
    yield from _unfit_conditions(body)
    try:
        writing.order(after)
    except ValueError as error:
        yield f"items: {error}"


def _unfit_conditions(body: Body) -> Iterator[str]:
    """Conditions that cannot be read or name what is not asked for, questions that decide nothing, and no item left."""
    asks, items = body.get("asks", {}), body["items"]
    conditions = {id_: item["when"]["that"] for id_, item in items.items() if "when" in item}
    materials = {
        f"{id_}_{number}" for id_, item in items.items() for number in range(len(item.get("materials", ())) + 1)
    }
    for name in sorted(asks.keys() & {*approval.ASKED, *approval.OWN, *items, *materials}):
        yield f"asks.{name}: is the name of something else"
    if len(conditions) == len(items):
        yield "items: one at least must be needed always, without `when`"
    unread = set(asks)
    for id_, text in conditions.items():
        try:
            feel.check(text)
        except feel.FeelError as error:
            yield f"items.{id_}.when.that: {error}"
            continue
        named = set(feel.unknown_names(text, ()))
        unread -= named
        yield from (f"items.{id_}.when.that: {one}: `asks` has no such field" for one in sorted(named - asks.keys()))
    yield from (f"asks.{one}: no item depends on it" for one in sorted(unread))


def _unfit_for_papers(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Fields that the register of papers lacks or asks for in vain, and roles that may not enter what they grant."""
    name = results.register_of(key, body["register"])
    register = packs.find(everything, "registers", name)
    if register is None:
        yield f"register: {body['register']}: nobody declares this register"
        return
    yield from (
        f"register: {one}: is no field of {name}" for one in results.COLUMNS if one not in register["properties"]
    )
    asked = set(register["required"]) - set(results.GIVEN)
    yield from (f"register: {one}: is asked for by {name}, and no decision gives it" for one in sorted(asked))
    pack, verb = everything[key.partition(".")[0]], f"records.{name}.create"
    for id_, item in body["items"].items():
        role = pack.body.get("roles", {}).get(item["role"].rpartition(".")[2], {"verbs": ()})
        if "paper" in item and not any(access.covers(one, verb) for one in role["verbs"]):
            yield f"items.{id_}: {item['role']}: must have the verb {verb}"


def make_approval(key: str, body: Body) -> Iterator[tuple[str, str, Body]]:
    """An approval as a flow and its forms; nothing where `check_approval` tells what is wrong."""
    if list(check_approval(key, body, {})):
        return
    for form, made in approval.forms(key, body).items():
        yield "forms", form, made
    yield "flows", key, {"text": approval.written(key, body)}


def make_emergency(key: str, body: Body) -> Iterator[tuple[str, str, Body]]:
    """A plan as a flow and its forms; nothing where its tasks cannot be put in order, which `check_emergency` tells."""
    for form, made in emergency.forms(key, body).items():
        yield "forms", form, made
    try:
        yield "flows", key, {"text": emergency.written(key, body)}
    except (KeyError, ValueError):
        return


def check_patrol(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Its role may walk, its register has the field that says how often, and its flow exists."""
    pack = everything[key.partition(".")[0]]
    role = pack.body.get("roles", {}).get(body["role"].rpartition(".")[2])
    if role is None or body["role"] not in pack.roles:
        yield f"role: {body['role']}: the pack declares no such role"
    elif not any(access.covers(verb, patrols.WALK) for verb in role["verbs"]):
        yield f"role: {body['role']}: must have the verb {patrols.WALK}"
    register = packs.find(everything, "registers", patrols.register_of(key, body))
    if register is None:
        yield f"of: {body['of']}: nobody declares this register"
    elif "often" in body and register["properties"].get(body["often"], {}).get("type") != "integer":
        yield f"often: {body['often']}: must be an integer field of the register"
    if "starts" in body and packs.find(everything, "flows", body["starts"]) is None:
        yield f"starts: {body['starts']}: nobody declares this flow"


def check_label(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Its flow and register exist, its form has the fields, and nothing that it tells everybody is private."""
    desk = desks.read(key, body)
    register = packs.find(everything, "registers", desk.register) if desk.register else None
    if desk.register and register is None:
        yield f"of: {body['of']}: nobody declares this register"
    title = (register or {}).get("x-shizhu", {}).get("title", "")
    if register is not None and register["properties"].get(title, {}).get("x-shizhu-class"):
        yield f"of: {body['of']}: its rows are called by {title}, which is private: a label would tell it to everybody"
    found = packs.find(everything, "flows", desk.flow)
    if found is None:
        yield f"flow: {body['flow']}: nobody declares this flow"
        return
    xml = found["text"].encode()
    try:
        flow, about = parse(xml, key=desk.flow), flows.about(xml)
    except FlowError:
        return  # told of the flow
    form = packs.find(everything, "forms", about.start_form)
    if form is None:
        yield f"flow: {body['flow']}: must begin with a form"
        return
    fields = form["properties"]
    wanted = {"kind": (desk.kind, "enum"), "words": (desk.words, "string"), "photos": (desk.photos, "array")}
    for name, (field, what) in wanted.items():
        item = fields.get(field, {})
        if not ("enum" in item if what == "enum" else item.get("type") == what):
            yield f"{name}: {field}: the form {about.start_form} must have it as {what}"
    filled = {"title", desk.kind}
    yield from (
        f"flow: {body['flow']}: nobody asks a resident for {name}" for name in form["required"] if name not in filled
    )
    for value in body.get("icons", {}):
        if value not in fields.get(desk.kind, {}).get("enum", []):
            yield f"icons: {value}: is no value of {desk.kind}"
    for step, names in body.get("tells", {}).items():
        known = packs.find(everything, "forms", flow.step[step].form or "") if step in flow.step else None
        yield from (
            f"tells.{step}: {name}: the step asks for no such field"
            for name in names
            if name not in (known or {"properties": {}})["properties"]
        )


def check_checkup(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Registers, fields, tests and cards that are named are there, and expressions can be read."""
    for name, check in body["checks"].items():
        yield from (f"checks.{name}.{line}" for line in _checked(check, everything))


def _checked(check: Body, everything: LoadedPacks) -> Iterator[str]:
    for kind, named, what in (("phones", "rollcall", "rollcalls"), ("cards", "card", "cards")):
        if kind in check and packs.find(everything, what, check[kind][named]) is None:
            yield f"{kind}.{named}: {check[kind][named]}: nobody declares it"
    for kind in ("rows", "room", "differ"):
        asked = check.get(kind, {})
        registers = {one: packs.find(everything, "registers", asked[one]) for one in ("of", "said_by") if one in asked}
        for one, register in registers.items():
            if register is None:
                yield f"{kind}.{one}: {asked[one]}: nobody declares this register"
        fields = (registers.get("of") or {"properties": {}})["properties"]
        for field in [*asked.get("fields", ()), *(asked[one] for one in ("count", "by") if one in asked)]:
            if field not in fields:
                yield f"{kind}: {field}: is no field of {asked['of']}"
    if "rows" in check:
        try:
            feel.check(check["rows"]["find"])
        except feel.FeelError as error:
            yield f"rows.find: {error}"


def check_card(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Registers and their fields are there."""
    of = packs.find(everything, "registers", body["of"])
    if of is None:
        yield f"of: {body['of']}: nobody declares this register"
    for number, part in enumerate(body["parts"]):
        if "from" not in part:
            continue
        register = packs.find(everything, "registers", part["from"])
        if register is None:
            yield f"parts.{number}: {part['from']}: nobody declares this register"
            continue
        inner = register["properties"].get(part.get("list", ""), {}).get("items", {}).get("properties", {})
        named = [*part.get("columns", ()), *part.get("needs", ()), *cards.BLANK.findall(part.get("says", ""))]
        for name in named:
            if name not in {*register["properties"], *inner, *cards.OWN}:
                yield f"parts.{number}: {name}: is no field of {part['from']}"
        if of is not None and "by" in part and part["by"] not in of["properties"]:
            yield f"parts.{number}: {part['by']}: is no field of {body['of']}"


def check_rollcall(key: str, body: Body, everything: LoadedPacks) -> Iterator[str]:
    """Registers, their fields and the flow are there."""
    for number, source in enumerate(body["contacts"]):
        name = source.get("from", body["of"])
        register = packs.find(everything, "registers", name)
        if register is None:
            yield f"contacts.{number}: {name}: nobody declares this register"
            continue
        known = register["properties"]
        if "list" in source:
            known = known.get(source["list"], {}).get("items", {}).get("properties", {})
        wanted = [source["name"], source["phone"], *([source["duty"]] if isinstance(source["duty"], str) else [])]
        yield from (f"contacts.{number}: {one}: is no field of {name}" for one in wanted if one not in known)
    if packs.find(everything, "flows", body["flow"]) is None:
        yield f"flow: {body['flow']}: nobody declares this flow"


def register() -> None:
    """Called once by the application."""
    packs.kind("flows", suffix=".bpmn", check=check_flow)
    overlays.kind(DRAWINGS, schema=DRAWING, check=check_drawing, twin="flows")
    packs.kind("decisions", suffix=".dmn", check=check_decision)
    packs.kind(
        "emergencies", schema=packs.read_schema("shizhu.engines.cases", "emergency"), check=check_emergency,
        makes=make_emergency,
    )  # fmt: skip
    packs.kind("patrols", schema=packs.read_schema("shizhu.engines.cases", "patrol"), check=check_patrol)
    packs.kind(
        "approvals", schema=packs.read_schema("shizhu.engines.cases", "approval"), check=check_approval,
        makes=make_approval,
    )  # fmt: skip
    packs.kind("stocks", schema=packs.read_schema("shizhu.engines.cases", "stock"), check=check_stock)
    packs.kind("checkups", schema=packs.read_schema("shizhu.engines.cases", "checkup"), check=check_checkup)
    packs.kind("cards", schema=packs.read_schema("shizhu.engines.cases", "card"), check=check_card)
    packs.kind("rollcalls", schema=packs.read_schema("shizhu.engines.cases", "rollcall"), check=check_rollcall)
    packs.kind("labels", schema=packs.read_schema("shizhu.engines.cases", "label"), check=check_label)
    packs.kind("forms", schema=packs.read_schema("shizhu.engines.cases", "form"), check=check_form)
