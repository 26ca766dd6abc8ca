// What is typed or drawn and not saved: said on the page, and asked about by the browser before the page is left.
const said = document.querySelector<HTMLElement>("[data-unsaved]");
const form = said?.closest("form");

/** Say whether something is unsaved. */
export function unsaved(is = true): void {
  if (said) said.hidden = !is;
}

if (form) {
  for (const name of ["input", "change"]) form.addEventListener(name, () => unsaved());
  form.addEventListener("click", ({ target }) => { if ((target as HTMLElement).closest("button[hx-post], button[type=button]")) unsaved(); });
  document.addEventListener("submit", (event) => { // what comes back says how it stands
    if (event.target === form && !event.defaultPrevented) unsaved(false);
  });
}
window.addEventListener("beforeunload", (event) => { if (said && !said.hidden) event.preventDefault(); });
