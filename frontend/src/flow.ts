// The editor of flows: bpmn-js with a panel of our own. What is wrong is said by the server while one draws.
import Modeler from "bpmn-js/lib/Modeler";
import { find, post, token, unsaved } from "./editor";
import "./flow.css";
import { own, translation } from "./flow-words";

type Pair = [string, string];
type Kind = "flows" | "drawings";
type Settings = {
  xml: string; read: Record<Kind, string>; check: string; bring: string; roles: Pair[]; forms: Pair[]; organisations: Pair[];
  asks: Record<string, [string, string, string][]>;
  decisions: string[]; flows: string[]; commands: [string, string, [string, string, string][]][]; stem: string; language: string;
};
type Fault = { element: string; text: string; level: string };
/* eslint-disable @typescript-eslint/no-explicit-any */
type Business = any; // an element of the model of bpmn-moddle, which is typed by its schema at run time
type Shape = { id: string; type: string; businessObject: Business; source?: Shape; labelTarget?: Shape };

const URI = "http://camunda.org/schema/1.0/bpmn";
const settings = JSON.parse(document.getElementById("flow-settings")!.textContent!) as Settings;
const say = own(settings.language), inWords = translation(settings.language);
const modeler = new Modeler({
  container: find("flow"), additionalModules: [{ translate: ["value", inWords] }],
} as ConstructorParameters<typeof Modeler>[0]);
const canvas = modeler.get<any>("canvas");
const registry = modeler.get<any>("elementRegistry");
const modeling = modeler.get<any>("modeling");
const moddle = modeler.get<any>("moddle");
const selection = modeler.get<any>("selection");
const read = settings.read;
let address = "";
let chosen: Shape | null = null;

/** The prefix that the file has for the attributes we write. */
function prefix(): string {
  const attributes = modeler.getDefinitions().$attrs as Record<string, string>;
  const known = Object.entries(attributes).find(([name, value]) => name.startsWith("xmlns:") && value === URI);
  if (known) return known[0].slice(6);
  const free = "xmlns:camunda" in attributes ? "camunda7" : "camunda";
  attributes[`xmlns:${free}`] = URI;
  return free;
}

const attribute = (name: string) => ({
  get: (of: Business): string => of.get(`${prefix()}:${name}`) ?? elsewhere(of, name),
  set: (of: Business, value: string) => update(of, { [`${prefix()}:${name}`]: value || undefined }),
});

/** What another vendor's attribute or extension element of the same meaning says. */
const EXTENSIONS: Record<string, Pair> = {
  candidateGroups: ["assignmentDefinition", "candidateGroups"], formKey: ["formDefinition", "formKey"],
  topic: ["taskDefinition", "type"], decisionRef: ["calledDecision", "decisionId"],
  resultVariable: ["calledDecision", "resultVariable"], collection: ["loopCharacteristics", "inputCollection"],
  elementVariable: ["loopCharacteristics", "inputElement"], dueDate: ["taskSchedule", "dueDate"],
};
function elsewhere(of: Business, name: string): string {
  const attribute = Object.entries((of.$attrs ?? {}) as Record<string, string>).find(([key]) => key.endsWith(`:${name}`));
  if (attribute) return attribute[1];
  const [tag, key] = EXTENSIONS[name] ?? ["", ""];
  const found = (of.extensionElements?.values ?? []).find((one: Business) => tag && one.$type.endsWith(`:${tag}`));
  return found?.[key] ?? "";
}

function update(of: Business, values: Record<string, unknown>): void {
  modeling.updateModdleProperties(chosen, of, values);
}

const isProperties = (one: Business) => /:properties$/.test(one.$type);
const told = (name: string) => ({
  get: (of: Business): string => {
    const list = (of.extensionElements?.values ?? []).find(isProperties)?.$children ?? [];
    return list.find((one: Business) => one.name === name)?.value ?? "";
  },
  set: (of: Business, value: string) => {
    const kept: Business[] = of.extensionElements?.values ?? [];
    const list: Business[] = (kept.find(isProperties)?.$children ?? []).filter((one: Business) => one.name !== name);
    if (value) list.push(moddle.createAny(`${prefix()}:property`, URI, { name, value }));
    const others = kept.filter((one) => !isProperties(one));
    const values = list.length ? [...others, moddle.createAny(`${prefix()}:properties`, URI, { $children: list })] : others;
    const made = moddle.create("bpmn:ExtensionElements", { values });
    for (const one of values) one.$parent = made;
    made.$parent = of;
    update(of, { extensionElements: values.length ? made : undefined });
  },
});

