// The one map: outline and towns, declared layers, live values by server-sent events.
import maplibregl, { type GeoJSONSource } from "maplibre-gl";
import type { Feature as GFeature, FeatureCollection, Point } from "geojson";
import "maplibre-gl/dist/maplibre-gl.css";
import "./map.css";

interface LayerSettings { key: string; title: string; source: string; icon: string; colour: string; url: string }
interface Settings { box: [number, number, number, number]; areas: string; layers: LayerSettings[]; live: string }
interface Value { id: number; title: string; unit: string; decimals: number; value: number | null; time: string | null; verdict: number; origin: number }
interface Told { name: string; where?: string; town?: string; text?: string; level?: string; time?: string; origin?: number; simulated?: boolean; url: string; source?: string; values?: Value[] }
type Feature = GFeature<Point, Told & { label?: string; mark?: string }>;
type Row = [stream: number, time: string, value: number | null, verdict: number, origin: number];

const element = document.getElementById("map") as HTMLElement;
const settings = JSON.parse(document.getElementById(element.dataset.settings ?? "")?.textContent ?? "{}") as Settings;
const text = element.dataset as Record<string, string>;
const levels: Record<string, string> = { blue: "#2a6fdb", yellow: "#d9a400", orange: "#d9620a", red: "#c62828" };
const [west, south, east, north] = settings.box;
const isNarrow = matchMedia("(max-width: 767.98px)").matches;
const language = document.documentElement.lang.startsWith("en") ? "en-GB" : "zh-CN";
const collections = new Map<string, Feature[]>();
const values = new Map<number, Value>();

const map = new maplibregl.Map({
  container: element,
  style: { version: 8, sources: {}, layers: [{ id: "paper", type: "background", paint: { "background-color": "#e8ece6" } }] },
  bounds: [west, south, east, north],
  fitBoundsOptions: { padding: 36 },
  attributionControl: false,
  dragRotate: false,
  maxZoom: 15,
  minZoom: 6,
  locale: { "Map.Title": text.textMap, "NavigationControl.ZoomIn": text.textZoomIn, "NavigationControl.ZoomOut": text.textZoomOut, "Popup.Close": text.textClose },
});
map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-left");
map.addControl(new maplibregl.ScaleControl({}), "bottom-left");
// A phone has no room for it on the map: there the page says it below.
if (!isNarrow) map.addControl(new maplibregl.AttributionControl({ compact: false, customAttribution: text.textAttribution }), "bottom-right");

const make = (tag: string, css = "", content = ""): HTMLElement => {
  const made = document.createElement(tag);
  if (css) made.className = css;
  if (content) made.textContent = content;
  return made;
};
const shown = (v: Value): string => (v.value === null ? "—" : `${v.value.toFixed(v.decimals)} ${v.unit}`.trim());
const clock = (time: string | null | undefined): string =>
  time ? new Date(time).toLocaleString(language, { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }) : "";
const label = (origin: number | undefined): HTMLElement | null =>
  origin ? make("span", "label-simulated", origin === 2 ? text.textReplayed : text.textSimulated) : null;

async function areas(): Promise<void> {
  const data = (await (await fetch(settings.areas)).json()) as FeatureCollection;
  map.addSource("areas", { type: "geojson", data });
  const names = data.features.filter((f) => f.properties?.point).map((f) => ({
    type: "Feature" as const, properties: f.properties, geometry: { type: "Point" as const, coordinates: f.properties?.point as [number, number] },
  }));
  map.addSource("names", { type: "geojson", data: { type: "FeatureCollection", features: names } });
  const town: maplibregl.FilterSpecification = ["==", ["get", "level"], "town"];
  map.addLayer({ id: "county-fill", type: "fill", source: "areas", filter: ["==", ["get", "level"], "county"], paint: { "fill-color": "#fbfaf5" } });
  map.addLayer({ id: "town-line", type: "line", source: "areas", filter: town, paint: { "line-color": "#b9c4bb", "line-width": 1, "line-dasharray": [3, 2] } });
  map.addLayer({ id: "county-line", type: "line", source: "areas", filter: ["==", ["get", "level"], "county"], paint: { "line-color": "#0f4c4a", "line-width": 2.2 } });
  map.addLayer({
    id: "town-name", type: "symbol", source: "names",
    layout: {
      "text-field": ["get", "name"], "text-size": isNarrow ? 11 : 12, "text-font": ["sans-serif"], "text-padding": 1, "text-max-width": 7,
      "text-variable-anchor": ["center", "bottom", "top", "right", "left"], "text-radial-offset": 1.15,
    },
    paint: { "text-color": "#5d6b65", "text-halo-color": "#fbfaf5", "text-halo-width": 1.2 },
  });
}

function decorate(layer: LayerSettings, features: Feature[]): void {
  for (const feature of features) {
    const told = feature.properties;
    for (const value of told.values ?? []) values.set(value.id, value);
    const first = told.values?.[0];
    told.label = first ? shown(first) : "";
    told.mark = told.level ? levels[told.level] : layer.colour;
  }
}

