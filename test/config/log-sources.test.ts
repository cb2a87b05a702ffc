import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadSettings } from "../../src/config.ts";
import { CodedError } from "../../src/model/errors.ts";

function problemsOf(sources: string): readonly string[] {
  try {
    loadSettings({ flags: { sources }, configPath: "/dev/null" });
    return [];
  } catch (error) {
    assert.ok(error instanceof CodedError);
    return error.details["problems"] as readonly string[];
  }
}

describe("the setting for log files", () => {
  it("is a map of sources, each with its defaults", () => {
    const { sources } = loadSettings({
      flags: {
        sources: "{ web: { files: /var/log/a.log }, more: { files: [b, c], format: csv } }",
      },
      configPath: "/dev/null",
    });
    const defaults = { format: "ndjson", request: "", map: {} };
    assert.deepEqual(sources, [
      { name: "web", files: ["/var/log/a.log"], ...defaults },
      { name: "more", files: ["b", "c"], ...defaults, format: "csv" },
    ]);
  });

  it("names what is wrong", () => {
    const table: readonly (readonly [string, RegExp])[] = [
      ["[]", /sources is \[\], expected a map of sources/],
      ["{ http: { files: a } }", /sources\.http is 'http', expected a name/],
      ["{ a/b: { files: a } }", /sources\.a\/b is 'a\/b', expected a name/],
      ["{ web: [] }", /sources\.web is \[\], expected a map/],
      ["{ web: {} }", /sources\.web\.files is empty, expected 1 to 64 paths/],
      ["{ web: { files: [1] } }", /sources\.web\.files is \[1\], expected 1 to 64 paths/],
      ["{ web: { files: a, path: b } }", /sources\.web\.path is 'b', expected only files, format/],
      ["{ web: { files: a, format: xml } }", /sources\.web\.format is 'xml', expected ndjson, csv/],
      ["{ web: { files: a, format: $a$b, request: /c } }", /sources\.web\.format is '\$a\$b'/],
      ["{ web: { files: a, format: combined } }", /sources\.web\.request is '', expected a path/],
      ["{ web: { files: a, request: 'c/{ad_id}' } }", /sources\.web\.request is 'c\/\{ad_id\}'/],
      ["{ web: { files: a, request: '/{a}{b}' } }", /sources\.web\.request/],
      ["{ web: { files: a, map: { Ad: x } } }", /sources\.web\.map/],
    ];
    for (const [sources, problem] of table) {
      const problems = problemsOf(sources);
      assert.equal(problems.length, 1, sources);
      assert.match(problems[0]!, problem);
    }
  });
});
