// The page of a scanned label: photos made small, the position of the phone, and a report that is kept until it arrives.
import "./door.css";
import { db, deliver, deliverAll, Refused, type Report } from "./door-store";
import { uuid7 } from "./field-store";
import { smaller } from "./photo-size";

const said = JSON.parse(document.getElementById("door-words")?.textContent ?? "{}") as Record<string, string>;
const say = (name: string, ...values: (string | number)[]): string => values.reduce<string>((text, value) => text.replace("%s", String(value)), said[name] ?? name);
const form = document.querySelector<HTMLFormElement>("form[data-report]");
const told = document.getElementById("door-told");
interface Picture { name: string; bytes: ArrayBuffer; url: string }
const pictures: Picture[] = [];

function tell(text: string, kind: "info" | "bad" = "info"): void {
  if (!told) return;
  told.hidden = !text;
  told.textContent = text;
  told.className = `door-told is-${kind}`;
}

const field = (name: string): HTMLInputElement | null => form?.querySelector<HTMLInputElement>(`[name="${name}"]`) ?? null;

// photos -------------------------------------------------------------------------------------------------------------
function drawPictures(): void {
  document.getElementById("door-photos")?.replaceChildren(...pictures.map((one) => {
    const figure = document.createElement("figure"), image = document.createElement("img"), off = document.createElement("button");
    image.src = one.url;
    image.alt = one.name;
    off.type = "button";
    off.textContent = "×";
    off.setAttribute("aria-label", `${say("remove")} ${one.name}`);
    off.addEventListener("click", () => { pictures.splice(pictures.indexOf(one), 1); URL.revokeObjectURL(one.url); drawPictures(); });
    figure.append(image, off);
    return figure;
  }));
}

async function take(input: HTMLInputElement): Promise<void> {
  const most = Number(form?.dataset.most ?? 6);
  for (const file of [...(input.files ?? [])]) {
    if (pictures.length >= most) { tell(say("photosMost", most), "bad"); break; }
    if (form?.dataset.placeless !== undefined && !field("longitude")?.value) {
      const reader = await import("./photo-facts").catch(() => undefined); // only where the photo may have to say where it is
      const place = reader?.facts(await file.arrayBuffer()).place;
      if (place) setPlace(place.longitude, place.latitude);
    }
    const bytes = await (await smaller(file))?.arrayBuffer();
    if (!bytes) { tell(say("photoRefused", file.name), "bad"); told?.scrollIntoView({ block: "center" }); continue; }
    pictures.push({ name: file.name.slice(0, 100), bytes, url: URL.createObjectURL(new Blob([bytes])) });
    drawPictures();
  }
  input.value = "";
}

// where --------------------------------------------------------------------------------------------------------------
function setPlace(longitude: number, latitude: number, accuracy?: number): void {
  for (const [name, value] of Object.entries({ longitude, latitude, accuracy })) {
    const input = field(name);
    if (input) input.value = value === undefined ? "" : String(value);
  }
}

function locate(button: HTMLButtonElement): void {
  const out = document.getElementById("door-place")!;
  out.textContent = say("searching");
  navigator.geolocation?.getCurrentPosition(
    ({ coords }) => {
      setPlace(coords.longitude, coords.latitude, coords.accuracy);
      out.textContent = say("found", Math.round(coords.accuracy));
      button.setAttribute("aria-pressed", "true");
    },
    () => { out.textContent = say("noPosition"); },
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
  );
}

// sending ------------------------------------------------------------------------------------------------------------
function problem(problems: Record<string, string>, text: string): void {
  form?.querySelectorAll<HTMLElement>("[data-problem]").forEach((one) => { one.textContent = problems[one.dataset.problem!] ?? ""; });
  tell(text || Object.values(problems).join(" "), "bad");
}

async function submit(): Promise<void> {
  const kind = form!.querySelector<HTMLInputElement>("[name=kind]:checked");
  if (!kind) return problem({ kind: say("kind") }, say("kind"));
  const fields = [...new FormData(form!).entries()].filter((one): one is [string, string] => typeof one[1] === "string" && one[0] !== "id");
  const report: Report = {
    id: uuid7(), url: form!.action, title: `${form!.dataset.title} ${kind.dataset.title}`, at: Date.now(), fields,
    photos: pictures.map(({ name, bytes }) => ({ name, bytes })),
  };
  await (await db()).put("waiting", report); // first kept, then sent
  tell(say("sending"));
  try {
    const receipt = await deliver(report.id);
    if (receipt) location.assign(receipt.url);
  } catch (error) {
    if (error instanceof Refused) {
      await (await db()).delete("waiting", report.id); // it still stands in the form, to be mended
      return problem(error.problems, error.message);
    }
    form!.reset();
    pictures.splice(0);
    drawPictures();
    const worker = (await navigator.serviceWorker?.ready) as (ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } }) | undefined;
    await worker?.sync?.register("door-reports").catch(() => undefined);
    await draw();
    tell(say("kept"));
    told?.scrollIntoView({ block: "center" });
  }
}

/** What waits, and what was sent from this phone. */
async function draw(): Promise<void> {
  const store = await db(), list = document.getElementById("door-mine");
  const waiting = await store.getAll("waiting"), receipts = (await store.getAll("receipts")).sort((a, b) => b.at - a.at).slice(0, 10);
  const count = document.getElementById("door-waiting");
  if (count) {
    count.hidden = !waiting.length;
    count.textContent = say("keptMany", waiting.length) + waiting.map((one) => (one.problem ? ` · ${one.title}: ${one.problem}` : "")).join("");
  }
  if (!list) return;
  list.hidden = !receipts.length;
  list.querySelector("ul")!.replaceChildren(...receipts.map((one) => {
    const row = document.createElement("li"), link = document.createElement("a");
    link.href = one.url;
    link.textContent = `${one.number} · ${one.title}`;
    row.append(link);
    return row;
  }));
}

async function flush(): Promise<void> {
  const sent = await deliverAll();
  await draw();
  const last = sent.at(-1);
  if (last) {
    tell(say("sent", last.number));
    if (form) location.assign(last.url);
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]")!;
  button.disabled = true;
  void submit().finally(() => { button.disabled = false; });
});
form?.querySelector<HTMLInputElement>("input[type=file]")?.addEventListener("change", (event) => void take(event.target as HTMLInputElement));
document.querySelector<HTMLButtonElement>("[data-locate]")?.addEventListener("click", (event) => locate(event.currentTarget as HTMLButtonElement));
document.querySelectorAll<HTMLElement>("[data-script]").forEach((one) => { one.hidden = false; });
addEventListener("online", () => void flush());
setInterval(() => void flush(), 30_000);
navigator.serviceWorker?.register("/r/sw.js", { scope: "/r/" }).then(async () => {
  await navigator.serviceWorker.ready;
  if (form) await (await caches.open("door-pages")).add(location.pathname); // it came before there was a worker to keep it
}).catch(() => undefined);
void flush();