// Stations and cases are symbols, not circles: only symbols push the names of towns aside.
function draw(key: string, colour: string, isSquare: boolean): void {
  const size = isSquare ? 26 : 36, canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = canvas.height = size;
  if (!pen) return;
  pen.beginPath();
  if (isSquare) pen.roundRect(2, 2, size - 4, size - 4, 6);
  else pen.arc(size / 2, size / 2, size / 2 - 2, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.strokeStyle = "#fff";
  pen.lineWidth = 4;
  pen.fill();
  pen.stroke();
  map.addImage(key, pen.getImageData(0, 0, size, size), { pixelRatio: 2 });
}

const paintings: Record<string, (layer: LayerSettings) => void> = {
  things: (layer) => {
    draw(layer.key, layer.colour, false);
    map.addLayer({
      id: layer.key, type: "symbol", source: layer.key,
      layout: {
        "icon-image": layer.key, "icon-allow-overlap": true, "text-field": ["get", "label"], "text-size": 12.5, "text-font": ["sans-serif"],
        "text-variable-anchor": ["top", "bottom", "right", "left"], "text-radial-offset": 0.95, "text-optional": true, "text-padding": 1,
      },
      paint: { "text-color": "#173836", "text-halo-color": "#fff", "text-halo-width": 1.6 },
    });
  },
  alarms: (layer) => {
    map.addLayer({ id: `${layer.key}-halo`, type: "circle", source: layer.key, paint: { "circle-radius": 18, "circle-color": ["get", "mark"], "circle-opacity": 0.22 } });
    map.addLayer({ id: layer.key, type: "circle", source: layer.key, paint: { "circle-radius": 11, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": ["get", "mark"], "circle-stroke-width": 3.5 } });
  },
  cases: (layer) => {
    draw(layer.key, layer.colour, true);
    map.addLayer({ id: layer.key, type: "symbol", source: layer.key, layout: { "icon-image": layer.key, "icon-allow-overlap": true, "icon-offset": [13, -13] } });
  },
};

async function load(layer: LayerSettings): Promise<void> {
  const answer = await fetch(layer.url);
  if (!answer.ok) return;
  const features = ((await answer.json()) as FeatureCollection<Point, Told>).features as Feature[];
  decorate(layer, features);
  collections.set(layer.key, features);
  map.getSource<GeoJSONSource>(layer.key)?.setData({ type: "FeatureCollection", features });
  const count = document.querySelector(`[data-count="${layer.key}"]`);
  if (count) count.textContent = String(features.length);
  list();
}

function paint(layer: LayerSettings): void {
  map.addSource(layer.key, { type: "geojson", data: { type: "FeatureCollection", features: collections.get(layer.key) ?? [] } });
  (paintings[layer.source] ?? paintings.things)(layer);
  map.on("mouseenter", layer.key, () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", layer.key, () => (map.getCanvas().style.cursor = ""));
}

function card(told: Told): HTMLElement {
  const body = make("div", "map-card");
  const head = make("div", "map-card-head");
  head.append(make("strong", "", told.name));
  const mark = label(told.simulated ? 1 : told.origin);
  if (mark) head.append(mark);
  body.append(head, make("div", "text-secondary", [told.where ?? told.town, told.text, clock(told.time)].filter(Boolean).join(" · ")));
  if (told.values) {
    const rows = make("dl", "map-values");
    for (const value of told.values.filter((v) => v.value !== null).slice(0, 8)) {
      const cell = make("dd", value.verdict ? "text-secondary" : "", shown(value) + (value.verdict ? ` (${text.textDoubtful})` : ""));
      cell.dataset.stream = String(value.id);
      const at = make("dd", "text-secondary", clock(value.time));
      at.dataset.clock = String(value.id);
      rows.append(make("dt", "", value.title), cell, at);
    }
    body.append(rows.childElementCount ? rows : make("div", "text-secondary", text.textNone));
  }
  if (told.source) body.append(make("div", "text-secondary", `${text.textSource}: ${told.source}`));
  const link = make("a", "btn btn-sm btn-primary mt-2", text.textDetails) as HTMLAnchorElement;
  link.href = told.url;
  body.append(link);
  return body;
}

let popup: maplibregl.Popup | undefined;
function open(features: Feature[], back?: HTMLElement): void {
  popup?.remove();
  const cards = make("div", "map-cards");
  cards.append(...features.map((feature) => card(feature.properties)));
  if (isNarrow) return sheet(cards, back);
  popup = new maplibregl.Popup({ maxWidth: "320px", offset: 14 }).setLngLat(features[0].geometry.coordinates as [number, number]).setDOMContent(cards).addTo(map);
  popup.on("close", () => document.querySelector<HTMLElement>(`[data-feature="${back?.dataset.feature}"]`)?.focus());
}

// A phone's map is too small for a popup: the same cards open as a sheet over the list.
function sheet(cards: HTMLElement, back?: HTMLElement): void {
  const place = document.getElementById("map-sheet") as HTMLElement;
  const close = make("button", "map-sheet-close", "×");
  close.setAttribute("aria-label", text.textClose);
  close.addEventListener("click", () => {
    place.hidden = true;
    document.querySelector<HTMLElement>(`[data-feature="${back?.dataset.feature}"]`)?.focus();
  });
  place.replaceChildren(close, cards);
  place.hidden = false;
  place.parentElement?.scrollTo({ top: 0 });
  close.focus({ preventScroll: true });
}

// A station, its alarm and their case stand at one place: a click tells all of them.
map.on("click", ({ point: { x, y } }) => {
  const hit = map.queryRenderedFeatures([[x - 6, y - 6], [x + 6, y + 6]], { layers: settings.layers.map((l) => l.key).filter((key) => map.getLayer(key)) });
  const urls = new Set(hit.map((f) => f.properties.url as string));
  const features = [...urls].flatMap((url) => [...collections.values()].flat().filter((f) => f.properties.url === url).slice(0, 1));
  if (features.length) open(features);
});

function list(): void {
  const panel = document.getElementById("map-list") as HTMLElement;
  const focused = (document.activeElement as HTMLElement | null)?.dataset.feature;
  panel.replaceChildren();
  for (const layer of [...settings.layers].reverse()) {
    const on = document.querySelector<HTMLInputElement>(`[data-layer="${layer.key}"]`)?.checked ?? true;
    if (!on) continue;
    for (const feature of collections.get(layer.key) ?? []) {
      const told = feature.properties;
      const row = make("button", "map-row");
      row.dataset.feature = String(feature.id);
      const dot = make("span", `map-dot map-dot-${layer.source}`);
      dot.style.setProperty("--mark", told.mark ?? layer.colour);
      const words = make("span", "map-row-words");
      words.append(make("span", "", told.name), make("small", "text-secondary", told.where ?? told.town ?? ""));
      const value = make("span", "num map-row-value", told.values?.[0] ? shown(told.values[0]) : told.text ?? "");
      if (told.values?.[0]) value.dataset.stream = String(told.values[0].id);
      const mark = label(told.simulated ? 1 : told.origin);
      row.append(dot, words, value);
      if (mark) words.lastElementChild?.append(" ", mark);
      row.addEventListener("click", () => {
        map.flyTo({ center: feature.geometry.coordinates as [number, number], zoom: 11.5 });
        open([feature], row);
      });
      panel.append(row);
    }
  }
  if (!panel.childElementCount) panel.append(make("p", "empty-note", text.textEmpty));
  if (focused) panel.querySelector<HTMLElement>(`[data-feature="${focused}"]`)?.focus();
}

let isDirty = false;
function take(rows: Row[]): void {
  for (const [id, time, value, verdict, origin] of rows) {
    const known = values.get(id);
    if (!known || (known.time && known.time > time)) continue;
    Object.assign(known, { time, value, verdict, origin });
    document.querySelectorAll(`[data-stream="${id}"]`).forEach((cell) => {
      cell.textContent = shown(known);
      cell.classList.add("fresh");
      setTimeout(() => cell.classList.remove("fresh"), 900);
    });
    document.querySelectorAll(`[data-clock="${id}"]`).forEach((cell) => (cell.textContent = clock(time)));
  }
  isDirty = true;
}

// Whatever comes in, the map is redrawn at most twice a second.
setInterval(() => {
  if (!isDirty) return;
  isDirty = false;
  for (const layer of settings.layers.filter((l) => l.source === "things")) {
    const features = collections.get(layer.key);
    if (!features) continue;
    decorate(layer, features);
    map.getSource<GeoJSONSource>(layer.key)?.setData({ type: "FeatureCollection", features });
  }
}, 500);

function follow(): void {
  const state = document.getElementById("live-state");
  const source = new EventSource(settings.live);
  source.onopen = () => {
    if (state) { state.textContent = text.textLive ?? ""; state.classList.remove("lost"); }
    settings.layers.forEach((layer) => void load(layer)); // what came before the line was open, or while it was lost
  };
  source.onerror = () => { if (state) { state.textContent = text.textLost ?? ""; state.classList.add("lost"); } };
  source.addEventListener("things", (event) => take(JSON.parse((event as MessageEvent<string>).data) as Row[]));
  for (const name of ["alarms", "cases"])
    source.addEventListener(name, () => settings.layers.filter((l) => l.source === name).forEach((l) => void load(l)));
}

map.on("load", () => {
  map.fitBounds([west, south, east, north], { padding: Math.min(36, element.clientHeight / 12), animate: false });
  void (async () => {
    await areas();
    settings.layers.forEach(paint);
    element.dataset.ready = "1";
    follow();
  })();
});

document.querySelectorAll<HTMLInputElement>("[data-layer]").forEach((box) =>
  box.addEventListener("change", () => {
    const key = box.dataset.layer ?? "";
    for (const id of [key, `${key}-halo`])
      if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", box.checked ? "visible" : "none");
    list();
  }),
);
