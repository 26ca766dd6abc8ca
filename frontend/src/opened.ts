// What is drawn anew by the server stays unfolded where it was.
let unfolded: string[] = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  const target = (event as CustomEvent<{ target: HTMLElement }>).detail.target;
  unfolded = [...target.querySelectorAll<HTMLDetailsElement>("details[open][id]")].map((found) => found.id);
});
document.addEventListener("htmx:afterSwap", () => {
  unfolded.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  unfolded = [];
});
