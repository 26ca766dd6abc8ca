// What was typed into a form that the server refused is there again: the page that says why comes anew after the form was sent.
// It is kept for that one page alone, in this tab; passwords and files are not.
const KEY = "shizhu-typed";

const fields = (form: HTMLFormElement): HTMLInputElement[] =>
  ([...form.elements] as HTMLInputElement[]).filter((one) => one.name && !["hidden", "password", "file", "submit", "button", "select-multiple"].includes(one.type));
const like = (action: string): HTMLFormElement[] => [...document.forms].filter((form) => form.getAttribute("action") === action);

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement, action = form.getAttribute("action");
  if (event.defaultPrevented || !action || form.getAttribute("method") !== "post") return;
  const values = fields(form).map((one) => [one.name, one.value, one.checked, one.type]);
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ action, number: like(action).indexOf(form), values }));
  } catch { /* no room, or not allowed: it is typed again */ }
});

const kept = sessionStorage.getItem(KEY);
sessionStorage.removeItem(KEY);
if (kept && document.querySelector(".alert-error")) {
  const { action, number, values } = JSON.parse(kept) as { action: string; number: number; values: [string, string, boolean, string][] };
  const form = like(action)[number];
  const now = form ? fields(form) : [];
  if (form && now.length === values.length && now.every((one, n) => one.name === values[n]![0] && one.type === values[n]![3])) {
    now.forEach((one, n) => {
      const [, value, checked, type] = values[n]!;
      if (type === "checkbox" || type === "radio") one.checked = checked;
      else one.value = value;
    });
    for (let room = form.closest("details"); room; room = room.parentElement!.closest("details")) room.open = true;
  }
}
