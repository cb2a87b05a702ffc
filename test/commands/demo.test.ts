import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const cli = resolve(import.meta.dirname, "../../src/cli.ts");

void test("the demo kills its server twice and accounts for every click", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [cli, "demo", "--once", "--duration", "5"],
    {
      timeout: 60_000,
    },
  );
  assert.equal(stdout.match(/kill -9 \d+/g)?.length, 2);
  assert.equal(stdout.match(/restarted, ready after/g)?.length, 2);
  const account =
    /^sent ([\d,]+) counted ([\d,]+) duplicates ([\d,]+) lost 0 twice 0 balanced$/m.exec(stdout);
  assert(account, stdout);
  const [sent, counted, duplicates] = account
    .slice(1)
    .map((text) => Number(text.replaceAll(",", "")));
  const stored = Number((/([\d,]+) more were stored/.exec(stdout)?.[1] ?? "0").replaceAll(",", ""));
  assert.equal(counted! + duplicates!, sent! + stored);
  assert.ok(sent! > 3_000 && duplicates! > 0, stdout);
  assert.match(
    stdout,
    /^ad-1001 got [\d,]+ clicks from .*: provisional, revision 0\n.*\/explain\?from=/m,
  );
});
