import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { clickHouseStarter } from "../support/clickhouse-server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { readCompose } from "./compose.ts";
import { opsDirectory } from "./rules.ts";

const run = promisify(execFile);
const { services } = readCompose({ withReplicas: true });

/** What a real ClickHouse makes of these files, as tab-separated text. */
async function asked(
  files: readonly string[],
  env: Readonly<Record<string, string>>,
  ...selects: readonly string[]
): Promise<string[]> {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  clickHouseStarter.compile(path);
  await mkdir(join(path, "config.d"));
  await writeFile(join(path, "config.xml"), "<clickhouse/>");
  for (const file of files)
    await copyFile(join(opsDirectory, "clickhouse", file), join(path, "config.d", file));
  const answers = selects.map((_, i) => join(path, `answer-${i}`));
  const sql = selects.map((select, i) => `${select} INTO OUTFILE '${answers[i]}' FORMAT TSV`);
  // The library gives back no exit code: whether it was content is told by its answers.
  await run(
    join(path, "start"),
    [
      clickHouseStarter.libraryPath(),
      `--path=${join(path, "data")}`,
      `--config-file=${join(path, "config.xml")}`,
      `--query=${sql.join("; ")}`,
    ],
    { env: { PATH: process.env["PATH"], ...env } },
  ).catch(() => {});
  const texts = await Promise.all(answers.map((answer) => readFile(answer, "utf8")));
  return texts.join("").trimEnd().split("\n");
}

describe("the configuration of ClickHouse", () => {
  const filesOf = (name: string): string[] =>
    services[name]!.volumes!.flatMap(
      (volume) => /\/config\.d\/([\w-]+\.xml)/.exec(volume)?.[1] ?? [],
    );

  it("is the same cluster to each server, which knows who it is in it, as a real one reads it", async () => {
    const names = Object.keys(services).filter((name) => name.startsWith("clickhouse-"));
    assert.equal(names.length, 4);
    const clusters =
      "SELECT cluster, shard_num, replica_num, host_name FROM system.clusters " +
      "WHERE cluster LIKE 'clicktally%' ORDER BY ALL";
    const macros = "SELECT macro, substitution FROM system.macros ORDER BY macro";
    for (const name of names) {
      const [, shard] = name.split("-");
      const { environment } = services[name]!;
      const env = {
        SHARD: environment!["SHARD"]!,
        REPLICA: environment!["REPLICA"]!,
        CLUSTER_SECRET: "x",
      };
      const told = await asked(filesOf(name), env, clusters, macros);
      assert.deepEqual(told, [
        "clicktally\t1\t1\tclickhouse-1-1",
        "clicktally\t2\t1\tclickhouse-2-1",
        "clicktally_replicated\t1\t1\tclickhouse-1-1",
        "clicktally_replicated\t1\t2\tclickhouse-1-2",
        "clicktally_replicated\t2\t1\tclickhouse-2-1",
        "clicktally_replicated\t2\t2\tclickhouse-2-2",
        "cluster\tclicktally_replicated",
        `replica\t${name}`,
        `shard\t${shard}`,
      ]);
    }
  });

  it("has three Keepers, which are the ones that the servers look for", async () => {
    const keepers = Object.keys(services).filter((name) => name.startsWith("keeper-"));
    assert.equal(keepers.length, 3);
    for (const name of keepers)
      assert.deepEqual(
        await asked(
          ["keeper.xml"],
          { KEEPER_ID: services[name]!.environment!["KEEPER_ID"]! },
          "SELECT 1",
        ),
        ["1"],
      );
  });
});
