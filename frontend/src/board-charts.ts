// What ECharts is told of a panel. Colours and sizes come from the page's tokens, so light, dark and wall are one code.
import { token } from "./theme";

export interface Series { name: string; values: (number | null)[]; hrefs: string[]; levels: string[] }
export interface Place { name: string; value: number | null; href: string }
export interface Chart {
  kind: string; unit: string; names: string[]; decimals: number | null; series?: Series[];
  values?: Place[]; layers?: string[]; areas?: string;
}
interface Feature { properties: Record<string, unknown>; geometry: { type: string; coordinates: unknown } }
type Option = Record<string, unknown>;

const LEVELS = ["red", "orange", "yellow", "blue", "green"];

class Look {
  readonly size: number;
  readonly family: string;
  constructor(private element: Element) {
    const style = getComputedStyle(element);
    this.size = parseFloat(style.fontSize);
    this.family = style.fontFamily;
  }
  token(name: string): string { return token(name, this.element); }
  get palette(): string[] { return [1, 2, 3, 4, 5, 6].map((n) => this.token(`chart-${n}`)); }
  get ink(): string { return this.token("muted"); }
  get grid(): string { return this.token("chart-grid"); }
  get card(): string { return this.token("card"); }
  get strong(): string { return this.token("ink"); }
  level(name: string): string | undefined { return LEVELS.includes(name) ? this.token(name) : undefined; }
}

const DASHES = ["solid", "dashed", "dotted", [10, 4], [4, 2, 1, 2], [12, 3, 3, 3]];
const SYMBOLS = ["circle", "rect", "triangle", "diamond", "pin", "arrow"];

export async function option(data: Chart, element: HTMLElement, register: (name: string, shape: unknown) => void, isFresh: boolean): Promise<Option> {
  const look = new Look(element);
  const shown = (value: unknown): string => {
    const found = Array.isArray(value) ? value[value.length - 1] : value;
    if (found === null || found === undefined || Number.isNaN(found)) return "—";
    const number = Number(found).toLocaleString("zh-CN", { maximumFractionDigits: data.decimals ?? 2 });
    return data.unit ? `${number} ${data.unit}` : number;
  };
  const text = { color: look.ink, fontSize: look.size, fontFamily: look.family };
  const base: Option = {
    animation: false, color: look.palette, textStyle: text,
    tooltip: { confine: true, trigger: "item", valueFormatter: shown, backgroundColor: look.card, borderColor: look.grid, textStyle: { color: look.strong, fontSize: look.size } },
  };
  if (data.kind === "map") return { ...base, ...(await map(data, look, element, register, shown, isFresh)) };
  return { ...base, ...(data.kind === "pie" ? pie(data, look, element) : lines(data, look, element)) };
}

function legend(look: Look, many: boolean): Option {
  return { show: many, type: "scroll", top: 0, left: 0, right: 0, itemWidth: look.size * 1.6, itemHeight: look.size * .7, itemGap: look.size, pageTextStyle: { color: look.ink }, textStyle: { color: look.ink, fontSize: look.size } };
}

