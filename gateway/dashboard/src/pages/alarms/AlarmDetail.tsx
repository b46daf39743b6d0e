import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { alarmWords } from "../../frame/alarm-words.ts";
import { client, whyNot } from "../../frame/gateway.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { zone } from "../../frame/zone.ts";
import { CONDITION_WORDS, PRIORITY_WORDS, STATE_WORDS, TO_ACKNOWLEDGE, shapeOf } from "../../model/alarms.ts";
import { trendLink, wellLink } from "../../model/links.ts";
import { counted } from "../../model/numbers.ts";
import { fullText, msOrNull } from "../../model/times.ts";
import { typeWords } from "../../model/well-type.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Button } from "../../parts/Button.tsx";
import { Field } from "../../parts/Field.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Problem } from "../../parts/Problem.tsx";
import type { Alarm, AlarmAction } from "../../rest/types/alarms.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { AlarmTrend } from "./AlarmTrend.tsx";
import { actProblem, isActing, refusals } from "./acting.ts";

const WEEK_MS = 7 * 86_400_000;

export interface AlarmDetailProps {
  alarm: Alarm;
  well: OverviewWell | null;
  /** Others that are selected with it. */
  also: number;
  onAct: (action: AlarmAction, comment: string) => void;
  onShelve: () => void;
  onOutOfService: () => void;
  /** Somebody chose it; on a phone it is only shown then. */
  isAskedFor: boolean;
  onClose: () => void;
}

/** One alarm: what it means, what to do, and doing it. */
export function AlarmDetail({ alarm, well, also, onAct, onShelve, onOutOfService, isAskedFor, onClose }: AlarmDetailProps) {
  const words = alarmWords(alarm, well);
  const comment = useSignal("");
  useEffect(() => void (comment.value = ""), [alarm.alarmId]);
  const busy = isActing.value ? "It is on its way." : null;
  const isNew = TO_ACKNOWLEDGE.has(alarm.state);
  const said = refusals.value.get(alarm.alarmId);
  const acknowledgeOff = whyNot("acknowledge") ?? busy ?? (isNew ? null : `It is ${STATE_WORDS[alarm.state].toLowerCase()} already.`);
  return (
    <section class={`panel one side${isAskedFor ? "" : " only-desk"}`} aria-label="Chosen alarm">
      <header>
        <AlarmShape {...shapeOf(alarm)} />
        <h2>{words.what}</h2>
        <span class="r tag">
          P{alarm.priority} {PRIORITY_WORDS[alarm.priority]}
        </span>
        <Button icon kind="quiet" label="Back to the list" class="only-phone" onClick={onClose}>
          <Icon name="close" />
        </Button>
      </header>
      <div class="pad col gap3">
        <div class="row between">
          <span>
            <b class="nm">{words.where}</b> <span class="dim">{[typeWords(well?.type ?? ""), well?.pad].filter(Boolean).join(" · ")}</span>
          </span>
          <span>
            <b>{words.value}</b> <small class="dim">{words.against}</small>
          </span>
        </div>
        {alarm.tagName !== "" && <AlarmTrend alarm={alarm} />}
        <dl class="dl">
          <dt>State</dt>
          <dd>
            {STATE_WORDS[alarm.state]}
            {alarm.acknowledgedBy !== null && ` by ${alarm.acknowledgedBy}`}
            {!alarm.confirmed && ", told by the worker, not stored yet"}
          </dd>
          <dt>Condition</dt>
          <dd>{CONDITION_WORDS[alarm.condition]}</dd>
          {alarm.message !== "" && <Line term="Message" text={alarm.message} />}
          {alarm.consequence !== "" && <Line term="Consequence" text={alarm.consequence} />}
          {alarm.response !== "" && <Line term="Response" text={alarm.response} />}
          {alarm.comment !== "" && <Line term="Last comment" text={alarm.comment} />}
          <Times alarm={alarm} />
        </dl>
        {said !== undefined && (
          <p class="note" role="status">
            {said}
          </p>
        )}
        <Problem says={actProblem.value} />
        <Field label="Comment">
          {(ties) => <input {...ties} class="input" maxLength={500} value={comment.value} onInput={(event) => (comment.value = event.currentTarget.value)} />}
        </Field>
        <div class="row wrap">
          <Button big kind="pri" class="grow" off={acknowledgeOff} onClick={() => onAct("acknowledge", comment.value)}>
            Acknowledge{also > 0 && ` ${also + 1}`} <kbd>A</kbd>
          </Button>
          {alarm.state === "shelved" ? (
            <Button big off={whyNot("unshelve") ?? busy} onClick={() => onAct("unshelve", comment.value)}>
              Unshelve
            </Button>
          ) : (
            <Button big off={whyNot("shelve") ?? busy} onClick={onShelve}>
              Shelve… <kbd>S</kbd>
            </Button>
          )}
          {alarm.latched && (
            <Button big off={whyNot("reset") ?? busy} onClick={() => onAct("reset", comment.value)}>
              Reset
            </Button>
          )}
        </div>
        {alarm.wellId !== "" && (
          <div class="row">
            <a class="btn grow" href={wellLink(alarm.wellId)}>
              Well <kbd>W</kbd>
            </a>
            <a class="btn grow" href={trendLink({ pens: [{ wellId: alarm.wellId, tagName: alarm.tagName }] })}>
              Trend <kbd>T</kbd>
            </a>
            <a class="btn grow" href={wellLink(alarm.wellId, "control")}>
              Control <kbd>C</kbd>
            </a>
          </div>
        )}
        {alarm.condition === "comm_failure" && (
          <a class="btn" href={`/connections?id=${encodeURIComponent(alarm.connectionId)}`}>
            Connection
          </a>
        )}
        <OutOfService alarm={alarm} busy={busy} onAct={onAct} onOutOfService={onOutOfService} />
      </div>
    </section>
  );
}

function OutOfService({ alarm, busy, onAct, onOutOfService }: Pick<AlarmDetailProps, "alarm" | "onAct" | "onOutOfService"> & { busy: string | null }) {
  if (alarm.outOfService) {
    return (
      <Button off={whyNot("in-service") ?? busy} onClick={() => onAct("in-service", "")}>
        Back into service
      </Button>
    );
  }
  return (
    <Button kind="quiet" off={whyNot("out-of-service") ?? busy} onClick={onOutOfService}>
      Take out of service…
    </Button>
  );
}

function Line({ term, text }: { term: string; text: string }) {
  return (
    <>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </>
  );
}

/** How often lately, so that a nuisance is seen as one. */
function Times({ alarm }: { alarm: Alarm }) {
  const asked = useAnswer(`times ${alarm.alarmId} ${alarm.activeSince ?? ""}`, (signal) =>
    client.alarmEvents({ alarmId: alarm.alarmId, kind: ["raised"], start: new Date(Date.now() - WEEK_MS).toISOString(), limit: 100 }, { signal }),
  );
  const since = msOrNull(alarm.activeSince);
  const times = asked.answer?.events.length ?? 0;
  return (
    <>
      <dt>Times</dt>
      <dd>
        {since !== null && `${alarm.active ? "since" : "raised"} ${fullText(since, zone.value)}`}
        {asked.answer !== null && `; ${counted(times, "time")}${asked.answer.nextCursor === null ? "" : " or more"} in 7 days`}
      </dd>
    </>
  );
}
