// What search looks through: all wells and all of their tags, read once when it is first opened.

import { signal } from "@preact/signals";
import { titleOf } from "../model/attention.ts";
import type { WellsPage } from "../rest/types/wells.ts";
import { client } from "./gateway.ts";
import type { Findable } from "./search.ts";

const FRESH_MS = 60_000;
const A_PAGE = 200;

export const findable = signal<readonly Findable[] | null>(null);
export const findableProblem = signal<unknown>(null);
let loadedAt = -Infinity;

/** Reads them, unless that was done within a minute. */
export async function loadFindable(): Promise<void> {
  if (performance.now() - loadedAt < FRESH_MS) return;
  loadedAt = performance.now();
  findableProblem.value = null;
  try {
    const { wells } = await client.overview();
    const found = new Map<string, Findable>(
      wells.map(({ wellId, title, pad, route, keys }) => [
        wellId,
        {
          wellId,
          title,
          pad,
          route,
          tags: keys.map((key) => ({ tagName: key.tagName, title: titleOf(key), unit: key.unit })),
        },
      ]),
    );
    findable.value = [...found.values()];
    let after: string | null = null;
    do {
      const page: WellsPage = await client.get<WellsPage>("/api/scada/wells", {
        limit: A_PAGE,
        after,
      });
      for (const { wellId, tags } of page.wells) {
        const well = found.get(wellId) ?? { wellId, title: "", pad: "", route: "", tags: [] };
        const known = new Map(well.tags.map((tag) => [tag.tagName, tag]));
        found.set(wellId, {
          ...well,
          tags: tags.map(
            (tag) =>
              known.get(tag.tagName) ?? {
                tagName: tag.tagName,
                title: titleOf(tag),
                unit: tag.unit,
              },
          ),
        });
      }
      after = page.nextAfter;
    } while (after !== null);
    findable.value = [...found.values()];
  } catch (error) {
    loadedAt = -Infinity;
    findableProblem.value = error;
  }
}
