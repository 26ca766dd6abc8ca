// Questions to the map: search, measure, choose an area, what is here, up and down the stream.
import type { GeoJSONSource, MapMouseEvent } from "maplibre-gl";
import type { Feature as GFeature, Geometry } from "geojson";
import { ask, bounds, button, element, find, flyTo, hint, icon, make, map, metres, say, settings, surface, words, type Brief } from "./map-core";
import { clicked, onFlow, open, results, type Group } from "./map-card";
import { placeText } from "./pick";

type Place = [number, number];
type Mode = "line" | "area" | "box" | "polygon" | "circle";
const written = (places: Place[]): string => places.map(([x, y]) => `${x.toFixed(7)},${y.toFixed(7)}`).join(";");

// What is being drawn or was asked for lies in one source on top of everything.
function sketch(...geometries: Geometry[]): void {
  const features: GFeature[] = geometries.map((geometry) => ({ type: "Feature", properties: {}, geometry }));
  map.getSource<GeoJSONSource>("sketch")?.setData({ type: "FeatureCollection", features });
}

let mode: Mode | null = null;
let places: Place[] = [];
const hints: Record<Mode, string> = { line: words.hintLine, area: words.hintPolygon, box: words.hintBox, polygon: words.hintPolygon, circle: words.hintCircle };

function start(wanted: Mode | null): void {
  mode = wanted;
  places = [];
  sketch();
  hint(wanted ? hints[wanted] : "");
  map.getCanvas().classList.toggle("is-drawing", wanted !== null);
  if (wanted) map.doubleClickZoom.disable();
  else map.doubleClickZoom.enable();
  document.querySelectorAll<HTMLElement>("[data-tool]").forEach((tool) => tool.setAttribute("aria-pressed", String(tool.dataset.tool === wanted)));
}

// The shape while it grows; `next` is where the pointer is.
function growing(next?: Place): Geometry[] {
  const way = next ? [...places, next] : places;
  if (way.length < 2) return way.map((coordinates) => ({ type: "Point", coordinates }));
  const [a, b] = way;
  if (mode === "box") return [{ type: "Polygon", coordinates: [[a, [b[0], a[1]], b, [a[0], b[1]], a]] }];
  if (mode === "circle") return [{ type: "Point", coordinates: a }, { type: "LineString", coordinates: [a, b] }];
  if (mode === "line" || way.length < 3) return [{ type: "LineString", coordinates: way }];
  return [{ type: "Polygon", coordinates: [[...way, way[0]]] }];
}

async function put(place: Place): Promise<void> {
  const last = places.at(-1);
  if (last && last[0] === place[0] && last[1] === place[1]) return; // the second half of a double click
  places.push(place);
  sketch(...growing());
  if (mode === "line" || mode === "area") await told(mode);
  if ((mode === "box" || mode === "circle") && places.length === 2) await finish();
}

// Measures are taken by the server, on the ellipsoid.
async function told(wanted: Mode): Promise<void> {
  if (places.length < (wanted === "area" ? 3 : 2)) return;
  const found = await ask<{ metres: number; square_metres?: number }>("measure", { path: written(places), ...(wanted === "area" ? { closed: "1" } : {}) });
  if (!found) return;
  const clear = button("btn btn-sm", words.close, () => start(null));
  hint(found.square_metres === undefined ? `${words.distance} ${metres(found.metres)}` : `${words.surface} ${surface(found.square_metres)} · ${words.perimeter} ${metres(found.metres)}`, clear);
}

async function finish(): Promise<void> {
  const done = mode, way = places;
  if (!done || way.length < (done === "polygon" || done === "area" ? 3 : 2)) return start(null);
  if (done === "line" || done === "area") {
    const drawn = growing();
    await told(done);
    mode = null;
    map.getCanvas().classList.remove("is-drawing");
    document.querySelectorAll("[data-tool]").forEach((tool) => tool.setAttribute("aria-pressed", "false"));
    setTimeout(() => map.doubleClickZoom.enable(), 300);
    return sketch(...drawn);
  }
  const circle = done === "circle" ? await ask<{ metres: number }>("measure", { path: written(way) }) : null;
  if (done === "circle" && !circle) return start(null);
  start(null);
  await select(circle ? { circle: `${written([way[0]])},${circle.metres}` } : { [done]: written(way) });
}

