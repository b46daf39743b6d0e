// Only the rows in sight are in the document (TanStack Virtual): within the list, or within the window.

import {
  Virtualizer,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  observeWindowOffset,
  observeWindowRect,
  windowScroll,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef } from "preact/hooks";

const AROUND = 6;

export interface Virtual {
  /** Places in the list, and where each stands [px from the list's top]. */
  rows: { index: number; top: number }[];
  heightPx: number;
  /** First and last that can be seen, without those around. */
  first: number;
  last: number;
  show: (index: number) => void;
  /** Ref of a row that has data-index, where rows are as high as what is in them. */
  measure: (row: HTMLElement | null) => void;
}

export interface VirtualOptions {
  count: number;
  /** As high as it is, or about so where rows are measured. */
  sizePx: (index: number) => number;
  /** Changes when sizes do. */
  sizes: string;
  /** What tells a row from others, where rows are measured and can move; its place when left out. */
  keyOf?: (index: number) => string;
  box: RefObject<HTMLElement | null>;
  ofWindow: boolean;
}

/** The root's font size [px]: what a rem is. */
export function remPx(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

export function useVirtual({ count, sizePx, sizes, keyOf, box, ofWindow }: VirtualOptions): Virtual {
  const [, redraw] = useReducer((number: number) => number + 1, 0);
  const margin = useRef(0);
  const size = useRef(sizePx);
  size.current = sizePx;
  const common = {
    count,
    estimateSize: (index: number) => size.current(index),
    getItemKey: keyOf ?? byPlace,
    overscan: AROUND,
    onChange: () => redraw(undefined as never),
  };
  const both = useMemo(
    () =>
      ofWindow
        ? {
            window: new Virtualizer<Window, Element>({ ...common, ...OF_WINDOW }),
            element: null,
          }
        : {
            window: null,
            element: new Virtualizer<HTMLElement, Element>({
              ...common,
              ...OF_ELEMENT,
              getScrollElement: () => box.current,
            }),
          },
    [ofWindow],
  );
  both.window?.setOptions({ ...common, ...OF_WINDOW, ...covered(), scrollMargin: margin.current });
  both.element?.setOptions({ ...common, ...OF_ELEMENT, getScrollElement: () => box.current });
  const virtualizer = both.window ?? both.element;

  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => {
    if (ofWindow && box.current !== null) {
      const top = box.current.getBoundingClientRect().top + scrollY;
      if (Math.abs(top - margin.current) > 1) {
        margin.current = top;
        redraw(undefined as never);
      }
    }
    virtualizer._willUpdate();
  });
  const measured = useRef(sizes);
  useEffect(() => {
    if (measured.current === sizes) return;
    measured.current = sizes;
    virtualizer.measure();
    for (const row of virtualizer.elementsCache.values()) virtualizer.measureElement(row);
  }, [virtualizer, sizes]);

  const offset = ofWindow ? margin.current : 0;
  const rows = virtualizer
    .getVirtualItems()
    .map(({ index, start }) => ({ index, top: start - offset }));
  return {
    rows,
    heightPx: virtualizer.getTotalSize(),
    first: virtualizer.range?.startIndex ?? 0,
    last: virtualizer.range?.endIndex ?? 0,
    show: (index) => virtualizer.scrollToIndex(index, { align: "auto" }),
    measure: virtualizer.measureElement,
  };
}

function byPlace(index: number): number {
  return index;
}

/** What stands over the page's edges: the frame's head, or its banner alone; on a phone also banner and tabs below. */
function covered(): { scrollPaddingStart: number; scrollPaddingEnd: number } {
  const app = document.querySelector(".app");
  const over = [...document.querySelectorAll(".head, .banner")].find((one) => getComputedStyle(one).position === "sticky");
  return {
    scrollPaddingStart: over?.clientHeight ?? 0,
    scrollPaddingEnd: app === null ? 0 : parseFloat(getComputedStyle(app).paddingBottom) || 0,
  };
}

const OF_WINDOW = {
  getScrollElement: () => window,
  observeElementRect: observeWindowRect,
  observeElementOffset: observeWindowOffset,
  scrollToFn: windowScroll,
};
const OF_ELEMENT = {
  observeElementRect,
  observeElementOffset,
  scrollToFn: elementScroll,
};
