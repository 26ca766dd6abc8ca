// Sends the queue in order: the photos of a thing in pieces, then the thing. Runs in the page and in the service worker; one at a time.
import { changed, db, tidy, type Item, type Photo, type Told } from "./field-store";

const API = "/field/api/";
const PIECE = 256 * 1024;
const KEPT = 30; // things that were sent, to be looked at

/** The server says to log in first. */
export class LoginNeeded extends Error {}
/** No network, or a server that cannot answer now: again later. */
export class Unreached extends Error {}

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(API + path, { credentials: "same-origin", cache: "no-store", ...init });
  } catch (error) {
    throw new Unreached(String(error));
  }
  if (answer.status === 401) throw new LoginNeeded();
  if (answer.status >= 500 || answer.status === 429) throw new Unreached(String(answer.status));
  return answer;
}

const json = (method: string, body: unknown): RequestInit => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
interface Problem { code?: string; detail?: string }

/** Bring a photo: ask how much of it is there, go on from there. What is refused as wrong is brought anew once. */
async function bring(photo: Photo, tell: (bytes: number) => void): Promise<string> {
  const { bytes, id, type: _type, ...about } = photo;
  const first = await ask(`photos/${id}`, json("PUT", { ...about, size: bytes.byteLength }));
  if (!first.ok) return ((await first.json()) as Problem).detail ?? String(first.status);
  let { offset } = (await first.json()) as { offset: number };
  for (let anew = 0; offset < bytes.byteLength; ) {
    tell(offset);
    const answer = await ask(`photos/${id}`, {
      method: "PATCH", body: bytes.slice(offset, offset + PIECE), headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) },
    });
    const told = (await answer.json()) as { offset?: number } & Problem;
    if (told.offset === undefined || (!answer.ok && ++anew > 3)) return told.detail ?? String(answer.status);
    offset = told.offset;
  }
  tell(bytes.byteLength);
  return "";
}

async function one(item: Item, tell: (bytes: number) => void): Promise<Item> {
  let before = 0;
  for (const id of item.photos) {
    const photo = await (await db()).get("photos", id);
    if (!photo) continue;
    const wrong = await bring(photo, (bytes) => tell(before + bytes));
    if (wrong) return { ...item, status: "stuck", told: { outcome: "refused", text: wrong } };
    before += photo.bytes.byteLength;
  }
  const answer = await ask("deeds", json("POST", { id: item.id, kind: item.kind, at: item.at, person: item.person, ...item.body }));
  const body = (await answer.json()) as Told & Problem;
  if (answer.ok) return { ...item, status: body.outcome === "done" ? "sent" : "stuck", told: body };
  if (body.code === "OtherPerson" || body.code === "PhotosMissing") return item; // waits: for its person, for its photos
  return { ...item, status: "stuck", told: { outcome: "refused", reason: body.code ?? "", text: body.detail ?? String(answer.status) } };
}

/** What was told of a household stands in what was taken along, until that is taken anew. */
async function settle({ person, body }: Item): Promise<void> {
  const store = await db(), state = await store.get("state", person);
  const home = state?.doors?.find((one) => one.warning === body.warning)?.homes.find((one) => one.record === body.home);
  if (!state || !home) return;
  home.state = String(body.state);
  await store.put("state", state);
}

/** Send what waits. Raises LoginNeeded, Unreached; what was sent until then is sent. */
export async function send(): Promise<void> {
  await navigator.locks.request("shizhu-field-send", { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    const store = await db();
    const waiting = (await store.getAll("queue")).filter((item) => item.status === "waiting");
    if (!waiting.length) return;
    const sizes = new Map<string, number>();
    for (const id of waiting.flatMap((item) => item.photos)) sizes.set(id, (await store.get("photos", id))?.bytes.byteLength ?? 0);
    const weight = (item: Item): number => 2000 + item.photos.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
    const of = waiting.reduce((sum, item) => sum + weight(item), 0);
    let sent = 0;
    for (const item of waiting) {
      const now = await store.get("queue", item.n!);
      if (now?.status === "waiting") {
        const after = await one(now, (bytes) => changed({ sent: sent + bytes, of }));
        const there = await store.get("queue", item.n!);
        if (there) await store.put("queue", after); // it may have been taken out meanwhile
        if (after.kind === "door" && after.status === "sent") await settle(after);
      }
      sent += weight(item);
      changed({ sent, of });
    }
    const done = (await store.getAll("queue")).filter((item) => item.status === "sent");
    for (const item of done.slice(0, -KEPT)) await store.delete("queue", item.n!);
    await tidy();
  });
  changed();
}
