import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { writeLink } from "../../src/tracker/write-link.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/tracker.md"), "utf8");
const secret = "0123456789abcdef0123456789abcdef";
const base = "https://click.example";
const adId = "ad 1/é*";
const parameters = { to: "https://shop.example/?q=a b&c='1'", user_id: "Zoë (1)~!", "user-x": "1" };

function documented(language: string): string {
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(page);
  return block?.[1] ?? assert.fail(`there is no block of ${language}`);
}

/** All that both say, whatever its order. */
function partsOf(link: string): unknown {
  const url = new URL(link);
  return [url.origin + url.pathname, Object.fromEntries(url.searchParams)];
}

/** As the tests of a browser: where it is required, it may not be missing. */
function missingForPython(): string | false {
  if (spawnSync("python3", ["--version"]).status === 0) return false;
  assert.notEqual(process.env["TEST_REQUIRED"], "1", "needs python3");
  return "needs python3";
}

describe("the documented way to sign", () => {
  const { to, ...fields } = parameters;
  const own = partsOf(writeLink({ adId, to, fields }, base, secret));

  it("is ours in JavaScript", async () => {
    const address = `data:text/javascript,${encodeURIComponent(documented("js"))}`;
    const { link } = (await import(address)) as {
      link: (base: string, secret: string, ad: string, parameters: object) => string;
    };
    assert.deepEqual(partsOf(link(base, secret, adId, parameters)), own);
  });

  it("is ours in Python", { skip: missingForPython() }, () => {
    const call = `import json, sys\nprint(link(${[base, secret, adId].map((text) => JSON.stringify(text)).join(", ")}, **json.loads(sys.argv[1])))`;
    const code = `${documented("python")}\n${call}`;
    const printed = execFileSync("python3", ["-c", code, JSON.stringify(parameters)], {
      encoding: "utf8",
      env: { ...process.env, PYTHONUTF8: "1" },
    });
    assert.deepEqual(partsOf(printed.trim()), own);
  });
});
