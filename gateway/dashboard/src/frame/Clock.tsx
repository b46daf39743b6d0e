import { clockText, dayText, offsetText, zoneName } from "../model/times.ts";

/** The gateway's time in the zone of the page, with its offset. */
export function Clock({ now, zone }: { now: number; zone: string }) {
  const name = [zoneName(now, zone), offsetText(now, zone)].filter((one) => one !== "").join(" ");
  return (
    <div class="clock" title={zone}>
      <b>{clockText(now, zone)}</b>
      <span>
        <span class="day">{dayText(now, zone)} · </span>
        {name}
      </span>
    </div>
  );
}
