// The service worker: opens the screens where the gateway is not reached. It keeps files of the
// build and nothing else: no answer with data, no address, no token.

import { outdated, wayOf } from "./rule.ts";

/** Written by the build: each file's path and what it holds (SHA-256, hex). */
declare const __FILES__: Readonly<Record<string, string>>;
/** Written by the build: of all files together. */
declare const __BUILD__: string;

declare const self: ServiceWorkerGlobalScope;

const PREFIX = "pumpjack-screens-";
const CACHE = PREFIX + __BUILD__;
const PAGE = "/index.html";
const FILES = __FILES__;
const PATHS: ReadonlySet<string> = new Set(Object.keys(FILES));
/** A gateway that says nothing for so long is not waited for: the kept page says so meanwhile. */
const PATIENCE_MS = 5_000;
/** They are kept as the browser unpacks them, whatever was asked for. */
const ANYHOW: CacheQueryOptions = { ignoreVary: true };
/** What a proxy answers for a gateway that is gone. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

self.addEventListener("install", (event) => {
  event.waitUntil(install());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(activate());
});

self.addEventListener("fetch", (event) => {
  const { method, url, mode } = event.request;
  const way = wayOf({ method, url, isNavigation: mode === "navigate" }, location.origin, PATHS);
  if (way === "page") event.respondWith(page(event.request));
  else if (way === "kept") event.respondWith(kept(event.request));
  else if (url.startsWith(`${location.origin}/assets/`)) event.respondWith(older(event.request));
});

/** Fetches all files; where one cannot be had, the worker before stays. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  // names beneath /assets/ hold their content's hash: the browser's own copy will do
  await cache.addAll(
    [...PATHS].map(
      (path) => new Request(path, { cache: path.startsWith("/assets/") ? "default" : "reload" }),
    ),
  );
  // nothing waits: a page asks for its own files by name, and those of the build before are kept
  await self.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of outdated(await caches.keys(), PREFIX, CACHE)) await caches.delete(name);
  await self.clients.claim();
}

/** The gateway's page; the kept one where there is none in time. */
async function page(request: Request): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(request, { signal: late.signal });
    if (!AWAY.has(answer.status)) {
      if (answer.ok) await keep(answer.clone());
      return answer;
    }
    return (await keptPage()) ?? answer;
  } catch (error) {
    const found = await keptPage();
    if (found === undefined) throw error;
    return found;
  } finally {
    clearTimeout(timer);
  }
}

/** The page's headers say what it may reach, and change without a build; a newer build's page is not kept. */
async function keep(answer: Response): Promise<void> {
  if (answer.redirected) return;
  const body = await answer.arrayBuffer();
  if ((await digestOf(body)) !== FILES[PAGE]) return;
  const cache = await caches.open(CACHE);
  await cache.put(PAGE, new Response(body, { headers: plain(answer.headers) }));
}

async function keptPage(): Promise<Response | undefined> {
  return (await caches.open(CACHE)).match(PAGE);
}

async function kept(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const found = await cache.match(new URL(request.url).pathname, ANYHOW);
  return found ?? fetch(request); // the browser may throw kept files away
}

/** A file of another build, which the gateway may not have any more: a window that is still open asks. */
async function older(request: Request): Promise<Response> {
  return (await caches.match(request.url, ANYHOW)) ?? fetch(request);
}

/** Headers of a body that is no longer compressed. */
function plain(headers: Headers): Headers {
  const found = new Headers(headers);
  for (const name of ["content-encoding", "content-length"]) found.delete(name);
  return found;
}

async function digestOf(body: ArrayBuffer): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
}
