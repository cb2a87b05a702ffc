/** A real Prometheus of Debian with the rules that are shipped, hurried: what takes an hour takes a minute. */

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { hurriedRules, ruleFiles } from "./rules.ts";
import { pathOf } from "./programs.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const times = 60;
const everyMs = 250;

export class PrometheusServer implements AsyncDisposable {
  private readonly url: string;
  private readonly resources: AsyncDisposable;

  private constructor(url: string, resources: AsyncDisposable) {
    this.url = url;
    this.resources = resources;
  }

  /** `targets`: addresses of services, as `http://127.0.0.1:8080`. */
  static async start(targets: readonly string[]): Promise<PrometheusServer> {
    await using resources = new AsyncDisposableStack();
    const { path } = resources.use(await temporaryDirectory());
    for (const file of ruleFiles)
      await writeFile(join(path, basename(file)), hurriedRules(file, times));
    const config = {
      global: { scrape_interval: `${everyMs}ms`, evaluation_interval: `${everyMs}ms` },
      rule_files: ruleFiles.map((file) => basename(file)),
      scrape_configs: [
        {
          job_name: "clicktally",
          static_configs: [{ targets: targets.map((target) => new URL(target).host) }],
        },
      ],
    };
    await writeFile(join(path, "prometheus.yml"), JSON.stringify(config));
    const port = await freePort();
    const child = spawn(
      pathOf("prometheus"),
      [
        `--config.file=${join(path, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(path, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: "ignore" },
    );
    resources.defer(() => end(child));
    const url = `http://127.0.0.1:${port}`;
    await eventually("Prometheus is ready", async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return (await fetch(`${url}/-/ready`)).ok ? true : undefined;
    });
    return new PrometheusServer(url, resources.move());
  }

  /** Of the alerts that fire, each once, sorted. */
  async firing(): Promise<string[]> {
    const { data } = (await (await fetch(`${this.url}/api/v1/alerts`)).json()) as {
      data: {
        alerts: readonly { state: string; labels: Readonly<Record<string, string>> }[];
      };
    };
    const names = data.alerts
      .filter(({ state }) => state === "firing")
      .map(({ labels }) => labels["alertname"]!);
    return [...new Set(names)].toSorted();
  }

  /** The number that an expression comes to; undefined where it comes to nothing. */
  async value(expression: string): Promise<number | undefined> {
    const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data } = (await answer.json()) as {
      data: { result: readonly { value: readonly [number, string] }[] };
    };
    const [first] = data.result;
    return first && Number(first.value[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources[Symbol.asyncDispose]();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
