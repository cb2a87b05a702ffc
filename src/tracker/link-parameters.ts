/** The parameters of a tracked link that say something of the link. Every other one is a field of the click. */

import { CodedError } from "../model/errors.ts";

export const linkParameter = {
  /** Where the link leads; absent in a pixel or a beacon. */
  target: "to",
  /** The click's event id, of a link that counts once. */
  eventId: "id",
  /** Seconds since 1970; the link is refused from then on. */
  expires: "exp",
  keyId: "kid",
  signature: "sig",
} as const;

const ownNames: ReadonlySet<string> = new Set(Object.values(linkParameter));
/** The tracker's to say. */
const clickNames: ReadonlySet<string> = new Set(["ad_id", "click_timestamp", "event_id"]);

const targetLengthMax = 8_192;

/** The parameters that are fields of the click. CodedError `link_invalid` where one is not a link's to set. */
export function fieldsAmong(parameters: ReadonlyMap<string, string>): Record<string, string> {
  const fields = Object.create(null) as Record<string, string>;
  for (const [name, value] of parameters) {
    if (clickNames.has(name))
      throw new CodedError("link_invalid", `${name}: a link can't set it`, { field: name });
    if (!ownNames.has(name)) fields[name] = value;
  }
  return fields;
}

export function isOwnName(name: string): boolean {
  return ownNames.has(name);
}

/** The address as a Location header takes it. CodedError `invalid_parameter` where it is none of http or https. */
export function checkTarget(to: string): string {
  const url = to.length <= targetLengthMax ? URL.parse(to) : null;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.href;
  throw new CodedError(
    "invalid_parameter",
    `to: an http or https address of at most ${targetLengthMax} characters is expected`,
    { field: linkParameter.target },
  );
}
