import type { ComponentChildren } from "preact";
import { AlarmShape, type AlarmShapeProps } from "../parts/AlarmShape.tsx";
import { PRIORITIES, PRIORITY_WORDS } from "../model/alarms.ts";
import { clockText, untilText } from "../model/times.ts";
import { Button } from "../parts/Button.tsx";
import { Icon } from "../parts/Icon.tsx";
import { QualityMark } from "../parts/QualityMark.tsx";
import type { Priority } from "../rest/types/alarms.ts";
import type { AlarmWords } from "./alarm-words.ts";
import type { BannerCounts } from "./banner-facts.ts";

export interface FirstAlarm {
  shape: Pick<AlarmShapeProps, "priority" | "unacknowledged" | "returned">;
  words: AlarmWords;
  href: string;
  /** "42 s ago" */
  age: string;
}

export interface AlarmBannerProps {
  /** Of the landmark, where there are several on a page. */
  name?: string;
  counts: BannerCounts;
  /** The most urgent unacknowledged one; null: none. */
  first: FirstAlarm | null;
  /** In a flood, its words come first: "171 alarms in 10 min, first". */
  flood?: string | null;
  /** As of when, where that is not now: the alarms are then marked as old. */
  staleSinceMs?: number | null;
  now: number;
  zone: string;
  acknowledge: { off: string | null; isRunning: boolean; onClick: () => void };
  /** What came of the last acknowledgement, where it was not done. */
  said?: string | null;
  sound: { state: "on" | "silenced" | "blocked"; untilMs: number | null; onClick: () => void };
}

/** On every page: how many, what first, and Acknowledge. Without alarms it stays, and says so. */
export function AlarmBanner(props: AlarmBannerProps) {
  const { counts, now, zone, staleSinceMs = null } = props;
  const unacknowledged = sum(counts.unacknowledged);
  const worst = PRIORITIES.find((priority) => counts.unacknowledged[priority] > 0);
  const isStale = staleSinceMs !== null;
  return (
    <section
      class={`banner${worst === undefined || isStale ? "" : ` b${worst}`}`}
      aria-label={props.name ?? (isStale ? "Alarms, last known" : "Alarms")}
    >
      {sum(counts.total) > 0 && (
        <>
          <Counts counts={counts} isStale={isStale} />
          <a
            class={unacknowledged === 0 ? "unack none" : "unack"}
            href="/alarms?tab=unacknowledged"
          >
            {unacknowledged} <span class="only-desk">unacknowledged</span>
            <span class="only-phone">unack.</span>
          </a>
        </>
      )}
      <div class="first">
        <First {...props} />
      </div>
      <Acknowledge {...props} nothing={unacknowledged === 0} />
      <Sound {...props.sound} now={now} zone={zone} />
    </section>
  );
}

function Counts({ counts, isStale }: { counts: BannerCounts; isStale: boolean }) {
  return (
    <div class="counts">
      {PRIORITIES.map((priority) => (
        <span key={priority} class="cnt">
          <AlarmShape
            priority={priority}
            unacknowledged={!isStale && counts.unacknowledged[priority] > 0}
            silent
          />
          {counts.total[priority]}
          <span class="vh"> {PRIORITY_WORDS[priority]},</span>
        </span>
      ))}
    </div>
  );
}

function First(props: AlarmBannerProps): ComponentChildren {
  const { first, flood, staleSinceMs = null, said, now, zone } = props;
  if (staleSinceMs !== null) {
    return (
      <>
        <QualityMark mark="stale" label="STALE" />
        <p>
          Alarm state is as of {clockText(staleSinceMs, zone)}. New alarms cannot reach this screen.
        </p>
      </>
    );
  }
  if (said) return <p role="status">{said}</p>;
  if (first === null) {
    const none = sum(props.counts.total) === 0;
    return (
      <p class="calm">
        {none ? "No active alarms" : "All acknowledged"}, {clockText(now, zone)}
      </p>
    );
  }
  const { words } = first;
  return (
    <>
      <AlarmShape {...first.shape} />
      <a href={first.href}>
        {flood && (
          <>
            <b>FLOOD</b> {flood}{" "}
          </>
        )}
        <b class="nm">{words.where}</b> {words.what} <b>{words.value}</b> {words.against} · {first.age}
      </a>
    </>
  );
}

function Acknowledge({ acknowledge, first, nothing }: AlarmBannerProps & { nothing: boolean }) {
  if (nothing && acknowledge.off === null) return null;
  const off = acknowledge.off ?? (acknowledge.isRunning ? "It is being acknowledged." : null);
  return (
    <Button off={off} offSaidNearby onClick={acknowledge.onClick}>
      {acknowledge.isRunning ? "Acknowledging…" : "Acknowledge"}
      {first !== null && (
        <span class="vh">
          {first.words.where} {first.words.what}
        </span>
      )}
      {off === null && <kbd aria-hidden="true">A</kbd>}
    </Button>
  );
}

function Sound(props: AlarmBannerProps["sound"] & { now: number; zone: string }) {
  const { state, untilMs, now, onClick } = props;
  if (state === "silenced" && untilMs !== null) {
    return (
      <Button
        class="sound"
        onClick={onClick}
        label={`Alarm sound is silenced, it returns in ${untilText(untilMs - now)}. Let it sound now`}
      >
        <Icon name="sound-off" /> <span class="only-desk">{untilText(untilMs - now)}</span>
      </Button>
    );
  }
  if (state === "blocked") {
    return (
      <Button
        class="sound"
        onClick={onClick}
        label="Let it sound: this browser holds the alarm sound back until something is pressed"
      >
        <Icon name="sound-off" /> <span class="only-desk">Let it sound</span>
      </Button>
    );
  }
  return (
    <Button icon class="sound" onClick={onClick} label="Alarm sound is on. Silence for 2 minutes">
      <Icon name="sound" />
    </Button>
  );
}

function sum(by: Record<Priority, number>): number {
  return PRIORITIES.reduce((total, priority) => total + by[priority], 0);
}