interface Selection { region: Geometry; square_metres: number; layers: Group[]; count: number; by_worker: boolean }
export async function select(region: Record<string, string>): Promise<void> {
  const found = await ask<Selection>("select", region);
  if (!found) return;
  sketch(found.region);
  const [w, s, e, n] = bounds(found.region);
  map.fitBounds([w, s, e, n], { padding: 60 });
  const total = found.count, table = make("a", "btn btn-sm map-results-action") as HTMLAnchorElement;
  table.append(icon("download"), ` ${found.by_worker ? say(words.exportBy, total) : words.export}`);
  table.href = `${settings.base}select.xlsx?${new URLSearchParams(region)}`;
  if (found.by_worker) table.target = "_blank";
  const filed = found.layers.flatMap((group) => group.features.map((one) => one.id)).filter((id) => /^(record|thing|alarm|case|area)-\d+$/.test(id)).slice(0, 60);
  const codes = make("a", "btn btn-sm map-results-action") as HTMLAnchorElement;
  codes.append(icon("qrcode"), ` ${say(words.labels, filed.length)}`);
  codes.href = `${settings.base}labels?${new URLSearchParams(filed.map((id) => ["of", id]))}`;
  const next = async (group: Group, first: number): Promise<Brief[] | undefined> =>
    (await ask<Selection>("select", { ...region, layers: group.key ?? "", first: String(first) }))?.layers[0]?.features;
  const notes = [`${words.surface} ${surface(found.square_metres)}`, total ? "" : words.nothingInside];
  results(say(words.selected, total), notes, found.layers, total ? [table, ...(filed.length ? [codes] : [])] : [], () => sketch(), next);
}

// What is here, up and down the river: by the right button, a long press, or Shift+F10 for the middle of the map.
interface Around { areas: Brief[]; inside: Brief[]; layers: Group[] }
interface Course { lines: Brief[]; metres: number; declared?: boolean; geometry: Geometry | null; layers: Group[] }
const coordinates = ([x, y]: Place): string => placeText(x, y);

async function here(place: Place): Promise<void> {
  const found = await ask<Around>("around", { at: written([place]) });
  if (!found) return;
  sketch({ type: "Point", coordinates: place });
  const inside = found.inside.length ? [{ title: words.inside, features: found.inside }] : [];
  const areas = found.areas.length ? [{ title: words.areas, features: found.areas }] : [];
  results(coordinates(place), [], [...areas, ...inside, ...found.layers.map((g) => ({ ...g, title: `${words.nearest} · ${g.title}` }))], [], () => sketch());
}

export async function course(place: Place, direction: "up" | "down"): Promise<void> {
  const found = await ask<Course>(`${direction}stream`, { at: written([place]) });
  if (!found) return;
  if (!found.geometry) return hint(words.noFlow);
  const beside = found.layers.flatMap((group) => group.features.map((one): Geometry => ({ type: "Point", coordinates: one.point })));
  sketch(found.geometry, ...beside, { type: "Point", coordinates: place });
  flyTo(place, bounds(found.geometry));
  const title = direction === "up" ? words.upstream : words.downstream;
  const groups: Group[] = [{ title: `${title} · ${metres(found.metres)}`, features: found.lines }, ...found.layers];
  results(title, [found.declared ? words.byNodes : words.byShape, found.layers.length ? words.beside : ""], groups, [], () => sketch());
}

function menu(place: Place, x: number, y: number): void {
  const made = find("map-menu");
  const close = (): void => { made.hidden = true; };
  const act = (name: string, symbol: string, what: () => void): HTMLButtonElement => {
    const item = button("dropdown-item", name, () => { close(); what(); }, symbol);
    item.setAttribute("role", "menuitem");
    return item;
  };
  made.replaceChildren(
    act(words.here, "map-pin", () => void here(place)),
    act(words.circle2, "circle-dashed", () => void select({ circle: `${written([place])},2000` })),
    act(words.upstream, "route", () => void course(place, "up")),
    act(words.downstream, "route", () => void course(place, "down")),
    act(`${words.copy} ${coordinates(place)}`, "file-text", () => { void navigator.clipboard?.writeText(coordinates(place)).then(() => hint(words.copied)); }),
  );
  made.hidden = false;
  made.style.left = `${Math.min(x, element.clientWidth - made.offsetWidth - 8)}px`;
  made.style.top = `${Math.min(y, element.clientHeight - made.offsetHeight - 8)}px`;
  made.querySelector<HTMLElement>("button")?.focus();
}

function menus(): void {
  const made = find("map-menu");
  made.addEventListener("keydown", (event) => {
    const items = [...made.querySelectorAll<HTMLElement>("button")], at = items.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") { made.hidden = true; map.getCanvas().focus(); }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); items.at((at + (event.key === "ArrowDown" ? 1 : -1)) % items.length)?.focus(); }
  });
  document.addEventListener("pointerdown", (event) => { if (!made.contains(event.target as Node)) made.hidden = true; });
  map.on("contextmenu", ({ lngLat, point }) => menu([lngLat.lng, lngLat.lat], point.x, point.y));
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return;
    event.preventDefault();
    const { lng, lat } = map.getCenter();
    menu([lng, lat], element.clientWidth / 2, element.clientHeight / 2);
  });
  let pressed = 0;
  map.on("touchstart", ({ points, lngLat, point }) => {
    clearTimeout(pressed);
    if (points.length === 1) pressed = window.setTimeout(() => menu([lngLat.lng, lngLat.lat], point.x, point.y), 650);
  });
  for (const name of ["touchend", "touchmove", "touchcancel"] as const) map.on(name, () => clearTimeout(pressed));
}

