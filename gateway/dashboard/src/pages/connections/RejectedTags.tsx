import type { Connection } from "../../rest/types/connections.ts";
import { formatNumber } from "../../model/numbers.ts";
import { sentence } from "./advice.ts";
import { nameOf } from "./states.ts";

/** Tags that are declared and not read, or not used whole, with the reasons of the status. */
export function RejectedTags({ connection }: { connection: Connection }) {
  const { rejected, rejectedTags, mappedTags } = connection;
  if (rejectedTags === 0) return null;
  return (
    <section class="rejects" aria-label="Rejected tags">
      <header>
        <h3>Rejected tags</h3>
        <small class="r dim">
          {formatNumber(rejectedTags, 0)} of {formatNumber(mappedTags + rejectedTags, 0)}
        </small>
      </header>
      <ul>
        {rejected.map((one) => (
          <li key={`${one.mapping} ${one.tag} ${one.reason}`} class="rej">
            <b class="mono">{one.tag}</b> <span class="dim">mapping {nameOf(one.mapping)}</span>
            <br />
            {sentence(one.reason)}
          </li>
        ))}
      </ul>
      {rejected.length < rejectedTags && (
        <p class="rej dim2">{formatNumber(rejectedTags - rejected.length, 0)} more in the status of the resources.</p>
      )}
    </section>
  );
}
