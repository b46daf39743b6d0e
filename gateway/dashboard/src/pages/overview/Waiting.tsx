import { live } from "../../live/live.ts";
import { Button } from "../../parts/Button.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";

const LINES = Array.from({ length: 12 }, (_, at) => 96 - ((at * 17) % 40));

/** Before the first answer: shapes only; where the wells cannot be read, why. */
export function Waiting() {
  const { overview } = live();
  const problem = overview.problem.value;
  const again = () => void overview.load();
  return (
    <div class="ov waiting">
      <section class="panel field" aria-label="Field at a glance">
        <div class="pad">
          <Skeleton waitingFor="the figures of the field" lines={[60, 80, 60, 80, 40]} />
        </div>
      </section>
      <section class="panel list" aria-label="Wells">
        <div class="pad">
          {problem === null ? (
            <Skeleton waitingFor="the wells of this tenant" lines={LINES} onRetry={again} />
          ) : (
            <ProblemBox title="The wells could not be read" error={problem} onRetry={again} besides="It is tried again every few seconds." />
          )}
        </div>
      </section>
    </div>
  );
}

/** A tenant without wells: how they come to be here. */
export function NoWells() {
  return (
    <div class="ov-empty">
      <Empty
        title="No well of this tenant is read yet"
        action={
          <div class="row wrap">
            <a class="btn pri" href="/connections">
              Connections
            </a>
            <Button onClick={() => void live().overview.load()}>Look again</Button>
          </div>
        }
      >
        A well is here as soon as a connection reads a tag of it: create a DeviceConnection for the device and a
        TagMapping that names the well (<span class="mono">spec.wellId</span>) and its tags. Its title, route, pad, type and
        key tags stand in <span class="mono">spec.well</span> of the same TagMapping. Nothing has to be set up on this screen.
        If that is done already, Connections says what keeps it from reading.
      </Empty>
    </div>
  );
}
