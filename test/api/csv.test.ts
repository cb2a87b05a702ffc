import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { formatCsv, tableOf } from "../../src/api/csv.ts";

describe("CSV", () => {
  it("has a header, CRLF, and quotes only where they are needed", () => {
    const table = tableOf(
      ["ad_id", "count"],
      [
        { ad_id: "plain", count: 1 },
        { ad_id: 'a "b", c', count: 2 },
        { ad_id: "two\nlines", count: 0 },
      ],
    );
    const expected = 'ad_id,count\r\nplain,1\r\n"a ""b"", c",2\r\n"two\nlines",0\r\n';
    assert.equal(formatCsv(table), expected);
  });

  it("tells a missing value from an empty text", () => {
    const table = tableOf(["a", "b", "c"], [{ a: null, b: "" }]);
    assert.equal(formatCsv(table), 'a,b,c\r\n,"",\r\n');
  });

  it("keeps values exact, whatever a spreadsheet would make of them", () => {
    assert.equal(formatCsv({ columns: ["a"], rows: [["=1+1"], ["@x"]] }), "a\r\n=1+1\r\n@x\r\n");
  });

  it("reads back as it was, for any texts", () => {
    const cells = fc.array(fc.array(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 2 }));
    fc.assert(
      fc.property(cells, (rows) => {
        const csv = formatCsv({ columns: ["x", "y"], rows });
        assert.deepEqual(parse(csv, { bom: false, record_delimiter: "\r\n" }), [
          ["x", "y"],
          ...rows,
        ]);
      }),
    );
  });
});
