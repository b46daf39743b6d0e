import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { live } from "../live/live.ts";
import { shapeOf, sinceMs } from "../model/alarms.ts";
import { ageText, msOrNull } from "../model/times.ts";
import { AlarmBanner } from "./AlarmBanner.tsx";
import { acknowledgeOne } from "./acknowledge.ts";
import { alarmWords } from "./alarm-words.ts";
import { bannerCounts, firstOf } from "./banner-facts.ts";
import { client, whyNot } from "./gateway.ts";
import { EVERYWHERE, useKeys } from "./keys.ts";
import { nowMs } from "./now.ts";
import { pressSound, soundState } from "./sound-now.ts";
import { zone } from "./zone.ts";

const SAID_FOR_MS = 8_000;

/** The banner of the alarms as they are. */
export function AlarmBannerNow() {
  const { alarms, state, overview } = live();
  const running = useSignal(false);
  const said = useSignal<string | null>(null);
  const all = alarms.all.value;
  const floodNow = alarms.counts.value?.flood ?? null;
  const leading = firstOf(all, floodNow?.groups.map((group) => group.firstOut) ?? null);
  const first = leading?.alarm ?? null;
  const isOff = state.value.kind === "offline";
  const isOld = isOff || (alarms.isLoaded.value && !alarms.current.value);
  const off =
    first === null
      ? null
      : isOld && !isOff
        ? "The gateway cannot read its alarms now."
        : whyNot("acknowledge");

  useEffect(() => {
    if (said.value === null) return;
    const timer = setTimeout(() => (said.value = null), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [said.value]);

  async function acknowledge() {
    if (first === null || off !== null || running.peek()) return;
    running.value = true;
    said.value = await acknowledgeOne(client, first);
    running.value = false;
  }

  useKeys(EVERYWHERE, [
    { key: "a", says: "Acknowledge the alarm in the banner", run: () => void acknowledge() },
  ]);
  if (!alarms.isLoaded.value)
    return (
      <section class="banner" aria-label="Alarms" aria-busy="true">
        <p class="calm first">Alarms are being read…</p>
      </section>
    );
  const flood =
    floodNow === null
      ? null
      : `${alarms.counts.value?.raisedIn10Min} alarms in 10 min, ${leading?.isFirstOut ? "first" : "most urgent"}`;
  const from = first === null ? null : sinceMs(first);
  return (
    <AlarmBanner
      counts={bannerCounts(all)}
      first={
        first === null
          ? null
          : {
              shape: shapeOf(first),
              words: alarmWords(first, wellOf(overview.wells.value, first.wellId)),
              href: `/alarms?alarm=${encodeURIComponent(first.alarmId)}`,
              age: from === null ? "" : `${ageText(nowMs.value - from)} ago`,
            }
      }
      flood={flood}
      staleSinceMs={
        isOff ? state.value.sinceMs : isOld ? (msOrNull(alarms.asOf.value) ?? nowMs.value) : null
      }
      now={nowMs.value}
      zone={zone.value}
      acknowledge={{ off, isRunning: running.value, onClick: () => void acknowledge() }}
      said={said.value}
      sound={{ ...soundState.value, onClick: pressSound }}
    />
  );
}

function wellOf<W extends { wellId: string }>(
  wells: readonly W[] | null,
  wellId: string,
): W | null {
  return wells?.find((one) => one.wellId === wellId) ?? null;
}
