// One object, one file: what the server tells of it, opened beside the map.
import { find, flyTo, hint, make, settings, words } from "./map-core";

let back: HTMLElement | null = null;

export async function openFile(key: string, flies = false): Promise<void> {
  const place = find("map-file"), answer = await fetch(`${settings.base}file/${key}/?part`).catch(() => null);
  if (!answer?.ok || answer.redirected) return hint(words.failed);
  back = document.activeElement as HTMLElement | null;
  place.innerHTML = await answer.text(); // our own page, escaped by the server
  const close = make("button", "btn-close map-file-close");
  close.setAttribute("aria-label", words.close);
  close.addEventListener("click", shut);
  place.prepend(close);
  place.hidden = false;
  place.scrollTo({ top: 0 });
  place.querySelector<HTMLElement>(".dossier-head h2")?.focus({ preventScroll: true });
  const box = place.querySelector<HTMLElement>(".dossier")?.dataset.box?.split(",").map(Number);
  if (flies && box?.length === 4) flyTo([box[0], box[1]], box as [number, number, number, number]);
}

function shut(): void {
  find("map-file").hidden = true;
  if (back?.isConnected) back.focus();
}

export function files(): void {
  find("map-file").addEventListener("keydown", (event) => { if (event.key === "Escape") shut(); });
  const wanted = new URLSearchParams(location.search).get("show");
  if (wanted && /^[a-z]+-\d+$/.test(wanted)) void openFile(wanted, true);
}
