/** The keys of a running service: those of a file, which is read again as it changes. */

import { existsSync, readFileSync } from "node:fs";
import { timingSafeEqual } from "node:crypto";
import { watchText } from "../files/watched-text.ts";
import type { Log } from "../logging/log.ts";
import { CodedError } from "../model/errors.ts";
import type { ApiKey } from "./api-key.ts";
import { digestOf, isExpired } from "./api-key.ts";
import { parseKeys } from "./keys-file.ts";
import type { Scope } from "./scopes.ts";
import { allows } from "./scopes.ts";

export class KeyRing implements Disposable {
  private readonly path: string;
  private readonly log: Log;
  private readonly listeners = new Set<() => void>();
  /** Undefined as long as there was no file: then everybody may do everything. */
  private keys: readonly ApiKey[] | undefined;
  private watch: Disposable | undefined;

  private constructor(path: string, log: Log) {
    this.path = path;
    this.log = log;
  }

  /**
   * CodedError `invalid_configuration` where the file can't be used. Later a file that is broken, or gone, is told in the log, and
   * the keys stay what they were.
   */
  static open(path: string, log: Log): KeyRing {
    const ring = new KeyRing(path, log);
    let text: string | undefined;
    if (existsSync(path)) {
      try {
        text = readFileSync(path, "utf8");
        ring.keys = parseKeys(text);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new CodedError(
          "invalid_configuration",
          `the keys file ${path} can't be used: ${why}`,
          {
            field: "auth.keys_file",
            cause,
          },
        );
      }
    }
    ring.watch = watchText({
      path,
      text,
      onText: (changed) => ring.take(changed),
      onProblem: (error) =>
        log.error(
          { reason: error.message },
          `the keys file ${path} can't be read; its keys hold on`,
        ),
    });
    return ring;
  }

  /** For tests and embedding: nobody needs a key, and nothing is read. */
  static none(log: Log): KeyRing {
    return new KeyRing("", log);
  }

  /** Whether nobody needs a key. Once there was a file it is never so again, also where the last key is revoked. */
  get isOpen(): boolean {
    return this.keys === undefined;
  }

  /** In time that says nothing about what the keys are like. Also one that has expired. */
  find(secret: string): ApiKey | undefined {
    const digest = digestOf(secret);
    let found: ApiKey | undefined;
    for (const key of this.keys ?? []) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  }

  /** Whether who was let in by this key (undefined: without one) would be let in still. */
  stillAllows(key: ApiKey | undefined, asked: Scope, nowMs: number): boolean {
    if (this.keys === undefined) return true;
    const held = key && this.keys.find(({ digest }) => digest.equals(key.digest));
    return held !== undefined && !isExpired(held, nowMs) && allows(held.scopes, asked);
  }

  /** Calls back after every change of the keys. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  [Symbol.dispose](): void {
    this.watch?.[Symbol.dispose]();
  }

  private take(text: string): void {
    try {
      this.keys = parseKeys(text);
    } catch (error) {
      const reason = (error as Error).message;
      this.log.error(
        { reason },
        `the keys file ${this.path} is not right; the keys before hold on`,
      );
      return;
    }
    this.log.info({ keys: this.keys.map(({ name }) => name) }, "the API keys have changed");
    for (const listener of this.listeners) listener();
  }
}
