// What a service worker hears, in the words of the standard (W3C Service Workers, Background Sync).
interface Extendable extends Event { waitUntil(work: Promise<unknown>): void }
interface Fetched extends Extendable { request: Request; respondWith(answer: Promise<Response>): void }
interface Synced extends Extendable { tag: string }
export interface Worker {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(name: "install" | "activate", act: (event: Extendable) => void): void;
  addEventListener(name: "fetch", act: (event: Fetched) => void): void;
  addEventListener(name: "sync", act: (event: Synced) => void): void;
}
