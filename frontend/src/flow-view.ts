// The flow of a case as its file draws it: what it has passed, where it stands. Loaded when somebody opens it.
import "./flow.css";

type Box = { x: number; y: number; width: number; height: number };
type Told = { xml: string; done: string[]; now: string[]; late: string[] };
const EDGE = 24;

async function show(holder: HTMLElement): Promise<void> {
  const [{ default: Viewer }, answer] = await Promise.all([import("bpmn-js/lib/NavigatedViewer"), fetch(holder.dataset.flow!)]);
  if (!answer.ok) return;
  const told = (await answer.json()) as Told;
  const viewer = new Viewer({ container: holder });
  await viewer.importXML(told.xml);
  const canvas = viewer.get<{ zoom(to: string, at?: string): void; viewbox(box?: Box): Box; addMarker(id: string, css: string): void }>("canvas");
  const registry = viewer.get<{ get(id: string): unknown }>("elementRegistry");
  canvas.zoom("fit-viewport", "auto");
  const { x, y, width, height } = canvas.viewbox();
  canvas.viewbox({ x: x - EDGE, y: y - EDGE, width: width + 2 * EDGE, height: height + 2 * EDGE }); // or what is outermost is cut
  for (const [ids, css] of [[told.done, "is-done"], [told.now, "is-now"], [told.late, "is-late"]] as const)
    for (const id of ids) if (registry.get(id)) canvas.addMarker(id, css);
  holder.dataset.shown = "yes";
}

for (const box of document.querySelectorAll<HTMLDetailsElement>(".flow-of-case")) {
  const look = (): void => {
    const holder = box.querySelector<HTMLElement>("[data-flow]");
    if (box.open && holder && !holder.dataset.began) {
      holder.dataset.began = "yes";
      void show(holder);
    }
  };
  box.addEventListener("toggle", look);
  look(); // what is open from the beginning told so before this ran
}
