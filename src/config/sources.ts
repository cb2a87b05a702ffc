/** Where settings come from: flags, variables, the file. Each value keeps its origin, for messages. */

import { readFileSync } from "node:fs";
import { LineCounter, isAlias, isMap, isScalar, parse, parseDocument } from "yaml";
import type { Document, Node, Pair, ParsedNode, YAMLMap } from "yaml";
import type { SettingName } from "./keys.ts";
import { flagOf, isSettingName, settingKeys, settingNames, variableOf } from "./keys.ts";
import { nearestName } from "./nearest-name.ts";

export interface SourcedValue {
  readonly raw: unknown;
  /** `clicktally.yaml:12`, `CLICKTALLY_PORT` or `--port`. */
  readonly origin: string;
}

export interface Source {
  readonly values: ReadonlyMap<SettingName, SourcedValue>;
  /** Complete sentences, each with its origin first. */
  readonly problems: readonly string[];
}

const noSource: Source = { values: new Map(), problems: [] };

/** `flags`: texts by setting name. */
export function readFlags(flags: Readonly<Partial<Record<SettingName, string>>>): Source {
  const collector = new Collector();
  for (const [name, value] of Object.entries(flags))
    collector.addText(name as SettingName, value, flagOf(name));
  return collector;
}

/** Variables that are no settings but are ours all the same. */
const otherVariables: readonly string[] = ["CLICKTALLY_CONFIG", "CLICKTALLY_URL"];

/**
 * Kubernetes gives every pod variables about the services around it, and one that is called `clicktally` makes
 * these: they are no settings.
 */
function isServiceLink(variable: string, value: string): boolean {
  if (/^CLICKTALLY_(SERVICE_(HOST|PORT.*)|PORT_\d+_.*)$/.test(variable)) return true;
  return variable === "CLICKTALLY_PORT" && /^(tcp|udp|sctp):\/\//.test(value);
}

export function readVariables(env: Readonly<Record<string, string | undefined>>): Source {
  const names = new Map(settingNames.map((name) => [variableOf(name), name]));
  const known = [...names.keys(), ...otherVariables];
  const collector = new Collector();
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("CLICKTALLY_") || value === undefined) continue;
    if (otherVariables.includes(variable) || isServiceLink(variable, value)) continue;
    const name = names.get(variable);
    const fileName = names.get(variable.replace(/_FILE$/, ""));
    if (name !== undefined) collector.addText(name, value, variable);
    else if (fileName !== undefined) collector.addFromFile(fileName, value, variable);
    else
      collector.problems.push(
        `${variable}: there is no such setting${suggestion(variable, known)}`,
      );
  }
  return collector;
}

/** Undefined path, or a file that need not exist and does not: no settings. */
export function readFile(path: string | undefined, mustExist: boolean): Source {
  if (path === undefined) return noSource;
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    if (!mustExist && isNodeError(error, "ENOENT")) return noSource;
    return { values: new Map(), problems: [`${path}: can't be read: ${(error as Error).message}`] };
  }
  return readYaml(content, path);
}

/** `path` is only for messages. */
function readYaml(content: string, path: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number | undefined) => `${path}:${lines.linePos(offset ?? 0).line}`;
  const collector = new Collector();
  for (const error of document.errors)
    collector.problems.push(`${lineOf(error.pos[0])}: ${error.message}`);
  if (document.errors.length > 0) return collector;
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return collector;
  if (isMap(root)) collectMap(root, "", document, lineOf, collector);
  else
    collector.problems.push(
      `${lineOf(root.range[0])}: expected keys and values, such as port: 8080`,
    );
  return collector;
}

const sections = new Set(
  settingNames.filter((name) => name.includes(".")).map((name) => name.split(".")[0]!),
);

function collectMap(
  map: YAMLMap<unknown, unknown>,
  prefix: string,
  document: Document<ParsedNode>,
  lineOf: (offset: number | undefined) => string,
  collector: Collector,
): void {
  for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
    const origin = lineOf(key.range?.[0]);
    const name = prefix + String(isScalar(key) ? key.value : key);
    const node = isAlias(value) ? (value.resolve(document) ?? null) : value;
    if (prefix === "" && name.includes(".") && isSettingName(name)) {
      const [section, rest] = name.split(".");
      collector.problems.push(`${origin}: write ${name} as ${rest} below ${section}:`);
    } else if (isSettingName(name)) {
      collector.add(name, node === null ? null : node.toJS(document), origin);
    } else if (prefix === "" && sections.has(name)) {
      if (isMap(node)) collectMap(node, `${name}.`, document, lineOf, collector);
      else
        collector.problems.push(
          `${origin}: ${name} is ${describe(node?.toJS(document))}, expected keys below it`,
        );
    } else {
      collector.problems.push(
        `${origin}: there is no setting ${name}${suggestion(name, settingNames)}`,
      );
    }
  }
}

function suggestion(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

/** A value as messages show it, shortened. */
export function describe(raw: unknown): string {
  if (raw === undefined || raw === null) return "empty";
  const shown = typeof raw === "string" ? `'${raw}'` : JSON.stringify(raw);
  return shown.length > 80 ? `${shown.slice(0, 77)}…` : shown;
}

function isNodeError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

class Collector implements Source {
  readonly values = new Map<SettingName, SourcedValue>();
  readonly problems: string[] = [];

  add(name: SettingName, raw: unknown, origin: string): void {
    const earlier = this.values.get(name);
    if (earlier) this.problems.push(`${origin}: ${name} is given by ${earlier.origin} as well`);
    else this.values.set(name, { raw, origin });
  }

  /** The text of a flag or variable: lists and maps are written as YAML. */
  addText(name: SettingName, value: string, origin: string): void {
    if (!settingKeys[name].kind.structured || !/^\s*[[{]/.test(value))
      return this.add(name, value, origin);
    try {
      this.add(name, parse(value) as unknown, origin);
    } catch (error) {
      this.problems.push(
        `${origin}: ${name} is no YAML: ${(error as Error).message.split("\n")[0]}`,
      );
    }
  }

  addFromFile(name: SettingName, path: string, variable: string): void {
    try {
      this.addText(name, readFileSync(path, "utf8").replace(/\r?\n$/, ""), `${variable} (${path})`);
    } catch (error) {
      this.problems.push(`${variable}: can't be read: ${(error as Error).message}`);
    }
  }
}