/** An input of an activity: text as it is, FEEL after `=`; `isFeel` writes the sign by itself. */
const isInputs = (one: Business) => /:inputOutput$/.test(one.$type);
const input = (name: string, isFeel = false) => ({
  get: (of: Business): string => {
    const list = (of.extensionElements?.values ?? []).find(isInputs)?.$children ?? [];
    const value: string = list.find((one: Business) => one.name === name)?.$body ?? "";
    return isFeel ? value.replace(/^=/, "") : value;
  },
  set: (of: Business, value: string) => {
    const kept: Business[] = of.extensionElements?.values ?? [];
    const list: Business[] = (kept.find(isInputs)?.$children ?? []).filter((one: Business) => one.name !== name);
    const body = value && isFeel ? `=${value}` : value;
    if (body) list.push(moddle.createAny(`${prefix()}:inputParameter`, URI, { name, $body: body }));
    const others = kept.filter((one) => !isInputs(one));
    const values = list.length ? [...others, moddle.createAny(`${prefix()}:inputOutput`, URI, { $children: list })] : others;
    const made = moddle.create("bpmn:ExtensionElements", { values });
    for (const one of values) one.$parent = made;
    made.$parent = of;
    update(of, { extensionElements: values.length ? made : undefined });
  },
});

const plain = (name: string) => ({
  get: (of: Business): string => of.get(name) ?? "",
  set: (of: Business, value: string) => update(of, { [name]: value || undefined }),
});

/** A formal expression that is a child of an element or its event definition. */
const expression = (name: string, inside: (of: Business) => Business = (of) => of) => ({
  get: (of: Business): string => inside(of)?.[name]?.body ?? "",
  set: (of: Business, value: string) => {
    const holder = inside(of);
    const made = value ? moddle.create("bpmn:FormalExpression", { body: value }) : undefined;
    if (made) made.$parent = holder;
    update(holder, { [name]: made });
  },
});

type Field = {
  key: string; get: (of: Business) => string; set: (of: Business, value: string) => void;
  kind?: "area" | "feel" | "select" | "check" | "many"; options?: Pair[]; hint?: string; label?: string; empty?: string; renews?: boolean;
};
const select = (key: string, options: Pair[], way: Pick<Field, "get" | "set">): Field => ({ key, kind: "select", options, ...way });
const feel = (key: string, way: Pick<Field, "get" | "set">): Field => ({ key, kind: "feel", ...way });
const pairs = (keys: string[]): Pair[] => keys.map((key) => [key, key]);
/** To which stage of the process a step belongs; without a word to the one that is called as the step. */
const stage = (): Field[] => {
  const known = told("stages").get(root().businessObject as Business).split(",").map((one) => one.trim().split("/")[0]).filter(Boolean);
  return known.length ? [{ ...select("stage", pairs(known), told("stage")), empty: say("as_name") }] : [];
};
const clock: Field = { ...select("clock", [["calendar", say("calendar")], ["working", say("working")]], told("clock")), empty: say("as_flow") };
const definition = (of: Business): Business => of.eventDefinitions?.[0];
const TIMERS = { date: "timeDate", duration: "timeDuration", cycle: "timeCycle" };

/** Message, signal, error or escalation that an event refers to, made where there is none. */
function referred(of: Business): { holder: Business; reference: string; type: string; name: string } | null {
  const holder = definition(of) ?? of;
  const kind = /bpmn:(Message|Signal|Error|Escalation)EventDefinition/.exec(holder.$type)?.[1] ?? (/bpmn:(Send|Receive)Task/.test(of.$type) ? "Message" : "");
  if (!kind) return null;
  const name = kind === "Error" ? "errorCode" : kind === "Escalation" ? "escalationCode" : "name";
  return { holder, reference: `${kind.toLowerCase()}Ref`, type: `bpmn:${kind}`, name };
}

