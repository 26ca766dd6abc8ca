// Colours of the theme in force, for what is drawn on a canvas.
export function token(name: string, element: Element = document.documentElement): string {
  return getComputedStyle(element).getPropertyValue(`--sz-${name}`).trim();
}

/** Call `draw` now and whenever the page turns light or dark. */
export function onTheme(draw: () => void): void {
  draw();
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
}
