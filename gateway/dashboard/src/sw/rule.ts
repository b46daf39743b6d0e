// Who answers a request of a page: the gateway, or what was kept. Pure.

/**
 * page   any address of the screens: from the gateway, and the kept page where it is not reached
 * kept   a file of this build: what was kept
 * passed not ours: the browser asks by itself, as if there were no worker
 */
export type Way = "page" | "kept" | "passed";

/** First steps of addresses that hold data or belong to the gateway alone; never kept. */
const NO_PAGES = new Set([
  "api",
  "docs",
  "healthz",
  "metrics",
  "openapi.json",
  "readyz",
  "screens",
]);

export interface Request {
  method: string;
  /** Whole. */
  url: string;
  isNavigation: boolean;
}

/** files: paths of this build. origin: of the screens. */
export function wayOf(request: Request, origin: string, files: ReadonlySet<string>): Way {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== origin) return "passed";
  if (NO_PAGES.has(url.pathname.split("/")[1] ?? "")) return "passed";
  if (request.isNavigation) return "page";
  return files.has(url.pathname) ? "kept" : "passed";
}

/** Kept files of builds that are over: all but this one's and the one's before, whose windows may be open. */
export function outdated(caches: readonly string[], prefix: string, current: string): string[] {
  const others = caches.filter((name) => name.startsWith(prefix) && name !== current);
  return others.slice(0, -1);
}
