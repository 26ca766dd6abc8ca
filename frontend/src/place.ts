// A place is chosen by a tap on the map, or is where the phone is; the page around hears of it.
import maplibregl from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import "./map.css";
import { ground } from "./map-base";
import { bases } from "./map-bases";
import { element, find, followTheme, hint, home, map, words } from "./map-core";
import { placeText } from "./pick";

const take = find<HTMLButtonElement>("place-take"), told = find("place-told");
const marker = new maplibregl.Marker({ color: "#0f6e66" });
let place = "";

function put(longitude: number, latitude: number): void {
  place = placeText(longitude, latitude);
  marker.setLngLat([longitude, latitude]).addTo(map);
  told.textContent = place;
  take.disabled = false;
}
const tell = (chosen?: string): void => parent.postMessage({ place: chosen }, location.origin);

map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-left");
map.on("click", ({ lngLat }) => put(lngLat.lng, lngLat.lat));
take.addEventListener("click", () => tell(place));
find("place-leave").addEventListener("click", () => tell());
document.addEventListener("keydown", ({ key }) => { if (key === "Escape") tell(); });
find("place-here").addEventListener("click", () => navigator.geolocation?.getCurrentPosition(({ coords }) => {
  put(coords.longitude, coords.latitude);
  map.jumpTo({ center: [coords.longitude, coords.latitude], zoom: Math.max(map.getZoom(), 14) });
}, () => hint(words.noPosition), { enableHighAccuracy: true, timeout: 20_000 }));
map.on("load", () => {
  home();
  const [longitude, latitude] = (element.dataset.at ?? "").split(",").map(Number);
  if (element.dataset.at) {
    put(longitude, latitude);
    map.jumpTo({ center: [longitude, latitude], zoom: 13 });
  }
  void ground().then(() => {
    bases();
    followTheme();
    element.dataset.ready = "1";
  });
});
