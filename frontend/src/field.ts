// The field page: my tasks, near me, report, what waits to be sent. Everything is drawn from what lies on the phone.
import "@tabler/core/dist/css/tabler.min.css";
import "./style.css";
import { button, by, clock, el, far, follow, icon, metres, position, say, toast, until, words } from "./field-dom";
import { form, type Filled } from "./field-form";
import { asked, asking, mark, tiles } from "./field-help";
import { patrol, resume, underWay } from "./field-patrol";
import { ask, LoginNeeded, send, Unreached } from "./field-send";
import { db, enqueue, onChange, stamp, tidy, uuid7, type Doors, type Draft, type Home, type Item, type Progress, type Start, type State, type Task } from "./field-store";

const main = by("field"), bar = by("field-progress") as HTMLProgressElement, net = by("field-net");
let state: State | undefined, queue: Item[] = [];
let needsLogin = false;

// what was taken along -----------------------------------------------------------------------------------------------

async function takeAlong(): Promise<void> {
  try {
    const answer = await ask("state");
    if (answer.ok) {
      state = (await answer.json()) as State;
      await (await db()).put("state", state);
      localStorage.setItem("field-person", String(state.person.id));
      needsLogin = false;
      void takePhotos().catch(() => undefined); // the next time
    }
  } catch (error) {
    if (error instanceof LoginNeeded) needsLogin = true;
    else if (!(error instanceof Unreached)) throw error;
  }
}

/** Photos of my tasks, to be seen without a network; those of tasks that are gone go too. */
const ALONG = "photos-along";
async function takePhotos(): Promise<void> {
  if (!("caches" in window)) return;
  const kept = await caches.open(ALONG), wanted = new Set(state!.tasks.flatMap((one) => one.photos ?? []));
  for (const old of await kept.keys()) if (!wanted.has(new URL(old.url).pathname)) await kept.delete(old, { ignoreVary: true });
  for (const path of wanted) if (!(await kept.match(path, { ignoreVary: true }))) {
    const answer = await fetch(path);
    if (answer.ok && !answer.redirected) await kept.put(path, answer);
  }
}

async function read(): Promise<void> {
  const store = await db(), person = Number(localStorage.getItem("field-person"));
  if (person) state = await store.get("state", person);
  queue = (await store.getAll("queue")).filter((item) => item.person === person || !person);
  if (state) main.dataset.limit = String(state.limits.photo);
}

/** Put something into the queue; it goes when there is a network. */
async function put(item: Omit<Item, "n" | "status" | "at" | "id" | "person">, draft?: string): Promise<void> {
  await enqueue({ ...item, person: state!.person.id }, draft);
  const ready = await navigator.serviceWorker?.getRegistration("/field/");
  await (ready as unknown as { sync?: { register(tag: string): Promise<void> } } | undefined)?.sync?.register("field-queue").catch(() => undefined);
  toast(navigator.onLine ? words.keptSending! : words.keptWaiting!, "good");
  void deliver();
}

const waits = (item: Item): boolean => item.status === "waiting";
const SOON = 5000, SELDOM = 300_000; // milliseconds until what could not be sent is tried again: twice as long each time
let delivering: Promise<void> | undefined, more = false, pause = SOON, timer = 0;
const deliver = (): Promise<void> => {
  more = delivering !== undefined; // what is put in meanwhile goes right behind it
  return (delivering ??= delivered());
};
async function delivered(): Promise<void> {
  const before = queue.some(waits);
  try {
    await send();
    if (navigator.onLine) await takeAlong();
  } catch (error) {
    if (error instanceof LoginNeeded) needsLogin = true;
    else if (!(error instanceof Unreached)) throw error;
  } finally {
    delivering = undefined;
    bar.hidden = true;
  }
  await read();
  if (more) return deliver();
  clearTimeout(timer);
  if (!queue.some(waits)) pause = SOON;
  else if (navigator.onLine && !needsLogin) { // the line was cut, or the server could not answer: no event tells when that is over
    timer = window.setTimeout(() => void deliver(), pause);
    pause = Math.min(2 * pause, SELDOM);
  }
  if (before && !queue.some(waits)) toast(words.allSent!, "good");
  refresh();
}

// views --------------------------------------------------------------------------------------------------------------

const route = (): string[] => location.hash.slice(1).split("/");
const go = (...parts: (string | number)[]): void => { location.hash = parts.map(encodeURIComponent).join("/"); };
const empty = (sign: string, text: string): HTMLElement => el("div", "card", el("div", "empty-note", icon(sign), text));
const answered = (task: Task): Item | undefined => queue.find((item) => item.status !== "sent" && item.kind === "answer" && item.body.task === task.id);

