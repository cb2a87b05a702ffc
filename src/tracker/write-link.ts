import { linkParameter } from "./link-parameters.ts";
import { encode, keyIdOf, signatureOf } from "./signature.ts";

export interface LinkContent {
  readonly adId: string;
  /** Absent: a pixel. */
  readonly to?: string;
  /** Fields of the click, by name. */
  readonly fields: Readonly<Record<string, string>>;
  /** Of a link that counts once. */
  readonly eventId?: string;
  /** A whole number of seconds. */
  readonly expiresAtMs?: number;
}

/** `base`: the address that the tracker is reached at, such as `https://click.example.com`. */
export function writeLink(content: LinkContent, base: string, secret: string): string {
  const { adId, to, fields, eventId, expiresAtMs } = content;
  const parameters = new Map<string, string>();
  if (to !== undefined) parameters.set(linkParameter.target, to);
  for (const [name, value] of Object.entries(fields)) parameters.set(name, value);
  if (eventId !== undefined) parameters.set(linkParameter.eventId, eventId);
  if (expiresAtMs !== undefined)
    parameters.set(linkParameter.expires, String(Math.ceil(expiresAtMs / 1000)));
  parameters.set(linkParameter.keyId, keyIdOf(secret));
  const signature = signatureOf(secret, adId, parameters);
  const pairs = [...parameters, [linkParameter.signature, signature] as const];
  const query = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  const path = `/c/${encode(adId)}${to === undefined ? ".gif" : ""}`;
  return `${base.replace(/\/+$/, "")}${path}?${query}`;
}
