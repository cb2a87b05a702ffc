import { CodedError } from "../model/errors.ts";
import { checkTarget, fieldsAmong, linkParameter } from "./link-parameters.ts";
import { isSignature, keyIdOf, signatureOf } from "./signature.ts";

/** What a link says, once its signature is known to be right. */
export interface ReadLink {
  readonly adId: string;
  /** As a Location header takes it. */
  readonly to: string | undefined;
  /** Of a link that counts once. */
  readonly eventId: string | undefined;
  /** Of the click, by name. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface LinkRules {
  /** Each signs; the first is the one that new links are signed with. */
  readonly secrets: readonly string[];
  /** How long a click is recognised whatever its time: no link that counts once may live longer. */
  readonly onceMsMax: number;
}

export class LinkReader {
  private readonly secrets: readonly (readonly [keyId: string, secret: string])[];
  private readonly onceMsMax: number;

  constructor({ secrets, onceMsMax }: LinkRules) {
    this.secrets = secrets.map((secret) => [keyIdOf(secret), secret]);
    this.onceMsMax = onceMsMax;
  }

  /**
   * `pairs`: the parameters as they came. CodedError `link_invalid` where they were not signed so, `link_expired`, or
   * `invalid_parameter` where what was signed leads nowhere.
   */
  read(adId: string, pairs: Iterable<readonly [string, string]>, nowMs: number): ReadLink {
    const parameters = uniqueOf(pairs);
    this.checkSignature(adId, parameters);
    const expiresAtMs = expiryOf(parameters);
    if (expiresAtMs !== undefined && nowMs >= expiresAtMs)
      throw new CodedError("link_expired", "the time of this link is over");
    const eventId = parameters.get(linkParameter.eventId);
    if (eventId !== undefined) this.checkOnce(expiresAtMs, nowMs);
    const to = parameters.get(linkParameter.target);
    return {
      adId,
      to: to === undefined ? undefined : checkTarget(to),
      eventId,
      fields: fieldsAmong(parameters),
    };
  }

  /** Takes the signature out. */
  private checkSignature(adId: string, parameters: Map<string, string>): void {
    const given = parameters.get(linkParameter.signature);
    const keyId = parameters.get(linkParameter.keyId);
    if (given === undefined || keyId === undefined)
      throw invalid("the link is not signed: sig and kid are expected");
    parameters.delete(linkParameter.signature);
    // More than one where two secrets happen to have the same id.
    const candidates = this.secrets.filter(([own]) => own === keyId);
    const fits = candidates.some(([, secret]) =>
      isSignature(signatureOf(secret, adId, parameters), given),
    );
    if (!fits) throw invalid("the signature is not right: the link was changed, or is not ours");
  }

  /**
   * Two clicks by the link are at most so far apart as its whole life, which must not be longer than an id is recognised
   * whatever the time beside it: then only the first is ever counted.
   */
  private checkOnce(expiresAtMs: number | undefined, nowMs: number): void {
    if (expiresAtMs === undefined)
      throw invalid("a link with an id needs an exp: its id is recognised for a time only");
    if (expiresAtMs - nowMs <= this.onceMsMax) return;
    const seconds = this.onceMsMax / 1000;
    throw invalid(`a link with an id may expire ${seconds} s from now at most (dedup.recent)`);
  }
}

function uniqueOf(pairs: Iterable<readonly [string, string]>): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (parameters.has(name)) throw invalid("the link has a parameter twice");
    parameters.set(name, value);
  }
  return parameters;
}

function expiryOf(parameters: ReadonlyMap<string, string>): number | undefined {
  const text = parameters.get(linkParameter.expires);
  if (text === undefined) return undefined;
  if (!/^\d{1,12}$/.test(text)) throw invalid("exp: seconds since 1970 are expected");
  return Number(text) * 1000;
}

function invalid(message: string): CodedError {
  return new CodedError("link_invalid", message);
}