function taskLine(task: Task, end?: HTMLElement | string): HTMLElement {
  const sent = answered(task);
  const row = el("a", "list-group-item list-group-item-action",
    el("div", "field-line", el("strong", "text-nowrap", task.step), el("span", "flex-fill", task.title), mark(task)),
    task.meets_at ? el("div", "", icon("calendar"), ` ${words.meets} ${clock(task.meets_at)} ${task.meets_where}`) : undefined,
    el("div", "field-line text-secondary", el("span", "flex-fill", `${task.number} · ${task.area}`), sent ? el("span", `level level-${sent.status === "stuck" ? "orange" : "blue"}`, words[sent.status]!) : el("span", "text-nowrap", end ?? (task.due_at ? until(task.due_at) : undefined))));
  row.href = `#task/${task.id}`;
  return row;
}

// Households to bring out, or where nobody leaves yet to tell: who needs help first, who has left last; a word that waits to be sent counts already. Others
// tell of them too: what they told is asked for while one looks.
const DOORS = ["moved", "fetch", "away", "refuses"], TELLING = ["told", "away"];
const isOut = (told: string): boolean => told === "moved" || told === "away";
const isDone = (told: string): boolean => isOut(told) || told === "told";
function told(warning: number, home: Home): string {
  const mine = queue.filter((item) => item.kind === "door" && waits(item) && item.body.warning === warning && item.body.home === home.record);
  return mine.length ? String(mine.at(-1)!.body.state) : home.state;
}

const household = (home: Home): string => home.title || say("household", home.record);
function doors(one: Doors): HTMLElement {
  const homes = one.homes.map((home) => ({ ...home, state: told(one.warning, home) })).sort((a, b) => Number(isDone(a.state)) - Number(isDone(b.state)) || Number(b.is_alone) - Number(a.is_alone));
  return el("section", "card mb-3 field-doors", el("div", "card-body",
    el("div", "field-line mb-2", el("strong", "flex-fill", one.title), el("span", `level level-${one.level}`, one.moves ? say("outOf", homes.filter((home) => isOut(home.state)).length, homes.length) : say("toldOf", homes.filter((home) => home.state && home.state !== "away").length, homes.length))),
    ...homes.map((home) => el("div", "border-top py-2",
      el("div", "field-line", el("div", "flex-fill", el("strong", "", household(home)), el("div", "text-secondary small", home.area)), home.is_alone ? el("span", "level level-orange", words.alone) : undefined, el("span", "text-secondary text-nowrap", say("people", home.people))),
      el("div", "btn-list mt-1", ...(one.moves ? DOORS : TELLING).map((name) => {
        const made = button(home.state === name ? "btn-primary" : "", words[name]!, () => put({ kind: "door", title: `${household(home)} · ${words[name]!}`, words: one.title, photos: [], body: { warning: one.warning, home: home.record, state: name } }).then(read).then(draw));
        made.setAttribute("aria-pressed", String(home.state === name));
        return made;
      }))))));
}

function tasks(): HTMLElement[] {
  if (!state) return [empty("clipboard-check", words.nothingYet!)];
  const first = (state.doors ?? []).map(doors);
  return [...first, ...asked(state), ...(first.length && !state.tasks.length ? [] : myTasks(state))];
}

function myTasks(state: State): HTMLElement[] {
  if (!state.tasks.length) return [empty("clipboard-check", words.noTask!)];
  return [el("div", "card", el("div", "list-group list-group-flush", ...state.tasks.map((task) => taskLine(task)))), el("p", "field-note", say("asOf", clock(state.at)))];
}

function facts(task: Task): HTMLElement {
  const rows: [string, Node | string | undefined][] = [[words.place!, [task.area, task.address].filter(Boolean).join(" · ")], [words.deadline!, task.due_at ? clock(task.due_at) : undefined]];
  if (task.meets_at) rows.push([words.meets!, [clock(task.meets_at), task.meets_where].filter(Boolean).join(" · ")]);
  if (task.phone) {
    const call = el("a", "btn", icon("phone"), ` ${task.by} ${task.phone}`);
    call.href = `tel:${task.phone}`;
    rows.push([words.phone!, call]);
  }
  if (task.place) {
    const [longitude, latitude] = task.place.coordinates, here = position();
    const text = `${latitude.toFixed(5)}, ${longitude.toFixed(5)}${task.is_rough ? ` (${words.rough})` : ""}${here ? ` · ${far(metres(here, task.place.coordinates))}` : ""}`;
    const link = el("a", "", text);
    link.href = `geo:${latitude},${longitude}`;
    rows.push([words.position!, link]);
  }
  return el("dl", "facts", ...rows.flatMap(([name, told]) => (told ? [el("dt", "", name), el("dd", "", told)] : [])));
}

