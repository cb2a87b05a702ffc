/** The filter, as chips of which all must hold, with the fields there are and the values that are most common now. */

import { useState } from "preact/hooks";
import type { DimensionsAnswer } from "../../src/api/live-schemas.ts";
import type { BreakdownAnswer } from "../../src/query/query-service.ts";
import { pathWith } from "../client/api.ts";
import { useNavigation } from "../client/navigation.ts";
import { useAnswer } from "../client/use-answer.ts";
import { rangeParameters } from "../model/address.ts";
import type { Condition } from "../model/filter.ts";
import { describeCondition, formatConditions, narrowed, parseConditions } from "../model/filter.ts";
import { formatCompact } from "../model/format.ts";
import { Popover } from "./popover.tsx";

const offeredMax = 50;

export function useFields(): readonly string[] {
  const { answer } = useAnswer<DimensionsAnswer>("v1/dimensions");
  if (!answer) return [];
  return [
    ...answer.dimensions.map(({ name }) => name),
    ...answer.ads.map((name) => `ad.${name}`),
    "ad_id",
  ];
}

export function FilterPicker() {
  const { address, go } = useNavigation();
  const { filter } = address;
  const conditions = parseConditions(filter);
  const set = (kept: readonly Condition[]): void => go({ filter: formatConditions(kept) });
  return (
    <div class="field" role="group" aria-label="Filter">
      <span class="field-label" aria-hidden="true">
        Filter
      </span>
      <div class="chips">
        {conditions?.map((condition) => (
          <Chip
            key={formatConditions([condition])}
            text={describeCondition(condition)}
            onRemove={() => set(conditions.filter((other) => other !== condition))}
          />
        ))}
        {conditions === undefined && <Chip text={filter} onRemove={() => go({ filter: "" })} />}
        <Popover class="chip-add" title="Add a condition to the filter" label="+ Filter">
          {(close) => (
            <ConditionForm
              onAdd={(added) => {
                close();
                go({ filter: narrowed(filter, [added]) });
              }}
              onText={(text) => {
                close();
                go({ filter: text });
              }}
            />
          )}
        </Popover>
      </div>
    </div>
  );
}

function Chip({ text, onRemove }: { readonly text: string; readonly onRemove: () => void }) {
  return (
    <span class="chip">
      {text}
      <button type="button" aria-label={`Remove: ${text}`} onClick={onRemove}>
        ×
      </button>
    </span>
  );
}

interface ConditionFormProps {
  readonly onAdd: (condition: Condition) => void;
  readonly onText: (filter: string) => void;
}

function ConditionForm({ onAdd, onText }: ConditionFormProps) {
  const { address } = useNavigation();
  const fields = useFields();
  const [chosen, setChosen] = useState("");
  const [kind, setKind] = useState<"is" | "is not" | "is missing" | "is there">("is");
  const [values, setValues] = useState<readonly string[]>([]);
  const [other, setOther] = useState("");
  const [asText, setAsText] = useState(address.filter);
  const field = chosen === "" ? (fields[0] ?? "") : chosen;
  const needsValues = kind === "is" || kind === "is not";
  const all = [...values, ...(other.trim() === "" ? [] : [other.trim()])];
  const canAdd = field !== "" && (!needsValues || all.length > 0);
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    if (!canAdd) return;
    const isNot = kind === "is not" || kind === "is there";
    onAdd({ field, isNot, values: needsValues ? all : [] });
  };
  const toggle = (value: string): void =>
    setValues(
      values.includes(value) ? values.filter((kept) => kept !== value) : [...values, value],
    );
  return (
    <>
      <form class="popover-form" onSubmit={onSubmit}>
        <div class="row">
          <label>
            Field
            <select
              value={field}
              onChange={(event) => {
                setChosen(event.currentTarget.value);
                setValues([]);
                setOther("");
              }}
            >
              {fields.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label>
            Condition
            <select
              value={kind}
              onChange={(event) => setKind(event.currentTarget.value as typeof kind)}
            >
              {["is", "is not", "is missing", "is there"].map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </div>
        {needsValues && field !== "" && (
          <ValueList key={field} field={field} values={values} onToggle={toggle} />
        )}
        {needsValues && (
          <label>
            Another value
            <input value={other} onInput={(event) => setOther(event.currentTarget.value)} />
          </label>
        )}
        <button type="submit" class="primary" disabled={!canAdd}>
          Add
        </button>
      </form>
      <details class="as-text">
        <summary>As text (RSQL)</summary>
        <form
          class="popover-form"
          onSubmit={(event) => {
            event.preventDefault();
            onText(asText.trim());
          }}
        >
          <label>
            Filter
            <textarea
              rows={2}
              value={asText}
              onInput={(event) => setAsText(event.currentTarget.value)}
            />
          </label>
          <p class="hint">
            <code>country==US;device=in=(mobile,tablet)</code>: ; is and, a comma is or.
          </p>
          <button type="submit">Apply</button>
        </form>
      </details>
    </>
  );
}

interface ValueListProps {
  readonly field: string;
  readonly values: readonly string[];
  readonly onToggle: (value: string) => void;
}

/** The values with the most clicks of the range, under the rest of the filter. */
function ValueList({ field, values, onToggle }: ValueListProps) {
  const { address } = useNavigation();
  const { range, filter } = address;
  const { answer, problem } = useAnswer<BreakdownAnswer>(
    pathWith("v1/breakdown", {
      by: field,
      order: "count",
      limit: String(offeredMax),
      ...rangeParameters(range),
      filter,
    }),
  );
  const rows = answer?.rows.filter((row) => row[field] !== null) ?? [];
  return (
    <fieldset class="values">
      <legend>Values with the most clicks</legend>
      {problem && <p class="hint">{problem.title}</p>}
      {!problem && !answer && <p class="hint">Loading …</p>}
      {answer && rows.length === 0 && <p class="hint">There are none in this time.</p>}
      {rows.map((row) => {
        const value = String(row[field]);
        return (
          <label key={value} class="value">
            <input
              type="checkbox"
              checked={values.includes(value)}
              onChange={() => onToggle(value)}
            />
            <span class="value-name">{value}</span>
            <span class="value-count">{formatCompact(Number(row["count"]))}</span>
          </label>
        );
      })}
    </fieldset>
  );
}
