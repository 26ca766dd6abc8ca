// A declared form on the phone. What is filled in is kept as a draft with every stroke, photos too.
import { button, el, follow, icon, position, say, toast, words } from "./field-dom";
import { keepAll } from "./field-photo";
import { db, type Draft, type Field, type Form } from "./field-store";
import { pick, placeText } from "./pick";

export interface Filled { answer: Record<string, unknown>; photos: Record<string, string[]>; more: Record<string, string> }
type Draw = (field: Field, draft: Draft, changed: () => void) => HTMLElement;
const FEW = 6; // choices that stand side by side

const value = (draft: Draft, name: string): string => String(draft.answer[name] ?? "");
function set(draft: Draft, name: string, given: unknown): void {
  if (given === "" || given === undefined) delete draft.answer[name];
  else draft.answer[name] = given;
}

function radios(field: Field, choices: [unknown, string][], draft: Draft, changed: () => void): HTMLElement {
  const group = el("div", "field-choices");
  choices.forEach(([given, text], n) => {
    const id = `f-${field.name}-${n}`, input = el("input", "btn-check"), label = el("label", "btn", text);
    Object.assign(input, { type: "radio", name: field.name, id, checked: draft.answer[field.name] === given });
    label.htmlFor = id;
    input.addEventListener("change", () => { set(draft, field.name, given); changed(); });
    group.append(input, label);
  });
  return el("fieldset", "", el("legend", `form-label${field.is_required ? " required" : ""}`, field.title), group);
}

const labelled = (field: Field, control: HTMLElement): HTMLElement => {
  const label = el("label", `form-label${field.is_required ? " required" : ""}`, field.title);
  label.htmlFor = control.id = `f-${field.name}`;
  return el("div", "", label, control);
};

const line: Draw = (field, draft, changed) => {
  const control = field.widget === "paragraph" ? el("textarea", "form-control") : el("input", "form-control");
  if (control instanceof HTMLInputElement) Object.assign(control, { type: { number: "number", date: "date" }[field.widget] ?? "text", step: "any" });
  else control.rows = 3;
  control.value = value(draft, field.name);
  control.addEventListener("input", () => {
    const text = control.value.trim(), isNumber = field.type === "number" || field.type === "integer";
    set(draft, field.name, isNumber && text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text);
    changed();
  });
  return labelled(field, control);
};

const select: Draw = (field, draft, changed) => {
  const control = el("select", "form-select", el("option", "", words.choose));
  control.firstElementChild!.setAttribute("value", "");
  for (const [given, text] of field.choices) control.append(Object.assign(el("option", "", text), { value: given }));
  control.value = value(draft, field.name);
  control.addEventListener("change", () => { set(draft, field.name, control.value); changed(); });
  return labelled(field, control);
};

const photos: Draw = (field, draft, changed) => {
  const shown = el("div", "field-photos"), input = el("input", "visually-hidden"), label = el("label", "btn w-100", icon("camera"), ` ${field.title}${field.is_required ? " *" : ""}`);
  Object.assign(input, { type: "file", accept: "image/*", multiple: true, id: `f-${field.name}` });
  label.htmlFor = input.id;
  const ids = (): string[] => (draft.photos[field.name] ??= []);
  const draw = async (): Promise<void> => {
    const store = await db(), tiles: HTMLElement[] = [];
    for (const id of ids()) {
      const photo = await store.get("photos", id);
      if (!photo) continue;
      const image = el("img"), remove = button("field-photo-off", "×", () => {
        draft.photos[field.name] = ids().filter((one) => one !== id);
        changed();
        void draw();
      });
      image.src = URL.createObjectURL(new Blob([photo.bytes], { type: photo.type }));
      image.alt = photo.name;
      image.addEventListener("load", () => URL.revokeObjectURL(image.src));
      remove.setAttribute("aria-label", `${words.remove} ${photo.name}`);
      tiles.push(el("figure", "", image, remove));
    }
    shown.replaceChildren(...tiles);
  };
  input.addEventListener("change", () => void (async () => {
    await keepAll(input, ids, field.most ?? 9);
    input.value = "";
    changed();
    await draw();
  })());
  void draw();
  return el("div", "", input, label, shown);
};

// A place: typed, where the phone is, or with a network tapped on the map.
const place: Draw = (field, draft, changed) => {
  follow();
  const made = line(field, draft, changed), control = made.querySelector("input")!;
  const put = (text: string | undefined): void => {
    if (!text) return;
    control.value = text;
    control.dispatchEvent(new Event("input"));
  };
  const here = (): void => {
    const at = position();
    if (at) put(placeText(at.longitude, at.latitude));
    else toast(words.noPosition!, "bad");
  };
  const map = async (): Promise<void> => (navigator.onLine ? put(await pick(control.value, words.onMap!)) : toast(words.noMap!, "bad"));
  made.append(el("div", "btn-list mt-1", button("", words.here!, here, "map-pin"), field.target ? button("", words.onMap!, map, "map") : undefined));
  return made;
};

function drawn(field: Field, draft: Draft, changed: () => void): HTMLElement {
  if (field.widget === "photo") return photos(field, draft, changed);
  if (field.widget === "place") return place(field, draft, changed);
  if (field.widget === "yes-no") return radios(field, [[true, words.yes!], [false, words.no!]], draft, changed);
  if (field.widget === "choice") return field.choices.length <= FEW ? radios(field, field.choices, draft, changed) : select(field, draft, changed);
  return line(field, draft, changed);
}

function missing(form: Form, draft: Draft): Field | undefined {
  const more = new Set(form.more?.filter((one) => draft.answer[one.field] === one.value).flatMap((one) => one.names));
  return form.fields.find((field) => {
    const isRequired = field.is_required || more.has(field.name);
    if (field.widget === "photo") return (draft.photos[field.name]?.length ?? 0) < (field.least ?? (isRequired ? 1 : 0));
    const given = draft.answer[field.name];
    if (given === undefined) return isRequired;
    return typeof given === "string" && given.length < (field.shortest ?? 0);
  });
}

/** The form, with what was filled in before; `send` gets what is filled in when nothing is missing. */
export async function form(key: string, person: number, told: Form, first: Partial<Filled>, above: (draft: Draft, changed: () => void) => HTMLElement[], send: (filled: Filled) => Promise<void>): Promise<HTMLElement> {
  const store = await db();
  const kept = await store.get("drafts", key);
  const draft: Draft = kept?.person === person ? kept : { key, person, answer: {}, photos: {}, more: {}, ...first };
  const changed = (): void => void store.put("drafts", draft);
  const made = el("form", "card field-form");
  made.noValidate = true;
  const parts = told.fields.map((field) => {
    const part = el("div", "mb-3", drawn(field, draft, changed), field.help ? el("small", "form-hint", field.help) : undefined);
    part.dataset.field = field.name;
    return part;
  });
  const submit = el("button", "btn btn-primary btn-lg w-100", told.submit || words.send!);
  made.append(el("div", "card-body", ...above(draft, changed), ...parts, submit));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = missing(told, draft);
    made.querySelectorAll(".field-problem").forEach((one) => one.remove());
    if (wrong) {
      const part = parts.find((one) => one.dataset.field === wrong.name)!;
      part.append(el("div", "field-problem", icon("alert-triangle"), ` ${say("missing", wrong.title)}`));
      part.scrollIntoView({ block: "center" });
      part.querySelector<HTMLElement>("input, textarea, select")?.focus();
      return;
    }
    submit.disabled = true;
    void send(draft).catch((error) => { submit.disabled = false; toast(String(error), "bad"); });
  });
  return made;
}
