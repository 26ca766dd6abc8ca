// Asking for help: what a response may be asked for, in three taps, and what was asked with its answer. Works without a network.
import { button, clock, el, follow, icon, position, say, words } from "./field-dom";
import { form, type Filled } from "./field-form";
import type { Asked, Draft, Help, Item, Place, State } from "./field-store";

type Put = (item: Pick<Item, "kind" | "title" | "words" | "photos" | "body">, draft?: string) => Promise<void>;

export const mark = (one: { is_simulated: boolean; is_drill?: boolean }): HTMLElement | undefined =>
  (one.is_drill ? el("span", "label-simulated label-drill", words.drill) : one.is_simulated ? el("span", "label-simulated", words.simulated) : undefined);

function said(one: Asked): [string, string] {
  if (one.state === "refused") return ["orange", words.refused!];
  if (one.state !== "open") return ["green", words.answered!];
  if (one.is_over) return ["red", words.neverAnswered!];
  return Date.now() > new Date(one.due_at).getTime() ? ["red", say("waitsLate", clock(one.due_at))] : ["yellow", say("waitsUntil", clock(one.due_at))];
}

/** What this person asked for, and what was answered; the newest first. */
export function asked(state: State | undefined): HTMLElement[] {
  if (!state?.needs?.length) return [];
  const rows = state.needs.map((one) => {
    const [level, text] = said(one);
    return el("div", "list-group-item",
      el("div", "field-line", el("strong", "flex-fill", one.text), mark(one), el("span", `level level-${level}`, text)),
      el("div", "text-secondary", `${one.where} · ${clock(one.asked_at)}`),
      one.answer ? el("p", "field-told", `${one.answer}${one.by ? ` · ${one.by}` : ""}`) : undefined);
  });
  return [el("h2", "field-head", words.asked!), el("div", "card mb-3", el("div", "list-group list-group-flush", ...rows))];
}

/** One tile for each thing that a response may be asked for. */
export function tiles(state: State | undefined, go: (...parts: (string | number)[]) => void, only = 0): HTMLElement[] {
  const open = (state?.helps ?? []).filter((one) => !only || one.case === only);
  return open.flatMap((one) => [
    el("h2", "field-head", icon("help"), ` ${words.help} · ${one.title} `, mark(one)),
    el("div", "field-tiles field-help", ...one.kinds.map(([name, text, sign]) => button("", text, () => go("help", one.case, name), sign))),
  ]);
}

function where(one: Help, draft: Draft, changed: () => void): HTMLElement[] {
  const options = one.areas.map((area) => Object.assign(el("option", "", area.name), { value: area.code }));
  const control = el("select", "form-select", Object.assign(el("option", "", words.byPosition), { value: "" }), ...options);
  control.value = draft.more.area ??= "";
  control.setAttribute("aria-label", words.town!);
  control.addEventListener("change", () => { draft.more.area = control.value; changed(); });
  const shown = el("span", "text-secondary flex-fill");
  const tell = (here?: Place): void => shown.replaceChildren(icon("map-pin"), here ? ` ${here.latitude.toFixed(5)}, ${here.longitude.toFixed(5)}` : ` ${words.searching}`);
  tell(position());
  follow((here) => { if (shown.isConnected) tell(here); });
  return [el("div", "field-line mb-3", shown, one.areas.length > 1 ? control : el("span", "", one.areas[0]!.name))];
}

/** The form of one thing: how many and how urgent are filled in already, so that one tap sends it. */
export async function asking(state: State, one: Help, kind: string, put: Put, done: () => void): Promise<HTMLElement> {
  const named = one.kinds.find(([name]) => name === kind)?.[1] ?? kind, key = `help-${one.case}-${kind}`;
  const told = { ...one.form, fields: one.form.fields.filter((field) => field.name !== "kind") };
  const first: Partial<Filled> = { answer: { kind, amount: 1, urgency: one.first } };
  return form(key, state.person.id, told, first, (draft, changed) => where(one, draft, changed), async ({ answer, more }) => {
    const here = position();
    if (!more.area && !here && one.areas.length > 1) throw words.chooseTown!; // said as it stands
    const urgency = one.form.fields.find((field) => field.name === "urgency")?.choices.find(([name]) => name === answer.urgency)?.[1] ?? "";
    const lines = [`${named} × ${String(answer.amount)}`, urgency, answer.where, answer.note].filter(Boolean);
    await put({
      kind: "need", title: `${words.help} · ${named}`, words: lines.join("\n"), photos: [],
      body: { case: one.case, answer, ...(more.area ? { area: more.area } : {}), ...(here ? { place: here } : {}) },
    }, key);
    done();
  });
}
