/** Programs of Debian that check what is shipped for operating the service: promtool, Prometheus, nginx, logrotate, systemd's. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

const paths = {
  promtool: "/usr/bin/promtool",
  prometheus: "/usr/bin/prometheus",
  nginx: "/usr/sbin/nginx",
  logrotate: "/usr/sbin/logrotate",
  "systemd-analyze": "/usr/bin/systemd-analyze",
} as const;

export type Program = keyof typeof paths;

export function pathOf(program: Program): string {
  return paths[program];
}

/** What of these is not here, in one line; undefined where nothing is missing. Where they are required, nothing may be. */
export function missingPrograms(...programs: readonly Program[]): string | undefined {
  const absent = programs.map(pathOf).filter((path) => !existsSync(path));
  if (absent.length === 0) return undefined;
  const missing = `needs ${absent.join(", ")} (Debian's packages prometheus, nginx-light, logrotate and systemd)`;
  assert.notEqual(process.env["TEST_REQUIRED"], "1", missing);
  return missing;
}

/** Runs it to its end; resolves with all that it said where it was content, and fails with it where it was not. */
export async function check(
  program: Program,
  args: readonly string[],
  options: { readonly input?: string; readonly cwd?: string } = {},
): Promise<string> {
  const child = spawn(pathOf(program), args, { cwd: options.cwd, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stdin.end(options.input ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0, `${program} ${args.join(" ")}: ${said}`);
  return said;
}
