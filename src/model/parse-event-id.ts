import { EventIdKind } from "./click-batch.ts";
import { parseUuidInto } from "./uuid.ts";

const derivedForm = /^derived:[0-9a-f]{32}$/;

/**
 * Every way in which an event id that the API shows so may have been kept. A sender may have sent a text that looks like a
 * derived id: those are two. `words`: four of them, zeros where the kind is text.
 */
export function parseEventId(
  text: string,
): { readonly kind: number; readonly words: Uint32Array }[] {
  const words = new Uint32Array(4);
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === 36 && parseUuidInto(bytes, 0, words, 0))
    return [{ kind: EventIdKind.uuid, words }];
  const asText = { kind: EventIdKind.text, words: new Uint32Array(4) };
  if (!derivedForm.test(text)) return [asText];
  const hex = text.slice("derived:".length);
  const derived = Uint32Array.from({ length: 4 }, (_, i) =>
    Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16),
  );
  return [asText, { kind: EventIdKind.derived, words: derived }];
}