function naming(of: Business): Field {
  const way = referred(of)!;
  return {
    key: way.name === "name" ? "message" : "code",
    get: () => way.holder[way.reference]?.[way.name] ?? "",
    set: (_, value) => {
      const definitions = modeler.getDefinitions() as Business;
      let target = definitions.rootElements.find((one: Business) => one.$type === way.type && one[way.name] === value);
      if (value && !target) {
        target = moddle.create(way.type, { id: moddle.ids.nextPrefixed(`${way.type.slice(5)}_`), name: value, [way.name]: value });
        target.$parent = definitions;
        definitions.rootElements.push(target);
      }
      update(way.holder, { [way.reference]: value ? target : undefined });
    },
  };
}

function timing(of: Business): Field[] {
  const holder = definition(of);
  const now = Object.entries(TIMERS).find(([, tag]) => holder[tag])?.[0] ?? "duration";
  const chosenKind = select("when", (["date", "duration", "cycle"] as const).map((kind) => [kind, say(kind)] as Pair), {
    get: () => now,
    set: (_, kind) => {
      const body = holder[TIMERS[now as keyof typeof TIMERS]];
      update(holder, { timeDate: undefined, timeDuration: undefined, timeCycle: undefined, [TIMERS[kind as keyof typeof TIMERS]]: body ?? moddle.create("bpmn:FormalExpression", { body: "P1D" }) });
    },
  });
  return [chosenKind, { key: "due", hint: say("due_hint"), ...expression(TIMERS[now as keyof typeof TIMERS], definition) }, clock];
}

function many(of: Business): Field[] {
  const loop = of.loopCharacteristics;
  if (loop?.$type !== "bpmn:MultiInstanceLoopCharacteristics") return [];
  const on = (way: Pick<Field, "get" | "set">) => ({ get: () => way.get(loop), set: (_: Business, value: string) => way.set(loop, value) });
  return [feel("collection", on(attribute("collection"))), { key: "item", ...on(attribute("elementVariable")) }, feel("until", expression("completionCondition", () => loop))];
}

function fields(shape: Shape): Field[] {
  const of = shape.businessObject;
  const name: Field = { key: "name", kind: "area", get: (one) => one.name ?? "", set: (_, value) => modeling.updateProperties(shape, { name: value }) };
  const english: Field = { key: "en", ...told("en") };
  switch (of.$type as string) {
    case "bpmn:Process":
      return [name, english, select("owner", settings.organisations, told("owner")), { key: "prefix", ...told("prefix") }, { key: "limit", hint: say("limit_hint"), ...told("limit") }, { ...clock, options: [["working", say("working")]], empty: say("calendar") }, { key: "stages", ...told("stages") }, { key: "starters", kind: "many", options: settings.roles, ...attribute("candidateStarterGroups") }];
    case "bpmn:UserTask":
      return [name, english, { key: "role", kind: "select", options: settings.roles, ...attribute("candidateGroups") }, select("form", settings.forms, attribute("formKey")), { key: "due", hint: say("due_hint"), ...attribute("dueDate") }, clock, select("assign", [["load", say("load")], ["duty", say("duty")]], told("assign")), select("not_by", others(of), told("not_by")), ...stage(), ...many(of)];
    case "bpmn:StartEvent":
      return [name, english, ...event(of), ...(of.eventDefinitions?.length ? [] : [select("form", settings.forms, attribute("formKey"))]), ...stage()];
    case "bpmn:EndEvent":
      return [name, english, ...event(of), ...stage()];
    case "bpmn:SequenceFlow": {
      const source = of.sourceRef;
      const isDefault: Field = { key: "isDefault", kind: "check", get: () => (source.default === of ? "yes" : ""), set: (_, value) => update(source, { default: value ? of : undefined }) };
      return [name, feel("condition", expression("conditionExpression")), ...(/Exclusive|Inclusive/.test(source.$type) ? [isDefault] : [])];
    }
    case "bpmn:BusinessRuleTask":
      return [name, english, select("decision", pairs(settings.decisions), attribute("decisionRef")), { key: "result", ...attribute("resultVariable") }, ...many(of)];
    case "bpmn:ScriptTask":
      return [name, english, feel("script", { get: (one) => one.script ?? "", set: (one, value) => update(one, { script: value, scriptFormat: "feel" }) }), { key: "result", ...attribute("resultVariable") }, ...many(of)];
    case "bpmn:ServiceTask":
      return [name, english, ...service(of), ...many(of)];
    case "bpmn:CallActivity":
      return [name, english, select("called", pairs(settings.flows), plain("calledElement")), ...many(of)];
    case "bpmn:SendTask": case "bpmn:ReceiveTask":
      return [name, english, naming(of), feel("key", told("key")), ...many(of)];
    default:
      return [name, english, ...event(of), ...many(of)];
  }
}

