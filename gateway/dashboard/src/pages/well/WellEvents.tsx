import { zone } from "../../frame/zone.ts";
import { fullText } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Button } from "../../parts/Button.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import type { WellAnswer } from "../../rest/types/wells.ts";
import type { Happened } from "./events.ts";
import { useHappened } from "./use-happened.ts";

const A_PAGE = 100;

/** All that happened at a well, the newest first; older ones when asked for. */
export function WellEvents({ well }: { well: WellAnswer }) {
  const happened = useHappened(well, A_PAGE);
  const { items, isLoaded, error, hasMore } = happened;
  return (
    <Panel title="Events" pad={false} aside={<small>alarms and commands, the newest first</small>} class="history">
      {!isLoaded && error === null && (
        <div class="pad">
          <Skeleton waitingFor="the events of this well" onRetry={happened.again} />
        </div>
      )}
      {!isLoaded && error !== null && <ProblemBox title="Events could not be loaded" error={error} onRetry={happened.again} />}
      {isLoaded && items.length === 0 && !hasMore && (
        <div class="pad">
          <Empty title="Nothing has happened yet">No alarm of this well was raised, and no command was sent to it.</Empty>
        </div>
      )}
      {items.length > 0 && (
        <ol class="tbl">
          {items.map((one) => (
            <EventRow key={one.key} event={one} />
          ))}
        </ol>
      )}
      {happened.olderError !== null && (
        <ProblemBox title="Older events could not be loaded" error={happened.olderError} onRetry={() => void happened.older()} />
      )}
      {isLoaded && hasMore && (
        <div class="pad">
          <Button onClick={() => void happened.older()} off={happened.isReadingOlder ? "They are on their way." : null}>
            Show older
          </Button>
        </div>
      )}
    </Panel>
  );
}

function EventRow({ event }: { event: Happened }) {
  return (
    <li class="tr wev">
      <span class="dim when">{fullText(event.atMs, zone.value)}</span>
      <span class="g">{event.priority !== null ? <AlarmShape priority={event.priority} /> : <Icon name="control" label="Command" />}</span>
      <span class="what">
        <b>{event.what}</b>
        {event.detail !== "" && <span class="dim2"> {event.detail}</span>}
        {event.comment !== "" && <small class="dim2"> “{event.comment}”</small>}
      </span>
      <span class="dim2 cut who-did">{event.who}</span>
    </li>
  );
}
