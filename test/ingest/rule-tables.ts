import assert from "node:assert/strict";
import { it } from "node:test";
import type { ClickRules } from "../../src/ingest/admit-click.ts";
import type { ItemErrorCode } from "../../src/model/errors.ts";
import type { DecodingOptions, Row } from "./decoding.ts";
import { decodeBody, goodClick, goodRow, receivedAtMs } from "./decoding.ts";

/** Each rule is asked of the scanner and of the parser alone. */
export const ways = [
  ["scanned", true],
  ["parsed", false],
] as const;

/** The good click with some fields otherwise; undefined leaves one out. Values are JSON texts. */
export function clickJson(changes: Readonly<Record<string, string | undefined>>): string {
  const fields = {
    ...Object.fromEntries(Object.entries(goodClick).map(([k, v]) => [k, JSON.stringify(v)])),
    ...changes,
  };
  const parts = Object.entries(fields).filter(([, value]) => value !== undefined);
  return `{${parts.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

export function accepted(
  name: string,
  changes: Record<string, string | undefined>,
  row: Partial<Row>,
  options: DecodingOptions = {},
) {
  for (const [way, scanner] of ways) {
    it(`${name} (${way})`, () => {
      const { decoded, rows } = decodeBody(clickJson(changes), { ...options, scanner });
      assert.deepEqual(decoded.errors, []);
      assert.deepEqual(rows, [{ ...goodRow, ...row }]);
      assert.equal(decoded.accepted, 1);
    });
  }
}

export function refused(
  name: string,
  changes: Record<string, string | undefined>,
  [field, code, ...messages]: [
    field: string,
    code: ItemErrorCode,
    ...messages: (string | RegExp)[],
  ],
  rules: Partial<ClickRules> = {},
) {
  for (const [way, scanner] of ways) {
    it(`${name} (${way})`, () => {
      const { decoded, rows } = decodeBody(clickJson(changes), { rules, scanner });
      assert.deepEqual(rows, []);
      const { received, rejected, rejectCounts } = decoded;
      assert.deepEqual(
        { received, rejected, rejectCounts },
        { received: 1, rejected: 1, rejectCounts: { [code]: 1 } },
      );
      const [error] = decoded.errors;
      assert.deepEqual(
        { index: error!.index, field: error!.field, code: error!.code },
        { index: 0, field, code },
      );
      for (const part of messages) {
        assert.match(
          error!.message,
          typeof part === "string" ? new RegExp(RegExp.escape(part)) : part,
        );
      }
      assert.ok(error!.message.length < 300, error!.message);
    });
  }
}

export function without(...names: string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(goodRow.dimensions).filter(([name]) => !names.includes(name)),
  );
}

export const textOf = (length: number): string => JSON.stringify("x".repeat(length));
export const time = (offsetMs: number): string => String(receivedAtMs + offsetMs);
