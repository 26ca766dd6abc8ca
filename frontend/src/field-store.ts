// What the field page keeps on the phone: what it took along, what waits to be sent, photos, drafts, patrols with their points.
import { openDB, type DBSchema, type IDBPDatabase } from "idb"; // promises over IndexedDB, whose own events lose errors

export interface Place { longitude: number; latitude: number; accuracy?: number | null }
export interface Field {
  name: string; title: string; help: string; widget: string; is_required: boolean; choices: [string, string][];
  target: string; type: string; most: number | null; least: number | null; shortest: number | null;
}
export interface Form {
  title: string; submit: string; fields: Field[];
  more?: { field: string; value: unknown; names: string[] }[]; // asked for where the field has the value
}
export interface Task {
  id: number; case: number; number: string; title: string; step: string; flow: string; area: string; help: string; address: string;
  phone: string; by: string; is_simulated: boolean; is_drill?: boolean; due_at: string | null; place: { type: "Point"; coordinates: [number, number] } | null;
  is_rough: boolean; form: Form; lines: string[]; photos?: string[]; // addresses; a state of an older page has none
  meets_at: string | null; meets_where: string;
}
export interface Start { flow: string; title: string; form: Form; areas: { code: string; name: string }[] }
export interface Help {
  case: number; number: string; title: string; is_simulated: boolean; is_drill?: boolean; form: Form; kinds: [string, string, string][]; first: string;
  areas: { code: string; name: string }[];
}
export interface Asked {
  id: number; case: number; title: string; text: string; where: string; is_simulated: boolean; is_drill?: boolean; is_over: boolean; state: string;
  answer: string; by: string; asked_at: string; due_at: string; answered_at: string | null;
}
export interface State {
  at: string; language: string; person: { id: number; name: string }; county: { code: string; name: string };
  limits: { photo: number; piece: number }; tasks: Task[]; starts: Start[]; beats: Beat[];
  helps?: Help[]; needs?: Asked[]; doors?: Doors[]; // a state of an older page has none
}
export interface Home { record: number; title: string; area: string; people: number; is_alone: boolean; state: string }
export interface Doors { warning: number; title: string; level: string; moves: boolean; homes: Home[] }
export interface Told { id: string; outcome: "done" | "conflict" | "refused"; text?: string; reason?: string; case?: number; number?: string; problems?: Record<string, string> }
export interface Item {
  n?: number; id: string; person: number; kind: string; at: string; body: Record<string, unknown>; photos: string[]; title: string;
  words: string; status: "waiting" | "stuck" | "sent"; told?: Partial<Told>;
}
export interface Photo { id: string; bytes: ArrayBuffer; type: string; name: string; sha256: string; taken_at: string; place?: Place }
export interface Draft { key: string; person: number; answer: Record<string, unknown>; photos: Record<string, string[]>; more: Record<string, string> }

export interface Beat { key: string; title: string; starts: string; objects: { key: string; title: string; due: number; walked: number; place: [number, number] | null }[] }
export interface Patrol { now: "now"; id: string; person: number; beat: string; key: string; title: string; started_at: string; photos: string[]; note?: string }
type Spot = [longitude: number, latitude: number, seconds: number, accuracy: number | null];

interface Schema extends DBSchema {
  queue: { key: number; value: Item };
  photos: { key: string; value: Photo };
  state: { key: number; value: State };
  drafts: { key: string; value: Draft };
  patrol: { key: string; value: Patrol };
  points: { key: number; value: { n?: number; patrol: string; point: Spot }; indexes: { patrol: string } };
}

let opened: Promise<IDBPDatabase<Schema>> | undefined;
export const db = (): Promise<IDBPDatabase<Schema>> => (opened ??= openDB<Schema>("shizhu-field", 2, {
  upgrade(made, before) {
    if (before < 1) first(made);
    made.createObjectStore("patrol", { keyPath: "now" });
    made.createObjectStore("points", { keyPath: "n", autoIncrement: true }).createIndex("patrol", "patrol");
  },
}));
function first(made: IDBPDatabase<Schema>): void {
    made.createObjectStore("queue", { keyPath: "n", autoIncrement: true });
    made.createObjectStore("photos", { keyPath: "id" });
    made.createObjectStore("state", { keyPath: "person.id" });
    made.createObjectStore("drafts", { keyPath: "key" });
}

/** An id in the order of time: UUIDv7, RFC 9562 section 5.7. */
export function uuid7(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16)), now = Date.now();
  for (let n = 0; n < 6; n++) bytes[n] = Math.floor(now / 2 ** (8 * (5 - n))) % 256;
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A time as the server wants it: with the zone of the phone. */
export function stamp(moment = new Date()): string {
  const off = -moment.getTimezoneOffset(), two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  return `${new Date(moment.getTime() + off * 60_000).toISOString().slice(0, -1)}${off < 0 ? "-" : "+"}${two(off / 60)}:${two(off % 60)}`;
}

/** Put something into the queue, with the draft it was written in gone, in one transaction. */
export async function enqueue(item: Omit<Item, "n" | "status" | "at" | "id">, draft?: string): Promise<void> {
  const work = (await db()).transaction(["queue", "drafts"], "readwrite", { durability: "strict" });
  await work.objectStore("queue").add({ ...item, id: uuid7(), at: stamp(), status: "waiting" });
  if (draft) await work.objectStore("drafts").delete(draft);
  await work.done;
  changed();
}

/** Photos that neither the queue nor a draft names go. */
export async function tidy(): Promise<void> {
  const work = (await db()).transaction(["queue", "drafts", "photos", "patrol"], "readwrite");
  const named = new Set((await work.objectStore("queue").getAll()).filter((one) => one.status !== "sent").flatMap((one) => one.photos));
  for (const draft of await work.objectStore("drafts").getAll()) for (const ids of Object.values(draft.photos)) ids.forEach((id) => named.add(id));
  for (const walked of await work.objectStore("patrol").getAll()) walked.photos.forEach((id) => named.add(id));
  for (const id of await work.objectStore("photos").getAllKeys()) if (!named.has(id)) await work.objectStore("photos").delete(id);
  await work.done;
}

/** Page and service worker tell each other that the queue changed, or how far it is sent. */
const channel = new BroadcastChannel("shizhu-field");
const heard: ((told: Progress | undefined) => void)[] = [];
export interface Progress { sent: number; of: number }
export const changed = (told?: Progress): void => { channel.postMessage(told); heard.forEach((act) => act(told)); };
export function onChange(act: (told: Progress | undefined) => void): void {
  heard.push(act);
  channel.addEventListener("message", ({ data }) => act(data as Progress | undefined));
}
