/**
 * The steps of the Dockerfile, done below a directory instead of in an image: the same copies, commands, variables and
 * user, where paths of the image begin with that directory. What an image has of its base is not there but Node, and what
 * npm would install, which takes long, has been installed elsewhere.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

export interface BuiltImage {
  readonly env: Readonly<Record<string, string>>;
  /** Of ENTRYPOINT and CMD, and of HEALTHCHECK: to be run by the image's user. */
  readonly start: readonly string[];
  readonly check: readonly string[];
  readonly dataDir: string;
}

/** Instructions with their continued lines in one, without comments. */
export function parseDockerfile(text: string): Instruction[] {
  const lines = text.split("\n").filter((line) => !/^\s*(?:#.*)?$/.test(line));
  const joined = lines.join("\n").replaceAll(/\\\n\s*/g, "");
  return joined.split("\n").map((line) => {
    const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    assert.ok(name !== undefined && rest !== undefined, `no instruction: ${line}`);
    return { name, rest };
  });
}

/** Nobody's rights, where this process may give its own away. */
export const asNobody: readonly string[] =
  process.getuid!() === 0
    ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    : [];

/** Builds below `root`, which is there and empty, from what `context` holds. `packages`: the node_modules that npm would make. */
export function buildImage(
  root: string,
  context: string,
  text: string,
  packages: string,
): BuiltImage {
  // Whoever runs it must come there.
  chmodSync(root, 0o755);
  const inside = (path: string): string => join(root, path);
  mkdirSync(inside("tmp"), { mode: 0o777 });
  chmodSync(inside("tmp"), 0o777);
  mkdirSync(inside("usr/bin"), { recursive: true });
  copyFileSync(process.execPath, inside("usr/bin/node"));
  mkdirSync(inside("var/lib"), { recursive: true });
  let workdir = "/";
  const env: Record<string, string> = { PATH: `${inside("usr/bin")}:${process.env["PATH"]}` };
  const commands: Record<string, readonly string[]> = {};
  const located = (value: string): string =>
    value.replaceAll(/(?<![\w/.])\/(?:app|var\/lib|tmp)(?=\/|$)/g, (path) => inside(path));
  let user = "root";
  for (const { name, rest } of parseDockerfile(text)) {
    switch (name) {
      case "FROM":
        assert.match(rest, /^node:24-bookworm-slim$/);
        break;
      case "WORKDIR":
        workdir = rest;
        mkdirSync(inside(workdir), { recursive: true });
        break;
      case "COPY": {
        const sources = rest.split(" ");
        const target = join(inside(workdir), sources.pop()!);
        for (const source of sources) {
          const to = target.endsWith("/") ? join(target, basename(source)) : target;
          cpSync(join(context, source), to, { recursive: true });
        }
        break;
      }
      case "ENV":
        for (const [, key, value] of rest.matchAll(/(\w+)=(\S+)/g)) env[key!] = located(value!);
        break;
      case "RUN":
        assert.equal(user, "root", "what needs rights comes before the user");
        runStep(inside(workdir), rest.replaceAll(/\/var\/lib/g, inside("/var/lib")), packages);
        break;
      case "USER":
        user = rest;
        break;
      case "HEALTHCHECK":
        commands[name] = JSON.parse(/CMD (\[.*\])$/.exec(rest)![1]!) as string[];
        break;
      case "ENTRYPOINT":
      case "CMD":
        commands[name] = (JSON.parse(rest) as string[]).map(located);
        break;
      case "VOLUME":
      case "EXPOSE":
        break;
      default:
        assert.fail(`the Dockerfile has an instruction that is not done here: ${name}`);
    }
  }
  assert.equal(user, "node");
  return {
    env,
    start: [...commands["ENTRYPOINT"]!, ...commands["CMD"]!],
    check: commands["HEALTHCHECK"]!,
    dataDir: env["CLICKTALLY_DATA_DIR"]!,
  };
}

/** The image's user has a name that this machine does not know. */
function runStep(cwd: string, command: string, packages: string): void {
  if (command.startsWith("npm install ")) {
    assert.match(command, /--omit=dev --ignore-scripts .*&& npm cache clean --force$/);
    symlinkSync(packages, join(cwd, "node_modules"));
    return;
  }
  const own =
    asNobody.length > 0
      ? command.replaceAll("node:node", "65534:65534")
      : command.replaceAll(/&& chown .*/g, "");
  execFileSync("sh", ["-ec", own], { cwd });
}
