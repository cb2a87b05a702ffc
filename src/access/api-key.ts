/**
 * API keys. A key is 32 random bytes, so that a plain SHA-256 of it is as good as it is itself: there is nothing to guess, which
 * is what slow hashes and salts are for. Kept is the hash alone.
 */

import { hash, randomBytes } from "node:crypto";
import { trackerSource } from "../model/source.ts";
import type { Scope } from "./scopes.ts";

export interface ApiKey {
  /** The source of the clicks that are sent with it. */
  readonly name: string;
  /** SHA-256 of the key. */
  readonly digest: Buffer;
  readonly scopes: readonly Scope[];
  /** Epoch ms. */
  readonly createdAtMs: number;
  /** Epoch ms; absent: it does not end by itself. */
  readonly expiresAtMs?: number;
}

/** So that scanners for secrets know one where they see it. */
const prefix = "ctk_";
const keyBytes = 32;

/** The source of clicks that come without a key. */
export const openSource = "http";

/** No key may be called as other sources are. */
const takenNames: ReadonlySet<string> = new Set([openSource, trackerSource]);

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function isKeyName(name: unknown): name is string {
  return typeof name === "string" && namePattern.test(name) && !takenNames.has(name);
}

export const keyNameExpected = `1 to 63 letters, digits, dots, - and _, a letter or digit first, and not ${[...takenNames].join(" or ")}`;

/** The key itself, to be told once. */
export function newSecret(): string {
  return prefix + randomBytes(keyBytes).toString("base64url");
}

export function digestOf(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

export function isExpired({ expiresAtMs }: ApiKey, nowMs: number): boolean {
  return expiresAtMs !== undefined && nowMs >= expiresAtMs;
}
