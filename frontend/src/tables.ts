// Decisions opened in the browser: dmn-js with a panel of our own. What is wrong, and what a decision says to values, is
// told by the server. On a narrow screen it is looked at and tried, not changed.
import "./tables.css";
import type Manager from "dmn-js/lib/Manager";
import { find, post, unsaved } from "./editor";
import { own, translation } from "./tables-words";

type Pair = [string, string];
type Settings = { xml: string; read: string; stem: string; keep: string; check: string; try: string; language: string };
type Fault = { element: string; row: number; column: number; text: string; level: string };
type Checked = { faults: Fault[]; inputs?: [string, string, string][]; decisions?: Pair[]; asked?: string; last?: Pair[] };
type Made = { element: string; name: string; value: string; rows: number[] };
type Tried = { faults?: Fault[]; value: string; made: Made[]; told: Pair[] };
/* eslint-disable @typescript-eslint/no-explicit-any */
type Part = any; // an element of the model of dmn-moddle, which is typed by its schema at run time

const ASKED = "https://shizhu.example/dmn";
const DEFAULTS = new Set(["false", "UNIQUE", "Rule-as-Row", "text/plain", "None", "FEEL"]); // which need not be written
const settings = JSON.parse(document.getElementById("tables-settings")!.textContent!) as Settings;
const say = own(settings.language);
const isNarrow = matchMedia("(max-width: 767.98px)").matches;
const style = document.head.appendChild(document.createElement("style"));
const typed: Record<string, string> = {};
let editor: Manager, isFixed = isNarrow; // nothing is changed
let { read, keep: address } = settings;
let marks = { faults: [] as string[], hits: [] as string[] };

function element<K extends keyof HTMLElementTagNameMap>(tag: K, given: Partial<HTMLElementTagNameMap[K]>, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), given);
  made.append(...inside);
  return made;
}

const written = async (): Promise<string> => (await editor.saveXML({ format: true })).xml;
const xml = async (): Promise<string> => (isFixed ? settings.xml : written());
const note = (text: string, look = "text-secondary"): HTMLElement => element("div", { className: `list-group-item ${look}`, textContent: text });

function part(id: string): Part {
  const parts: Part[] = editor.getDefinitions().drgElement ?? [];
  return parts.find((one) => one.id === id) ?? parts.find((one) => one.name === id || one.variable?.name === id);
}

const table = (of: Part): Part => (of?.decisionLogic?.$type === "dmn:DecisionTable" ? of.decisionLogic : null);
const attribute = (name: string, value: string): string => `[${name}=${JSON.stringify(value)}]`;

/** Where a row, a cell or the head of a column is drawn; in the graph their decision is. */
function places(id: string, row: number, column: number): string[] {
  const of = part(id), at = table(of), rule = at?.rule?.[row - 1];
  const head = [...(at?.input ?? []), ...(at?.output ?? [])][column - 1];
  const cell = (row ? (rule ? attribute("data-row-id", rule.id) : "") : head ? "th" : "") + (head ? attribute("data-col-id", head.id) : "");
  const shape = of ? [`.djs-element${attribute("data-element-id", of.id)} > .djs-visual > :is(rect, path)`] : [];
  return [...(cell ? [`.tjs-container ${cell}`] : []), ...shape];
}

function paint(): void {
  const look = (where: string[], colour: string): string => (where.length
    ? `${where.join(",")} { background: var(--sz-${colour}-soft) !important; box-shadow: inset 0 0 0 2px var(--sz-${colour}); stroke: var(--sz-${colour}) !important; }` : "");
  style.textContent = look(marks.hits, "green") + look(marks.faults, "red");
}

async function go(id: string, row = 0, column = 0): Promise<void> {
  const of = part(id);
  const view = editor.getViews().find((one) => one.element === of) ?? editor.getViews()[0];
  if (view !== editor.getActiveView()) await editor.open(view);
  const place = places(id, row, column)[0];
  if (place) document.querySelector(place)?.scrollIntoView({ block: "center", inline: "center" });
}

function line(text: string, look: string, to: () => void): HTMLElement {
  const made = element("button", { type: "button", className: `list-group-item list-group-item-action ${look}`, textContent: text });
  made.addEventListener("click", to);
  return made;
}

function mark(faults: Fault[]): void {
  const wrong = faults.filter((fault) => fault.level === "error");
  marks.faults = wrong.flatMap((fault) => (fault.element ? places(fault.element, fault.row, fault.column) : []));
  paint();
  find("tables-count").textContent = String(wrong.length);
  const lines = faults.map((fault) => line(fault.text, fault.level === "error" ? "text-danger" : "text-secondary", () => void go(fault.element, fault.row, fault.column)));
  find("tables-faults").replaceChildren(...(lines.length ? lines : [note(say("fine"))]));
}

