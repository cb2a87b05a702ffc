import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LinkReader } from "../../src/tracker/read-link.ts";
import { runCommand } from "./run-command.ts";

const secret = "a-secret-of-tests-that-is-long-enough";
const env = { CLICKTALLY_TRACKER_SECRETS: `${secret} an-older-secret-of-tests-just-as-long` };
const reader = new LinkReader({ secrets: [secret], onceMsMax: 6 * 3_600_000 });

describe("link", () => {
  it("prints a link that the tracker takes, signed with the first secret", async () => {
    const args = ["link", "ad/1", "https://shop.example/a b", "--set", "user_id=u=1"];
    const more = ["--set", "country=DE", "--expires", "30d", "--base", "https://x.example/t/"];
    const { stdout, exitCode } = await runCommand([...args, ...more], { env });
    assert.equal(exitCode, 0);
    const url = new URL(stdout.trim());
    assert.equal(url.origin + url.pathname, "https://x.example/t/c/ad%2F1");
    const nowMs = Date.now();
    const link = reader.read("ad/1", url.searchParams, nowMs);
    assert.equal(link.to, "https://shop.example/a%20b");
    assert.deepEqual({ ...link.fields }, { user_id: "u=1", country: "DE" });
    const lifeMs = Number(url.searchParams.get("exp")) * 1000 - nowMs;
    assert.ok(Math.abs(lifeMs - 30 * 86_400_000) < 60_000);
  });

  it("prints one that counts once, and lives no longer than that is so", async () => {
    const { stdout } = await runCommand(["link", "a", "--once"], { env });
    const url = new URL(stdout.trim());
    assert.equal(url.pathname, "/c/a.gif");
    assert.match(reader.read("a", url.searchParams, Date.now()).eventId ?? "", /^[\da-f-]{36}$/);
    const { exitCode } = await runCommand(["link", "a", "--id", "x", "--expires", "7h"], { env });
    assert.equal(exitCode, 2);
  });

  it("refuses what no click could come of", async () => {
    const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [["a", "javascript:alert(1)"], /http or https/],
      [["a", "--set", "nosuch=1"], /no such dimension/],
      [["a", "--set", "country=Germany"], /two capital letters/],
      [["a", "--set", "event_id=1"], /can't set it/],
      [["a", "--set", "to=1"], /the link's own/],
      [["a", "--expires", "soon"], /duration/],
      [[""], /1 to 256 are expected/],
    ];
    const results = await Promise.all(
      wrong.map(([args]) => runCommand(["link", ...args], { env })),
    );
    for (const [index, { exitCode, stdout, stderr }] of results.entries()) {
      assert.deepEqual([exitCode, stdout], [2, ""], stderr);
      assert.match(stderr, wrong[index]![1]);
    }
    const { exitCode, stderr } = await runCommand(["link", "a"]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /tracker\.secrets/);
  });
});
