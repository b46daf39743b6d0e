import { Skeleton } from "../parts/Skeleton.tsx";
import { ProblemBox } from "../parts/ProblemBox.tsx";
import { Away } from "./Away.tsx";
import { configProblem, tenant } from "./gateway.ts";
import { Mark } from "./Mark.tsx";
import { TenantBadge } from "./TenantBadge.tsx";

/** Before the gateway has said how it is reached. */
export function Starting() {
  return (
    <div class="app">
      <header class="top">
        <span class="mark">
          <Mark />
        </span>
        <TenantBadge tenant={tenant.value} />
      </header>
      <Away />
      <main id="main">
        <h1 class="vh">Pumpjack</h1>
        {configProblem.value === null ? (
          <Skeleton waitingFor="the gateway" />
        ) : (
          <ProblemBox
            title="The gateway does not answer"
            error={configProblem.value}
            besides="This screen tries again every few seconds."
          />
        )}
      </main>
    </div>
  );
}