function pictures(task: Task): HTMLElement {
  return el("div", "field-pictures", ...(task.photos ?? []).map((path) => {
    const shown = el("img", "");
    shown.src = path;
    shown.alt = task.title;
    shown.onerror = () => shown.remove();
    return shown;
  }));
}

async function task(id: number): Promise<HTMLElement[]> {
  const one = state?.tasks.find((item) => item.id === id), back = backTo("tasks", words.tasks!);
  if (!one) return [back, empty("clipboard-check", words.taskGone!)];
  const head = el("div", "card mb-3", el("div", "card-body",
    el("div", "field-line mb-1", el("strong", "flex-fill", one.title), mark(one)), el("div", "text-secondary mb-2", `${one.number} · ${one.flow}`),
    one.help ? el("p", "mb-2", one.help) : undefined, facts(one), ...one.lines.map((text) => el("p", "field-told", text)), pictures(one)));
  const sent = answered(one);
  if (sent) return [back, head, itemCard(sent)];
  const key = `task-${one.id}`;
  const made = await form(key, state!.person.id, one.form, {}, () => [], async (filled) => {
    await put({ kind: "answer", title: `${one.step} · ${one.title}`, words: inWords(one.form, filled), photos: Object.values(filled.photos).flat(), body: { task: one.id, answer: filled.answer, photos: filled.photos } }, key);
    go("tasks");
  });
  return [back, head, made];
}

function inWords(told: { fields: { name: string; title: string; choices: [string, string][] }[] }, { answer }: Filled): string {
  return told.fields.filter((field) => field.name in answer).map((field) => {
    const given = answer[field.name], named = field.choices.find(([name]) => name === given)?.[1];
    return `${field.title}：${named ?? (given === true ? words.yes : given === false ? words.no : String(given))}`;
  }).join("\n");
}

const backTo = (where: string, text: string): HTMLElement => {
  const link = el("a", "back", icon("chevron-left"), ` ${text}`);
  link.href = `#${where}`;
  return link;
};

function whereabouts(): string {
  const here = position();
  return here ? ` ${here.latitude.toFixed(5)}, ${here.longitude.toFixed(5)} ± ${far(here.accuracy ?? 0)}` : ` ${words.searching}`;
}

// Near me: what has a place, the nearest first.
function near(): HTMLElement[] {
  follow(once);
  const here = position();
  if (!state) return [empty("map-pin", words.nothingYet!)];
  const placed = state.tasks.filter((one) => one.place);
  const order = here ? [...placed].sort((a, b) => metres(here, a.place!.coordinates) - metres(here, b.place!.coordinates)) : placed;
  const list = order.map((one) => taskLine(one, here ? `${one.is_rough ? "≈ " : ""}${far(metres(here, one.place!.coordinates))}` : undefined));
  return [
    el("p", "field-note", icon("map-pin"), whereabouts()),
    list.length ? el("div", "card", el("div", "list-group list-group-flush", ...list)) : empty("map-pin", words.nothingNear!),
  ];
}
const CALM = 3000; // milliseconds from one drawing to the next while one moves
let drawnNear = 0, drawsLater = 0;
function once(): void {
  if (route()[0] !== "near" || drawsLater) return;
  const left = CALM - (Date.now() - drawnNear);
  if (left > 0) { drawsLater = window.setTimeout(() => { drawsLater = 0; once(); }, left); return; } // who stands still then sees where that is
  drawnNear = Date.now();
  draw();
}

// Report: the kind first, as tiles; then photo and send.
const kindOf = (start: Start) => start.form.fields.find((field) => field.widget === "choice" && field.choices.length);
function report(): HTMLElement[] {
  follow();
  const help = tiles(state, go);
  if (!state?.starts.length && !help.length) return [empty("upload", state ? words.noReport! : words.nothingYet!)];
  return [...help, ...state!.starts.flatMap((start) => {
    const kinds = kindOf(start)?.choices ?? [["", start.title] as [string, string]];
    return [el("h2", "field-head", start.title), el("div", "field-tiles", ...kinds.map(([name, text]) => button("", text, () => go("report", start.flow, name))))];
  }), ...asked(state)];
}

