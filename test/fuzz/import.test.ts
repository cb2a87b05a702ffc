import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CsvRows } from "../../src/ingest/import/csv-rows.ts";
import { NdjsonRows } from "../../src/ingest/import/ndjson-rows.ts";
import type { Random } from "../../src/traffic/random.ts";
import { fieldNames, fieldValues, jsonTokens } from "./click-dictionary.ts";
import { fuzz } from "./fuzz.ts";
import { assertSameRows, declared, importedRows, judgeRules } from "./imported-rows.ts";
import { judgeLines } from "./judge/body.ts";
import type { JudgedRow, Refusal } from "./judge/click.ts";
import { judgeCsv } from "./judge/csv.ts";
import type { Mutator } from "./mutate.ts";

const localTimes = [
  "2026-11-07 9:30",
  "2026-11-07 09:30:00.5",
  "2026-11-07T09:30",
  "1794043800000",
];

function checkCsv(file: Uint8Array): string {
  const found = importedRows(file, () => new CsvRows(declared));
  const judged = judgeCsv(file, judgeRules);
  if (typeof found === "string" || judged === undefined) {
    assert.equal(found, judged === undefined ? "invalid_parameter" : "rows");
    return "bad header";
  }
  return assertSameRows(found, judged);
}

function checkNdjson(file: Uint8Array): string {
  const found = importedRows(file, () => new NdjsonRows(declared));
  assert.ok(typeof found !== "string");
  const { received, rows, refused } = judgeLines(file, judgeRules);
  const taken = rows.values();
  const judged = Array.from({ length: received }, (_, index): JudgedRow | Refusal => {
    const refusal = refused.find((other) => other.index === index);
    if (refusal === undefined) return taken.next().value!;
    return refusal.field === undefined
      ? { code: refusal.code }
      : { code: refusal.code, field: refusal.field };
  });
  return assertSameRows(found, judged);
}

/** Rows with a good header, whose cells are anything. */
function anyRows(random: Random, mutator: Mutator): Uint8Array {
  const columns = random.shuffle([...fieldNames, "note"]);
  const lines = Array.from({ length: random.between(1, 4) }, () =>
    columns.map((name) => anyCell(name, random, mutator)).join(","),
  );
  return Buffer.from([columns.join(","), ...lines].join(random.pick(["\n", "\r\n"])));
}

function anyCell(name: string, random: Random, mutator: Mutator): string {
  if (name === "ad_id" && random.chance(0.8)) return "ad-1";
  if (name === "click_timestamp" && random.chance(0.8)) return random.pick(localTimes);
  const text = random.chance(0.5) ? random.pick(["", ...fieldValues]) : mutator.token();
  return random.chance(0.4) ? `"${text.replaceAll('"', '""')}"` : text;
}

describe("hostile files", () => {
  it("of CSV give the rows that a naive reading has, however they are cut into blocks", async (t) => {
    const tally = await fuzz({
      decoder: "csv",
      mutants: 2500,
      dictionary: [
        ...fieldNames,
        ...fieldValues,
        ...localTimes,
        ",",
        '""',
        '",',
        "\n",
        "\r\n",
        "\r",
      ],
      check: checkCsv,
      make: anyRows,
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "rejected", "bad header"])
      assert.ok(tally.get(word)! > 100, `${word}: ${tally.get(word)}`);
  });

  it("of NDJSON give the rows that a naive reading has, however they are cut into blocks", async (t) => {
    const tally = await fuzz({
      decoder: "ndjson",
      mutants: 1500,
      dictionary: [...jsonTokens, ...localTimes, "\n"],
      check: checkNdjson,
      tell: (message) => t.diagnostic(message),
    });
    for (const word of ["accepted", "rejected"])
      assert.ok(tally.get(word)! > 100, `${word}: ${tally.get(word)}`);
  });
});
