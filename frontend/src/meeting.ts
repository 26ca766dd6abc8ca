// A meeting room: pages are stepped by keys, and the form of decisions is one key away.
const press = (name: string): void => document.querySelector<HTMLElement>(`[data-${name}]`)?.click();
const KEYS: Record<string, () => void> = {
  ArrowRight: () => press("after"), PageDown: () => press("after"), " ": () => press("after"),
  ArrowLeft: () => press("before"), PageUp: () => press("before"), Escape: () => press("leave"),
  d: () => document.querySelector<HTMLElement>("#text")?.focus(),
  f: () => void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
};
document.addEventListener("keydown", (event) => {
  const at = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (at.closest("input, select, textarea, button, a")) {
    if (event.key === "Escape") at.blur();
    return;
  }
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
