// What every part of the map shares: the settings of the page, the map itself, small makers of elements.
import maplibregl from "maplibre-gl";
import type { Feature as GFeature, Geometry } from "geojson";
import { onTheme, token } from "./theme";

export interface Mark { colour: string; text: string; kind: string }
export interface LayerSettings {
  key: string; title: string; group: string; source: string; icon: string; colour: string; url: string;
  shown: boolean; network: boolean; width: number; opacity: number; legend: Mark[];
}
interface Settings { county: string; box: [number, number, number, number]; areas: string; base: string; layers: LayerSettings[]; live: string; relief: { corners: [[number, number], [number, number], [number, number], [number, number]]; urls: { light: string; dark: string } } | null; words: Record<string, string>; bases: Base[]; base_chosen: string }
export interface Base {
  key: string; title: string; source: string; problem: string; kind: "pmtiles" | "tiles"; datum: string; size: number; zooms: [number, number] | null; url: string;
  draw: { layer: string; as: "fill" | "line" | "name"; colour: string; dark?: string; width?: number; field?: string; from?: number }[];
}
export interface Value { id: number; title: string; unit: string; decimals: number; value: number | null; time: string | null; verdict: number; origin: number }
export interface Told {
  name: string; where?: string; town?: string; text?: string; level?: string; time?: string; origin?: number; simulated?: boolean;
  url?: string; source?: string; mark?: string; values?: Value[]; label?: string; count?: number; worst?: string; silent?: boolean;
}
export type Feature = GFeature<Geometry, Told>;
// A feature as the server's answers tell it: where to fly to, not its whole shape.
export interface Brief extends Told { id: string; point: [number, number]; box: [number, number, number, number]; metres?: number; order?: number; code?: string }

export const element = document.getElementById("map") as HTMLElement;
export const settings = JSON.parse(document.getElementById(element.dataset.settings ?? "")?.textContent ?? "{}") as Settings;
export const words = settings.words;
export const isNarrow = matchMedia("(max-width: 767.98px)").matches;
export const language = document.documentElement.lang.startsWith("en") ? "en-GB" : "zh-CN";
export const levels: Record<string, string> = {};
onTheme(() => ["blue", "yellow", "orange", "red"].forEach((level) => { levels[level] = token(level); }));
const [west, south, east, north] = settings.box;

export const map = new maplibregl.Map({
  container: element,
  style: { version: 8, sources: {}, layers: [{ id: "paper", type: "background", paint: { "background-color": token("map-around") } }] },
  bounds: [west, south, east, north],
  fitBoundsOptions: { padding: 36 },
  attributionControl: false,
  dragRotate: false,
  fadeDuration: 0, // a name that fades in is drawn for a third of a second in every frame
  maxZoom: 17,
  minZoom: 6,
  locale: { "Map.Title": words.map, "NavigationControl.ZoomIn": words.zoomIn, "NavigationControl.ZoomOut": words.zoomOut, "Popup.Close": words.close },
});

// What is painted in a colour of the theme follows it.
export const painted: [layer: string, property: string, token: string][] = [];
export function themed(layer: string, colours: Record<string, string>): void {
  for (const [property, name] of Object.entries(colours)) {
    painted.push([layer, property, name]);
    map.setPaintProperty(layer, property as "line-color", token(name));
  }
}
export function followTheme(): void {
  onTheme(() => painted.forEach(([layer, property, name]) => map.setPaintProperty(layer, property as "line-color", token(name))));
}

export function home(): void {
  const edge = Math.min(36, element.clientHeight / 12);
  map.fitBounds([west, south, east, north], { padding: { top: edge + 40, bottom: edge, left: edge, right: edge }, animate: false });
}

export function make(tag: string, css = "", content = ""): HTMLElement {
  const made = document.createElement(tag);
  if (css) made.className = css;
  if (content) made.textContent = content;
  return made;
}

export function icon(name: string): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${element.dataset.sprite}#${name}`);
  made.append(use);
  return made;
}