async function check(): Promise<void> {
  const answer = await post(settings.check, { xml: await xml(), stem: address.includes(`/${settings.stem}/`) ? settings.stem : "" }).catch(() => null);
  if (!answer?.ok) return;
  const told = (await answer.json()) as Checked;
  mark(told.faults);
  if (told.inputs) ask(told);
}

let soon = 0;
function changed(): void {
  clearTimeout(soon);
  marks.hits = [];
  paint();
  find("tables-answer").replaceChildren();
  soon = window.setTimeout(() => void check(), 500);
}

/** Texts that cells of a column compare an input with: what one may choose from. */
function choices(name: string): string[] {
  const found = new Set<string>();
  for (const of of editor.getDefinitions().drgElement ?? []) {
    const at = table(of);
    (at?.input ?? []).forEach((input: Part, number: number) => {
      if (input.inputExpression?.text?.trim() !== name) return;
      const cells = (at.rule ?? []).map((rule: Part) => rule.inputEntry[number]?.text ?? "");
      for (const text of [input.inputValues?.text ?? "", ...cells] as string[])
        for (const [, value] of text.matchAll(/"([^"\\]*)"/g)) found.add(value);
    });
  }
  return [...found];
}

function select(id: string, options: Pair[], value: string): HTMLSelectElement {
  const box = element("select", { id, className: "form-select" }, ...options.map(([key, title]) => new Option(title, key, false, key === value)));
  return box;
}

/** What is asked for a try, as the drawing is now; what was typed stays. */
function ask(told: Checked): void {
  const boxes = told.inputs!.flatMap(([name, kind, title], number) => {
    const id = `given-${number}`;
    const label = element("label", { className: "form-label", htmlFor: id }, `${name} `, element("span", { className: "text-secondary", textContent: title }));
    const box = kind === "boolean"
      ? select(id, [["", say("none")], ["true", say("yes")], ["false", say("no")]], typed[name] ?? "")
      : element("input", { id, className: "form-control", value: typed[name] ?? "", maxLength: 500, autocomplete: "off" });
    box.addEventListener("input", () => { typed[name] = box.value; });
    const known = kind === "string" && box instanceof HTMLInputElement ? choices(name) : [];
    if (!known.length) return [label, box];
    box.setAttribute("list", `${id}-known`);
    return [label, box, element("datalist", { id: `${id}-known` }, ...known.map((one) => new Option(one, one)))];
  });
  const before = find<HTMLSelectElement>("tables-try-what").value;
  const isThere = told.decisions!.some(([id]) => id === before);
  find("tables-try-what").replaceChildren(...told.decisions!.map(([id, name]) => new Option(name, id, false, isThere ? id === before : name === told.asked)));
  const focused = document.activeElement?.id ?? "";
  find("tables-inputs").replaceChildren(...(boxes.length ? boxes : [say("no_inputs")]));
  if (focused.startsWith("given-")) document.getElementById(focused)?.focus();
  const several = told.last!.length > 1;
  find("tables-asked").hidden = !several;
  if (!several) return;
  const now = told.last!.find(([, name]) => name === told.asked)?.[0] ?? "";
  const which = select("tables-which", [["", say("choose")], ...told.last!], now);
  which.addEventListener("change", () => {
    const attributes = editor.getDefinitions().$attrs as Record<string, string>;
    attributes["xmlns:shizhu"] = ASKED;
    attributes["shizhu:asked"] = which.value;
    unsaved();
    void check();
  });
  find("tables-asked").replaceChildren(element("label", { className: "form-label", htmlFor: "tables-which", textContent: say("asked") }), which);
}

async function attempt(): Promise<void> {
  const given = Object.fromEntries(Object.entries(typed).map(([name, value]) => [`i.${name}`, value]));
  const answer = await post(settings.try, { xml: await xml(), asked: find<HTMLSelectElement>("tables-try-what").value, ...given }).catch(() => null);
  const told = (await answer?.json().catch(() => null)) as Tried | null | undefined;
  if (!told || told.faults) {
    const lines = told?.faults?.map((fault) => line(fault.text, "text-danger", () => void go(fault.element, fault.row, fault.column))) ?? [note(say("lost"), "text-danger")];
    return find("tables-answer").replaceChildren(...lines);
  }
  marks.hits = told.made.flatMap((one) => one.rows.flatMap((row) => places(one.element, row, 0)));
  paint();
  find("tables-answer").replaceChildren(
    ...told.made.map((one) => {
      const rows = table(part(one.element)) ? (one.rows.length ? say("row").replace("{rows}", one.rows.join("、")) : say("no_row")) : "";
      const made = line("", "", () => void go(one.element, one.rows[0] ?? 0));
      made.append(element("div", { className: "text-secondary", textContent: one.name }), element("strong", { textContent: one.value }), element("div", { className: "text-secondary", textContent: rows }));
      return made;
    }),
    ...told.told.map(([id, text]) => line(text, "text-danger", () => void go(id))),
  );
}

