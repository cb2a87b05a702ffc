/**
 * Where processes that share a store keep the record of their settings: beside the order of its commits. Each has a copy, by
 * which it may begin to take clicks while the store is away.
 */

import type { ConfigFile } from "../config/config-log.ts";
import { CodedError } from "../model/errors.ts";
import type { SharedNote } from "../store/shared-store.ts";
import type { Remote } from "../threads/endpoint.ts";
import { settingsNote } from "../threads/settings-note.ts";

/** `engine`: the thread that has the store open. `copy`: the file of this process. */
export function sharedSettings(engine: Remote, copy: ConfigFile): ConfigFile {
  const ask = (mayWait: boolean): Promise<SharedNote> =>
    engine.call<SharedNote>("readNote", [settingsNote, mayWait]);
  let revision: number | undefined;
  return {
    path: copy.path,
    async read() {
      const copied = await copy.read();
      let note: SharedNote;
      try {
        note = await ask(copied === undefined);
      } catch (error) {
        if (!(error instanceof CodedError) || error.code !== "store_unavailable") throw error;
        return copied;
      }
      ({ revision } = note);
      if (revision === 0) return undefined;
      if (note.text !== copied) await copy.write(note.text);
      return note.text;
    },
    async write(text) {
      revision ??= (await ask(true)).revision;
      const next: SharedNote = { revision: revision + 1, text };
      const written = await engine.call<SharedNote>("writeNote", [settingsNote, next]);
      ({ revision } = written);
      if (written.text !== text)
        throw new CodedError(
          "invalid_configuration",
          "another process has brought other settings into force at this moment: see that all have the same, and start again",
        );
      await copy.write(text);
    },
  };
}