/** What is done here with a device, or by a program outside. */
function service(of: Business): Field[] {
  const topic = attribute("topic");
  const now = topic.get(of);
  const kind: Field = { renews: true, empty: say("outside"), ...select("service", [["things.command", say("command_of")], ["things.latest", say("latest_of")]], { get: topic.get, set: (one, value) => { topic.set(one, value); if (value) attribute("type").set(one, "external"); } }) };
  const device: Field = { key: "device", hint: say("device_hint"), ...input("device") };
  if (now === "things.latest") return [kind, device, { key: "within", hint: say("due_hint"), ...input("within") }];
  if (now !== "things.command") return [kind, { key: "topic", ...topic }];
  const chosenCommand = settings.commands.find(([key]) => key === input("command").get(of));
  const parameters = (chosenCommand?.[2] ?? []).map(([key, title, type]): Field => ({ key, label: title, ...input(key, type !== "string") }));
  const command: Field = { renews: true, ...select("command", settings.commands.map(([key, title]): Pair => [key, title]), input("command")) };
  return [kind, device, command, ...parameters];
}

/** The other steps of people, and the beginning: who did one of them does not do this one too. */
function others(of: Business): Pair[] {
  const shapes: Shape[] = registry.filter((one: Shape) => /bpmn:(UserTask|StartEvent)$/.test(one.type) && one.businessObject !== of);
  return shapes.map((one) => [one.businessObject.id, one.businessObject.name || kind(one.businessObject)]);
}

function event(of: Business): Field[] {
  const type = definition(of)?.$type as string | undefined;
  if (type === "bpmn:TimerEventDefinition") return timing(of);
  if (type === "bpmn:ConditionalEventDefinition") return [feel("condition", expression("condition", definition))];
  if (type === "bpmn:MessageEventDefinition") return [naming(of), feel("key", told("key"))];
  return referred(of) ? [naming(of)] : [];
}

function control(field: Field, of: Business, id: string): HTMLElement[] {
  const value = field.get(of);
  const label = document.createElement("label");
  label.className = "form-label";
  label.htmlFor = id;
  label.textContent = field.label ?? say(field.key);
  if (field.kind === "select") {
    const box = document.createElement("select");
    box.className = "form-select";
    const options = [["", field.empty ?? say("none")] as Pair, ...field.options!];
    if (!options.some(([key]) => key === value)) options.push([value, value]);
    box.append(...options.map(([key, title]) => new Option(title, key, false, key === value)));
    return [label, listen(box, id, () => {
      field.set(of, box.value);
      if (!field.renews) return;
      panel(registry.get(chosen!.id) ?? root()); // other fields follow from it
      find(id).focus();
    })];
  }
  if (field.kind === "check") {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "form-check-input me-2";
    box.checked = value === "yes";
    listen(box, id, () => field.set(of, box.checked ? "yes" : ""));
    label.prepend(box);
    return [label];
  }
  if (field.kind === "many") {
    const given = new Set(value.split(",").filter(Boolean));
    const holder = document.createElement("div");
    for (const [key, title] of field.options!) {
      const line = document.createElement("label");
      line.className = "form-check";
      const box = document.createElement("input");
      Object.assign(box, { type: "checkbox", className: "form-check-input", checked: given.has(key) });
      listen(box, `${id}-${key}`, () => {
        if (box.checked) given.add(key);
        else given.delete(key);
        field.set(of, [...given].join(","));
      });
      line.append(box, title);
      holder.append(line);
    }
    return [label, holder];
  }
  const box = document.createElement(field.kind ? "textarea" : "input");
  box.className = "form-control";
  box.value = value;
  if (field.hint) box.placeholder = field.hint;
  if (box instanceof HTMLTextAreaElement) box.rows = field.kind === "area" ? 1 : 2;
  const wrong = document.createElement("div");
  wrong.className = "flow-wrong";
  if (field.kind === "feel") box.addEventListener("input", () => void judge(box.value, wrong));
  const made = [label, listen(box, id, () => field.set(of, box.value.trim())), wrong];
  return field.kind === "feel" ? [...made, ...names(box as HTMLTextAreaElement)] : made;
}

