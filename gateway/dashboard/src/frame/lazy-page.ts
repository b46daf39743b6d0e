import { type ComponentType, h } from "preact";
import { lazy } from "preact-iso";
import { Broken } from "./ErrorBoundary.tsx";

type Module = { default: ComponentType };

/** A page that is fetched when it is first opened; where that fails, a page that says so. */
export function lazyPage(load: () => Promise<Module>): ComponentType {
  return lazy(() => load().catch(() => ({ default: NotFetched })));
}

function NotFetched() {
  return h(Broken, {
    why: "This page could not be fetched; the gateway may be away, or newer than this window",
  });
}
