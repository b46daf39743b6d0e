import { AlarmBanner, type AlarmBannerProps } from "../../frame/AlarmBanner.tsx";
import { LiveState, type LiveKind } from "../../frame/LiveState.tsx";
import { OfflineBar } from "../../frame/OfflineBar.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { NOW, ZONE } from "./samples.ts";

const KINDS: readonly LiveKind[] = ["connecting", "live", "catching-up", "slow", "offline"];

export const BANNER: AlarmBannerProps = {
  counts: { total: { 1: 2, 2: 5, 3: 8, 4: 3 }, unacknowledged: { 1: 2, 2: 2, 3: 3, 4: 0 } },
  first: {
    shape: { priority: 1, unacknowledged: true },
    words: {
      where: "BR 07-3H",
      what: "Polished rod load HiHi",
      value: "31,420",
      against: "> 31,000 lbf",
    },
    href: "/alarms",
    age: "42 s ago",
  },
  now: NOW,
  zone: ZONE,
  acknowledge: { off: null, isRunning: false, onClick: () => undefined },
  sound: { state: "on", untilMs: null, onClick: () => undefined },
};

const NO_ALARMS: AlarmBannerProps = {
  ...BANNER,
  counts: { total: { 1: 0, 2: 0, 3: 0, 4: 0 }, unacknowledged: { 1: 0, 2: 0, 3: 0, 4: 0 } },
  first: null,
};

export function FrameStates() {
  return (
    <Panel title="Frame" aside={<small>LiveState, AlarmBanner, OfflineBar</small>} class="wide">
      <div class="col gap3">
        <div class="row wrap gap4">
          {KINDS.map((kind) => (
            <LiveState
              key={kind}
              kind={kind}
              lagMs={kind === "connecting" ? null : kind === "live" ? 400 : 4_200}
              awayMs={201_000}
            />
          ))}
        </div>
        <AlarmBanner
          {...BANNER}
          name="Alarms, silenced"
          sound={{ ...BANNER.sound, state: "silenced", untilMs: NOW + 104_000 }}
        />
        <AlarmBanner
          {...BANNER}
          name="Alarms, being acknowledged"
          said="maria@bluestem.example was first, at 14:32:01."
          acknowledge={{ ...BANNER.acknowledge, isRunning: true }}
        />
        <AlarmBanner
          {...BANNER}
          name="Alarms, flood"
          flood="184 alarms in 10 min, first"
          sound={{ ...BANNER.sound, state: "blocked" }}
        />
        <AlarmBanner {...NO_ALARMS} name="Alarms, none" />
        <AlarmBanner
          {...BANNER}
          staleSinceMs={NOW}
          acknowledge={{
            ...BANNER.acknowledge,
            off: "This screen has lost the gateway; nothing can be done until it is back.",
          }}
        />
        <OfflineBar
          sinceMs={NOW}
          nextTryMs={NOW + 205_000}
          now={NOW + 201_000}
          zone={ZONE}
          onTry={() => undefined}
        />
      </div>
    </Panel>
  );
}
