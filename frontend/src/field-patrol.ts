// A patrol: start, walk, stop. Each point goes to IndexedDB as it comes, so that an ended tab loses none.
import { button, clock, el, far, follow, icon, metres, position, say, words } from "./field-dom";
import { keepAll } from "./field-photo";
import { db, stamp, uuid7, type Beat, type Item, type Patrol, type Place, type State } from "./field-store";

type Put = (item: Omit<Item, "n" | "status" | "at" | "id" | "person">) => Promise<void>;
const EVERY = 15_000, APART = 8; // milliseconds, metres: a point is worth keeping after either

let current: Patrol | undefined, last: { at: number; place: Place } | undefined;
let drawn: () => void = () => undefined;

/** The patrol that is under way, as a report names it. */
export const underWay = (): { id: string; beat: string; key: string; started_at: string } | undefined =>
  current && { id: current.id, beat: current.beat, key: current.key, started_at: current.started_at };

async function point(place: Place, moment: number): Promise<void> {
  if (!current) return;
  const here: [number, number] = [place.longitude, place.latitude];
  if (last && moment - last.at < EVERY && metres(last.place, here) < APART) return;
  last = { at: moment, place };
  const seconds = (moment - new Date(current.started_at).getTime()) / 1000;
  await (await db()).add("points", { patrol: current.id, point: [...here, Math.round(seconds * 10) / 10, place.accuracy == null ? null : Math.round(place.accuracy)] });
  drawn();
}

const pointed = (place: Place, moment: number): void => void point(place, moment);

async function awake(): Promise<void> {
  await (navigator as unknown as { wakeLock?: { request(kind: "screen"): Promise<unknown> } }).wakeLock?.request("screen").catch(() => undefined);
}

/** Go on with the patrol that was under way when the page was last open. */
export async function resume(person: number | undefined, redraw: () => void): Promise<void> {
  drawn = redraw;
  const kept = await (await db()).get("patrol", "now");
  if (!kept || kept.person !== person || current) return;
  current = kept;
  const points = await (await db()).getAllFromIndex("points", "patrol", kept.id), [longitude, latitude, seconds] = points.at(-1)?.point ?? [];
  if (longitude !== undefined && latitude !== undefined) last = { at: new Date(kept.started_at).getTime() + (seconds ?? 0) * 1000, place: { longitude, latitude } };
  follow(pointed);
  void awake();
}

async function start(beat: Beat, key: string, title: string, person: number, put: Put): Promise<void> {
  current = { now: "now", id: uuid7(), person, beat: beat.key, key, title, started_at: stamp(), photos: [] };
  last = undefined;
  await (await db()).put("patrol", current);
  follow(pointed);
  const here = position();
  if (here) await point(here, Date.now());
  void awake();
  await put({ kind: "patrol", title: `${words.patrolStarted} · ${title}`, words: "", photos: [], body: { patrol: underWay()! } });
  drawn();
}

async function stop(note: string, put: Put): Promise<void> {
  if (!current) return;
  const store = await db(), done = current, points = await store.getAllFromIndex("points", "patrol", done.id);
  const body = { patrol: underWay()!, ended_at: stamp(), track: points.map((one) => one.point), ...(note ? { note } : {}), ...(done.photos.length ? { photos: { photos: done.photos } } : {}) };
  await put({ kind: "patrol", title: `${words.patrolEnded} · ${done.title}`, words: note, photos: done.photos, body });
  const work = store.transaction(["patrol", "points"], "readwrite");
  await work.objectStore("patrol").delete("now");
  for (const key of await work.objectStore("points").index("patrol").getAllKeys(done.id)) await work.objectStore("points").delete(key);
  await work.done;
  current = undefined;
  drawn();
}

async function walking(put: Put, report: () => void): Promise<HTMLElement[]> {
  const now = current!, points = await (await db()).getAllFromIndex("points", "patrol", now.id);
  let way = 0;
  points.forEach(({ point: [longitude, latitude] }, n) => {
    const before = points[n - 1]?.point;
    if (before) way += metres({ longitude: before[0], latitude: before[1] }, [longitude, latitude]);
  });
  const minutes = Math.floor((Date.now() - new Date(now.started_at).getTime()) / 60_000), here = position();
  const tile = (value: string, name: string): HTMLElement => el("div", "tile", el("strong", "num", value), el("span", "", name));
  const input = el("input", "visually-hidden"), label = el("label", "btn", icon("camera"), ` ${say("photos", now.photos.length)}`), note = el("textarea", "form-control mb-2");
  Object.assign(input, { type: "file", accept: "image/*", multiple: true, id: "patrol-photo" });
  label.htmlFor = input.id;
  input.addEventListener("change", () => void (async () => {
    await keepAll(input, () => now.photos);
    await (await db()).put("patrol", now);
    drawn();
  })());
  Object.assign(note, { rows: 2, placeholder: words.note, value: now.note ?? "" });
  note.setAttribute("aria-label", words.note!);
  note.addEventListener("input", () => { now.note = note.value; void db().then((store) => store.put("patrol", now)); });
  return [
    el("div", "card mb-3", el("div", "card-body", el("h2", "field-head", now.title), el("p", "field-note", icon("map-pin"), here ? ` ± ${far(here.accuracy ?? 0)} · ` : ` ${words.searching} · `, say("since", clock(now.started_at))),
      el("div", "tiles mb-3", tile(say("minutes", minutes), words.time!), tile(far(way), words.way!), tile(String(points.length), words.points!)), note,
      el("div", "field-tiles", button("", words.report!, report, "alert-triangle"), el("div", "d-grid", input, label)))),
    button("btn-primary btn-lg w-100", words.stop!, () => stop(now.note ?? "", put), "player-pause"),
  ];
}

/** The view: what is walked and how often, or the patrol that is under way. */
export async function patrol(state: State | undefined, put: Put, report: () => void): Promise<HTMLElement[]> {
  if (current) return walking(put, report);
  follow();
  const here = position();
  const cards = (state?.beats ?? []).map((beat) => {
    const order = here ? [...beat.objects].sort((a, b) => (a.place ? metres(here, a.place) : 1e9) - (b.place ? metres(here, b.place) : 1e9)) : beat.objects;
    const rows = order.map((one) => {
      const begin = button("btn-primary", words.start!, () => start(beat, one.key, one.title, state!.person.id, put), "player-play");
      begin.setAttribute("aria-label", `${words.start} ${one.title}`);
      return el("div", "list-group-item field-line", el("div", "flex-fill", el("strong", "", one.title), el("div", "text-secondary", say("walkedOf", one.walked, one.due), here && one.place ? ` · ${far(metres(here, one.place))}` : undefined)), begin);
    });
    return el("section", "mb-3", el("h2", "field-head", beat.title), el("div", "card", el("div", "list-group list-group-flush", ...rows)));
  });
  return cards.length ? cards : [el("div", "card", el("div", "empty-note", icon("route"), state ? words.noBeat! : words.nothingYet!))];
}
