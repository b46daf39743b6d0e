import { bytesText } from "../../model/numbers.ts";
import { ageText } from "../../model/times.ts";
import type { Connection } from "../../rest/types/connections.ts";
import { WAITING_S } from "./states.ts";

/** How full the journal is, by a bar; orange with a dark edge when readings are held up. */
export function JournalMeter({ journal, words = true }: { journal: Connection["journal"]; words?: boolean }) {
  const share = journal.sizeBytes ? Math.min(1, journal.bytes / journal.sizeBytes) : 0;
  const isOver = journal.oldestS > WAITING_S;
  const size = journal.sizeBytes === null ? "" : ` of ${bytesText(journal.sizeBytes)}`;
  const oldest = journal.batches === 0 ? "–" : ageText(journal.oldestS * 1_000);
  return (
    <>
      <span
        class={isOver ? "meter over" : "meter"}
        style={{ "--w": `${share * 100}%` }}
        role="img"
        aria-label={`Journal: ${bytesText(journal.bytes)}${size}${isOver ? ", readings are held up" : ""}`}
      >
        <i />
      </span>
      {words && (
        <small class="dim">
          {bytesText(journal.bytes)} · {oldest}
        </small>
      )}
    </>
  );
}
