// The review of a plan: a row leads to its lines in the text, a line to the rows that were read of it.
const still = matchMedia("(prefers-reduced-motion: reduce)");
const pane = document.querySelector<HTMLElement>("[data-review]");

function mark(first: number, last: number): HTMLElement | undefined {
  const lines = [...pane!.querySelectorAll<HTMLElement>("[data-line]")];
  const hit = lines.filter((line) => Number(line.dataset.line) >= first && Number(line.dataset.line) <= last);
  lines.forEach((line) => line.classList.toggle("review-hit", hit.includes(line)));
  return hit[0];
}

function choose(row: HTMLElement | undefined): void {
  pane!.querySelectorAll(".review-chosen").forEach((found) => found.classList.remove("review-chosen"));
  row?.classList.add("review-chosen");
}

function show(element: HTMLElement | undefined): void {
  const box = element?.closest<HTMLElement>(".review-scroll");
  if (!element || !box) return;
  if (getComputedStyle(box).overflowY === "visible") return element.scrollIntoView({ block: "center" });  // a phone: the page scrolls
  const top = element.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop;
  box.scrollTo({ top: Math.max(0, top - box.clientHeight / 4), behavior: still.matches ? "auto" : "smooth" });
}

pane?.addEventListener("click", (event) => {
  const target = event.target as HTMLElement;
  const goto = target.closest<HTMLElement>("[data-goto]");
  if (goto?.dataset.goto) {
    choose(goto.closest<HTMLElement>(".review-row") ?? undefined);
    show(mark(Number(goto.dataset.goto), Number(goto.dataset.until || goto.dataset.goto)));
    return;
  }
  const line = target.closest<HTMLElement>("[data-line]");
  if (!line) return;
  const number = Number(line.dataset.line);
  mark(number, number);
  const covers = (found: HTMLElement): boolean =>
    found.dataset.goto !== "" && Number(found.dataset.goto) <= number && number <= Number(found.dataset.until || found.dataset.goto);
  const row = [...pane.querySelectorAll<HTMLElement>("[data-goto]")].find(covers)?.closest<HTMLElement>(".review-row");
  choose(row ?? undefined);
  show(row ?? undefined);
});
