// The one map: outline and towns, declared layers, live values by server-sent events, and tools to ask it.
import maplibregl from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import "./map.css";
import { ground } from "./map-base";
import { bases } from "./map-bases";
import { list } from "./map-card";
import { element, find, followTheme, home, isNarrow, map, settings, words } from "./map-core";
import { files } from "./map-file";
import { load, onChange, paint, panel, pointing, recolour, take, whenMoved, type Row } from "./map-layers";
import { onTheme } from "./theme";
import { printing } from "./map-print";
import { replaying } from "./map-time";
import { tools } from "./map-tools";

map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-left");
map.addControl(new maplibregl.ScaleControl({}), "bottom-left");
// A phone has no room for it on the map: there the page says it below.
if (!isNarrow) map.addControl(new maplibregl.AttributionControl({ compact: false, customAttribution: element.dataset.attribution }), "bottom-right");

function stateOf(content: string, isLost: boolean): void {
  const state = find("live-state");
  state.textContent = content;
  state.classList.toggle("lost", isLost);
}

const AGAIN = 10_000; // ms
function follow(): void {
  const source = new EventSource(settings.live);
  source.onopen = () => {
    stateOf(words.live, false);
    settings.layers.forEach((layer) => void load(layer)); // what came before the line was open, or while it was lost
  };
  source.onerror = () => {
    stateOf(words.lost, true);
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN); // the browser gives up where a proxy answers with a fault
  };
  source.addEventListener("things", (event) => take(JSON.parse((event as MessageEvent<string>).data) as Row[]));
  for (const name of ["alarms", "cases"])
    source.addEventListener(name, () => settings.layers.filter((l) => l.source === name).forEach((l) => void load(l)));
}

onChange(list);
panel();
map.on("load", () => {
  home();
  void (async () => {
    await ground();
    bases();
    settings.layers.forEach(paint);
    map.on("moveend", whenMoved);
    tools();
    printing();
    files();
    replaying();
    pointing();
    followTheme();
    onTheme(recolour);
    element.dataset.ready = "1";
    follow();
  })();
});