export function button(css: string, name: string, act: () => void, symbol = ""): HTMLButtonElement {
  const made = make("button", css) as HTMLButtonElement;
  made.type = "button";
  if (symbol) made.append(icon(symbol), " ");
  made.append(name);
  made.addEventListener("click", act);
  return made;
}

export const find = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
export const say = (template: string, ...values: (string | number)[]): string => values.reduce<string>((told, value) => told.replace("{}", typeof value === "number" ? value.toLocaleString(language) : value), template);
export const shown = (v: Value): string => (v.value === null ? "—" : `${v.value.toFixed(v.decimals)} ${v.unit}`.trim());
export const clock = (time: string | null | undefined): string =>
  time ? new Date(time).toLocaleString(language, { timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }) : "";
export const metres = (m: number): string => (m < 1000 ? `${m.toFixed(0)} m` : `${(m / 1000).toFixed(m < 10_000 ? 2 : 1)} km`);
export const surface = (m: number): string => (m < 1e6 ? `${m.toFixed(0)} m²` : `${(m / 1e6).toFixed(m < 1e8 ? 3 : 1)} km²`);

export function label(told: Told): HTMLElement | null {
  const origin = told.simulated ? 1 : told.origin;
  return origin ? make("span", "label-simulated", origin === 2 ? words.replayed : words.simulated) : null;
}

// Ask the server; what it refuses is told in the bar at the foot of the map.
export async function ask<A>(path: string, given: Record<string, string>): Promise<A | null> {
  try {
    const answer = await fetch(`${settings.base}${path}?${new URLSearchParams(given)}`);
    if (answer.ok) return (await answer.json()) as A;
    const told = (await answer.json().catch(() => ({}))) as { error?: string };
    hint(told.error ?? words.failed);
  } catch {
    hint(words.failed);
  }
  return null;
}

export async function post(path: string, given: Record<string, string>): Promise<void> {
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") as Record<string, string>;
  const answer = await fetch(`${settings.base}${path}`, { method: "POST", headers, body: new URLSearchParams(given) }).catch(() => null);
  if (!answer?.ok) hint(words.failed);
}

export function hint(content: string, ...actions: HTMLElement[]): void {
  const bar = find("map-hint");
  bar.replaceChildren(make("span", "", content), ...actions);
  bar.hidden = !content;
}

// What a person chose stays chosen, in this browser, for this county.
const kept = `shizhu.map.${settings.county}`;
export interface Chosen { on: Record<string, boolean>; opacity: Record<string, number> }
export function remembered(): Chosen {
  try {
    return { on: {}, opacity: {}, ...(JSON.parse(localStorage.getItem(kept) ?? "{}") as Partial<Chosen>) };
  } catch {
    return { on: {}, opacity: {} };
  }
}
export function remember(chosen: Chosen): void {
  localStorage.setItem(kept, JSON.stringify(chosen));
}

// Where a shape is pointed at: a point itself, the middle of a line, the middle of an area's box.
export function middle(geometry: Geometry): [number, number] {
  if (geometry.type === "Point") return geometry.coordinates as [number, number];
  if (geometry.type === "LineString") return geometry.coordinates[Math.floor(geometry.coordinates.length / 2)] as [number, number];
  const [w, s, e, n] = bounds(geometry);
  return [(w + e) / 2, (s + n) / 2];
}

export function bounds(geometry: Geometry): [number, number, number, number] {
  const box: [number, number, number, number] = [180, 90, -180, -90];
  const walk = (part: unknown): void => {
    const list = part as unknown[];
    if (typeof list[0] !== "number") return list.forEach(walk);
    const [x, y] = list as number[];
    box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y); box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
  };
  walk("coordinates" in geometry ? geometry.coordinates : []);
  return box;
}

export function flyTo(point: [number, number], box?: [number, number, number, number]): void {
  if (box && (box[2] - box[0] > 1e-4 || box[3] - box[1] > 1e-4)) map.fitBounds(box, { padding: 60, maxZoom: 14 });
  else map.flyTo({ center: point, zoom: Math.max(map.getZoom(), 12) });
}
