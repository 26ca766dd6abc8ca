// The replay: a slider over the last hours or days; the map shows what was then, and how many alarms were open when.
import { ask, find, icon, isNarrow, language, words } from "./map-core";
import { showTime } from "./map-layers";

interface Activity { times: string[]; series: { title: string; values: number[] }[] }
const STEPS: Record<string, number> = { 24: 145, 168: 169, 720: 121 }; // ten minutes, an hour, six hours
let activity: Activity | null = null;
let isPlaying = false;
let round = 0;

const slider = find<HTMLInputElement>("map-time-at"), span = find<HTMLSelectElement>("map-time-span"), play = find<HTMLButtonElement>("map-time-play");

function spark(): void {
  const place = find("map-time-spark"), values = activity?.series[0]?.values ?? [];
  const most = Math.max(1, ...values), wide = Math.max(values.length - 1, 1);
  place.setAttribute("viewBox", `0 0 ${wide} 100`);
  const steps = values.flatMap((value, n) => [`L${n},${100 - (95 * (values[n - 1] ?? value)) / most}`, `L${n},${100 - (95 * value) / most}`]);
  place.innerHTML = `<path d="M0,100 ${steps.join(" ")} L${wide},100 Z"/>`;
}

async function step(): Promise<void> {
  const at = Number(slider.value), time = activity?.times[at];
  if (!activity || !time) return;
  const told = new Date(time).toLocaleString(language, { timeZone: "Asia/Shanghai", year: isNarrow ? undefined : "numeric", month: "2-digit", day: "2-digit", weekday: isNarrow ? undefined : "short", hour: "2-digit", minute: "2-digit" });
  find("map-time-now").textContent = told;
  slider.setAttribute("aria-valuetext", told);
  find("map-time-count").textContent = activity.series.map((one) => `${one.title} ${one.values[at]}`).join(" · ");
  await showTime(time);
}

function pause(): void {
  isPlaying = false;
  round += 1;
  play.replaceChildren(icon("player-play"));
  play.setAttribute("aria-label", words.play);
}

async function run(): Promise<void> {
  isPlaying = true;
  const own = (round += 1);
  play.replaceChildren(icon("player-pause"));
  play.setAttribute("aria-label", words.pause);
  if (Number(slider.value) >= Number(slider.max)) slider.value = "0";
  while (isPlaying && own === round) {
    const pace = new Promise((done) => setTimeout(done, Number(find<HTMLSelectElement>("map-time-speed").value)));
    await Promise.all([step(), pace]);
    if (own !== round) return;
    if (Number(slider.value) >= Number(slider.max)) return pause();
    slider.value = String(Number(slider.value) + 1);
  }
}

async function opened(): Promise<void> {
  pause();
  const hours = Number(span.value), steps = STEPS[span.value], end = Math.floor(Date.now() / 60_000) * 60_000;
  const iso = (time: number): string => new Date(time).toISOString();
  activity = await ask<Activity>("activity", { from: iso(end - hours * 3600_000), to: iso(end), steps: String(steps) });
  if (!activity) return;
  slider.max = String(steps - 1);
  slider.value = String(steps - 1);
  spark();
  find("map-time").hidden = false;
  find("map-time-open").setAttribute("aria-expanded", "true");
  document.querySelector(".one-map")?.classList.add("is-past");
  find("live-state").dataset.past = words.replayOf;
  await step();
}

async function live(): Promise<void> {
  pause();
  find("map-time").hidden = true;
  find("map-time-open").setAttribute("aria-expanded", "false");
  document.querySelector(".one-map")?.classList.remove("is-past");
  await showTime(null);
  find("map-time-open").focus();
}

export function replaying(): void {
  find("map-time-open").addEventListener("click", () => void (find("map-time").hidden ? opened() : live()));
  find("map-time-live").addEventListener("click", () => void live());
  span.addEventListener("change", () => void opened());
  play.addEventListener("click", () => void (isPlaying ? pause() : run()));
  let waiting = 0;
  slider.addEventListener("input", () => {
    pause();
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void step(), 120);
  });
}
