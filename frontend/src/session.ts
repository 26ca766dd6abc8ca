// What was typed is not sent to where it would be lost: a page that stood open for a while asks first whether the server is
// there and whether the same person is still logged in. If not, the form stays as it is and the page says what to do.
import { toast } from "./shell";

const FRESH = 60_000; // ms a page is trusted for
const person = document.body.dataset.person;
const sheet = document.getElementById("session-sheet") as HTMLDialogElement | null;
let known = Date.now(), asking = false;

async function ask(form: HTMLFormElement, button: HTMLElement | null): Promise<void> {
  let told: { person: number; token: string };
  try {
    const answer = await fetch("/login/state", { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    told = await answer.json();
  } catch {
    toast(document.getElementById("toasts")?.dataset.textUnreached ?? "", "bad");
    return;
  }
  if (String(told.person) !== person) return sheet?.showModal();
  known = Date.now();
  document.querySelectorAll<HTMLInputElement>("input[name=csrfmiddlewaretoken]").forEach((one) => { one.value = told.token; });
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": told.token }));
  form.requestSubmit(button);
}

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (event.defaultPrevented || !person || form.getAttribute("method")?.toLowerCase() !== "post") return;
  if ((Date.now() - known < FRESH && navigator.onLine) || !form.querySelector("input:not([type=hidden]), textarea, select")) return;
  event.preventDefault();
  if (asking) return;
  asking = true;
  void ask(form, event.submitter).finally(() => { asking = false; });
});
document.addEventListener("htmx:responseError", (event) => {
  if ((event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr.status === 401 && !sheet?.open) sheet?.showModal();
});
// Back on a page that was left by sending: its buttons were off.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) document.querySelectorAll<HTMLButtonElement>("form[method=post] button:disabled").forEach((one) => { one.disabled = false; });
});
