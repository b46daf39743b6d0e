import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { msOrNull, whenText } from "../../model/times.ts";
import type { ConditionFact } from "../../rest/types/connections.ts";
import { sentence } from "./advice.ts";

const GOOD: Record<string, string> = { Stalled: "False" };

/** The conditions in the words of the status; the sentence stands where one is not as it should be. */
export function ConditionTable({ conditions }: { conditions: readonly ConditionFact[] }) {
  return (
    <table class="cond">
      <caption class="vh">Conditions</caption>
      <tbody>
        {conditions.map((one) => {
          const since = msOrNull(one.since);
          const isGood = one.status === (GOOD[one.type] ?? "True");
          return (
            <tr key={one.type}>
              <th scope="row">{one.type}</th>
              <td>
                <span class="tag">{one.status}</span>
              </td>
              <td>
                <small class="dim2">
                  {one.reason}
                  {since !== null && ` · ${whenText(since, nowMs.value, zone.value)}`}
                  {!isGood && one.message !== "" && <span class="why">{sentence(one.message)}</span>}
                </small>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
