// The ground of the map: relief, neighbours, the county's outline, its towns and their names.
import type { FilterSpecification, ImageSource, LayerSpecification } from "maplibre-gl";
import type { FeatureCollection } from "geojson";
import { isNarrow, map, settings, themed } from "./map-core";
import { onTheme } from "./theme";

// Elevations as a tinted and shaded picture, one for each theme; without one the county is plain.
function relief(): void {
  if (!settings.relief) return;
  const { corners, urls } = settings.relief, theme = (): string => (document.documentElement.dataset.bsTheme === "dark" ? urls.dark : urls.light);
  map.addSource("relief", { type: "image", url: theme(), coordinates: corners });
  map.addLayer({ id: "relief", type: "raster", source: "relief", paint: { "raster-fade-duration": 0 } });
  onTheme(() => {
    const source = map.getSource<ImageSource>("relief");
    if (source && source.url !== theme()) source.updateImage({ url: theme() });
  });
}

// Everything but the county, so that the county stands out.
function outside(data: FeatureCollection): FeatureCollection {
  const county = data.features.find((f) => f.properties?.level === "county")?.geometry;
  const shapes = county?.type === "Polygon" ? [county.coordinates] : county?.type === "MultiPolygon" ? county.coordinates : [];
  const world = [[-180, -85], [180, -85], [180, 85], [-180, 85], [-180, -85]];
  return { type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [world, ...shapes.map(([outer]) => outer)] } }] };
}

export async function ground(): Promise<void> {
  const data = (await (await fetch(settings.areas)).json()) as FeatureCollection;
  relief();
  map.addSource("areas", { type: "geojson", data });
  map.addSource("outside", { type: "geojson", data: outside(data) });
  const features = data.features.filter((f) => f.properties?.point).map((f) => ({
    type: "Feature" as const, properties: f.properties, geometry: { type: "Point" as const, coordinates: f.properties?.point as [number, number] },
  }));
  map.addSource("names", { type: "geojson", data: { type: "FeatureCollection", features } });
  const of = (level: string): FilterSpecification => ["==", ["get", "level"], level];
  const layers: [LayerSpecification, Record<string, string>][] = [
    [{ id: "county-fill", type: "fill", source: "areas", filter: of("county"), paint: { "fill-opacity": settings.relief ? 0.2 : 1 } }, { "fill-color": "map-land" }],
    [{ id: "outside", type: "fill", source: "outside", paint: { "fill-opacity": 0.55, "fill-antialias": false } }, { "fill-color": "map-around" }],
    [{ id: "neighbour-line", type: "line", source: "areas", filter: of("neighbour"), paint: { "line-width": 1, "line-dasharray": [6, 2, 1, 2] } }, { "line-color": "map-town" }],
    [{ id: "town-line", type: "line", source: "areas", filter: of("town"), paint: { "line-width": 1, "line-dasharray": [3, 2] } }, { "line-color": "map-town" }],
    [{ id: "county-line", type: "line", source: "areas", filter: of("county"), paint: { "line-width": 2.2 } }, { "line-color": "map-line" }],
    [{
      id: "neighbour-name", type: "symbol", source: "names", filter: of("neighbour"),
      layout: { "text-field": ["get", "name"], "text-size": isNarrow ? 11 : 13, "text-font": ["sans-serif"], "text-letter-spacing": 0.15, "text-max-width": 7 },
      paint: { "text-halo-width": 1.2, "text-opacity": 0.75 },
    }, { "text-color": "muted", "text-halo-color": "map-around" }],
    [{
      id: "town-name", type: "symbol", source: "names", filter: ["!=", ["get", "level"], "neighbour"],
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
