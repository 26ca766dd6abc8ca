// Where a warning is for: towns are chosen by a click, a shape is drawn corner by corner. The form's own boxes and text
// stay what counts, so that it works by keyboard and without this.
type Ring = [number, number][];
interface Town { code: string; name: string; shape: { type: string; coordinates: Ring[] | Ring[][] } }

const SVG = "http://www.w3.org/2000/svg";
const root = document.querySelector<HTMLElement>("[data-warning-map]");
const told = document.getElementById("warning-towns");
if (root && told) begin(root, JSON.parse(told.textContent ?? "[]") as Town[]);

function begin(place: HTMLElement, towns: Town[]): void {
  const rings = (town: Town): Ring[] => (town.shape.type === "Polygon" ? [(town.shape.coordinates as Ring[])[0]] : (town.shape.coordinates as Ring[][]).map((part) => part[0]));
  const astray = JSON.parse(document.getElementById("warning-beyond")?.textContent ?? '{"coordinates":[]}') as { coordinates: Ring[][] }; // of the shape, outside the towns chosen
  const all = [...towns.flatMap(rings).flat(), ...astray.coordinates.flat(2)];
  if (!towns.length) return;
  const [west, east] = [Math.min(...all.map((p) => p[0])), Math.max(...all.map((p) => p[0]))];
  const [south, north] = [Math.min(...all.map((p) => p[1])), Math.max(...all.map((p) => p[1]))];
  const narrow = Math.cos(((south + north) / 2) * (Math.PI / 180)), scale = 400 / ((east - west) * narrow);
  const xy = ([x, y]: [number, number]): string => `${((x - west) * narrow * scale).toFixed(1)},${((north - y) * scale).toFixed(1)}`;
  const text = document.querySelector<HTMLTextAreaElement>("#id_polygon")!;
  const box = (code: string): HTMLInputElement | null => document.querySelector(`input[name=areas][value="${code}"]`);
  const make = <K extends keyof SVGElementTagNameMap>(name: K, parent: Element): SVGElementTagNameMap[K] => parent.appendChild(document.createElementNS(SVG, name));

  const svg = make("svg", place);
  svg.setAttribute("viewBox", `-2 -2 404 ${((north - south) * scale + 4).toFixed(0)}`);
  svg.setAttribute("aria-hidden", "true"); // the boxes below say the same
  const shapes = towns.flatMap((town) => rings(town).map((ring) => {
    const drawn = make("polygon", svg);
    drawn.setAttribute("points", ring.map(xy).join(" "));
    make("title", drawn).textContent = town.name;
    drawn.addEventListener("click", () => { if (!isDrawing) { box(town.code)?.click(); } });
    return { drawn, town, ring };
  }));
  const names = shapes.map(({ town, ring }) => { // above all shapes, of those that are chosen
    const name = make("text", svg), middle = (axis: 0 | 1): number => { const all = ring.map((p) => p[axis]); return (Math.min(...all) + Math.max(...all)) / 2; };
    const [left, top] = xy([middle(0), middle(1)]).split(",");
    name.setAttribute("x", left);
    name.setAttribute("y", top);
    name.textContent = town.name;
    return name;
  });
  for (const part of astray.coordinates) {
    const drawn = make("polygon", svg);
    drawn.setAttribute("points", part[0].map(xy).join(" "));
    drawn.classList.add("astray");
  }
  const line = make("polyline", svg);
  line.classList.add("drawn");
  let isDrawing = false, corners: [number, number][] = [];

  const draw = (): void => line.setAttribute("points", corners.map(xy).join(" "));
  const read = (): void => {
    corners = text.value.includes("{") ? [] : text.value.split(/[;\n]/).map((part) => part.split(",").map(Number) as [number, number]).filter((p) => p.length === 2 && p.every(Number.isFinite));
    draw();
  };
  const paint = (): void => shapes.forEach(({ drawn, town }, at) => {
    const isChosen = drawn.classList.toggle("chosen", box(town.code)?.checked ?? false);
    names[at].classList.toggle("d-none", !isChosen);
  });
  document.addEventListener("change", (event) => { if ((event.target as HTMLElement).matches("input[name=areas]")) paint(); });
  text.addEventListener("input", read);
  svg.addEventListener("click", (event) => {
    if (!isDrawing) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()!.inverse());
    corners.push([+(west + at.x / (narrow * scale)).toFixed(5), +(north - at.y / scale).toFixed(5)]);
    draw();
  });

  const buttons = place.appendChild(document.createElement("div"));
  buttons.className = "d-flex gap-2 flex-wrap my-2";
  const button = (words: string, act: (self: HTMLButtonElement) => void): void => {
    const made = buttons.appendChild(document.createElement("button"));
    Object.assign(made, { type: "button", className: "btn btn-sm", textContent: words });
    made.addEventListener("click", () => act(made));
  };
  button(place.dataset.textDraw!, (self) => {
    isDrawing = !isDrawing;
    self.textContent = isDrawing ? place.dataset.textEnd! : place.dataset.textDraw!;
    if (isDrawing) corners = [];
    else if (corners.length > 2) { corners.push(corners[0]); text.value = corners.map((p) => p.join(",")).join(";"); text.closest("details")!.open = true; }
    draw();
  });
  button(place.dataset.textClear!, () => { text.value = ""; read(); });
  const hint = place.appendChild(document.createElement("p"));
  Object.assign(hint, { className: "text-secondary small", textContent: place.dataset.textHint });
  read();
  paint();
}
