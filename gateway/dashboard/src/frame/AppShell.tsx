import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect, useRef, useState } from "preact/hooks";
import { live } from "../live/live.ts";
import { trendLink, wellLink } from "../model/links.ts";
import { usePhone } from "../parts/use-phone.ts";
import type { OverviewWell } from "../rest/types/wells.ts";
import { Account } from "./Account.tsx";
import { AlarmBannerNow } from "./AlarmBannerNow.tsx";
import { callAlarms } from "./alarm-calls.ts";
import { Clock } from "./Clock.tsx";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import { tenant } from "./gateway.ts";
import { KeysDialog } from "./KeysDialog.tsx";
import { EVERYWHERE, listenToKeys, useKeys } from "./keys.ts";
import { LiveRegions } from "./LiveRegions.tsx";
import { LiveState } from "./LiveState.tsx";
import { Mark } from "./Mark.tsx";
import { nowMs } from "./now.ts";
import { OfflineBar } from "./OfflineBar.tsx";
import { SearchBox } from "./SearchBox.tsx";
import { SignInEnding } from "./SignInEnding.tsx";
import { runSound } from "./sound-now.ts";
import { TabBar } from "./TabBar.tsx";
import { TenantBadge } from "./TenantBadge.tsx";
import { unacknowledgedInTitle } from "./title.ts";
import { wellZones, zone } from "./zone.ts";

/** What is on every page: whose wells, where to go, how live it is, what time, and the alarms. */
export function AppShell({ children }: { children: ComponentChildren }) {
  const { path } = useLocation();
  const [areKeysOpen, setKeysOpen] = useState(false);
  const main = useMain(path);
  useKeys(EVERYWHERE, [{ key: "?", says: "All keys", run: () => setKeysOpen(true) }]);
  useWhileShown();
  return (
    <div class={live().state.value.kind === "offline" ? "app is-off" : "app"}>
      <a class="skip" href="#main" onClick={() => main.current?.focus()}>
        Skip to content
      </a>
      <div class="head">
        <header class="top">
          <a class="mark" href="/" aria-label="Pumpjack, overview">
            <Mark />
          </a>
          <TenantBadge tenant={tenant.value} />
          <Tabs path={path} />
          <SearchBox />
          <LiveStateNow />
          <ClockNow />
          <Account onKeys={() => setKeysOpen(true)} />
        </header>
        <AlarmBannerNow />
        <OfflineBarNow />
        <SignInEnding />
      </div>
      <main id="main" tabIndex={-1} ref={main}>
        <ErrorBoundary path={path}>{children}</ErrorBoundary>
      </main>
      <LiveRegions />
      {areKeysOpen && <KeysDialog onClose={() => setKeysOpen(false)} />}
    </div>
  );
}

/** The focus goes into a page that was gone to, so that a screen reader begins there. */
function useMain(path: string) {
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    if (document.querySelector("dialog[open]") === null)
      main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}

function useWhileShown(): void {
  useEffect(() => {
    const { overview, alarms } = live();
    const stops = [
      listenToKeys(),
      runSound(),
      callAlarms(),
      overview.hold(), // the lag, the zone and the names of wells in the banner come from it
      overview.wells.subscribe((wells) => {
        wellZones.value = (wells ?? []).map((well) => well.timeZone);
      }),
      alarms.counts.subscribe((counts) => {
        unacknowledgedInTitle.value = counts?.unacknowledged ?? 0;
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
}

function Tabs({ path }: { path: string }) {
  const isPhone = usePhone();
  const wellId = /^\/wells\/([^/]+)/.exec(path)?.[1];
  const here = wellId === undefined ? undefined : decoded(wellId);
  const well = live().overview.wells.value?.find((one) => one.wellId === here);
  return <TabBar path={path} well={well !== undefined && isPhone ? linksOf(well) : null} />;
}

function linksOf(well: OverviewWell) {
  const pens = well.keys.map(({ tagName }) => ({ wellId: well.wellId, tagName }));
  return { trends: trendLink({ pens }), control: wellLink(well.wellId, "control") };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function LiveStateNow() {
  const { state, lagMs } = live();
  const { kind, sinceMs } = state.value;
  return <LiveState kind={kind} lagMs={lagMs.value} awayMs={nowMs.value - sinceMs} />;
}

function ClockNow() {
  return <Clock now={nowMs.value} zone={zone.value} />;
}

function OfflineBarNow() {
  const { kind, sinceMs, nextTryMs } = live().state.value;
  if (kind !== "offline") return null;
  return (
    <OfflineBar
      sinceMs={sinceMs}
      nextTryMs={nextTryMs}
      now={nowMs.value}
      zone={zone.value}
      onTry={() => live().tryNow()}
    />
  );
}
