// Charts of values over time: an element with data-chart names the JSON script that holds its data.
import { BarChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { onTheme, token } from "./theme";

echarts.use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

type Point = [time: string, value: number | null, verdict: number, origin: number, period?: string];
interface Series { unit: string; points: Point[]; limit?: string; again?: string; range?: (number | null)[]; span?: [string, string]; spans?: [string, string][]; gaps?: [string, string][]; raised?: string; path?: [string, number, string][] }

function limits(text: string | undefined): number[] {
  return (text?.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
}

// What a rule judges by is seen even while all values lie far from it.
const reach = (ends: number[]): object => ends.length ? { min: (v: { min: number }) => Math.min(v.min, ...ends), max: (v: { max: number }) => Math.max(v.max, ...ends) } : {};

// The axis shows county time (UTC+8) wherever the browser is.
const COUNTY = 8 * 3600_000;
const local = (time: string): number => Date.parse(time) + COUNTY;

// A line is broken where readings are missing: nothing is drawn into a gap.
function broken(points: Point[], gaps: [string, string][]): [number, number | null][] {
  const breaks = gaps.map((gap): [number, number | null] => [(local(gap[0]) + local(gap[1])) / 2, null]);
  const drawn = points.map((p): [number, number | null] => [local(p[0]), p[1]]);
  return [...drawn, ...breaks].sort((a, b) => a[0] - b[0]);
}

function draw(element: HTMLElement): void {
  const source = document.getElementById(element.dataset.chart ?? "");
  if (!source?.textContent) return;
  const data = JSON.parse(source.textContent) as Series, text = element.dataset;
  const chart = echarts.init(element, null, { locale: document.documentElement.lang.startsWith("en") ? "EN" : "ZH" });
  const good = data.points.filter((p) => p[2] === 0), doubtful = data.points.filter((p) => p[2] !== 0);
  const gaps = data.gaps ?? [];
  const hasPath = Boolean(data.path?.length);
  const periods = new Map([...(data.path ?? []).map((p) => [local(p[0]), p[2]] as const), ...data.points.map((p) => [local(p[0]), p[4] ?? ""] as const)]);
  const byYear = hasPath ? { minInterval: 365 * 86400_000, axisPointer: { label: { formatter: ({ value }: { value: unknown }) => periods.get(Number(value)) ?? "" } } } : {};
  const paint = (): void => {
    const [jade, gold, red, grey, ink, grid] = ["chart-1", "chart-2", "red", "muted", "muted", "chart-grid"].map((name) => token(name, element));
    chart.setOption({
    animation: false,
    useUTC: true,
    legend: { show: hasPath || doubtful.length > 0, top: 0, right: 0, itemWidth: 18, textStyle: { color: ink } },
    grid: { left: 52, right: 18, top: 34, bottom: 30 },
    tooltip: { trigger: "axis", confine: true, backgroundColor: token("card", element), borderColor: grid, textStyle: { color: token("ink", element) }, valueFormatter: (v: unknown) => `${v ?? "—"} ${data.unit}` },
    xAxis: { type: "time", splitNumber: element.clientWidth < 480 ? 4 : 8, axisLabel: { hideOverlap: true, color: ink }, ...byYear },
    yAxis: { type: "value", scale: true, ...reach(limits(data.limit)), name: data.unit, nameTextStyle: { align: "left", color: ink }, splitLine: { lineStyle: { color: grid } }, axisLabel: { color: ink } },
    series: [
      {
        name: text.textValue, type: "line", data: broken(good, gaps), connectNulls: false, showSymbol: good.length < 60, symbolSize: 5, lineStyle: { width: 2, color: jade }, itemStyle: { color: jade },
        markLine: {
          silent: true, symbol: "none",
          data: [
            ...limits(data.limit).map((y) => ({ yAxis: y, lineStyle: { color: red, type: "dashed" as const }, label: { formatter: `${text.textLimit} ${y}`, position: "insideEndTop" as const, color: red } })),
            ...limits(data.again).map((y) => ({ yAxis: y, lineStyle: { color: gold, type: "dotted" as const }, label: { formatter: `${text.textAgain} ${y}`, position: "insideStartBottom" as const, color: gold } })),
            ...(data.range ?? []).filter((y): y is number => y !== null).map((y) => ({ yAxis: y, lineStyle: { color: grey, type: "dotted" as const }, label: { formatter: `${text.textRange} ${y}`, position: "insideEndTop" as const, color: grey } })),
            ...(data.raised ? [{ xAxis: local(data.raised), lineStyle: { color: gold }, label: { show: false } }] : []),
          ],
        },
        markArea: {
          silent: true,
          data: [
            ...[...(data.span ? [data.span] : []), ...(data.spans ?? [])].map(([from, to]) => [{ xAxis: local(from), itemStyle: { color: red, opacity: .08 } }, { xAxis: local(to) }] as [object, object]),
            ...gaps.map(([from, to], n) => [{ xAxis: local(from), itemStyle: { color: grey, opacity: .12 }, label: { show: n === 0, formatter: text.textGap, position: "insideBottom" as const, color: grey } }, { xAxis: local(to) }] as [object, object]),
          ],
        },
      },
      ...(doubtful.length ? [{ name: text.textDoubtful, type: "scatter" as const, data: doubtful.map((p) => [local(p[0]), p[1]]), symbolSize: 7, itemStyle: { color: grey } }] : []),
      ...(hasPath ? [{ name: text.textPath, type: "line" as const, data: data.path?.map((p) => [local(p[0]), p[1]]), showSymbol: false, lineStyle: { type: "dashed" as const, color: gold }, itemStyle: { color: gold } }] : []),
    ],
    }, true);
  };
  onTheme(paint);
  new ResizeObserver(() => chart.resize()).observe(element);
}

document.querySelectorAll<HTMLElement>("[data-chart]").forEach(draw);
