// The service worker of residents' pages: a label that was opened once opens without a network, and what waits is sent when it is back.
// `DOOR` is put before this script by the server: the version and the files of the page.
import { deliverAll } from "./door-store";
import type { Worker } from "./worker";

const worker = self as unknown as Worker & { DOOR: { version: string; files: string[] } };
const name = `door-${worker.DOOR.version}`, pages = "door-pages";

worker.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    await (await caches.open(name)).addAll(worker.DOOR.files);
    await worker.skipWaiting();
  })());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const old of await caches.keys()) if (old.startsWith("door-") && old !== name && old !== pages) await caches.delete(old);
    await worker.clients.claim();
  })());
});

// A page of a label: the network's, kept for later; without a network the one that was kept. Receipts are never kept.
async function page(request: Request): Promise<Response> {
  const kept = await caches.open(pages), asked = request.url.split("?")[0]!;
  try {
    const answer = await fetch(request);
    if (answer.ok && answer.type === "basic" && !answer.redirected) await kept.put(asked, answer.clone());
    return answer;
  } catch (error) {
    const there = await kept.match(asked);
    if (there) return there;
    throw error;
  }
}

worker.addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && /^\/r\/[^/]+$/.test(pathname)) return event.respondWith(page(request));
  if (worker.DOOR.files.includes(pathname)) event.respondWith(caches.match(pathname, { ignoreSearch: true }).then((kept) => kept ?? fetch(request)));
});

worker.addEventListener("sync", (event) => {
  if (event.tag === "door-reports") event.waitUntil(deliverAll());
});