async function help(number: number, kind: string): Promise<HTMLElement[]> {
  follow();
  const one = state?.helps?.find((item) => item.case === number), back = backTo("report", words.report!);
  if (!state || !one) return [back, empty("help", state ? words.noHelp! : words.nothingYet!)];
  const named = one.kinds.find(([name]) => name === kind)?.[1];
  if (!named) return [back, ...tiles(state, go, number), ...asked(state)];
  const made = await asking(state, one, kind, put, () => go("tasks"));
  return [back, el("h2", "field-head", `${words.help} · ${named}`), el("p", "field-note", one.title), made];
}

async function reporting(flow: string, kind: string): Promise<HTMLElement[]> {
  follow();
  const start = state?.starts.find((one) => one.flow === flow), back = backTo("report", words.report!);
  if (!start) return [back, empty("upload", words.noReport!)];
  const field = kindOf(start), named = field?.choices.find(([name]) => name === kind)?.[1] ?? start.title;
  const first: Partial<Filled> = { answer: { ...(field && kind ? { [field.name]: kind } : {}), ...(start.form.fields.some((one) => one.name === "title") ? { title: named } : {}) } };
  const photo = start.form.fields.filter((one) => one.widget === "photo"), rest = start.form.fields.filter((one) => one.widget !== "photo" && one !== field);
  const key = `report-${flow}-${kind}`, told = { ...start.form, fields: [...photo, ...rest] };
  const town = (draft: Draft, changed: () => void): HTMLElement[] => {
    draft.more.area ??= start.areas[0]!.code;
    const control = el("select", "form-select", ...start.areas.map((area) => Object.assign(el("option", "", area.name), { value: area.code })));
    control.value = draft.more.area;
    control.setAttribute("aria-label", words.town!);
    control.addEventListener("change", () => { draft.more.area = control.value; changed(); });
    const where = el("span", "text-secondary flex-fill");
    const tell = (): void => where.replaceChildren(icon("map-pin"), whereabouts());
    tell();
    follow(() => { if (where.isConnected) tell(); });
    return [el("div", "field-line mb-3", where, start.areas.length > 1 ? control : el("span", "", start.areas[0]!.name))];
  };
  const made = await form(key, state!.person.id, told, first, town, async (filled) => {
    const here = position();
    await put({
      kind: "report", title: `${start.title} · ${named}`, words: inWords(start.form, filled), photos: Object.values(filled.photos).flat(),
      body: { flow, answer: filled.answer, photos: filled.photos, area: filled.more.area, ...(here ? { place: here } : {}), ...(underWay() ? { patrol: underWay() } : {}) },
    }, key);
    go(underWay() ? "patrol" : "tasks");
  });
  return [back, el("h2", "field-head", named), made];
}

// The queue: what waits, what could not be sent and what to do about it, what arrived.
function itemCard(item: Item): HTMLElement {
  const level = { waiting: "blue", stuck: "orange", sent: "green" }[item.status];
  const body = el("div", "card-body", el("div", "field-line", el("strong", "flex-fill", item.title), el("span", `level level-${level}`, words[item.status]!)), el("div", "text-secondary", `${clock(item.at)}${item.told?.number ? ` · ${item.told.number}` : ""}`));
  if (item.words) body.append(el("p", "field-told", item.words));
  if (item.photos.length && item.status !== "sent") body.append(el("p", "text-secondary m-0", say("photos", item.photos.length)));
  if (item.status === "stuck") {
    body.append(el("p", "field-problem", icon("alert-triangle"), ` ${item.told?.text ?? ""}`));
    body.append(el("div", "btn-list", ...ways(item)));
  }
  return el("div", "card mb-2", body);
}

const again = (item: Item, part: Partial<Item>): Item => ({ ...item, id: uuid7(), at: stamp(), status: "waiting", told: undefined, ...part });
async function replace(item: Item): Promise<void> {
  await (await db()).put("queue", item);
  await read();
  draw();
  void deliver();
}

function ways(item: Item): HTMLElement[] {
  const made = [button("", words.copy!, () => navigator.clipboard.writeText(`${item.title}\n${item.words}`).then(() => toast(words.copied!, "good")), "copy")];
  if (item.told?.case) {
    const body = { case: item.told.case, text: `${item.title}\n${item.words}`, photos: { photos: item.photos } };
    made.push(button("btn-primary", words.asRemark!, () => replace(again(item, { kind: "remark", body })), "file-text"));
  }
  made.push(button("", words.again!, () => replace(again(item, {})), "refresh"));
  const off = button("", words.discard!, () => {
    if (off.dataset.sure) void (async () => { await (await db()).delete("queue", item.n!); await tidy(); await read(); draw(); })();
    off.dataset.sure = "1";
    off.replaceChildren(words.discardSure!);
    off.classList.add("btn-danger");
  }, "trash");
  return [...made, off];
}

