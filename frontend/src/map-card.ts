// What is told of an object: a popup (on a phone a sheet), the list beside the map, and answers to questions.
import maplibregl from "maplibre-gl";
import { button, clock, element, find, flyTo, isNarrow, label, language, make, map, middle, bounds, settings, shown, words, metres, say, type Brief, type Feature, type Told } from "./map-core";
import { openFile } from "./map-file";
import { all, collections, isOn, ids, windowed } from "./map-layers";

const ranks = ["silent", "blue", "yellow", "orange", "red"];
const MOST = 200; // rows of a layer in the list

const FILED = /^(record|thing|alarm|case|area)-\d+$/;
const filed = (key: string): HTMLElement[] => (FILED.test(key) ? [button("btn btn-sm btn-primary mt-2", words.file, () => void openFile(key), "folder-open")] : []);

// Up and down the flow from a thing, where a layer flows.
let flows: ((at: [number, number], way: "up" | "down") => void) | null = null;
export function onFlow(act: typeof flows): void {
  flows = act;
}

function card(key: string, told: Told, at?: [number, number]): HTMLElement {
  const body = make("div", "map-card");
  const head = make("div", "map-card-head");
  head.append(make("strong", "", told.name));
  const mark = label(told);
  if (mark) head.append(mark);
  body.append(head, make("div", "text-secondary", [told.where ?? told.town, told.text, clock(told.time)].filter(Boolean).join(" · ")));
  if (told.values) {
    const rows = make("dl", "map-values");
    for (const value of told.values.filter((v) => v.value !== null).slice(0, 8)) {
      const cell = make("dd", value.verdict ? "text-secondary" : "", shown(value) + (value.verdict ? ` (${words.doubtful})` : ""));
      cell.dataset.stream = String(value.id);
      const at = make("dd", "text-secondary", clock(value.time));
      at.dataset.clock = String(value.id);
      rows.append(make("dt", "", value.title), cell, at);
    }
    body.append(rows.childElementCount ? rows : make("div", "text-secondary", words.noValue));
  }
  if (told.source) body.append(make("div", "text-secondary", `${words.source}: ${told.source}`));
  const actions = make("div", "map-card-actions");
  actions.append(...filed(key));
  if (told.url) {
    const link = make("a", "btn btn-sm mt-2", words.details) as HTMLAnchorElement;
    link.href = told.url;
    actions.append(link);
  }
  if (at && flows) actions.append(...(["up", "down"] as const).map((way) => button("btn btn-sm mt-2", way === "up" ? words.up : words.down, () => flows?.(at, way))));
  body.append(actions);
  return body;
}

let popup: maplibregl.Popup | undefined;
const focus = (key: string | undefined): void => document.querySelector<HTMLElement>(`[data-feature="${key}"]`)?.focus();

export function open(told: [key: string, told: Told][], at: [number, number], back?: HTMLElement): void {
  popup?.remove();
  const cards = make("div", "map-cards");
  cards.append(...told.map(([key, one], n) => card(key, one, n ? undefined : at)));
  if (isNarrow) return sheet(cards, back);
  popup = new maplibregl.Popup({ maxWidth: "320px", offset: 14 }).setLngLat(at).setDOMContent(cards).addTo(map);
  popup.on("close", () => focus(back?.dataset.feature));
}

// A phone's map is too small for a popup: the same cards open as a sheet over the list.
function sheet(cards: HTMLElement, back?: HTMLElement): void {
  const place = find("map-sheet");
  const close = make("button", "map-sheet-close", "×");
  close.setAttribute("aria-label", words.close);
  close.addEventListener("click", () => {
    place.hidden = true;
    focus(back?.dataset.feature);
  });
  place.replaceChildren(close, cards);
  place.hidden = false;
  place.parentElement?.scrollTo({ top: 0 });
  close.focus({ preventScroll: true });
}

// A station, its alarm and their case stand at one place: a click tells all of them.
export function clicked({ point: { x, y }, lngLat }: maplibregl.MapMouseEvent): void {
  const layers = settings.layers.flatMap(ids).filter((id) => map.getLayer(id));
  const hit = map.queryRenderedFeatures([[x - 6, y - 6], [x + 6, y + 6]], { layers });
  const cluster = hit.find((f) => f.properties.count);
  if (cluster) return void map.easeTo({ center: lngLat, zoom: map.getZoom() + 2 });
  const urls = new Set(hit.map((f) => f.properties.url as string));
  const features = [...urls].flatMap((url) => all().filter((f) => f.properties.url === url).slice(0, 1));
  const first = features[0];
  if (first) open(features.map((f) => [String(f.id), f.properties]), first.geometry.type === "Point" ? middle(first.geometry) : [lngLat.lng, lngLat.lat]);
}

