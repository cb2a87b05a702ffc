/** Addresses that filters name, in any notation. */

import { CodedError } from "../model/errors.ts";
import { formatIp, parseIpInto } from "../model/ip.ts";
import { isProtectedForm } from "../model/protected-value.ts";

/** Four words. CodedError `invalid_filter` where the text is no address. */
export function addressWords(field: string, text: string): Uint32Array {
  const words = new Uint32Array(4);
  if (parseIpInto(text, words, 0)) return words;
  throw new CodedError("invalid_filter", `${field}: ${text} is no IP address`, { field });
}

/** As it is where it is the protected form of one. */
export function canonicalAddress(field: string, text: string): string {
  return isProtectedForm(text) ? text : formatIp(addressWords(field, text), 0);
}
