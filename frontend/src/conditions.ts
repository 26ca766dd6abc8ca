// Conditions clicked together: groups of lines (field, how, value) that write CQL2 text into the field below them.
// Without this script, and for what lines cannot say, there is the text itself.
interface Field { name: string; title: string; kind: string; unit: string; choices: [string, string][] }
interface Line { field: string; operator: string; value: string }
interface Group { all: boolean; lines: Line[] }
interface Lines { all: boolean; groups: Group[] }

const NUMBERS = new Set(["number", "integer"]);
const SIGNS: Record<string, string> = { "=": "equal", "<>": "unequal", "<": "below", "<=": "most", ">": "above", ">=": "least", like: "like", null: "null", filled: "filled" };

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function literal(field: Field, value: string): string {
  if (NUMBERS.has(field.kind)) return Number.isFinite(Number(value)) && value.trim() ? value.trim() : quoted(value);
  if (field.kind === "boolean") return value === "true" ? "TRUE" : "FALSE";
  if (field.kind === "date") return `DATE(${quoted(value)})`;
  if (field.kind === "time") return `TIMESTAMP(${quoted(new Date(value).toISOString().replace(".000Z", "Z"))})`;
  return quoted(value);
}

function written(field: Field, line: Line): string {
  if (line.operator === "null") return `${field.name} IS NULL`;
  if (line.operator === "filled") return `${field.name} IS NOT NULL`;
  if (line.operator === "like") return `${field.name} LIKE ${quoted(`%${line.value.replace(/[%_\\]/g, "\\$&")}%`)}`;
  return `${field.name} ${line.operator} ${literal(field, line.value)}`;
}

function operators(field: Field): string[] {
  if (field.kind === "boolean") return ["=", "null", "filled"];
  if (field.choices.length) return ["=", "<>", "null", "filled"];
  if (NUMBERS.has(field.kind) || field.kind === "date" || field.kind === "time") return ["=", "<>", "<", "<=", ">", ">=", "null", "filled"];
  return ["like", "=", "<>", "null", "filled"];
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, css: string, text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = css;
  made.textContent = text;
  return made;
}

function select(label: string, options: [string, string][], value: string, change: (value: string) => void): HTMLSelectElement {
  const made = element("select", "form-select");
  made.ariaLabel = label;
  for (const [key, title] of options) made.append(new Option(title, key, false, key === value));
  made.addEventListener("change", () => change(made.value));
  return made;
}

function button(text: string, click: () => void, css = "btn btn-sm"): HTMLButtonElement {
  const made = element("button", css, text);
  made.type = "button";
  made.addEventListener("click", click);
  return made;
}

function builder(root: HTMLElement): void {
  const words = root.dataset as Record<string, string>;
  const given = JSON.parse(document.getElementById(words.conditions)!.textContent!) as { fields: Field[]; lines: Lines | null };
  const text = document.getElementById(words.text) as HTMLTextAreaElement;
  const known = new Map(given.fields.map((field) => [field.name, field]));
  const can = given.lines?.groups.every((group) => group.lines.every((line) => known.has(line.field)));
  if ((text.value && !can) || !given.fields.length) return void root.append(element("p", "text-secondary", words.beyond));
  const lines: Lines = can ? given.lines! : { all: true, groups: [] };
  const fresh = (): Line => ({ field: given.fields[0].name, operator: operators(given.fields[0])[0], value: "" });
  if (!lines.groups.length) lines.groups.push({ all: true, lines: [] });

  const write = (): void => {
    const groups = lines.groups
      .map((group) => group.lines.filter((line) => line.value || ["null", "filled"].includes(line.operator)).map((line) => written(known.get(line.field)!, line)).join(group.all ? " AND " : " OR "))
      .filter(Boolean);
    text.value = groups.length > 1 ? groups.map((one) => `(${one})`).join(lines.all ? " AND " : " OR ") : (groups[0] ?? "");
  };
  const changed = (): void => { write(); draw(); };

  function valueOf(line: Line, field: Field): HTMLElement {
    const keep = (value: string): void => { line.value = value; write(); };
    if (field.kind === "boolean") return select(words.value, [["", "—"], ["true", words.yes], ["false", words.no]], line.value, keep);
    if (field.choices.length) return select(words.value, [["", "—"], ...field.choices], line.value, keep);
    const made = element("input", "form-control");
    made.type = NUMBERS.has(field.kind) ? "number" : field.kind === "date" ? "date" : field.kind === "time" ? "datetime-local" : "text";
    if (made.type === "number") made.step = "any";
    made.ariaLabel = field.unit ? `${words.value} (${field.unit})` : words.value;
    made.value = field.kind === "time" && line.value.endsWith("Z") ? new Date(new Date(line.value).getTime() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : line.value;
    made.addEventListener("input", () => keep(made.value));
    return made;
  }

  function drawn(group: Group, line: Line): HTMLElement {
    const field = known.get(line.field)!;
    const row = element("div", "condition-line");
    row.append(select(words.field, given.fields.map((one) => [one.name, one.title]), line.field, (name) => {
      Object.assign(line, { field: name, operator: operators(known.get(name)!)[0], value: "" });
      changed();
    }));
    row.append(select(words.how, operators(field).map((sign) => [sign, words[SIGNS[sign]]]), line.operator, (sign) => { line.operator = sign; changed(); }));
    if (!["null", "filled"].includes(line.operator)) row.append(valueOf(line, field));
    const drop = button("×", () => { group.lines.splice(group.lines.indexOf(line), 1); changed(); }, "btn btn-ghost condition-drop");
    drop.ariaLabel = words.drop;
    row.append(drop);
    return row;
  }

  function draw(): void {
    root.replaceChildren();
    const joins: [string, string][] = [["all", words.all], ["any", words.any]];
    if (lines.groups.length > 1) root.append(select(words.how, joins, lines.all ? "all" : "any", (way) => { lines.all = way === "all"; changed(); }));
    for (const group of lines.groups) {
      const box = element("div", "condition-group");
      if (group.lines.length > 1) box.append(select(words.how, joins, group.all ? "all" : "any", (way) => { group.all = way === "all"; changed(); }));
      box.append(...group.lines.map((line) => drawn(group, line)), button(`+ ${words.add}`, () => { group.lines.push(fresh()); changed(); }));
      root.append(box);
    }
    if (lines.groups.some((group) => group.lines.length)) root.append(button(`+ ${words.group}`, () => { lines.groups.push({ all: true, lines: [fresh()] }); lines.all = lines.groups.length > 2 ? lines.all : false; changed(); }));
  }
  draw();
}

document.querySelectorAll<HTMLElement>("[data-conditions]").forEach(builder);

// Rows ticked in a list: all of the page by one box, and how many there are.
document.querySelectorAll<HTMLFormElement>("[data-selection]").forEach((form) => {
  const boxes = (): HTMLInputElement[] => [...document.querySelectorAll<HTMLInputElement>(`input[name=row][form=${form.id}]`)];
  const count = (): void => { form.querySelector("[data-selected]")!.textContent = String(boxes().filter((box) => box.checked).length || ""); };
  form.querySelector<HTMLInputElement>("[data-select-all]")?.addEventListener("change", (event) => {
    for (const box of boxes()) box.checked = (event.target as HTMLInputElement).checked;
    count();
  });
  for (const box of boxes()) box.addEventListener("change", count);
  count();
});
