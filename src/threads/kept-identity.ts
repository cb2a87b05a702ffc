/** Keeps a data directory to the topic or the database that it began with: what it counted there can't go on elsewhere. */

import { basename } from "node:path";
import { durableTextFile } from "../files/durable-file.ts";
import { CodedError } from "../model/errors.ts";

export interface KeptIdentity {
  readonly name: string;
  /** One that was deleted and made anew under its name has another. */
  readonly id: string;
}

/** `what`: for errors, and the name in the file. `field`: the setting that leads to it. */
export async function keepTo(
  path: string,
  { what, field }: { readonly what: "topic" | "database"; readonly field: string },
  found: KeptIdentity,
): Promise<void> {
  const file = durableTextFile(path);
  const content = await file.read();
  if (content === undefined) {
    await file.write(`${JSON.stringify({ [what]: found.name, id: found.id })}\n`);
    return;
  }
  const known = parse(content, path, what);
  if (known.name === found.name && known.id === found.id) return;
  throw new CodedError(
    "data_corrupt",
    `the data directory belongs to ${what} ${known.name} (${known.id}), the settings lead to ${found.name} (${found.id})`,
    { field, details: { known, found } },
  );
}

function parse(content: string, path: string, what: string): KeptIdentity {
  try {
    const { id, ...rest } = JSON.parse(content) as Record<string, unknown>;
    const name = rest[what];
    if (typeof name === "string" && typeof id === "string") return { name, id };
  } catch {
    // No JSON at all: as below.
  }
  throw new CodedError("data_corrupt", `${basename(path)} does not name a ${what} and its id`, {
    details: { path },
  });
}

/** Of a directory that was made with another kind of queue or store. */
export function otherKind(field: "queue.kind" | "store.kind", kind: string): CodedError {
  return new CodedError(
    "invalid_configuration",
    `this data directory was made with ${field} ${kind}, and can't change it`,
    { field },
  );
}