async function save(): Promise<void> {
  const text = await xml();
  unsaved(false);
  const answer = await post(address, { xml: text, read }).catch(() => null);
  const told = (await answer?.json().catch(() => null)) as { faults?: Fault[]; read?: string; address?: string } | null | undefined;
  if (!told?.read) unsaved();
  if (!told) mark([{ element: "", row: 0, column: 0, text: say("lost"), level: "error" }]);
  else if (told.faults) mark(told.faults);
  else {
    [read, address] = [told.read!, told.address!];
    settings.stem = address.split("/").at(-2)!;
    history.replaceState(null, "", address);
    find("tables-count").textContent = "0";
    find("tables-faults").replaceChildren(note(say("saved"), "text-success fw-bold"));
  }
  find("tables-faults").scrollIntoView({ block: "nearest" });
}

function tabs(): void {
  for (const box of document.querySelectorAll<HTMLElement>("#tables .tjs-table-container")) box.tabIndex = 0; // it scrolls
  find("tables-tabs").replaceChildren(...editor.getViews().map((view) => {
    const name = view.type === "drd" ? say("graph") : view.name || view.id;
    const tab = element("button", { type: "button", className: "btn btn-sm", textContent: name });
    const isOpen = view === editor.getActiveView();
    tab.classList.toggle("active", isOpen);
    tab.setAttribute("aria-pressed", String(isOpen));
    tab.addEventListener("click", () => void editor.open(view));
    return tab;
  }));
}

/** What a file says, each thing with how often: elements, attributes and texts, however they are written. */
function sayings(text: string): Map<string, number> {
  const found = new Map<string, number>();
  const add = (what: string): void => void found.set(what, (found.get(what) ?? 0) + 1);
  for (const one of new DOMParser().parseFromString(text, "application/xml").querySelectorAll("*")) {
    const name = `<${one.localName}>`;
    add(name);
    for (const { localName, namespaceURI, value } of one.attributes)
      if (namespaceURI !== "http://www.w3.org/2000/xmlns/" && !DEFAULTS.has(value))
        add(`${name} ${localName}=${value.trim() !== "" && !Number.isNaN(Number(value)) ? Number(value) : value}`);
    const own = [...one.childNodes].filter((child) => child.nodeType === 3 || child.nodeType === 4).map((child) => child.nodeValue).join("").trim();
    if (own) add(`${name} ${own}`);
  }
  return found;
}

/** What the editor would not write again. */
async function lost(): Promise<string[]> {
  const after = sayings(await written());
  return [...sayings(settings.xml)].filter(([what, times]) => times > (after.get(what) ?? 0)).map(([what]) => what);
}

async function begin(): Promise<void> {
  const { default: Editor } = isFixed ? await import("dmn-js/lib/NavigatedViewer") : await import("dmn-js/lib/Modeler");
  const words = { additionalModules: [{ translate: ["value", translation(settings.language)] }] };
  editor = new Editor({
    container: find("tables"), common: { debounceInput: false },
    drd: words, decisionTable: words, literalExpression: words, boxedExpression: words,
  });
  editor.on("views.changed", tabs);
  editor.on("viewer.created", ({ viewer }) => viewer.on("commandStack.changed", ({ trigger }: { trigger: string }) => {
    if (trigger !== "clear") unsaved(); // a part that is opened clears it
    changed();
  }));
  editor.on("import.render.complete", ({ view }) => {
    if (view.type === "drd") editor.getActiveViewer()?.get("canvas").zoom("fit-viewport", "auto");
  });
  await editor.importXML(settings.xml);
  const missing = await lost();
  if (missing.length) {
    find("tables-lost").hidden = false;
    find("tables-lost").textContent = say("kept_from") + missing.slice(0, 8).join("，");
    find<HTMLButtonElement>("tables-save").disabled = true;
    if (!isFixed) {
      isFixed = true;
      editor.destroy();
      return begin();
    }
  }
  await check();
  find("tables").dataset.ready = "yes";
}

find("tables-try").addEventListener("click", () => void attempt());
find("tables-save").addEventListener("click", () => void save());
find("tables-take").addEventListener("click", async () => {
  const link = element("a", { href: URL.createObjectURL(new Blob([await xml()], { type: "application/xml" })), download: `${settings.stem}.dmn` });
  link.click();
  URL.revokeObjectURL(link.href);
});
void begin();