// Search as a combobox: arrows choose, Enter flies there.
interface Hits { title: string; features: Brief[] }
function searching(): void {
  const input = find<HTMLInputElement>("map-search"), box = find("map-found");
  let waiting = 0, chosen = -1, asked = "";
  const options = (): HTMLElement[] => [...box.querySelectorAll<HTMLElement>("[role=option]")];
  const close = (): void => { box.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); chosen = -1; };
  const mark = (number: number): void => {
    const found = options();
    if (!found.length) return;
    chosen = (number + found.length) % found.length;
    found.forEach((option, n) => option.setAttribute("aria-selected", String(n === chosen)));
    found[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", found[chosen].id);
  };
  const go = (one: Brief): void => {
    close();
    input.value = one.name;
    flyTo(one.point, one.box);
    sketch({ type: "Point", coordinates: one.point });
    if (one.code) void select({ area: one.code });
    else if (one.id === "position") void here(one.point);
    else open([[one.id, one]], one.point);
  };
  const look = async (): Promise<void> => {
    asked = input.value.trim();
    if (!asked) return close();
    const wanted = asked, hits = await ask<Hits[]>("search", { q: wanted });
    if (!hits || wanted !== asked) return;
    box.replaceChildren();
    hits.forEach((kind, k) => {
      const group = make("div", "map-found-kind"), title = make("div", "dropdown-header", kind.title);
      title.id = `found-${k}`;
      group.setAttribute("role", "group");
      group.setAttribute("aria-labelledby", title.id);
      group.append(title);
      kind.features.forEach((one, n) => {
        const option = make("div", "dropdown-item");
        option.id = `found-${k}-${n}`;
        option.setAttribute("role", "option");
        option.append(make("span", "", one.name), make("small", "text-secondary", one.where ?? ""));
        option.addEventListener("pointerdown", (event) => { event.preventDefault(); go(one); });
        option.addEventListener("choose", () => go(one));
        group.append(option);
      });
      box.append(group);
    });
    if (!hits.length) box.append(make("p", "empty-note", words.nothingFound));
    box.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = window.setTimeout(() => void look(), 220); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); mark(chosen + (event.key === "ArrowDown" ? 1 : -1)); }
    if (event.key === "Escape") close();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const found = options();
    if (found.length) found[Math.max(chosen, 0)].dispatchEvent(new Event("choose"));
    else void look();
  });
}

export function tools(): void {
  map.addSource("sketch", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  const colour = "#b5338a";
  map.addLayer({ id: "sketch-fill", type: "fill", source: "sketch", filter: ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]], paint: { "fill-color": colour, "fill-opacity": 0.12 } });
  map.addLayer({ id: "sketch-line", type: "line", source: "sketch", filter: ["!=", ["geometry-type"], "Point"], layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour, "line-width": 4, "line-opacity": 0.85 } });
  map.addLayer({ id: "sketch-point", type: "circle", source: "sketch", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": "#fff", "circle-radius": 6, "circle-stroke-color": colour, "circle-stroke-width": 3 } });
  map.on("click", (event: MapMouseEvent) => {
    if (mode) void put([event.lngLat.lng, event.lngLat.lat]);
    else clicked(event);
  });
  map.on("mousemove", ({ lngLat }) => { if (mode && places.length) sketch(...growing([lngLat.lng, lngLat.lat])); });
  map.on("dblclick", (event) => { if (mode) { event.preventDefault(); void finish(); } });
  document.addEventListener("keydown", (event) => {
    if (!mode) return;
    if (event.key === "Escape") start(null);
    if (event.key === "Enter" && (event.target as HTMLElement).tagName !== "INPUT") void finish();
    if (event.key === "Backspace" && places.length) { places.pop(); sketch(...growing()); }
  });
  document.querySelectorAll<HTMLElement>("[data-tool]").forEach((tool) =>
    tool.addEventListener("click", () => {
      start(tool.getAttribute("aria-pressed") === "true" ? null : (tool.dataset.tool as Mode));
      if (mode) map.getCanvas().focus();
    }),
  );
  if (settings.layers.some((layer) => layer.network)) onFlow((at, way) => void course(at, way));
  menus();
  searching();
}