function waiting(): HTMLElement[] {
  const parts = [...queue].reverse().sort((a, b) => ["stuck", "waiting", "sent"].indexOf(a.status) - ["stuck", "waiting", "sent"].indexOf(b.status));
  const rows = parts.map(itemCard);
  const clear = button("w-100 mt-3", words.forget!, async () => {
    for (const name of ["state", "drafts"] as const) await (await db()).clear(name);
    if ("caches" in window) await caches.delete(ALONG);
    state = undefined;
    localStorage.removeItem("field-person");
    toast(words.forgotten!);
    draw();
  }, "trash");
  return [...(rows.length ? rows : [empty("circle-check", words.nothingWaits!)]), ...(queue.some(waits) ? [button("btn-primary w-100", words.sendNow!, deliver, "upload")] : []), clear];
}

// drawing ------------------------------------------------------------------------------------------------------------

const views: Record<string, (...parts: string[]) => HTMLElement[] | Promise<HTMLElement[]>> = { patrol: () => patrol(state, put, () => go("report")), tasks, near, report: (flow, kind) => (flow ? reporting(flow, kind ?? "") : report()), help: (number, kind) => help(Number(number), kind ?? ""), waiting, task: (id) => task(Number(id)) };
let drawing = 0;
function draw(): void {
  const [name = "", ...parts] = route().map(decodeURIComponent), number = ++drawing;
  frame(name);
  void Promise.resolve((views[name] ?? tasks)(...parts)).then((made) => {
    if (number === drawing) main.replaceChildren(...made);
  });
}

/** Draw what changed by itself. What is being filled in stays: a photo that is on its way belongs to that form. */
function refresh(): void {
  if (typing() || main.querySelector(".field-form")) frame(route()[0]!);
  else draw();
}

function frame(name: string): void {
  const open = queue.filter((item) => item.status !== "sent").length, stuck = queue.some((item) => item.status === "stuck");
  for (const tab of document.querySelectorAll<HTMLAnchorElement>(".field-tabs a")) {
    const isHere = tab.hash === `#${views[name] ? (name === "task" ? "tasks" : name === "help" ? "report" : name) : "tasks"}`;
    if (isHere) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  const count = by("field-count");
  count.textContent = open ? String(open) : "";
  count.classList.toggle("is-stuck", stuck);
  by("field-who").textContent = state ? `${state.person.name} · ${state.county.name}` : "";
  net.hidden = navigator.onLine && !needsLogin;
  net.replaceChildren(navigator.onLine ? loginLink() : words.offline!);
}

function loginLink(): HTMLElement {
  const link = el("a", "", words.login!);
  link.href = "/login?next=/field/";
  return link;
}

const typing = (): boolean => main.contains(document.activeElement) && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement!.tagName);
onChange((told: Progress | undefined) => {
  if (told) {
    bar.hidden = false;
    bar.max = told.of;
    bar.value = told.sent;
    return;
  }
  void read().then(refresh);
});
window.addEventListener("hashchange", () => { draw(); main.scrollTo(0, 0); });
window.addEventListener("online", () => { pause = SOON; refresh(); void deliver(); });
window.addEventListener("offline", refresh);
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") void deliver(); });

// Large text for old eyes: kept on this phone.
const root = document.documentElement, large = by("field-large");
const size = (isLarge: boolean): void => { root.classList.toggle("field-big", isLarge); large.setAttribute("aria-pressed", String(isLarge)); };
size(localStorage.getItem("field-large") === "1");
large.addEventListener("click", () => {
  const isLarge = !root.classList.contains("field-big");
  localStorage.setItem("field-large", isLarge ? "1" : "");
  size(isLarge);
});

const tick = (): void => { if (route()[0] === "patrol") refresh(); };
setInterval(() => { if (underWay()) tick(); }, 30_000);
setInterval(() => { if (state?.doors?.length && navigator.onLine && document.visibilityState === "visible") void deliver(); }, 30_000);

void (async () => {
  await read();
  await resume(state?.person.id, tick);
  draw();
  await navigator.serviceWorker?.register("/field/sw.js", { scope: "/field/" }).catch(() => undefined); // without https there is none
  await navigator.storage?.persist?.().catch(() => false);
  await takeAlong();
  await read();
  refresh();
  if (queue.some(waits)) await deliver();
})();
