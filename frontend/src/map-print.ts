// A sheet of A3: what the map shows, drawn once more at print resolution, with all that a printed map must say of itself.
import maplibregl from "maplibre-gl";
import { button, element, find, icon, language, make, map, metres, painted, settings, words } from "./map-core";
import { all, isOn, shownTime } from "./map-layers";
import { token } from "./theme";

const MILLIMETRE = 96 / 25.4; // CSS pixels
const RESOLUTION = 2.5; // times 96 dots per inch
let sheet: maplibregl.Map | undefined;

function bar(): void {
  if (!sheet) return;
  const { clientWidth: wide, clientHeight: high } = sheet.getContainer(), y = high / 2;
  const perPixel = sheet.unproject([wide / 2 - 50, y]).distanceTo(sheet.unproject([wide / 2 + 50, y])) / 100;
  const most = 70 * MILLIMETRE * perPixel, power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((n) => n * power).find((n) => n <= most) ?? power;
  const drawn = find("sheet-scale");
  drawn.style.width = `${length / perPixel}px`;
  drawn.replaceChildren(make("span", "", "0"), make("span", "", metres(length)));
  const ratio = perPixel * MILLIMETRE * 1000; // metres of ground in a metre of paper
  find("sheet-ratio").textContent = `1 : ${Number(ratio.toPrecision(3)).toLocaleString(language)}`;
}

function key(colour: string, kind: string, content: string): HTMLElement {
  const line = make("li"), mark = make("span", `map-key map-key-${kind}`);
  mark.style.setProperty("--mark", colour);
  line.append(mark, content);
  return line;
}

function legend(): HTMLElement {
  const list = make("ul", "sheet-legend-list");
  for (const layer of [...settings.layers].reverse().filter(isOn)) {
    if (layer.legend.length > 1) list.append(make("li", "sheet-legend-head", layer.title), ...layer.legend.map((mark) => key(mark.colour, mark.kind, mark.text)));
    else list.append(key(layer.colour, layer.legend[0]?.kind ?? "Point", layer.title));
  }
  return list;
}

function drawn(place: HTMLElement): void {
  sheet = new maplibregl.Map({
    container: place, style: map.getStyle(), bounds: map.getBounds(), attributionControl: false, dragRotate: false, fadeDuration: 0,
    pixelRatio: RESOLUTION, maxZoom: 17, canvasContextAttributes: { preserveDrawingBuffer: true, antialias: true }, locale: { "Map.Title": words.map },
  });
  const copy = sheet;
  copy.on("styleimagemissing", ({ id }) => {
    const image = map.getImage(id);
    if (image?.data && !copy.hasImage(id)) copy.addImage(id, { width: image.data.width, height: image.data.height, data: new Uint8ClampedArray(image.data.data) }, { pixelRatio: image.pixelRatio });
  });
  copy.on("style.load", () => painted.forEach(([layer, property, name]) => copy.setPaintProperty(layer, property as "line-color", token(name, place))));
  copy.on("move", bar);
  copy.on("idle", () => { place.dataset.ready = "1"; });
  bar();
}

function close(): void {
  sheet?.remove();
  sheet = undefined;
  find("map-print").hidden = true;
  document.querySelector<HTMLElement>(".shell")?.removeAttribute("inert");
  find("map-print-open").focus();
}

function open(): void {
  const place = find("map-print"), paper = make("article", "map-sheet-a3"), head = make("header", "sheet-head"), foot = make("footer", "sheet-foot");
  const title = make("input", "sheet-title") as HTMLInputElement, frame = make("div", "sheet-map"), north = make("div", "sheet-north", words.north), key = make("section", "sheet-legend");
  paper.dataset.bsTheme = "light"; // paper is white
  const now = new Date().toLocaleString(language, { timeZone: "Asia/Shanghai", dateStyle: "long", timeStyle: "short" });
  title.value = `${element.dataset.county} · ${words.map}`;
  title.setAttribute("aria-label", words.title);
  const of = shownTime();
  const time = of ? `${words.replay} ${new Date(of).toLocaleString(language, { timeZone: "Asia/Shanghai", dateStyle: "long", timeStyle: "short" })}` : words.asOf.replace("{}", now);
  head.append(title, make("p", "", time));
  north.prepend(icon("arrow-up"));
  key.append(make("h2", "", words.legend), legend());
  const scale = make("div", "sheet-measure"), rule = make("div", "sheet-scale"), ratio = make("span", "");
  rule.id = "sheet-scale";
  ratio.id = "sheet-ratio";
  scale.append(rule, ratio);
  const simulated = all().some(({ properties: told }) => told.simulated || told.origin);
  foot.append(make("span", "", `${element.dataset.attribution}${find("map-base-source").textContent}`), make("span", "", words.printed.replace("{}", element.dataset.person ?? "").replace("{}", now)));
  if (simulated) foot.prepend(make("strong", "sheet-simulated", words.hasSimulated));
  paper.append(head, frame, north, key, scale, foot);
  const bars = make("div", "sheet-bar"), go = button("btn btn-primary", words.print, () => window.print(), "printer");
  bars.append(make("strong", "", words.printHead), make("span", "text-secondary", words.printHint), button("btn", words.close, close), go);
  const table = make("div", "sheet-table");
  table.append(paper);
  place.replaceChildren(bars, table);
  place.hidden = false;
  document.querySelector<HTMLElement>(".shell")?.setAttribute("inert", "");
  drawn(frame);
  title.select();
}

export function printing(): void {
  const place = find("map-print");
  document.body.append(place); // beside the shell, which is left out on paper
  find("map-print-open").addEventListener("click", open);
  place.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
}
