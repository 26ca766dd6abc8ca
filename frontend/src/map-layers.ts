// The declared layers: how each is drawn, loaded, switched, made fainter; and the values that come in live.
import type maplibregl from "maplibre-gl";
import type { ExpressionSpecification, GeoJSONSource } from "maplibre-gl";
import type { FeatureCollection } from "geojson";
import { clock, element, find, levels, map, remember, remembered, settings, shown, themed, type Feature, type LayerSettings, type Value } from "./map-core";
import { token } from "./theme";

export type Row = [stream: number, time: string, value: number | null, verdict: number, origin: number];
type Part = { id: string; property: string; full: number };
export const collections = new Map<string, Feature[]>();
const values = new Map<number, Value>();
const labelled = new Map<number, [layer: string, feature: Feature]>(); // the stream whose value stands on the map
const changed = new Set<number>(); // of those, since the map was told
const grown = new Set<string>(); // layers with values that count up: by how much they grew is asked for again
const parts = new Map<string, Part[]>();
const chosen = remembered();
let whenChanged: () => void = () => undefined;
let at: string | null = null; // a time past that is shown instead of now

export function onChange(act: () => void): void {
  whenChanged = act;
}
export const isOn = (layer: LayerSettings): boolean => chosen.on[layer.key] ?? layer.shown;
export const all = (): Feature[] => [...collections.values()].flat();

function decorate(layer: LayerSettings, features: Feature[]): void {
  for (const feature of features) {
    const told = feature.properties;
    for (const value of told.values ?? []) {
      values.set(value.id, value);
      if (value.id < 0 && !at) tell(value);
    }
    if (told.values?.length) labelled.set(told.values[0].id, [layer.key, feature]);
    const first = told.values?.[0];
    told.label = first ? shown(first) : "";
    told.mark = told.level ? levels[told.level] : told.mark ?? layer.colour;
  }
}

// Shapes beside colours: a level can be told without seeing red and green apart.
const shapes: Record<string, (pen: CanvasRenderingContext2D, m: number, r: number) => void> = {
  round: (pen, m, r) => pen.arc(m, m, r, 0, 2 * Math.PI),
  hollow: (pen, m, r) => pen.arc(m, m, r - 1, 0, 2 * Math.PI),
  square: (pen, m, r) => pen.roundRect(m - r, m - r, 2 * r, 2 * r, r / 2),
  blue: (pen, m, r) => pen.arc(m, m, r * 0.85, 0, 2 * Math.PI),
  yellow: (pen, m, r) => around(pen, m, r, 4, 0),
  orange: (pen, m, r) => around(pen, m, r * 1.1, 3, 0),
  red: (pen, m, r) => around(pen, m, r, 8, Math.PI / 8),
};
function around(pen: CanvasRenderingContext2D, m: number, r: number, corners: number, turn: number): void {
  for (let n = 0; n < corners; n += 1) {
    const angle = turn - Math.PI / 2 + (2 * Math.PI * n) / corners;
    pen.lineTo(m + r * Math.cos(angle), m + r * Math.sin(angle));
  }
  pen.closePath();
}
function draw(name: string, colour: string, shape: string, size: number, edge = "#fff"): void {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = canvas.height = size;
  if (!pen) return;
  pen.beginPath();
  shapes[shape](pen, size / 2, size / 2 - 3);
  pen.fillStyle = colour;
  pen.strokeStyle = edge;
  pen.lineWidth = 4;
  pen.stroke();
  pen.fill();
  const drawn = pen.getImageData(0, 0, size, size);
  if (map.hasImage(name)) map.updateImage(name, drawn);
  else map.addImage(name, drawn, { pixelRatio: 2 });
}

// The marks of levels, each with a shape of its own, and of what is not heard of.
export function marks(): void {
  for (const [level, colour] of Object.entries(levels)) draw(`level-${level}`, token(`${level}-fill`), level, 34, colour);
  draw("level-silent", "#fff", "hollow", 30, "#5d6b65");
}

