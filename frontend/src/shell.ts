// The shell's behaviours: menu, sheets, keyboard, toasts, waiting. Texts come from the page, in its language.
import { pick, placeText } from "./pick";

const by = <T extends HTMLElement>(id: string): T | null => document.getElementById(id) as T | null;

// Find in the menu: entries that have what is typed; Enter opens the first.
document.querySelectorAll<HTMLInputElement>("[data-menu-find]").forEach((input) => {
  const room = input.closest("nav, dialog")!;
  const filter = (): void => {
    const wanted = input.value.trim().toLowerCase();
    let found = 0;
    room.querySelectorAll<HTMLDetailsElement>(".menu-group").forEach((group) => {
      let here = 0;
      group.querySelectorAll<HTMLElement>("li").forEach((line) => {
        line.hidden = !(line.dataset.words ?? "").includes(wanted);
        if (!line.hidden) here++;
      });
      group.hidden = here === 0;
      if (wanted && here) group.open = true;
      found += here;
    });
    room.querySelector<HTMLElement>(".menu-none")!.hidden = found > 0;
  };
  input.addEventListener("input", filter);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") room.querySelector<HTMLAnchorElement>(".menu-group:not([hidden]) li:not([hidden]) a")?.click();
    if (event.key === "Escape" && input.value) { input.value = ""; filter(); event.stopPropagation(); event.preventDefault(); }
  });
});

// A long menu begins where one is.
document.querySelector(".rail [aria-current]")?.scrollIntoView({ block: "nearest" });

document.addEventListener("click", (event) => {
  const target = event.target as HTMLElement;
  const opener = target.closest<HTMLElement>("[data-open]");
  if (opener) by<HTMLDialogElement>(opener.dataset.open!)?.showModal();
  if (target instanceof HTMLDialogElement) target.close(); // the ground around a sheet
});

// Shortcuts: never while somebody types, never with Ctrl or Alt, and off for who wants them off (WCAG 2.1.4).
const OFF = "shizhu-keys-off", on = by<HTMLInputElement>("keys-on");
if (on) {
  on.checked = localStorage.getItem(OFF) === null;
  on.addEventListener("change", () => (on.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
}
let went = 0;
document.addEventListener("keydown", (event) => {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || localStorage.getItem(OFF) !== null) return;
  if (target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
  if (event.key === "/") {
    const field = by<HTMLInputElement>("top-search") ?? document.querySelector<HTMLInputElement>("main input[type=search]");
    if (field?.checkVisibility()) { field.focus(); event.preventDefault(); }
  } else if (event.key === "?") by<HTMLDialogElement>("keys-sheet")?.showModal();
  else if (event.key === "g") went = event.timeStamp;
  else if (event.timeStamp - went < 1500) document.querySelector<HTMLAnchorElement>(`a[data-key="${CSS.escape(event.key)}"]`)?.click();
});

// Toasts: what htmx could not do, and whether there is a network.
export function toast(text: string, kind: "bad" | "good" | "" = "", stays = false): HTMLElement | undefined {
  const room = by("toasts");
  if (!room) return undefined;
  const made = document.createElement("div"), close = document.createElement("button");
  made.className = `toast-sz ${kind && `is-${kind}`}`;
  made.append(Object.assign(document.createElement("span"), { textContent: text }));
  made.firstElementChild!.setAttribute("style", "flex: 1");
  Object.assign(close, { type: "button", textContent: "×" });
  close.setAttribute("aria-label", room.dataset.textClose ?? "");
  close.addEventListener("click", () => made.remove());
  made.append(close);
  room.querySelectorAll(".toast-sz").forEach((before) => { if (before.firstChild!.textContent === text) before.remove(); });
  room.append(made);
  if (!stays) setTimeout(() => made.remove(), 12_000);
  return made;
}
const told = by("toasts")?.dataset ?? {};
document.addEventListener("htmx:responseError", (event) => {
  const status = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr.status;
  if (status === 401) return; // the page asks to log in
  toast((status >= 500 ? told.textBroken : told.textRefused) ?? "", "bad");
});
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => toast(told.textUnreached ?? "", "bad"));
let offline: HTMLElement | undefined;
window.addEventListener("offline", () => { offline ??= toast(told.textOffline ?? "", "bad", true); });
window.addEventListener("online", () => { if (offline) { offline.remove(); offline = undefined; toast(told.textOnline ?? "", "good"); } });

// Waiting: a line at the top when an answer takes longer than a third of a second.
const line = by("loading");
let waits = 0, timer = 0;
function wait(more: number): void {
  waits = Math.max(0, waits + more);
  clearTimeout(timer);
  if (!line) return;
  if (waits) timer = window.setTimeout(() => (line.hidden = false), 350);
  else line.hidden = true;
}
document.addEventListener("htmx:beforeRequest", () => wait(1));
document.addEventListener("htmx:afterRequest", () => wait(-1));
window.addEventListener("beforeunload", (event) => {
  wait(1);
  setTimeout(() => { if (event.defaultPrevented) wait(-1); }); // who was asked whether to leave may have stayed
});
window.addEventListener("pageshow", () => { waits = 0; wait(0); });
document.addEventListener("click", (event) => { // a download does not leave the page
  if ((event.target as HTMLElement).closest("a[download]")) setTimeout(() => { waits = 0; wait(0); }, 1500);
});

// A form of several moves shows the fields of the chosen one; the others are not asked for.
document.querySelectorAll<HTMLFormElement>("form[data-moves]").forEach((form) => {
  const show = (): void => form.querySelectorAll<HTMLElement>("[data-for]").forEach((field) => {
    field.hidden = !field.dataset.for!.split(" ").includes(new FormData(form).get("do") as string);
    field.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select").forEach((input) => (input.disabled = field.hidden));
  });
  form.addEventListener("change", show);
  show();
});

if (document.querySelector("[data-tour]")) void import("./tour").then((tour) => tour.prepare());

// "Where I stand": the position of the phone into the two fields beside the button, or into the one that it names.
document.querySelectorAll<HTMLButtonElement>("[data-here]").forEach((button) => {
  const field = (name: string) => button.form?.elements.namedItem(name) as HTMLInputElement | null;
  button.addEventListener("click", () => navigator.geolocation?.getCurrentPosition(({ coords }) => {
    const point = field(button.dataset.here!);
    if (point) point.value = placeText(coords.longitude, coords.latitude);
    for (const name of ["longitude", "latitude"] as const) { const input = field(name); if (input) input.value = coords[name].toFixed(6); }
  }, undefined, { enableHighAccuracy: true, timeout: 20_000 }));
});

// "Choose on the map": a place that is tapped, into the field that the button names.
document.addEventListener("click", (event) => {
  const button = (event.target as HTMLElement).closest<HTMLButtonElement>("[data-pick]");
  const input = button?.form?.elements.namedItem(button.dataset.pick!) as HTMLInputElement | null | undefined;
  if (input) void pick(input.value, button!.textContent.trim()).then((place) => { if (place) input.value = place; });
});

// On a phone a page that offers much has it behind one button.
document.addEventListener("click", (event) => {
  const button = document.querySelector<HTMLButtonElement>("[data-actions]"), bar = button?.closest(".topbar");
  if (!button || !bar) return;
  const isOpen = button.contains(event.target as Node) && button.ariaExpanded !== "true";
  bar.classList.toggle("is-open", isOpen);
  button.ariaExpanded = String(isOpen);
});
