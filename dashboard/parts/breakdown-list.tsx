import type { BreakdownAnswer } from "../../src/query/query-service.ts";
import { pathWith } from "../client/api.ts";
import { useNavigation } from "../client/navigation.ts";
import { useAnswer } from "../client/use-answer.ts";
import type { Range } from "../model/address.ts";
import { rangeParameters } from "../model/address.ts";
import { conditionOfCell, narrowed } from "../model/filter.ts";
import { rangeMinutes, refreshEveryMs } from "../model/period.ts";
import { Answered, Empty } from "./answer-states.tsx";
import { CountButton } from "./count-button.tsx";
import { Link } from "./link.tsx";

const rowsMax = 6;
const everyTurns = 3;

interface BreakdownListProps {
  readonly field: string;
  readonly adId: string;
  readonly range: Range;
}

/** The values of a field with the most clicks of the ad; a value narrows the filter to it. */
export function BreakdownList({ field, adId, range }: BreakdownListProps) {
  const { address } = useNavigation();
  const { filter } = address;
  const ofAd = narrowed(filter, [conditionOfCell("ad_id", adId)]);
  const asked = useAnswer<BreakdownAnswer>(
    pathWith("v1/breakdown", {
      ...rangeParameters(range),
      by: field,
      order: "count",
      limit: String(rowsMax),
      filter: ofAd,
    }),
    refreshEveryMs(rangeMinutes(range)) * everyTurns,
  );
  const titleId = `by-${field}`;
  return (
    <section class="card" aria-labelledby={titleId}>
      <header class="card-head">
        <h2 id={titleId}>By {field}</h2>
      </header>
      <Answered
        what={`clicks by ${field}`}
        answer={asked.answer}
        problem={asked.problem}
        isStale={asked.isStale}
        isEmpty={({ rows }) => rows.length === 0}
        empty={<Empty title="No clicks in this time" />}
        onRetry={asked.reload}
      >
        {({ rows, from, to }) => (
          <table class="breakdown">
            <thead class="visually-hidden">
              <tr>
                <th scope="col">{field}</th>
                <th scope="col">Clicks</th>
                <th scope="col">Against the first</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => {
                const value = row[field] === null ? null : String(row[field]);
                const count = Number(row["count"]);
                const narrower = narrowed(filter, [conditionOfCell(field, value)]);
                return (
                  <tr key={value}>
                    <th scope="row">
                      <Link to={{ filter: narrower }}>{value ?? <em>missing</em>}</Link>
                    </th>
                    <td class="number">
                      <CountButton
                        count={count}
                        of={{ adId, from, to, filter: narrower }}
                        label={value ?? "missing"}
                      />
                    </td>
                    <td class="share-cell">
                      <meter
                        class="share"
                        min={0}
                        max={Number(rows[0]!["count"])}
                        value={count}
                        aria-label="against the first"
                      />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
      </Answered>
    </section>
  );
}
