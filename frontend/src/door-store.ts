// What a resident's phone keeps: reports that wait for a network, photos with them, and the receipts of what was sent.
import { openDB, type DBSchema, type IDBPDatabase } from "idb"; // promises over IndexedDB, whose own events lose errors

export interface Report {
  id: string; url: string; title: string; at: number; fields: [string, string][]; photos: { name: string; bytes: ArrayBuffer }[]; problem?: string;
}
export interface Receipt { id: string; number: string; url: string; title: string; at: number }
export interface Told { number: string; url: string; text?: string; problems?: Record<string, string> }

interface Schema extends DBSchema {
  waiting: { key: string; value: Report };
  receipts: { key: string; value: Receipt };
}

let opened: Promise<IDBPDatabase<Schema>> | undefined;
export const db = (): Promise<IDBPDatabase<Schema>> => (opened ??= openDB<Schema>("shizhu-door", 1, {
  upgrade(made) {
    made.createObjectStore("waiting", { keyPath: "id" });
    made.createObjectStore("receipts", { keyPath: "id" });
  },
}));

/** No network, or a server that cannot answer now: again later. */
class Unreached extends Error {}
/** The server does not take it as it is; `problems` by field. */
export class Refused extends Error {
  constructor(readonly problems: Record<string, string>, text: string) { super(text); }
}

async function one(report: Report): Promise<Receipt> {
  const body = new FormData();
  report.fields.forEach(([name, value]) => body.append(name, value));
  body.set("id", report.id);
  report.photos.forEach(({ name, bytes }) => body.append("photos", new Blob([bytes], { type: "image/jpeg" }), name));
  let answer: Response;
  try {
    answer = await fetch(report.url, { method: "POST", body, headers: { Accept: "application/json" }, cache: "no-store", credentials: "omit" });
  } catch (error) {
    throw new Unreached(String(error));
  }
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new Unreached(String(answer.status));
  const told = (await answer.json()) as Told;
  if (!answer.ok) throw new Refused(told.problems ?? {}, told.text ?? String(answer.status));
  return { id: report.id, number: told.number, url: told.url, title: report.title, at: report.at };
}

/** Send one that is kept: its receipt takes its place. Sent twice at once it is one. Raises Unreached, Refused. */
export async function deliver(id: string): Promise<Receipt | undefined> {
  const store = await db(), report = await store.get("waiting", id);
  if (!report) return store.get("receipts", id);
  const receipt = await one(report);
  const work = store.transaction(["waiting", "receipts"], "readwrite", { durability: "strict" });
  await work.objectStore("receipts").put(receipt);
  await work.objectStore("waiting").delete(id);
  await work.done;
  return receipt;
}

/** Send all that waits; the receipts of what went. What is refused stays, with the reason. */
export async function deliverAll(): Promise<Receipt[]> {
  const sent: Receipt[] = [], store = await db();
  for (const report of await store.getAll("waiting")) {
    if (report.problem) continue;
    try {
      const receipt = await deliver(report.id);
      if (receipt) sent.push(receipt);
    } catch (error) {
      if (!(error instanceof Refused)) break;
      await store.put("waiting", { ...report, problem: error.message });
    }
  }
  return sent;
}
