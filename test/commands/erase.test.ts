import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runCommand } from "./run-command.ts";

describe("erase from the shell", () => {
  const resources = new AsyncDisposableStack();
  let service: ServiceProcess;

  before(async () => {
    const dataDir = resources.use(await temporaryDirectory()).path;
    service = resources.use(await ServiceProcess.start({ dataDir }));
    const clicks = ["u1", "u2", "u1"].map((user_id, i) => ({
      ad_id: "a",
      event_id: `e${i}`,
      click_timestamp: Date.now(),
      user_id,
    }));
    await service.post("/v1/clicks?wait=counted", JSON.stringify(clicks), "application/json");
  });
  after(() => resources.disposeAsync());

  const run = (...args: string[]) => runCommand([...args, "--url", service.url]);

  it("tells what was erased, when the queue forgot it, and what is not covered", async () => {
    const erased = await run("erase", "user_id", "u1", "u3", "--reason", "asked for");
    assert.equal(erased.exitCode, 0, erased.stderr);
    assert.match(
      erased.stdout,
      /^erase \S+: erased 2; as of commit \d+\nthe click queue holds none of it since \S+Z\nnot covered: backups, exports\n$/,
    );
    const users = await run("query", "breakdown", "--by", "user_id", "--window", "60m", "--csv");
    assert.equal(users.stdout, "user_id,count\r\n,2\r\nu2,1\r\n");
    const again = await run("erase", "user_id", "u1", "--reason", "asked for", "--json");
    assert.deepEqual((JSON.parse(again.stdout) as { result: object }).result, { erased: 0 });
  });

  it("refuses a field that is no dimension", async () => {
    const { exitCode, stderr } = await run("erase", "users", "u1", "--reason", "x");
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /'users' is not known; known: country, device, user_id, ip/);
  });
});
