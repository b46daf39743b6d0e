import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { client } from "../../frame/gateway.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { live } from "../../live/live.ts";
import type { AlarmEvent } from "../../rest/types/alarms.ts";
import type { Command } from "../../rest/types/commands.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { type Merged, type Source, merged, nextSource, ofAlarm, ofCommand } from "./events.ts";

export interface HappenedNow extends Merged {
  isLoaded: boolean;
  error: unknown;
  again: () => void;
  /** Reads on; a failure stands in olderError. */
  older: () => Promise<void>;
  isReadingOlder: boolean;
  olderError: unknown;
}

interface Older {
  events: readonly AlarmEvent[];
  commands: readonly Command[];
  /** Cursors to go on with; undefined: the first answer's. */
  nextEvent: string | null | undefined;
  nextCommand: string | null | undefined;
}

const NOTHING_OLDER: Older = { events: [], commands: [], nextEvent: undefined, nextCommand: undefined };

/** What happened at a well: the newest at once and as it happens, older ones when asked for. */
export function useHappened(well: WellAnswer, aPage: number): HappenedNow {
  const { wellId } = well;
  const fresh = useSignal<readonly AlarmEvent[]>([]);
  const older = useSignal<Older>(NOTHING_OLDER);
  const reading = useSignal(false);
  const olderError = useSignal<unknown>(null);
  const events = useAnswer(`events ${wellId} ${aPage}`, (signal) => client.alarmEvents({ wellId, limit: aPage }, { signal }));
  const commands = useAnswer(`commands ${wellId} ${aPage}`, (signal) => client.commands({ wellId, limit: aPage }, { signal }));
  useEffect(() => live().commands.hold(wellId), [wellId]);
  useEffect(() => {
    fresh.value = [];
    older.value = NOTHING_OLDER;
    return live().alarms.onEvent((alarm, event) => {
      if (event !== null && alarm.wellId === wellId) fresh.value = [event, ...fresh.peek()].slice(0, 500);
    });
  }, [wellId]);

  const running = live().commands.ofWell(wellId);
  const { nextEvent, nextCommand } = older.value;
  const moreEvents = nextEvent === undefined ? (events.answer?.nextCursor ?? null) : nextEvent;
  const moreCommands = nextCommand === undefined ? (commands.answer?.nextCursor ?? null) : nextCommand;
  const sources = useMemo<Source[]>(
    () => [
      {
        items: [...fresh.value, ...(events.answer?.events ?? []), ...older.value.events].map((one) => ofAlarm(one, well)),
        hasMore: moreEvents !== null,
      },
      {
        // the feed's states of commands are the newest, so they come first
        items: [...running, ...(commands.answer?.commands ?? []), ...older.value.commands].map((one) => ofCommand(one, well)),
        hasMore: moreCommands !== null,
      },
    ],
    [well, fresh.value, older.value, events.answer, commands.answer, live().commands.all.value, moreEvents, moreCommands],
  );
  const shown = useMemo(() => merged(sources), [sources]);

  async function readOlder(): Promise<void> {
    const at = nextSource(sources);
    if (at < 0 || reading.peek()) return;
    reading.value = true;
    olderError.value = null;
    try {
      const known = older.peek();
      if (at === 0) {
        const page = await client.alarmEvents({ wellId, limit: aPage, cursor: moreEvents });
        older.value = { ...known, events: [...known.events, ...page.events], nextEvent: page.nextCursor };
      } else {
        const page = await client.commands({ wellId, limit: aPage, cursor: moreCommands });
        older.value = { ...known, commands: [...known.commands, ...page.commands], nextCommand: page.nextCursor };
      }
    } catch (error) {
      olderError.value = error;
    } finally {
      reading.value = false;
    }
  }

  return {
    ...shown,
    isLoaded: events.answer !== null && commands.answer !== null,
    error: events.error ?? commands.error,
    again: () => {
      if (events.answer === null) events.again();
      if (commands.answer === null) commands.again();
    },
    older: readOlder,
    isReadingOlder: reading.value,
    olderError: olderError.value,
  };
}
