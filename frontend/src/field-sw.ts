// The service worker of the field page: its files are there without a network, and the queue is sent when it is back.
// `FIELD` is put before this script by the server: the version and the files of the page.
import { send } from "./field-send";
import type { Worker } from "./worker";

const worker = self as unknown as Worker & { FIELD: { version: string; files: string[] } };
const PAGE = "/field/", PATIENCE = 4000;
const PHOTOS = "/cases/files/"; // those of my tasks were taken along by the page
const name = `field-${worker.FIELD.version}`;

const isShell = (answer: Response): boolean => answer.ok && !answer.redirected && answer.type === "basic"; // not the login page

worker.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const kept = await caches.open(name), shell = await fetch(PAGE, { credentials: "same-origin" });
    if (isShell(shell)) await kept.put(PAGE, shell);
    await kept.addAll(worker.FIELD.files);
    await worker.skipWaiting();
  })());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const old of await caches.keys()) if (old.startsWith("field-") && old !== name) await caches.delete(old);
    await worker.clients.claim();
  })());
});

// The page itself: the network's if it comes soon, so that language and version are right; else the one that was kept.
async function page(request: Request): Promise<Response> {
  const kept = await caches.open(name), there = await kept.match(PAGE);
  const fresh = fetch(request).then(async (answer) => {
    if (isShell(answer)) await kept.put(PAGE, answer.clone());
    return answer;
  });
  if (!there) return fresh;
  fresh.catch(() => undefined);
  const late = new Promise<Response>((done) => setTimeout(() => done(there), PATIENCE));
  return Promise.race([fresh.then((answer) => (answer.status >= 500 ? there : answer)).catch(() => there), late]);
}

worker.addEventListener("fetch", (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && pathname === PAGE) return event.respondWith(page(request));
  if (pathname.startsWith(PHOTOS)) return event.respondWith(caches.match(pathname, { ignoreVary: true }).then((kept) => kept ?? fetch(request)));
  if (worker.FIELD.files.includes(pathname)) event.respondWith(caches.match(pathname, { ignoreSearch: true }).then((kept) => kept ?? fetch(request)));
});

worker.addEventListener("sync", (event) => {
  if (event.tag === "field-queue") event.waitUntil(send());
});
