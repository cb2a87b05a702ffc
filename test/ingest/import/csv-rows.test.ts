import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "csv-parse/sync";
import { DeclaredFields } from "../../../src/ingest/declared-fields.ts";
import { CsvRows } from "../../../src/ingest/import/csv-rows.ts";
import { RowStatus, rowBytesMax } from "../../../src/ingest/import/row-reader.ts";
import { FieldKind, ItemFields } from "../../../src/ingest/item-fields.ts";
import { CodedError } from "../../../src/model/errors.ts";

const declared = new DeclaredFields([{ name: "country", in: "minute", type: "string" }]);
const header = "ad_id,click_timestamp,event_id,country,note";

/** Each row as an object of what it holds, or what is wrong with it; the text is given in blocks of so many bytes. */
function read(
  text: string,
  blockBytes = 7,
  fieldsOf = declared,
): (Record<string, string> | string)[] {
  return readBytes(new TextEncoder().encode(text), blockBytes, fieldsOf);
}

function readBytes(
  bytes: Uint8Array,
  blockBytes: number,
  fieldsOf = declared,
): (Record<string, string> | string)[] {
  const reader = new CsvRows(fieldsOf);
  const fields = new ItemFields(fieldsOf.count);
  const rows: (Record<string, string> | string)[] = [];
  const drain = (): void => {
    for (
      let status = reader.next(fields);
      status !== RowStatus.needsMore;
      status = reader.next(fields)
    ) {
      rows.push(
        status === RowStatus.malformed ? reader.problem.message : contentOf(fields, fieldsOf),
      );
    }
  };
  for (let at = 0; at < bytes.length; at += blockBytes) {
    reader.load(bytes.subarray(at, at + blockBytes), false);
    drain();
  }
  reader.load(new Uint8Array(0), true);
  drain();
  return rows;
}

function contentOf(fields: ItemFields, { names }: DeclaredFields): Record<string, string> {
  const content: Record<string, string> = {};
  const text = (start: number, end: number): string =>
    new TextDecoder().decode(fields.source.subarray(start, end));
  for (const [slot, name] of names.entries()) {
    if (fields.kinds[slot] === FieldKind.text)
      content[name] = text(fields.starts[slot]!, fields.ends[slot]!);
  }
  for (let i = 0; i < fields.undeclaredCount; i++) {
    const name = text(fields.nameStarts[i]!, fields.nameEnds[i]!);
    content[name] = text(fields.valueStarts[i]!, fields.valueEnds[i]!);
  }
  return content;
}

void test("cells become fields, empty cells are absent, undeclared columns keep their names", () => {
  assert.deepEqual(read(`${header}\na,1,,US,hello\r\nb,2,e,"",\n`), [
    { ad_id: "a", click_timestamp: "1", country: "US", note: "hello" },
    { ad_id: "b", click_timestamp: "2", event_id: "e" },
  ]);
});

void test("quoted cells hold commas, quotes and line breaks", () => {
  assert.deepEqual(read(`${header}\n"a,""x""\n",1,"""",US,"\r\n"\n`), [
    { ad_id: 'a,"x"\n', click_timestamp: "1", event_id: '"', country: "US", note: "\r\n" },
  ]);
});

void test("a byte order mark, blank lines and a missing last line break are no rows", () => {
  assert.deepEqual(read(`\ufeff${header}\r\n\r\na,1,,,\n\n\nb,2,,,\r`), [
    { ad_id: "a", click_timestamp: "1" },
    { ad_id: "b", click_timestamp: "2" },
  ]);
});

void test("a row that is no CSV costs only itself", () => {
  const rows = read(`${header}\na,1\n"b"x,2,,,\nc,3,,,,\nd,4,,,\n"e,5,,,`);
  assert.deepEqual(rows, [
    "the row has 2 cells where the header has 5",
    "text follows the closing quote of a cell",
    "the row has 6 cells where the header has 5",
    { ad_id: "d", click_timestamp: "4" },
    "a quote opens a cell and never closes",
  ]);
});

void test("a quote that never closes ends at the longest row", () => {
  const rows = read(`${header}\n"${"x".repeat(rowBytesMax + 10)}\nb,2,,,\n`, 100_000);
  assert.deepEqual(rows, [
    `the row has more than ${rowBytesMax} bytes`,
    { ad_id: "b", click_timestamp: "2" },
  ]);
});

void test("a cell that is no UTF-8 costs only its row", () => {
  const bytes = Buffer.from(`${header}\né,1,,,\nb\xff,2,,,\nü,3,,,\n`, "utf8");
  const broken = Buffer.from(bytes.toString("hex").replace("62c3bf", "62ff"), "hex");
  for (const blockBytes of [1, 3, 1000]) {
    assert.deepEqual(readBytes(broken, blockBytes), [
      { ad_id: "é", click_timestamp: "1" },
      "bytes that UTF-8 does not allow",
      { ad_id: "ü", click_timestamp: "3" },
    ]);
  }
});

void test("columns are read under mapped names", () => {
  const mapped = new DeclaredFields([], { ad_id: "channel" });
  assert.deepEqual(read("channel,click_timestamp,ad\nx,1,y\n", 1000, mapped), [
    { ad_id: "x", click_timestamp: "1", ad: "y" },
  ]);
});

void test("a header that lacks a column or has one twice is refused with what it has", () => {
  const refusal = (text: string) => (error: unknown) =>
    error instanceof CodedError && error.message.includes(text);
  assert.throws(
    () => read("ad,click_timestamp\n"),
    refusal('no column "ad_id" to read ad_id from; it has ad, click'),
  );
  assert.throws(() => read("ad_id,click_timestamp,x,x\n"), refusal('"x" twice'));
  assert.throws(() => read('"'), refusal("no readable header"));
});

void test("it reads what csv-parse reads, wherever the blocks are cut", () => {
  const cell = fc.string({
    unit: fc.constantFrom("a", "é", '"', ",", "\n", "\r", " ", "字"),
    maxLength: 6,
  });
  const rows = fc.array(fc.tuple(cell, cell, cell, cell, cell), { minLength: 1, maxLength: 8 });
  const names = header.split(",");
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 40 }), fc.boolean(), (cells, blockBytes, crlf) => {
      const written = cells.map((row) =>
        row.map((text) => `"${text.replaceAll('"', '""')}"`).join(","),
      );
      const text = [header, ...written].join(crlf ? "\r\n" : "\n");
      const expected = (parse(text) as string[][])
        .slice(1)
        .map((row) =>
          Object.fromEntries(
            row.map((value, i) => [names[i]!, value]).filter(([, value]) => value !== ""),
          ),
        );
      assert.deepEqual(read(text, blockBytes), expected);
    }),
  );
});
