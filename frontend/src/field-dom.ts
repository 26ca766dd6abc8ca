// Small means of the field page: words, elements, toasts, distances.
import type { Place } from "./field-store";

export const by = (id: string): HTMLElement => document.getElementById(id)!;
export const words = JSON.parse(by("field-words").textContent!) as Record<string, string>;
const sprite = by("field").dataset.icons!;

/** A word of the page with its %s filled in. */
export const say = (name: string, ...parts: (string | number)[]): string => parts.reduce<string>((text, part) => text.replace("%s", String(part)), words[name] ?? name);

type Child = Node | string | undefined | false;
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, css = "", ...children: Child[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (css) made.className = css;
  made.append(...children.filter((one): one is Node | string => Boolean(one)));
  return made;
}

export function icon(name: string): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${sprite}#${name}`);
  made.append(use);
  return made;
}

export function button(css: string, text: string, act: () => unknown, sign = ""): HTMLButtonElement {
  const made = el("button", `btn ${css}`, sign ? icon(sign) : undefined, text ? ` ${text}` : undefined);
  made.type = "button";
  made.addEventListener("click", () => void act());
  return made;
}

export function toast(text: string, kind = ""): void {
  const made = el("div", `toast-sz ${kind && `is-${kind}`}`, text);
  by("toasts").replaceChildren(made); // one at a time: a hand is busy below
  setTimeout(() => made.remove(), 8000);
}

const EARTH = 6_371_008.8; // metres, the mean radius (IUGG)
export function metres(one: Place, [longitude, latitude]: [number, number]): number {
  const rad = (degrees: number): number => (degrees * Math.PI) / 180;
  const across = Math.sin(rad(latitude - one.latitude) / 2) ** 2;
  const along = Math.cos(rad(latitude)) * Math.cos(rad(one.latitude)) * Math.sin(rad(longitude - one.longitude) / 2) ** 2;
  return 2 * EARTH * Math.asin(Math.sqrt(across + along));
}
export const far = (value: number): string => (Math.round(value) < 1000 ? `${Math.round(value)} m` : `${(value / 1000).toFixed(1)} km`);

const language = document.documentElement.lang;
export const clock = (at: string): string => new Date(at).toLocaleString(language, { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });

/** Time left until a deadline, or how late it is: whole hours and days, as the pages say it. */
export function until(at: string): HTMLElement {
  const minutes = Math.round((new Date(at).getTime() - Date.now()) / 60_000), size = Math.abs(minutes);
  const span = size < 60 ? say("minutes", size) : size < 1440 ? say("hours", Math.floor(size / 60)) : say("days", Math.floor(size / 1440));
  return el("span", minutes < 0 ? "text-danger fw-bold" : "text-secondary", say(minutes < 0 ? "late" : "left", span));
}

// Where the phone is: asked for where it is first needed, followed as long as the page is open.
let here: Place | undefined, watching = false;
const followers: ((place: Place, moment: number) => void)[] = [];
export const position = (): Place | undefined => here;
export function follow(act?: (place: Place, moment: number) => void): void {
  if (act && !followers.includes(act)) followers.push(act);
  if (watching || !("geolocation" in navigator)) return;
  watching = true;
  const options = { enableHighAccuracy: true, maximumAge: 5000, timeout: 60_000 };
  navigator.geolocation.watchPosition(({ coords, timestamp }) => {
    here = { longitude: coords.longitude, latitude: coords.latitude, accuracy: coords.accuracy };
    followers.forEach((tell) => tell(here!, timestamp));
  }, ({ code }) => { if (code === 1) watching = false; }, options);
}
