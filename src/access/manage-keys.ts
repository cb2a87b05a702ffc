/** Making and revoking keys, in the file that running services read again by themselves. */

import { CodedError } from "../model/errors.ts";
import { digestOf, isExpired, isKeyName, keyNameExpected, newSecret } from "./api-key.ts";
import type { ApiKey } from "./api-key.ts";
import { changeKeys } from "./keys-file.ts";
import type { Scope } from "./scopes.ts";

export interface KeyRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly nowMs: number;
  /** Ms from now; absent: it does not end by itself. */
  readonly lifetimeMs?: number;
}

/** Resolves with the key, which nobody can tell again. A name whose key has expired is free. CodedError `already_exists`. */
export async function createKey(path: string, request: KeyRequest): Promise<string> {
  const { name, nowMs } = request;
  if (!isKeyName(name))
    throw new CodedError("invalid_parameter", `${name} is no name for a key: ${keyNameExpected}`);
  const [secret, key] = newKey(request);
  await changeKeys(path, (keys = []) => {
    const others = keys.filter((known) => known.name !== name || !isExpired(known, nowMs));
    if (others.some((known) => known.name === name))
      throw new CodedError(
        "already_exists",
        `there is a key called ${name}: revoke it first, or take another name`,
      );
    return [...others, key];
  });
  return secret;
}

/** CodedError `invalid_parameter` where there is none of this name. */
export async function revokeKey(path: string, name: string): Promise<void> {
  await changeKeys(path, (keys = []) => {
    const others = keys.filter((known) => known.name !== name);
    if (others.length === keys.length)
      throw new CodedError("invalid_parameter", `there is no key called ${name} in ${path}`);
    return others;
  });
}

/** An `admin` key where there is no file of keys yet, whoever else tries at the same moment; undefined where there is. */
export async function createFirstKey(path: string, nowMs: number): Promise<string | undefined> {
  const [secret, key] = newKey({ name: "first", scopes: ["admin"], nowMs });
  let isMade = false;
  await changeKeys(path, (keys) => {
    isMade = keys === undefined;
    return keys ?? [key];
  });
  return isMade ? secret : undefined;
}

function newKey({ name, scopes, nowMs, lifetimeMs }: KeyRequest): [string, ApiKey] {
  const secret = newSecret();
  const end = lifetimeMs === undefined ? {} : { expiresAtMs: nowMs + lifetimeMs };
  return [secret, { name, digest: digestOf(secret), scopes, createdAtMs: nowMs, ...end }];
}
