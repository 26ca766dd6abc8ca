// The first-day tour: one step after the other beside what it speaks of. It ends with Esc, and is kept as taken.
export function prepare(): void {
  const room = document.querySelector<HTMLElement>("[data-tour]")!, text = room.dataset;
  const isPhone = window.matchMedia("(max-width: 767.98px)").matches;
  const steps = [...room.querySelectorAll<HTMLTemplateElement>("template")]
    .map((step) => ({ step, target: document.querySelector<HTMLElement>((isPhone && step.dataset.stepPhone) || step.dataset.step!) }))
    .filter(({ target }) => target?.checkVisibility());
  let at = 0, card: HTMLElement | undefined;

  function end(): void {
    card?.remove();
    document.querySelectorAll(".tour-mark").forEach((marked) => marked.classList.remove("tour-mark"));
    document.removeEventListener("keydown", keys);
    room.querySelector<HTMLFormElement>(".welcome-do form")!.requestSubmit();
  }
  function keys(event: KeyboardEvent): void {
    if (event.key === "Escape") end();
    if (event.key === "ArrowRight" && at < steps.length - 1) show(at + 1);
    if (event.key === "ArrowLeft" && at > 0) show(at - 1);
  }
  function button(words: string | undefined, kind: string, does: () => void): HTMLButtonElement {
    const made = Object.assign(document.createElement("button"), { type: "button", className: `btn btn-sm ${kind}`, textContent: words ?? "" });
    made.addEventListener("click", does);
    return made;
  }
  function show(number: number): void {
    at = number;
    document.querySelectorAll(".tour-mark").forEach((marked) => marked.classList.remove("tour-mark"));
    const { step, target } = steps[at]!;
    target!.classList.add("tour-mark");
    target!.scrollIntoView({ block: "nearest" });
    card ??= Object.assign(document.body.appendChild(document.createElement("div")), { className: "tour" });
    card.setAttribute("role", "dialog");
    card.setAttribute("aria-labelledby", "tour-title");
    const foot = Object.assign(document.createElement("div"), { className: "tour-foot" });
    const isLast = at === steps.length - 1, next = button(isLast ? text.textEnd : text.textNext, "btn-primary", isLast ? end : () => show(at + 1));
    foot.append(Object.assign(document.createElement("span"), { textContent: `${at + 1} / ${steps.length}` }));
    foot.append(...(isLast ? [] : [button(text.textSkip, "", end)]), ...(at ? [button(text.textBack, "", () => show(at - 1))] : []), next);
    card.replaceChildren(step.content.cloneNode(true), foot);
    card.querySelector("h2")!.id = "tour-title";
    place(target!.getBoundingClientRect(), card);
    next.focus();
  }
  function place(spot: DOMRect, made: HTMLElement): void {
    const gap = 14, { offsetWidth: wide, offsetHeight: high } = made, { innerWidth: w, innerHeight: h } = window;
    const right = spot.right + gap + wide < w, below = spot.bottom + gap + high < h;
    const left = right && spot.height > h / 2 ? spot.right + gap : Math.min(Math.max(gap, spot.left), w - wide - gap);
    const top = right && spot.height > h / 2 ? 90 : below ? spot.bottom + gap : Math.max(gap, Math.min(spot.top, h) - high - gap);
    Object.assign(made.style, { left: `${left}px`, top: `${Math.min(top, h - high - gap)}px` });
  }
  room.querySelector("[data-tour-start]")!.addEventListener("click", () => {
    document.addEventListener("keydown", keys);
    show(0);
  });
}