export function row(id: string, told: Told, source: string, colour: string, end: string, act: (row: HTMLElement) => void): HTMLElement {
  const made = make("button", "map-row");
  made.dataset.feature = id;
  const dot = make("span", `map-dot map-dot-${source}${told.level ? ` map-dot-${told.level}` : ""}`);
  dot.style.setProperty("--mark", told.mark ?? colour);
  const text = make("span", "map-row-words");
  text.append(make("span", "", told.name), make("small", "text-secondary", told.where ?? told.town ?? ""));
  const mark = label(told);
  if (mark) text.lastElementChild?.append(" ", mark);
  made.append(dot, text, make("span", "num map-row-value", end));
  made.addEventListener("click", () => act(made));
  return made;
}

function entry(feature: Feature, source: string, colour: string): HTMLElement {
  const told = feature.properties, value = told.values?.[0];
  const made = row(String(feature.id), told, source, colour, value ? shown(value) : told.text ?? "", (back) => {
    flyTo(middle(feature.geometry), bounds(feature.geometry));
    open([[String(feature.id), told]], middle(feature.geometry), back);
  });
  if (value) (made.lastElementChild as HTMLElement).dataset.stream = String(value.id);
  return made;
}

export function list(): void {
  const panel = find("map-list");
  const focused = (document.activeElement as HTMLElement | null)?.dataset.feature;
  panel.replaceChildren();
  for (const layer of [...settings.layers].reverse()) {
    const features = (collections.get(layer.key) ?? []).filter((f) => !f.properties.count), total = windowed.get(layer.key);
    if (!isOn(layer) || !(features.length || total)) continue;
    const head = make("h2", "map-list-head", layer.title);
    head.append(make("span", "text-secondary num", ` ${features.length || ""}`));
    if (total) {
      const worst = ranks.filter((rank) => (collections.get(layer.key) ?? []).some((f) => f.properties.worst === rank)).at(-1);
      head.append(make("p", "map-list-total", say(words.zoomFor, total) + (worst ? ` ${say(words.worst, words[`rank_${worst}`])}` : "")));
    }
    panel.append(head, ...features.slice(0, MOST).map((feature) => entry(feature, layer.source, layer.colour)));
  }
  if (!panel.childElementCount) panel.append(make("p", "empty-note", words.empty));
  if (focused) panel.querySelector<HTMLElement>(`[data-feature="${focused}"]`)?.focus();
}

// The answer to a question stands above the list until it is closed.
export interface Group { key?: string; title: string; colour?: string; count?: number; features: Brief[] }
type Next = (group: Group, first: number) => Promise<Brief[] | undefined>;
export function results(title: string, notes: string[], groups: Group[], actions: HTMLElement[], closed: () => void, next?: Next): void {
  const place = find("map-results"), head = make("div", "map-results-head"), close = make("button", "btn-close");
  close.setAttribute("aria-label", words.close);
  close.addEventListener("click", () => {
    place.hidden = true;
    place.replaceChildren();
    closed();
  });
  const heading = make("h2", "", title);
  heading.tabIndex = -1;
  head.append(heading, close);
  place.replaceChildren(head, ...notes.filter(Boolean).map((note) => make("p", "text-secondary", note)), ...actions);
  for (const group of groups) {
    const layer = settings.layers.find((l) => l.key === group.key);
    const name = make("h3", "map-list-head", group.title);
    name.append(make("span", "text-secondary num", ` ${(group.count ?? group.features.length).toLocaleString(language)}`));
    const rows = (features: Brief[]): HTMLElement[] => features.map((one) => brief(one, layer?.source ?? "records", layer?.colour ?? "#5d6b65"));
    place.append(name, ...rows(group.features));
    if (next && (group.count ?? 0) > group.features.length) place.append(paging(group, next, rows));
  }
  place.hidden = false;
  find("map-sheet").hidden = true;
  place.parentElement?.scrollTo({ top: isNarrow ? place.offsetTop - place.parentElement.offsetTop : 0 }); // a phone has no room for what stands above
  heading.focus({ preventScroll: true });
}

// What is shown of many, and a button for the next ones.
function paging(group: Group, next: Next, rows: (features: Brief[]) => HTMLElement[]): HTMLElement {
  const foot = make("p", "map-list-more text-secondary"), total = group.count ?? 0, step = group.features.length;
  let shownRows = step;
  const said = make("span", "num");
  said.setAttribute("role", "status");
  const more = button("btn btn-sm", "", () => {
    more.disabled = true;
    void next(group, shownRows).then((features) => {
      more.disabled = false;
      if (!features) return;
      const made = rows(features);
      foot.before(...made);
      shownRows += features.length;
      tell();
      made[0]?.focus({ preventScroll: true });
    });
  });
  const tell = (): void => {
    said.textContent = say(words.shownOf, shownRows, total);
    more.textContent = say(words.nextRows, Math.min(step, total - shownRows));
    more.hidden = shownRows >= total;
  };
  tell();
  foot.append(said, more);
  return foot;
}

function brief(one: Brief, source: string, colour: string): HTMLElement {
  return row(one.id, one, source, colour, one.metres === undefined ? one.text ?? "" : metres(one.metres), (back) => {
    flyTo(one.point, one.box);
    const known = all().find((f) => f.id === one.id)?.properties;
    open([[one.id, known ?? one]], one.point, back);
  });
}

element.addEventListener("keydown", (event) => {
  if (event.key === "Escape") popup?.remove();
});
