import { alarmWords } from "../../frame/alarm-words.ts";
import { zone } from "../../frame/zone.ts";
import { titleOf } from "../../model/attention.ts";
import { counted } from "../../model/numbers.ts";
import { reasonWords } from "../../model/quality.ts";
import { clockText } from "../../model/times.ts";
import { QualityMark } from "../../parts/QualityMark.tsx";
import type { Judged } from "./judged.ts";
import { LiveAge } from "./LiveAge.tsx";

/** Why a well stands where it stands: one line, and one beneath. */
export function Why({ judged, others }: { judged: Judged; others: number }) {
  const { attention, worst } = judged;
  const age = attention.sinceMs !== null && <LiveAge sinceMs={attention.sinceMs} />;
  if (attention.alarm !== null) {
    const words = alarmWords(attention.alarm, judged.well);
    return (
      <>
        <p>
          {words.what} {words.value !== "" && <b>{words.value}</b>} {attention.alarm.value !== null && attention.alarm.unit}
        </p>
        <p>
          <small>
            {attention.detail} {age}
          </small>
        </p>
      </>
    );
  }
  switch (attention.kind) {
    case "no-data":
      return (
        <>
          <p>
            <QualityMark mark="stale" label="STALE" />
            {attention.sinceMs !== null && ` since ${clockText(attention.sinceMs, judged.well.timeZone || zone.value)}`}
          </p>
          <p>
            <small>
              {others > 0 && `${counted(others + 1, "well")} behind it · `}
              {attention.detail}
            </small>
          </p>
        </>
      );
    case "down":
      return (
        <>
          <p>
            {attention.headline} {age}
          </p>
          <p>
            <small>{attention.detail}</small>
          </p>
        </>
      );
    case "quality":
      return (
        <>
          <p>
            {worst === null ? (
              attention.headline
            ) : (
              <>
                {titleOf(judged.well.keys.find((tag) => tag.tagName === worst.tagName) ?? worst)}{" "}
                <Worst {...worst} />
              </>
            )}
          </p>
          <p>
            <small>
              {worst === null ? attention.detail : reasonWords(worst.reason)} {age && <>· {age}</>}
            </small>
          </p>
        </>
      );
    default:
      return <p>{attention.headline}</p>;
  }
}

function Worst({ quality, reason }: { quality: string; reason: string | null }) {
  if (quality === "UNCERTAIN") return <QualityMark mark="uncertain" label="UNCERTAIN" />;
  if (reason === "stale" || reason === "comm_failure") return <QualityMark mark="stale" label="STALE" />;
  return <QualityMark mark="bad" label="BAD" />;
}
