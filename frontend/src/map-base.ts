// The ground of the map: the county's outline, its towns and their names.
import type { FilterSpecification, LayerSpecification } from "maplibre-gl";
import type { FeatureCollection } from "geojson";
import { isNarrow, map, settings, themed } from "./map-core";

export async function ground(): Promise<void> {
  const data = (await (await fetch(settings.areas)).json()) as FeatureCollection;
  map.addSource("areas", { type: "geojson", data });
  const features = data.features.filter((f) => f.properties?.point).map((f) => ({
    type: "Feature" as const, properties: f.properties, geometry: { type: "Point" as const, coordinates: f.properties?.point as [number, number] },
  }));
  map.addSource("names", { type: "geojson", data: { type: "FeatureCollection", features } });
  const of = (level: string): FilterSpecification => ["==", ["get", "level"], level];
  const layers: [LayerSpecification, Record<string, string>][] = [
    [{ id: "county-fill", type: "fill", source: "areas", filter: of("county") }, { "fill-color": "map-land" }],
    [{ id: "town-line", type: "line", source: "areas", filter: of("town"), paint: { "line-width": 1, "line-dasharray": [3, 2] } }, { "line-color": "map-town" }],
    [{ id: "county-line", type: "line", source: "areas", filter: of("county"), paint: { "line-width": 2.2 } }, { "line-color": "map-line" }],
    [{
      id: "town-name", type: "symbol", source: "names",
      layout: {
        "text-field": ["get", "name"], "text-size": isNarrow ? 11 : 12, "text-font": ["sans-serif"], "text-padding": 1, "text-max-width": 7,
        "text-variable-anchor": ["center", "bottom", "top", "right", "left"], "text-radial-offset": 1.15,
      },
      paint: { "text-halo-width": 1.2 },
    }, { "text-color": "muted", "text-halo-color": "map-land" }],
  ];
  for (const [layer, colours] of layers) {
    map.addLayer(layer);
    themed(layer.id, colours);
  }
  themed("paper", { "background-color": "map-around" });
}