/** What forms of this flow ask, by the name that an expression has for it; a click writes it. */
function names(box: HTMLTextAreaElement): HTMLElement[] {
  const known = (registry.getAll() as Shape[]).filter((one) => !one.labelTarget).flatMap(({ businessObject: of }) => {
    const asked = /bpmn:(UserTask|StartEvent)/.test(of.$type) ? settings.asks[attribute("formKey").get(of)] ?? [] : [];
    const before = of.$type === "bpmn:UserTask" ? `answers.${of.id}.` : "";
    return asked.map(([name, title, answer]) => [`${of.name || kind(of)} · ${title}`, `${before}${name}${answer && ` = ${answer}`}`] as Pair);
  });
  if (!known.length) return [];
  const list = document.createElement("details"), head = document.createElement("summary");
  head.textContent = say("names");
  list.className = "flow-names";
  list.append(head, ...known.map(([title, text]) => {
    const line = Object.assign(document.createElement("button"), { type: "button", textContent: title, title: text });
    line.addEventListener("click", () => {
      box.value = [box.value.trim(), text].filter(Boolean).join(" and ");
      box.dispatchEvent(new Event("input"));
      box.dispatchEvent(new Event("change"));
      box.focus();
    });
    return line;
  }));
  return [list];
}

/** What an element is, in words. */
const kind = (of: Business): string => {
  const words = (of.$type as string).slice(5).replace(/(?!^)([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return inWords(words.replace("Sub process", "Sub-process"));
};

function listen<T extends HTMLElement>(box: T, id: string, change: () => void): T {
  box.id = id;
  box.addEventListener("change", change);
  return box;
}

async function judge(text: string, wrong: HTMLElement): Promise<void> {
  const answer = await post(settings.check, { expression: text });
  wrong.textContent = answer.ok ? ((await answer.json()) as { fault: string }).fault : "";
}

function panel(shape: Shape): void {
  const one = shape.labelTarget ?? shape;
  if (!one.businessObject) return; // between two files there is nothing
  chosen = one;
  find("flow-name").textContent = one.businessObject.name || (one.businessObject.$type === "bpmn:Process" ? say("process") : kind(one.businessObject));
  find("flow-panel").replaceChildren(...fields(one).flatMap((field) => control(field, one.businessObject, `field-${field.key}`)));
}

let marked: string[] = [];
function mark(faults: Fault[]): void {
  for (const id of marked) if (registry.get(id)) canvas.removeMarker(id, "has-fault");
  const wrong = faults.filter((fault) => fault.level === "error");
  marked = wrong.map((fault) => fault.element).filter((id) => registry.get(id));
  for (const id of marked) canvas.addMarker(id, "has-fault");
  find("flow-count").textContent = String(wrong.length);
  const lines = faults.map((fault) => {
    const line = document.createElement("button");
    line.type = "button";
    line.className = `list-group-item list-group-item-action ${fault.level === "error" ? "text-danger" : "text-secondary"}`;
    line.textContent = fault.text;
    line.dataset.element = fault.element;
    line.addEventListener("click", () => {
      const shape = registry.get(fault.element);
      if (!shape) return;
      selection.select(shape);
      canvas.scrollToElement(shape);
    });
    return line;
  });
  find("flow-faults").replaceChildren(...(lines.length ? lines : [note(say("fine"))]));
}

function note(text: string, look = "text-secondary"): HTMLElement {
  const line = document.createElement("div");
  line.className = `list-group-item ${look}`;
  line.textContent = text;
  return line;
}

const xml = async (): Promise<string> => (await modeler.saveXML({ format: true })).xml!;
async function check(): Promise<void> {
  const answer = await post(settings.check, { xml: await xml(), stem: address ? settings.stem : "" });
  if (answer.ok) mark(((await answer.json()) as { faults: Fault[] }).faults);
}

let soon = 0;
modeler.on("commandStack.changed", ({ trigger }: { trigger: string }) => {
  if (trigger !== "clear") unsaved(); // a drawing that is opened clears it
  clearTimeout(soon);
  soon = window.setTimeout(() => void check(), 500);
});
modeler.on("selection.changed", ({ newSelection }: { newSelection: Shape[] }) => panel(newSelection[0] ?? root()));
modeler.on("commandStack.changed", () => {
  window.setTimeout(() => { // a click into the next field leaves this one first: what is clicked must still be there
    if (chosen && !find("flow-panel").contains(document.activeElement)) panel(registry.get(chosen.id) ?? root());
  });
});

/** The process that is run, which the empty canvas stands for. */
function root(): Shape {
  const top = canvas.getRootElement() as Shape;
  if (top.businessObject?.$type !== "bpmn:Collaboration") return top;
  const pools = (top.businessObject.participants as Business[]).filter((one) => one.processRef);
  const run = pools.find((one) => one.processRef.isExecutable) ?? pools[0];
  return run ? { ...top, id: top.id, businessObject: run.processRef } : top;
}

/** All of the drawing in the middle of what the palette leaves free, never larger than it is. */
function fit(): void {
  canvas.zoom("fit-viewport", "auto");
  const { inner, outer } = canvas.viewbox();
  if (!inner.width || !inner.height) return;
  const palette = document.querySelector<HTMLElement>("#flow .djs-palette")!, gap = palette.offsetLeft;
  const left = gap + palette.offsetWidth;
  const [width, height] = [outer.width - left - 2 * gap, outer.height - 2 * gap];
  const scale = Math.min(1, width / inner.width, height / inner.height);
  canvas.viewbox({
    x: inner.x + inner.width / 2 - (left + gap + width / 2) / scale,
    y: inner.y + inner.height / 2 - outer.height / 2 / scale,
    width: outer.width / scale, height: outer.height / scale,
  });
}

async function open(text: string): Promise<void> {
  await modeler.importXML(text);
  fit();
  panel(root());
  await check();
}

find("flow-bring").addEventListener("click", () => find("flow-file").click());
find<HTMLInputElement>("flow-file").addEventListener("change", ({ target }) => {
  const input = target as HTMLInputElement, file = input.files![0];
  input.value = "";
  void bring(file);
});

/** A file of another editor; of several pools that could run, the person chooses one. */
async function bring(file: File, process = ""): Promise<void> {
  const body = new FormData();
  body.append("file", file);
  body.append("process", process);
  const answer = await fetch(settings.bring, { method: "POST", headers: { "X-CSRFToken": token }, body });
  const told = (await answer.json()) as { xml?: string; faults: Fault[]; choose?: Pair[] };
  if (told.choose) {
    const ways = told.choose.map(([id, name]) => {
      const way = document.createElement("button");
      Object.assign(way, { type: "button", className: "list-group-item list-group-item-action", textContent: name });
      way.addEventListener("click", () => void bring(file, id));
      return way;
    });
    find("flow-faults").replaceChildren(note(say("pools")), ...ways);
    ways[0].focus();
  } else if (told.xml) await open(told.xml).then(() => unsaved()).catch((error: Error) => mark([{ element: "", text: error.message, level: "error" }]));
  else mark(told.faults);
  const findings = find("flow-faults").parentElement!;
  findings.classList.toggle("order-first", told.faults.some((fault) => fault.level === "error") || !!told.choose);
}
find("flow-take").addEventListener("click", async () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([await xml()], { type: "application/xml" }));
  link.download = `${settings.stem}.bpmn`;
  link.click();
  URL.revokeObjectURL(link.href);
});
async function keep(as: Kind): Promise<void> {
  const text = await xml();
  unsaved(false);
  const answer = await post(address || location.pathname, { xml: text, read: read[as], as }).catch(() => null);
  if (!answer) {
    unsaved();
    return mark([{ element: "", text: say("lost"), level: "error" }]);
  }
  const told = (await answer.json()) as { faults?: Fault[]; read?: string; address?: string };
  if (told.faults) {
    unsaved();
    mark(told.faults);
    if (as === "flows") find("flow-faults").append(note(say("unfinished")));
    return;
  }
  read[as] = told.read!;
  address = told.address!;
  history.replaceState(null, "", address);
  if (as === "drawings") await check();
  else find("flow-count").textContent = "0";
  find("flow-faults")[as === "drawings" ? "prepend" : "replaceChildren"](note(say(as === "drawings" ? "kept" : "saved"), "text-success fw-bold"));
  find("flow-faults").scrollIntoView({ block: "nearest" });
}
find("flow-save").addEventListener("click", () => void keep("flows"));
find("flow-keep").addEventListener("click", () => void keep("drawings"));
find("flow-panel").addEventListener("input", () => unsaved()); // also what is typed and not left yet
void open(settings.xml);
