// What every page loads: styles, htmx, the few behaviours of the shell.
import "@tabler/core/dist/css/tabler.min.css";
import "./style.css";
import "@tabler/core/dist/js/tabler.esm.min.js";
import "./htmx";
import "./opened";
import "./shell";
import "./session"; // before whatever else hears a form go
import "./typed";
import "./form";
import "./conditions";
import "./unsaved";

// An element with data-row-href is a link as a whole row.
document.addEventListener("click", (event) => {
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>("[data-row-href]");
  if (row?.dataset.rowHref && !target.closest("a,button,input,select,label")) window.location.href = row.dataset.rowHref;
});

document.addEventListener("click", (event) => {
  if ((event.target as HTMLElement).closest("[data-print]")) window.print();
});

// A form that was sent must not be sent twice by an impatient thumb.
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.method.toLowerCase() !== "post" || event.defaultPrevented || "download" in form.dataset) return;
  setTimeout(() => form.querySelectorAll<HTMLButtonElement>("button:not([type=button])").forEach((b) => (b.disabled = true)));
});

// Photos chosen on the phone are shown before they are sent.
document.addEventListener("change", (event) => {
  const input = event.target as HTMLInputElement;
  const shown = input.closest(".photos")?.querySelector("output");
  if (!shown) return;
  shown.replaceChildren(...[...(input.files ?? [])].map((file) => {
    const image = document.createElement("img");
    image.alt = file.name;
    image.src = URL.createObjectURL(file);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    return image;
  }));
});
