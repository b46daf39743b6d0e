import { useState } from "preact/hooks";
import { Button } from "../../parts/Button.tsx";
import { Chip } from "../../parts/Chip.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { Field } from "../../parts/Field.tsx";
import { Forbidden } from "../../parts/Forbidden.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Segment } from "../../parts/Segment.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import { NOW } from "./samples.ts";
import { ProblemError } from "../../rest/problem.ts";

const RANGES = [
  { value: "1h", text: "1 h" },
  { value: "8h", text: "8 h" },
  { value: "24h", text: "24 h" },
] as const;
const TIMEOUT = new ProblemError("The store did not answer in 10 s.", {
  status: 503,
  code: "STORE_TIMEOUT",
});

export function Buttons() {
  const [range, setRange] = useState<(typeof RANGES)[number]["value"]>("8h");
  const [isOpen, setOpen] = useState(false);
  return (
    <Panel
      title="Buttons, fields and focus"
      aside={<small>Button, Chip, Segment, Field, Dialog</small>}
    >
      <div class="col gap3">
        <div class="row wrap">
          <Button kind="pri">Primary</Button>
          <Button>Secondary</Button>
          <Button class="is-focus">Focus</Button>
          <Button icon label="An icon alone">
            <Icon name="filter" />
          </Button>
          <Button kind="quiet">Quiet</Button>
        </div>
        <div class="row wrap">
          <Chip chosen count={14}>
            Chosen
          </Chip>
          <Chip count={7}>Chip</Chip>
          <Segment label="Range" options={RANGES} value={range} onChange={setRange} />
        </div>
        <Field label="Reason" hint="Everybody who looks at this alarm reads it.">
          {(ties) => <input {...ties} class="input" />}
        </Field>
        <Field label="Set point" wrong="9.5 is above 9.0, the most that may be set.">
          {(ties) => <input {...ties} class="input" value="9.5" />}
        </Field>
        <div class="row">
          <Button onClick={() => setOpen(true)}>Open a dialog</Button>
        </div>
        {isOpen && (
          <Dialog
            title="Shelve an alarm"
            onClose={() => setOpen(false)}
            footer={
              <>
                <Button autofocus onClick={() => setOpen(false)}>
                  Cancel
                </Button>
                <Button kind="pri" off="Give a reason first." offSaidNearby>
                  Shelve
                </Button>
              </>
            }
          >
            <p class="note">The focus begins on Cancel; Escape closes; Enter sends nothing.</p>
          </Dialog>
        )}
      </div>
    </Panel>
  );
}

export function Role() {
  return (
    <Panel title="Not possible now">
      <div class="row wrap">
        <Button off="Needs the operator role; you are viewer.">Change…</Button>
      </div>
    </Panel>
  );
}

export function Loading() {
  return (
    <Panel title="Loading" aside={<small>Skeleton</small>}>
      <Skeleton waitingFor="the kit's own example" />
      <small class="dim">
        Only shapes, never old numbers. After 5 s: what is waited for, and Try again.
      </small>
    </Panel>
  );
}

export function Nothing() {
  return (
    <Panel title="Empty" aside={<small>Empty</small>}>
      <Empty title="No wells yet" action={<Button>How to add wells</Button>}>
        This tenant has no accepted tag mapping. Apply a ScadaConnection and a TagMapping; wells
        appear within seconds.
      </Empty>
    </Panel>
  );
}

export function Problem() {
  return (
    <Panel title="Error" aside={<small>ProblemBox</small>}>
      <ProblemBox
        title="Trend could not be loaded"
        error={TIMEOUT}
        at={NOW}
        besides="Live values are not affected."
        onRetry={() => undefined}
      />
    </Panel>
  );
}

export function NotYours() {
  return (
    <Panel title="No permission" aside={<small>Forbidden</small>}>
      <Forbidden what="well" tenant="Bluestem Ridge Operating" />
    </Panel>
  );
}
