// A form that follows what is typed: the server draws it anew and the fields are morphed in place, so that what applies now,
// what may be chosen now and what is computed is there, and nothing typed is lost. Without this script the same buttons
// send the whole form, and saving says what is missing.
import { Idiomorph } from "idiomorph";

const FIELDS = "record-fields";
let running: XMLHttpRequest | undefined;
let uploading = false;
let waiting = 0;

const live = (target: EventTarget | null): HTMLFormElement | null => (target as HTMLElement).closest<HTMLFormElement>("form[data-live]");

function ask(form: HTMLFormElement, act: string, file?: HTMLInputElement): void {
  clearTimeout(waiting);
  if (uploading) return;
  running?.abort();
  const body = new FormData(form);
  for (const [name, value] of [...body]) if (value instanceof File && name !== file?.name) body.delete(name);
  body.set("_act", act);
  const request = (running = new XMLHttpRequest());
  uploading = file !== undefined;
  const progress = form.querySelector("progress");
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    if (!file || !progress) return;
    progress.hidden = false;
    progress.value = loaded / total;
  });
  request.addEventListener("loadend", () => {
    if (request !== running && running) return;
    uploading = false;
    if (progress) progress.hidden = true;
    if (file) ask(form, "refresh"); // what was typed meanwhile
  });
  request.open("POST", form.action);
  request.addEventListener("load", () => {
    running = undefined;
    const fresh = new DOMParser().parseFromString(request.responseText, "text/html").getElementById(FIELDS);
    const fields = form.querySelector<HTMLElement>(`#${FIELDS}`);
    if (request.status !== 200 || !fresh || !fields) return;
    const block = file?.closest<HTMLElement>("[id^=block-]");
    const morphed = block ? fresh.querySelector<HTMLElement>(`[id="${block.id}"]`) : fresh;
    if (morphed) Idiomorph.morph(block ?? fields, morphed, { ignoreActiveValue: true });
    if (file) file.value = "";
    if (act.startsWith("add:")) lastRow(act.slice(4))?.focus();
  });
  request.addEventListener("error", () => (running = undefined)); // saving still works, and says what is wrong
  request.send(body);
}

const lastRow = (name: string): HTMLElement | null | undefined =>
  [...(document.getElementById(name)?.querySelectorAll(":scope > .rows-row") ?? [])].at(-1)
    ?.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea");

document.addEventListener("submit", (event) => {
  const form = live(event.target), button = event.submitter as HTMLButtonElement | null;
  if (!form || button?.name !== "_act") return;
  event.preventDefault();
  ask(form, button.value);
});

document.addEventListener("change", (event) => {
  const form = live(event.target), input = event.target as HTMLInputElement;
  if (form && input.closest(`#${FIELDS}`)) ask(form, "refresh", input.type === "file" ? input : undefined);
});

// An answer to what was there before the last stroke must not overwrite it.
document.addEventListener("input", (event) => {
  const form = live(event.target);
  if (!form || !running) return;
  running.abort();
  running = undefined;
  clearTimeout(waiting);
  waiting = window.setTimeout(() => ask(form, "refresh"), 300);
});
