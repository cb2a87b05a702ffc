import { useState } from "preact/hooks";
import type { Problem } from "../model/problem.ts";

interface KeyFormProps {
  readonly refused: Problem;
  readonly onKey: (key: string) => void;
}

/** What stands in place of everything where the service wants a key. */
export function KeyForm({ refused, onKey }: KeyFormProps) {
  const [key, setKey] = useState("");
  const isFirst = refused.code === "key_missing";
  return (
    <main class="key-page">
      <form
        class="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== "") onKey(key.trim());
        }}
      >
        <h1>clicktally</h1>
        {!isFirst && (
          <p class="key-refused" role="alert">
            {refused.title}
          </p>
        )}
        <label for="key">API key</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          autoFocus
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          aria-describedby="key-note"
        />
        <p id="key-note" class="note">
          One with the scope query, or admin to change things. It stays in this tab until it is
          closed.
        </p>
        <button type="submit" class="primary">
          Show the dashboard
        </button>
      </form>
    </main>
  );
}