const INK = { "text-color": "map-ink", "text-halo-color": "map-halo" };
const TEXT = { "text-font": ["sans-serif"], "text-optional": true, "text-padding": 1 };
const paintings: Record<string, (layer: LayerSettings) => Part[]> = {
  // Stations and cases are symbols, not circles: only symbols push the names of towns aside.
  things: (layer) => {
    draw(layer.key, layer.colour, "round", 36);
    draw(`${layer.key}-silent`, "#fff", "hollow", 36, layer.colour);
    map.addLayer({
      id: layer.key, type: "symbol", source: layer.key, filter: ["!", ["has", "count"]],
      layout: { ...TEXT, "icon-image": ["concat", layer.key, ["case", ["has", "silent"], "-silent", ""]], "icon-allow-overlap": true, "text-field": ["get", "label"], "text-size": 12.5, "text-variable-anchor": ["top", "bottom", "right", "left"], "text-radial-offset": 0.95 },
      paint: { "text-halo-width": 1.6 },
    });
    themed(layer.key, INK);
    return [{ id: layer.key, property: "icon-opacity", full: 1 }, { id: layer.key, property: "text-opacity", full: 1 }];
  },
  alarms: (layer) => {
    const badge = `${layer.key}-badge`, halo = `${layer.key}-halo`;
    marks();
    const filter: ExpressionSpecification = ["!", ["has", "count"]];
    map.addLayer({ id: halo, type: "circle", source: layer.key, filter, paint: { "circle-radius": 18, "circle-color": ["get", "mark"], "circle-opacity": 0.22 } });
    map.addLayer({ id: layer.key, type: "circle", source: layer.key, filter, paint: { "circle-radius": 11, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": ["get", "mark"], "circle-stroke-width": 3.5 } });
    map.addLayer({ id: badge, type: "symbol", source: layer.key, filter, layout: { "icon-image": ["concat", "level-", ["get", "level"]], "icon-allow-overlap": true, "icon-offset": [-13, -13] } });
    return [{ id: halo, property: "circle-opacity", full: 0.22 }, { id: layer.key, property: "circle-stroke-opacity", full: 1 }, { id: badge, property: "icon-opacity", full: 1 }];
  },
  cases: (layer) => {
    draw(layer.key, layer.colour, "square", 28);
    map.addLayer({ id: layer.key, type: "symbol", source: layer.key, filter: ["!", ["has", "count"]], layout: { "icon-image": layer.key, "icon-allow-overlap": true, "icon-offset": [13, -13] } });
    return [{ id: layer.key, property: "icon-opacity", full: 1 }];
  },
  // Records may be points, lines and areas. They lie below the names of towns and below what happens.
  records: (layer) => {
    const { key } = layer, fill = `${key}-fill`, point = `${key}-point`, name = `${key}-name`, along = `${key}-along`, source = key;
    const zoomed = (less: number, more: number): ExpressionSpecification => ["interpolate", ["linear"], ["zoom"], 8, less, 13, more];
    const colour: ExpressionSpecification = ["get", "mark"];
    map.addLayer({ id: fill, type: "fill", source, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour } }, "town-name");
    map.addLayer({ id: key, type: "line", source, filter: ["!=", ["geometry-type"], "Point"], layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour, "line-width": zoomed(layer.width * 0.7, layer.width * 2) } }, "town-name");
    map.addLayer({ id: point, type: "circle", source, filter: ["all", ["==", ["geometry-type"], "Point"], ["!", ["has", "count"]]], paint: { "circle-color": colour, "circle-radius": zoomed(4, 8), "circle-stroke-color": "#fff", "circle-stroke-width": 1.5 } });
    const names = { "text-halo-width": 1.5 };
    const layout = { ...TEXT, "text-field": ["get", "name"] as ExpressionSpecification, "text-size": 11.5 };
    map.addLayer({ id: along, type: "symbol", source, minzoom: 9.6, filter: ["==", ["geometry-type"], "LineString"], layout: { ...layout, "symbol-placement": "line" }, paint: names });
    map.addLayer({ id: name, type: "symbol", source, minzoom: 10.4, filter: ["all", ["!=", ["geometry-type"], "LineString"], ["!", ["has", "count"]]], layout: { ...layout, "text-anchor": "top", "text-offset": [0, 0.6] }, paint: names });
    for (const id of [along, name]) themed(id, INK);
    return [
      { id: fill, property: "fill-opacity", full: 0.25 }, { id: key, property: "line-opacity", full: 1 }, { id: point, property: "circle-opacity", full: 1 },
      { id: point, property: "circle-stroke-opacity", full: 1 }, { id: name, property: "text-opacity", full: 1 },
      { id: along, property: "text-opacity", full: 1 },
    ];
  },
};

export function paint(layer: LayerSettings): void {
  map.addSource(layer.key, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  parts.set(layer.key, [...(paintings[layer.source] ?? paintings.things)(layer), ...clusters(layer)]);
  switchTo(layer, isOn(layer));
  fade(layer, chosen.opacity[layer.key] ?? layer.opacity);
}

// A hand over what can be opened. Asked once a frame for all layers, and not while the map moves: to ask for each costs more than to draw.
export function pointing(): void {
  let place: maplibregl.Point | null = null;
  map.on("mousemove", ({ point }) => {
    if (!place) requestAnimationFrame(() => {
      const layers = settings.layers.filter(isOn).flatMap(ids);
      if (place && !map.isMoving()) map.getCanvas().style.cursor = map.queryRenderedFeatures(place, { layers }).length ? "pointer" : "";
      place = null;
    });
    place = point;
  });
}
export const ids = (layer: LayerSettings): string[] => [...new Set((parts.get(layer.key) ?? []).map((part) => part.id))];

function switchTo(layer: LayerSettings, on: boolean): void {
  for (const id of ids(layer)) map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
}
function fade(layer: LayerSettings, opacity: number): void {
  for (const part of parts.get(layer.key) ?? []) map.setPaintProperty(part.id, part.property as "line-opacity", part.full * opacity);
}

// A large layer gives what the window shows: features, or clusters with how many.
export const windowed = new Map<string, number>();
const rounds = new Map<string, number>();
function seen(): Record<string, string> {
  const box = map.getBounds(), places = [[Math.max(box.getWest(), -180), Math.max(box.getSouth(), -90)], [Math.min(box.getEast(), 180), Math.min(box.getNorth(), 90)]];
  return { zoom: map.getZoom().toFixed(2), box: places.map((place) => place.map((n) => n.toFixed(5)).join(",")).join(";") };
}
export function whenMoved(): void {
  settings.layers.filter((layer) => windowed.get(layer.key) && (!at || isOn(layer))).forEach((layer) => void load(layer));
}

function clusters(layer: LayerSettings): Part[] {
  const id = `${layer.key}-cluster`, name = `${id}-count`, worst = `${id}-worst`;
  marks();
  map.addLayer({ id, type: "circle", source: layer.key, filter: ["has", "count"], paint: { "circle-color": layer.colour, "circle-stroke-color": "#fff", "circle-stroke-width": 2, "circle-radius": ["interpolate", ["linear"], ["log10", ["get", "count"]], 0, 9, 2, 17, 4, 26] } });
  map.addLayer({ id: name, type: "symbol", source: layer.key, filter: ["has", "count"], layout: { "text-field": ["get", "name"], "text-font": ["sans-serif"], "text-size": 12, "text-allow-overlap": true }, paint: { "text-color": "#fff" } });
  map.addLayer({ id: worst, type: "symbol", source: layer.key, filter: ["all", ["has", "count"], ["!=", ["get", "worst"], ""]], layout: { "icon-image": ["concat", "level-", ["get", "worst"]], "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-offset": ["interpolate", ["linear"], ["get", "count"], 1, ["literal", [9, -9]], 100, ["literal", [15, -15]], 10000, ["literal", [21, -21]]] } });
  return [{ id: worst, property: "icon-opacity", full: 1 }, { id, property: "circle-opacity", full: 0.9 }, { id, property: "circle-stroke-opacity", full: 1 }, { id: name, property: "text-opacity", full: 1 }];
}

export async function load(layer: LayerSettings): Promise<void> {
  const wanted = at;
  const own = (rounds.get(layer.key) ?? 0) + 1;
  rounds.set(layer.key, own);
  const answer = await fetch(`${layer.url}?${new URLSearchParams({ ...seen(), ...(wanted ? { at: wanted } : {}) })}`).catch(() => null);
  if (!answer?.ok) return;
  const { features, numberMatched, windowed: isPart } = (await answer.json()) as FeatureCollection & { features: Feature[]; numberMatched: number; windowed: boolean };
  if (rounds.get(layer.key) !== own) return; // asked again meanwhile
  windowed.set(layer.key, isPart ? numberMatched : 0);
  decorate(layer, features);
  collections.set(layer.key, features);
  const legend = document.querySelector<HTMLElement>(`[data-clusters="${layer.key}"]`);
  if (legend) legend.hidden = !(features as Feature[]).some((f) => f.properties.count);
  map.getSource<GeoJSONSource>(layer.key)?.setData({ type: "FeatureCollection", features });
  const count = document.querySelector(`[data-count="${layer.key}"]`);
  if (count) count.textContent = String(numberMatched);
  whenChanged();
}

export function take(rows: Row[]): void {
  if (at) return;
  for (const [id, time, value, verdict, origin] of rows) {
    const known = values.get(id);
    if (!known || (known.time && known.time > time)) continue;
    Object.assign(known, { time, value, verdict, origin });
    tell(known);
    if (labelled.has(id)) changed.add(id);
    const [layer] = labelled.get(-id) ?? [];
    if (layer) grown.add(layer);
  }
}

function tell(value: Value): void {
  document.querySelectorAll(`[data-stream="${value.id}"]`).forEach((cell) => {
    if (cell.textContent === shown(value)) return;
    cell.textContent = shown(value);
    cell.classList.add("fresh");
    setTimeout(() => cell.classList.remove("fresh"), 900);
  });
  document.querySelectorAll(`[data-clock="${value.id}"]`).forEach((cell) => (cell.textContent = clock(value.time)));
}

// Values that count up come live as they are; by how much they grew, the server reckons.
setInterval(() => {
  if (at || map.isMoving()) return;
  settings.layers.filter(({ key }) => grown.has(key)).forEach((layer) => void load(layer));
  grown.clear();
}, 20_000);

// Whatever comes in, the map is told at most twice a second, only of the words that changed, and not while it moves.
setInterval(() => {
  if (!changed.size || map.isMoving()) return;
  const updates = new Map<string, { id: string; addOrUpdateProperties: { key: string; value: string }[] }[]>();
  for (const stream of changed) {
    const [layer, feature] = labelled.get(stream) ?? [], first = feature?.properties.values?.[0];
    if (!layer || !feature || !first || !collections.get(layer)?.includes(feature) || feature.properties.label === shown(first)) continue;
    feature.properties.label = shown(first);
    updates.set(layer, [...(updates.get(layer) ?? []), { id: String(feature.id), addOrUpdateProperties: [{ key: "label", value: shown(first) }] }]);
  }
  changed.clear();
  updates.forEach((update, layer) => map.getSource<GeoJSONSource>(layer)?.updateData({ update }));
}, 500);

// Colours of levels are those of the theme.
export function recolour(): void {
  marks();
  for (const layer of settings.layers) {
    const features = collections.get(layer.key);
    if (!features?.some((f) => f.properties.level)) continue;
    decorate(layer, features);
    map.getSource<GeoJSONSource>(layer.key)?.setData({ type: "FeatureCollection", features });
  }
}

export async function showTime(time: string | null): Promise<void> {
  at = time;
  await Promise.all(settings.layers.filter((layer) => time === null || isOn(layer)).map(load));
}
export const shownTime = (): string | null => at;

// The panel: a box that switches a layer, a slider that makes it fainter.
export function panel(): void {
  for (const layer of settings.layers) {
    const box = document.querySelector<HTMLInputElement>(`[data-layer="${layer.key}"]`), slider = document.querySelector<HTMLInputElement>(`[data-opacity="${layer.key}"]`);
    if (!box || !slider) continue;
    box.checked = isOn(layer);
    slider.value = String(Math.round(100 * (chosen.opacity[layer.key] ?? layer.opacity)));
    box.addEventListener("change", () => {
      chosen.on[layer.key] = box.checked;
      remember(chosen);
      switchTo(layer, box.checked);
      if (at && box.checked) void load(layer);
      whenChanged();
    });
    slider.addEventListener("input", () => {
      chosen.opacity[layer.key] = Number(slider.value) / 100;
      remember(chosen);
      fade(layer, chosen.opacity[layer.key]);
    });
  }
  if (element.clientWidth < 768) find<HTMLDetailsElement>("map-choices").open = false;
}
