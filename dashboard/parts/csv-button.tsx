import { useState } from "preact/hooks";
import { problemIn } from "../client/api.ts";
import type { CsvTable } from "../client/csv.ts";
import { saveCsv } from "../client/csv.ts";

interface CsvButtonProps {
  /** Undefined where there is nothing to save yet. */
  readonly table: CsvTable | undefined;
  readonly name: string;
  readonly label?: string;
}

export function CsvButton({ table, name, label = "CSV" }: CsvButtonProps) {
  const [isSaving, setSaving] = useState(false);
  const [note, setNote] = useState("");
  const onClick = (): void => {
    if (!table || isSaving) return;
    setSaving(true);
    setNote("");
    saveCsv(table, `${name}.csv`)
      .then((isWhole) =>
        setNote(isWhole ? "" : "The table is longer: the file holds its beginning."),
      )
      .catch((error: unknown) => setNote(problemIn(error).title))
      .finally(() => setSaving(false));
  };
  return (
    <>
      <button
        type="button"
        class="quiet"
        disabled={!table || isSaving}
        onClick={onClick}
        title="Save this table as CSV"
      >
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path
            d="M8 2v8m0 0 3-3m-3 3L5 7M3 13h10"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
          />
        </svg>
        {isSaving ? "Saving …" : label}
      </button>
      <span role="status" class="note">
        {note}
      </span>
    </>
  );
}