function lines(data: Chart, look: Look, element: HTMLElement): Option {
  const series = data.series ?? [], many = series.length > 1, isBar = data.kind === "bar" || data.kind === "stacked";
  const width = element.clientWidth;
  const short = (name: string): string => name.replace(/^\d{4}-(\d{2})$/, "$1").replace(/^\d{4}-\d{2}-\d{2} /, "").replace(/^\d{4}-(\d{2}-\d{2})$/, "$1");
  const longest = Math.max(0, ...data.names.map((name) => short(name).length * (/[^ -~]/.test(name) ? 1 : .55)));
  const isWhole = series.every((line) => line.values.every((value) => Number.isInteger(value ?? 0)));
  const isTime = data.names.every((name) => /^\d{4}-/.test(name)); // days and months stand in order, from left to right
  const isLying = isBar && !isTime && longest * look.size * data.names.length > width * 1.1;
  const names = { type: "category", data: data.names, inverse: isLying, boundaryGap: isBar, axisTick: { show: false }, axisLine: { lineStyle: { color: look.grid } }, axisLabel: { color: look.ink, fontSize: look.size, formatter: short, hideOverlap: !isLying, interval: isLying ? 0 : undefined } };
  const values = { type: "value", scale: data.kind === "line", splitNumber: Math.max(1, Math.min(4, Math.floor(element.clientHeight / look.size / 3))), minInterval: isWhole ? 1 : 0, splitLine: { lineStyle: { color: look.grid } }, axisLabel: { color: look.ink, fontSize: look.size } };
  return {
    tooltip: { ...(tooltip(look)), trigger: "axis", axisPointer: { type: isBar ? "shadow" : "line" }, valueFormatter: (v: unknown) => v === null || v === undefined ? "—" : `${Number(v).toLocaleString("zh-CN", { maximumFractionDigits: data.decimals ?? 2 })} ${data.unit}` },
    legend: legend(look, many),
    grid: { left: 4, right: look.size * 1.2, top: many ? look.size * 2.2 : look.size * .8, bottom: 2, containLabel: true },
    xAxis: isLying ? values : names, yAxis: isLying ? names : values,
    series: series.map((line, n) => ({
      name: line.name, type: isBar ? "bar" : "line", stack: data.kind === "stacked" ? "all" : undefined,
      areaStyle: data.kind === "area" ? { opacity: .18 } : undefined,
      symbol: SYMBOLS[n % SYMBOLS.length], showSymbol: data.names.length < 16, symbolSize: look.size * .45, connectNulls: false,
      lineStyle: { width: Math.max(2, look.size / 8), type: many ? DASHES[n % DASHES.length] : "solid" },
      barMaxWidth: look.size * 1.6, itemStyle: isBar ? { borderRadius: data.kind === "bar" ? 3 : 0, borderColor: look.card, borderWidth: data.kind === "stacked" ? 1 : 0 } : undefined,
      label: { show: data.kind === "bar" && !many && data.names.length <= 12, position: isLying ? "right" : "top", color: look.strong, fontSize: look.size },
      data: line.values.map((value, at) => ({ value, href: line.hrefs[at], itemStyle: look.level(line.levels[at] ?? "") ? { color: look.level(line.levels[at] ?? "") } : undefined })),
    })),
  };
}

const tooltip = (look: Look): Option => ({ confine: true, backgroundColor: look.card, borderColor: look.grid, textStyle: { color: look.strong, fontSize: look.size } });

