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
const otherVariables: readonly string[] = [
  "CLICKTALLY_CONFIG",
  "CLICKTALLY_URL",
  "CLICKTALLY_KEY",
  "CLICKTALLY_KEY_FILE",
];

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
        `${shortened(variable)}: there is no such setting${suggestion(variable, known)}`,
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

/** What is strange but no error is nothing to warn of: if it is no setting, that is said. */
const quietly = { logLevel: "error" } as const;

/** `path` is only for messages. */
function readYaml(content: string, path: string): Source {
  const lines = new LineCounter();
  const lineOf = (offset: number | undefined) => `${path}:${lines.linePos(offset ?? 0).line || 1}`;
  const collector = new Collector();
  let document: Document.Parsed<ParsedNode>;
  try {
    document = parseDocument(content, { ...quietly, lineCounter: lines, prettyErrors: false });
  } catch (error) {
    // What is nested without end, for one.
    collector.problems.push(`${path}:1: is no YAML that can be read: ${(error as Error).message}`);
    return collector;
  }
  for (const error of document.errors)
    collector.problems.push(`${lineOf(error.pos[0])}: ${shortened(error.message)}`);
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
    const name = prefix + nameOf(key);
    const node = isAlias(value) ? (value.resolve(document) ?? null) : value;
    if (prefix === "" && name.includes(".") && isSettingName(name)) {
      const [section, rest] = name.split(".");
      collector.problems.push(`${origin}: write ${name} as ${rest} below ${section}:`);
    } else if (isSettingName(name)) {
      collector.addNode(name, node, document, origin);
    } else if (prefix === "" && sections.has(name)) {
      if (isMap(node)) collectMap(node, `${name}.`, document, lineOf, collector);
      else
        collector.problems.push(
          `${origin}: ${name} is ${isScalar(node) ? describe(node.value) : "a list"}, expected keys below it`,
        );
    } else {
      collector.problems.push(
        `${origin}: there is no setting ${shortened(name)}${suggestion(name, settingNames)}`,
      );
    }
  }
}

/** What is no scalar is the name of no setting. */
function nameOf(key: Node | null): string {
  if (key === null || isScalar(key)) return String(key?.value);
  return "of a list, a map or an alias";
}

function suggestion(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

/** A value as messages show it, shortened. */
export function describe(raw: unknown): string {
  if (raw === undefined || raw === null) return "empty";
  return shortened(typeof raw === "string" ? `'${raw}'` : JSON.stringify(raw));
}

export function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** Lists and maps in each other; no setting has more than three. */
const nestingMax = 8;

/** True for what JSON can say: no sets, dates or bytes, and nothing that holds itself. */
function isPlain(value: unknown, levels = nestingMax): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (levels === 0) return false;
  if (Array.isArray(value)) return value.every((part) => isPlain(part, levels - 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((part) => isPlain(part, levels - 1));
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

  addNode(
    name: SettingName,
    node: Node | null,
    document: Document<ParsedNode>,
    origin: string,
  ): void {
    this.addPlain(name, () => (node === null ? null : (node.toJS(document) as unknown)), origin);
  }

  /** The text of a flag or variable: lists and maps are written as YAML. */
  addText(name: SettingName, value: string, origin: string): void {
    if (!settingKeys[name].kind.structured || !/^\s*[[{]/.test(value))
      return this.add(name, value, origin);
    this.addPlain(name, () => parse(value, quietly) as unknown, origin);
  }

  /** Aliases are followed only here, and may lead in circles or multiply without end. */
  private addPlain(name: SettingName, read: () => unknown, origin: string): void {
    try {
      const raw = read();
      if (isPlain(raw)) this.add(name, raw, origin);
      else
        this.problems.push(
          `${origin}: ${name} holds more than plain texts, numbers, lists and maps`,
        );
    } catch (error) {
      const [why] = (error as Error).message.split("\n");
      this.problems.push(`${origin}: ${name} is no YAML: ${shortened(why!)}`);
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
