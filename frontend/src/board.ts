// A board: charts of its panels, panels anew when something happened, a clock and a link that show whether it lives.
import "./board.css";
import { BarChart, LineChart, MapChart, PieChart, ScatterChart } from "echarts/charts";
import { GeoComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { option, type Chart } from "./board-charts";
import { onTheme } from "./theme";

echarts.use([BarChart, LineChart, MapChart, PieChart, ScatterChart, GeoComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

const SETTLE = 1500, AGAIN = 3000, EVERY = 60_000, FIRST_TRY = 2000, LONGEST_TRY = 30_000;
const board = document.querySelector<HTMLElement>("[data-board]");
const isWall = board?.dataset.wall !== undefined;
const charts = new Map<string, echarts.ECharts>();
const watched = new WeakSet<Element>();

// The old chart stays until the new one can take its place; of two that are asked for, the later one does.
const rounds = new Map<string, number>();
async function draw(element: HTMLElement, isFresh = true): Promise<void> {
  const source = document.getElementById(element.dataset.boardChart ?? "");
  if (!source?.textContent) return;
  const data = JSON.parse(source.textContent) as Chart, id = element.dataset.boardChart ?? "", round = (rounds.get(id) ?? 0) + 1;
  rounds.set(id, round);
  const made = await option(data, element, (name, shape) => echarts.registerMap(name, shape as never), isFresh);
  if (rounds.get(id) !== round || !element.isConnected) return;
  charts.get(id)?.dispose();
  const chart = echarts.init(element, null, { locale: document.documentElement.lang.startsWith("en") ? "EN" : "ZH" });
  charts.set(id, chart);
  chart.setOption(made as never);
  element.dataset.drawn = "";
  chart.on("click", (event) => {
    const href = (event.data as { href?: string } | undefined)?.href;
    if (href) window.location.href = href;
  });
  if (!watched.has(element)) new ResizeObserver(() => charts.get(id)?.resize()).observe(element);
  watched.add(element);
}

function dress(root: ParentNode, isFresh = true): void {
  root.querySelectorAll<HTMLElement>("[data-board-chart]").forEach((element) => void draw(element, isFresh));
  root.querySelectorAll<HTMLElement>("[data-way]").forEach((bar) => {
    const share = Number((bar.dataset.way ?? "").replace(/,/g, ""));
    bar.style.width = `${Number.isFinite(share) ? Math.min(100, Math.max(0, share)) : 0}%`;
  });
}

// Panels come as HTML; one that did not change is left alone, so that nothing flickers and a focus stays.
function replace(text: string): void {
  const found = new DOMParser().parseFromString(text, "text/html");
  found.querySelectorAll<HTMLElement>("[data-panel]").forEach((fresh) => {
    const old = document.getElementById(fresh.id);
    if (!old || (old as HTMLElement & { came?: string }).came === fresh.outerHTML) return;
    const came = fresh.outerHTML, isOpen = old.querySelector("details")?.open, had = old.contains(document.activeElement);
    const chart = old.querySelector("[data-board-chart]"); // it goes over, drawn as it is
    if (chart) fresh.querySelector("[data-board-chart]")?.replaceWith(chart);
    old.replaceWith(document.adoptNode(fresh));
    (fresh as HTMLElement & { came?: string }).came = came;
    if (isOpen) fresh.querySelector("details")?.setAttribute("open", "");
    if (had) fresh.querySelector<HTMLElement>("a,summary")?.focus();
    dress(fresh);
  });
  found.querySelectorAll<HTMLElement>("[data-foot]").forEach((fresh) => document.querySelector(`[data-foot="${fresh.dataset.foot}"]`)?.replaceChildren(...fresh.childNodes));
  // Answers are kept for a moment: where one is older than the last event, look again.
  const age = Number(found.querySelector<HTMLElement>("[data-age]")?.dataset.age ?? 0);
  if (happened && age * 1000 > Date.now() - happened) soon(AGAIN);
  const asked = found.querySelector<HTMLElement>("[data-asked]")?.dataset.asked, shown = document.querySelector<HTMLTimeElement>("time[data-asked]");
  if (asked && shown) {
    shown.dateTime = asked;
    shown.textContent = county(new Date(asked));
  }
}

// County time (UTC+8), wherever the browser is.
const county = (moment: Date): string => moment.toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai", hour12: false });

let isAsking = false, isAskedAgain = false;
async function refresh(only = ""): Promise<void> {
  if (isAsking) {
    isAskedAgain = true;
    return;
  }
  isAsking = true;
  try {
    const answer = await fetch(`${board?.dataset.board}${only ? `?only=${only}` : ""}`, { headers: { "X-Requested-With": "fetch" } });
    if (answer.redirected || answer.status === 403) return window.location.reload();
    if (answer.ok) replace(await answer.text());
    told(answer.ok);
  } catch {
    told(false);
  } finally {
    isAsking = false;
    if (isAskedAgain) {
      isAskedAgain = false;
      soon();
    }
  }
}

let waiting = 0, happened = 0;
function soon(pause = SETTLE): void {
  window.clearTimeout(waiting);
  waiting = window.setTimeout(() => void refresh(), pause);
}

function told(isOn: boolean): void {
  const link = document.querySelector<HTMLElement>("[data-link]");
  if (!link) return;
  link.classList.toggle("is-on", isOn);
  link.classList.toggle("is-off", !isOn);
  const words = (isOn ? link.dataset.wordsOn : link.dataset.wordsOff) ?? "";
  if (link.textContent !== words) link.textContent = words;
}

function listen(pause = FIRST_TRY): void {
  const source = new EventSource("/live");
  source.addEventListener("open", () => {
    pause = FIRST_TRY;
    told(true);
    soon();
  });
  source.addEventListener("error", () => {
    told(false);
    source.close();
    window.setTimeout(() => listen(Math.min(pause * 2, LONGEST_TRY)), pause);
  });
  for (const topic of ["alarms", "cases"]) source.addEventListener(topic, () => {
    happened = Date.now();
    soon();
  });
  window.addEventListener("pagehide", () => source.close());
}

function tick(): void {
  const clock = document.querySelector<HTMLElement>("[data-clock]");
  if (!clock) return;
  const now = new Date(), zone = "Asia/Shanghai", lang = document.documentElement.lang;
  const day = now.toLocaleDateString(lang, { timeZone: zone, month: "long", day: "numeric", weekday: "short" });
  clock.textContent = `${day} ${county(now)}`;
}

if (board) {
  let isFresh = true; // another theme asks the server for nothing
  onTheme(() => {
    dress(document, isFresh);
    isFresh = false;
  });
  const late = [...document.querySelectorAll<HTMLElement>("[data-pending]")].map((panel) => panel.dataset.panel).filter(Boolean);
  if (late.length) void refresh(late.join(","));
  listen();
  window.setInterval(() => document.hidden && !isWall ? undefined : void refresh(), EVERY);
  tick();
  window.setInterval(tick, 1000);
  if (board.dataset.rotate && board.dataset.following) {
    const following = board.dataset.following;
    window.setTimeout(() => (window.location.href = following), Number(board.dataset.rotate) * 1000);
  }
}

// What is being composed lies behind glass as small as the page has room for.
function fit(): void {
  document.querySelectorAll<HTMLElement>("[data-glass]").forEach((glass) => {
    const frame = glass.querySelector("iframe");
    if (!frame) return;
    const scale = Math.min(1, glass.clientWidth / frame.offsetWidth);
    frame.style.transform = `scale(${scale})`;
    glass.style.height = `${frame.offsetHeight * scale}px`;
  });
}
fit();
window.addEventListener("resize", fit);
document.addEventListener("htmx:afterSettle", fit);