function pie(data: Chart, look: Look, element: HTMLElement): Option {
  const line = data.series?.[0], isFlat = element.clientWidth > element.clientHeight * 1.25;
  const total = (line?.values ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const share = new Map(data.names.map((name, n) => [name, line?.values[n] ?? 0]));
  return {
    legend: { type: "scroll", orient: isFlat ? "vertical" : "horizontal", right: 0, top: isFlat ? "middle" : undefined, bottom: isFlat ? undefined : 0, itemWidth: look.size * .8, itemHeight: look.size * .8, textStyle: { color: look.ink, fontSize: look.size }, formatter: (name: string) => `${name}  ${share.get(name) ?? ""}` },
    series: [{
      type: "pie", radius: ["52%", "84%"], center: isFlat ? ["28%", "50%"] : ["50%", "42%"], avoidLabelOverlap: true,
      itemStyle: { borderColor: look.card, borderWidth: 2 },
      label: { show: true, position: "center", formatter: total.toLocaleString("zh-CN"), color: look.strong, fontSize: look.size * 1.7, fontWeight: 650 },
      data: data.names.map((name, n) => ({ name, value: line?.values[n] ?? 0, href: line?.hrefs[n], itemStyle: look.level(line?.levels[n] ?? "") ? { color: look.level(line?.levels[n] ?? "") } : undefined })),
    }],
  };
}

async function json<T>(address: string): Promise<T | null> {
  const answer = await fetch(address).catch(() => null);
  return answer?.ok ? ((await answer.json()) as T) : null;
}

const CELL = 60, ROOM = 5; // pixels of a cluster's cell as the server makes it; what one needs, in heights of the type
const LIES = .87; // a degree of longitude beside one of latitude, at 30° north
type Features = { title: string; numberMatched: number; features: Feature[] };
const drawn = new Map<string, Promise<Features | null>>(); // as it was last asked for
const kept = new Map<string, { names: string[]; aspect: number; wide: number } | null>();

function lies(features: Feature[]): { aspect: number; wide: number } {
  const points = JSON.stringify(features.map((feature) => feature.geometry.coordinates)).match(/-?[\d.]+,-?[\d.]+/g) ?? [];
  const [xs, ys] = [0, 1].map((n) => points.map((pair) => Number(pair.split(",")[n]))) as [number[], number[]];
  const span = (values: number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity) - values.reduce((a, b) => Math.min(a, b), Infinity);
  return { aspect: (span(xs) * LIES) / span(ys), wide: span(xs) };
}

async function map(data: Chart, look: Look, element: HTMLElement, register: (name: string, shape: unknown) => void, shown: (value: unknown) => string, isFresh: boolean): Promise<Option> {
  const address = data.areas ?? "";
  if (!kept.has(address)) {
    const found = await json<{ features: Feature[] }>(address);
    const towns = found?.features.filter((feature) => feature.properties.level === "town") ?? [];
    register(address, { type: "FeatureCollection", features: towns });
    kept.set(address, found ? { names: towns.map((town) => String(town.properties.name)), ...lies(towns) } : null);
  }
  const known = kept.get(address);
  if (!known) return {};
  const line = look.size * 1.5, rows = Math.ceil(((data.layers ?? []).length * look.size * 9) / element.clientWidth); // of the legend
  const width = element.clientWidth - 2 * look.size, height = element.clientHeight - look.size - rows * line;
  const size = known.aspect > 1 ? Math.min(width, height * known.aspect) : Math.min(height, width / known.aspect);
  // Of a layer with many features the server gives clusters, as many as there is room for in this type on a map of this size.
  const zoom = Math.log2((Math.max(1, size) * Math.min(1, known.aspect) * 360 * CELL) / (known.wide * 512 * ROOM * look.size));
  const layers = await Promise.all((data.layers ?? []).map((layer) => {
    const wanted = `${layer}?zoom=${Math.min(24, Math.max(0, zoom)).toFixed(1)}`, found = (!isFresh && drawn.get(wanted)) || json<Features>(wanted);
    drawn.set(wanted, found);
    return found;
  }));
  const dots = layers.flatMap((layer, n) => (layer ? [{ name: `${layer.title} ${layer.numberMatched.toLocaleString("zh-CN")}`, colour: look.palette[(n + 2) % 6] ?? "", points: layer.features.filter((feature) => feature.geometry.type === "Point") }] : []));
  const values = new Map((data.values ?? []).map((place) => [place.name, place]));
  const most = Math.max(1, ...(data.values ?? []).map((place) => place.value ?? 0));
  const place = { map: address, roam: false, layoutCenter: ["50%", (element.clientHeight - rows * line) / 2], layoutSize: size, aspectScale: LIES };
  return {
    visualMap: { show: true, type: "continuous", min: 0, max: most, seriesIndex: 0, left: 0, bottom: rows * line, itemHeight: look.size * 5, itemWidth: look.size * .8, text: [shown(most), "0"], textStyle: { color: look.ink, fontSize: look.size }, inRange: { color: [look.token("jade-soft"), look.token("chart-1")] } },
    legend: { ...legend(look, dots.length > 0), type: "plain", data: dots.map((layer) => layer.name), top: undefined, left: "center", right: undefined, bottom: 0, itemGap: look.size * .5, itemWidth: look.size, itemHeight: look.size },
    geo: { ...place, silent: true, itemStyle: { areaColor: "transparent", borderWidth: 0 } },
    series: [
      {
        type: "map", ...place, selectedMode: false, showLegendSymbol: false,
        itemStyle: { borderColor: look.card, borderWidth: 1 }, emphasis: { label: { show: true, color: look.strong }, itemStyle: { areaColor: look.token("gold-soft") } },
        label: { show: true, fontSize: look.size, color: look.strong, textBorderColor: look.card, textBorderWidth: 2, formatter: (p: { name: string }) => (values.get(p.name)?.value ? p.name.replace(/(街道|土家族乡|镇|乡)$/, "") : "") },
        data: known.names.map((name) => ({ name, value: values.get(name)?.value ?? 0, href: values.get(name)?.href })),
        tooltip: { formatter: (p: { name: string; value: number }) => `${echo(p.name)}<br>${echo(shown(p.value || 0))}` },
      },
      ...dots.map((layer) => ({
        type: "scatter", coordinateSystem: "geo", name: layer.name, symbolSize: look.size * .8, z: 5, itemStyle: { color: layer.colour },
        symbol: layer.points.some((point) => point.properties.level) ? "diamond" : "circle",
        data: layer.points.map((point) => {
          const told = point.properties, colour = look.level(String(told.level ?? told.worst ?? "")) ?? layer.colour, value = [...(point.geometry.coordinates as number[])];
          if (told.count) return { name: String(told.name), value, href: "/map/", symbol: "circle", symbolSize: look.size * (1.6 + .4 * Math.log10(Number(told.count))), itemStyle: { color: look.card, borderColor: colour, borderWidth: look.size / 6, opacity: .9 }, label: { show: true, formatter: "{b}", color: look.strong, fontSize: look.size } };
          return { name: String(told.name ?? ""), value, href: told.url, symbol: told.level ? "diamond" : "circle", symbolSize: told.level ? look.size * 1.1 : look.size * .7, itemStyle: { color: colour, borderColor: look.card, borderWidth: 2 } };
        }),
        tooltip: { formatter: (p: { name: string }) => echo(`${layer.name} · ${p.name}`) },
      })),
    ],
  };
}

const echo = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
