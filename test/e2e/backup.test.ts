import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import type { BackupAnswer } from "../../src/backup/backup-service.ts";
import { Random } from "../../src/traffic/random.ts";
import { runCommand } from "../commands/run-command.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const batchSize = 100;
const senderCount = 4;
const backupCount = 3;
const clicksBetween = 6_000;
const partitions = ["--queue-partitions", "2"];

/** Sends without a pause, some minutes late and some a second time, and knows what was acked in which order. */
class Load {
  readonly sent = new Set<string>();
  /** Event ids in the order of their acks. */
  readonly acked: string[] = [];
  private readonly random = new Random(1);
  private isOver = false;
  private readonly bodies: string[] = [];

  async run(service: ServiceProcess): Promise<void> {
    await Promise.all(Array.from({ length: senderCount }, () => this.sendOnAndOn(service)));
  }

  stop(): void {
    this.isOver = true;
  }

  private async sendOnAndOn(service: ServiceProcess): Promise<void> {
    while (!this.isOver) {
      const isAgain = this.bodies.length > 0 && this.random.chance(0.1);
      const ids = isAgain ? [] : Array.from({ length: batchSize }, () => this.random.uuid());
      const body = isAgain ? this.random.pick(this.bodies) : this.bodyOf(ids);
      for (const id of ids) this.sent.add(id);
      const { status } = await service.post("/v1/clicks", body);
      assert.equal(status, 200);
      this.acked.push(...ids);
      if (!isAgain) this.bodies.push(body);
    }
  }

  private bodyOf(ids: readonly string[]): string {
    const lateMs = this.random.chance(0.2) ? this.random.below(600_000) : 0;
    const lines = ids.map((event_id) =>
      JSON.stringify({
        ad_id: `ad-${this.random.below(40)}`,
        event_id,
        click_timestamp: Date.now() - lateMs,
        country: this.random.pick(["DE", "US"]),
        ip: `10.0.0.${this.random.below(256)}`,
      }),
    );
    return lines.join("\n");
  }
}

/** How often each event id is counted, by an export of the stopped directory. */
async function countedIds(dataDir: string, toDir: string): Promise<Map<string, number>> {
  const args = [
    "export",
    "--to-dir",
    toDir,
    "--format",
    "csv",
    "--data-dir",
    dataDir,
    ...partitions,
  ];
  const { exitCode, stderr } = await runCommand(args);
  assert.equal(exitCode, 0, stderr);
  const counts = new Map<string, number>();
  for (const name of await readdir(toDir)) {
    type Row = Readonly<Record<string, string>>;
    for (const { event_id, outcome } of parse<Row>(await readFile(join(toDir, name)), {
      columns: true,
    }))
      if (outcome === "counted" || outcome === "restated")
        counts.set(event_id!, (counts.get(event_id!) ?? 0) + 1);
  }
  return counts;
}

describe("backups under load, restored elsewhere", () => {
  it("have every click that was acked before they began, each once, and the audit is clean", async (t) => {
    await using directory = await temporaryDirectory();
    const dataDir = join(directory.path, "data");
    await mkdir(dataDir);
    const load = new Load();
    const backups: { path: string; acked: number }[] = [];
    {
      const env = { CLICKTALLY_QUEUE_PARTITIONS: "2", CLICKTALLY_WATERMARK_OUT_OF_ORDERNESS: "1s" };
      await using service = await ServiceProcess.start({ dataDir, env });
      const startMs = performance.now();
      const sending = load.run(service);
      for (let i = 1; i <= backupCount; i++) {
        await eventually("enough are acked", () =>
          load.acked.length >= i * clicksBetween ? true : undefined,
        );
        const acked = load.acked.length;
        const body = JSON.stringify({ dir: join(directory.path, "backups") });
        const answer = await service.post<BackupAnswer>(
          "/v1/admin/backup",
          body,
          "application/json",
        );
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        backups.push({ path: answer.body.path, acked });
      }
      load.stop();
      await sending;
      const rate = Math.round((load.acked.length * 1000) / (performance.now() - startMs));
      t.diagnostic(
        `${rate} clicks/s, ${backups.map(({ acked }) => acked).join(", ")} acked before`,
      );
    }
    for (const [i, { path, acked }] of backups.entries()) {
      const to = join(directory.path, `restored-${i}`);
      const args = ["restore", path, "--data-dir", to, ...partitions];
      const restored = await runCommand(args);
      assert.equal(restored.exitCode, 0, restored.stderr + restored.stdout);
      const counts = await countedIds(to, join(directory.path, `export-${i}`));
      const missing = load.acked.slice(0, acked).filter((id) => !counts.has(id));
      assert.deepEqual(missing, []);
      const strange = [...counts].filter(([id, count]) => count !== 1 || !load.sent.has(id));
      assert.deepEqual(strange, []);
    }
  });
});
