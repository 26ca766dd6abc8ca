// Base maps that a county or a pack declares, under everything else; the county's own ground is always there.
import maplibregl, { type GetResourceResponse, type LayerSpecification, type RequestParameters } from "maplibre-gl";
import { PMTiles, TileType } from "pmtiles";
import { button, find, hint, map, post, settings, words, type Base } from "./map-core";
import { moved, type Picture } from "./map-shift";
import { onTheme } from "./theme";

const GROUND: [layer: string, property: string, own: number, other: number][] = [
  ["relief", "raster-opacity", 1, 0], ["county-fill", "fill-opacity", settings.relief ? 0.2 : 1, 0], ["outside", "fill-opacity", 0.55, 0.2],
];
const KEPT = 96; // tiles that moving asks for again
const archives = new Map<string, PMTiles>();
let drawn: string[] = [];

const archive = (base: Base): PMTiles => {
  const found = archives.get(base.key) ?? new PMTiles(new URL(base.url, location.href).href);
  archives.set(base.key, found);
  return found;
};

async function bytes(base: Base, z: number, x: number, y: number, signal?: AbortSignal): Promise<ArrayBuffer | null> {
  if (base.kind === "pmtiles") return (await archive(base).getZxy(z, x, y, signal))?.data ?? null;
  const address = base.url.replaceAll("{z}", String(z)).replaceAll("{x}", String(x)).replaceAll("{y}", String(y));
  const answer = await fetch(address, { signal, referrerPolicy: "origin" });
  if (answer.status === 404 || answer.status === 204) return null;
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.arrayBuffer();
}

const pictures = new Map<string, Promise<ImageBitmap | null>>();
const picture = (base: Base): Picture => (z, x, y) => {
  const name = `${base.key}/${z}/${x}/${y}`, known = pictures.get(name);
  if (known) return known;
  const made = bytes(base, z, x, y).then((data) => (data ? createImageBitmap(new Blob([data])) : null));
  made.catch(() => pictures.delete(name));
  pictures.set(name, made);
  if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value as string);
  return made;
};

// base://<key>/<z>/<x>/<y>: a tile out of a file, or one that is moved.
async function tile({ url }: RequestParameters, { signal }: AbortController): Promise<GetResourceResponse<ArrayBuffer | ImageBitmap>> {
  const [, key, z, x, y] = /^base:\/\/([^/]+)\/(\d+)\/(\d+)\/(\d+)$/.exec(url) ?? [];
  const base = settings.bases.find((one) => one.key === key);
  if (!base) throw new Error(url);
  const place = [Number(z), Number(x), Number(y)] as const;
  if (base.datum === "gcj02") return { data: await moved(picture(base), ...place, base.size) };
  const found = await bytes(base, ...place, signal);
  return { data: found ?? (await blank()) };
}

// Where a file of pictures has no tile there is a clear one; of vectors, an empty one.
let isVector = false;
async function blank(): Promise<ArrayBuffer | ImageBitmap> {
  return isVector ? new ArrayBuffer(0) : createImageBitmap(new ImageData(1, 1));
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

async function add(base: Base): Promise<void> {
  const header = base.kind === "pmtiles" ? await archive(base).getHeader() : null;
  const [minzoom, maxzoom] = header ? [header.minZoom, header.maxZoom] : base.zooms ?? [0, 18];
  isVector = header?.tileType === TileType.Mvt;
  const isDirect = base.kind === "tiles" && base.datum !== "gcj02";
  const shared = { tiles: [isDirect ? base.url : `base://${base.key}/{z}/{x}/{y}`], minzoom, maxzoom, attribution: escaped(base.source) };
  map.addSource("base", isVector ? { type: "vector", ...shared } : { type: "raster", tileSize: base.size, ...shared });
  for (const layer of isVector ? vectors(base) : [{ id: "base", type: "raster", source: "base" } as LayerSpecification]) {
    map.addLayer(layer, map.getLayer("relief") ? "relief" : "county-fill");
    drawn.push(layer.id);
  }
  dress();
}

function vectors(base: Base): LayerSpecification[] {
  return base.draw.map((part, n): LayerSpecification => {
    const shared = { id: `base-${n}`, source: "base", "source-layer": part.layer, minzoom: part.from ?? 0 };
    if (part.as === "fill") return { ...shared, type: "fill" };
    if (part.as === "line") return { ...shared, type: "line", layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-width": part.width ?? 1 } };
    return { ...shared, type: "symbol", layout: { "text-field": ["get", part.field ?? "name"], "text-font": ["sans-serif"], "text-size": 12 }, paint: { "text-halo-width": 1.2, "text-halo-color": "rgba(255,255,255,.7)" } };
  });
}

// Vectors have colours for the light and for the dark.
let shown: Base | undefined;
function dress(): void {
  if (!shown || !isVector) return;
  const isDark = document.documentElement.dataset.bsTheme === "dark";
  shown.draw.forEach((part, n) => {
    if (!map.getLayer(`base-${n}`)) return;
    map.setPaintProperty(`base-${n}`, part.as === "name" ? "text-color" : `${part.as}-color`, (isDark && part.dark) || part.colour);
  });
}

async function show(key: string): Promise<void> {
  drawn.forEach((id) => map.removeLayer(id));
  drawn = [];
  if (map.getSource("base")) map.removeSource("base");
  shown = settings.bases.find((one) => one.key === key);
  for (const [layer, property, own, other] of GROUND) if (map.getLayer(layer)) map.setPaintProperty(layer, property as "fill-opacity", shown ? other : own);
  find("map-base-source").textContent = shown ? ` · ${shown.source}` : "";
  if (!shown) return;
  await add(shown).catch(failed);
}

// A base that does not come is told once; the county's own ground is one click away.
let isTold = false;
function failed(): void {
  if (isTold || !shown) return;
  isTold = true;
  hint(words.baseFailed.replace("{}", shown.title), button("btn btn-sm", words.ownGround, () => {
    hint("");
    choose("");
  }));
}

function choose(key: string): void {
  isTold = false;
  const box = document.querySelector<HTMLInputElement>(`[name="map-base"][value="${key}"]`);
  if (box) box.checked = true;
  void show(key);
  void post("bases", { base: key });
}

export function bases(): void {
  if (!settings.bases.length) return;
  maplibregl.addProtocol("base", tile);
  map.on("error", (event) => { if ((event as unknown as { sourceId?: string }).sourceId === "base") failed(); });
  onTheme(dress);
  document.querySelectorAll<HTMLInputElement>('[name="map-base"]').forEach((box) => {
    box.checked = box.value === settings.base_chosen;
    box.addEventListener("change", () => choose(box.value));
  });
  if (settings.base_chosen) void show(settings.base_chosen);
}
