/** Which requests of an access log are clicks, and what of. Only those that were served: GET, and a status of 2xx or 3xx. */

import type { LogSource } from "../../model/log-source.ts";
import type { LineValues } from "./line-formats.ts";
import { logTime } from "./log-times.ts";

export type ClickFields = Readonly<Record<string, unknown>>;

/** `undefined`: no click, and nothing wrong with that. */
export type RequestClick = { readonly fields: ClickFields } | { readonly problem: string };

/** Where a server's log has the time and the client's address unless it is declared otherwise; the first that is there. */
const timeNames = ["msec", "time_iso8601", "time_local", "time", "timestamp", "@timestamp"];
const queryPrefix = "query.";

export class RequestClicks {
  private readonly pattern: RegExp;
  private readonly pathFields: readonly string[];
  private readonly map: readonly (readonly [field: string, name: string])[];

  constructor({ request, map }: Pick<LogSource, "request" | "map">) {
    const parts = request.split(/\{(\w+)\}/);
    this.pathFields = parts.filter((_, i) => i % 2 === 1);
    const pattern = parts.map((part, i) => (i % 2 === 1 ? "([^/]+?)" : escaped(part))).join("");
    this.pattern = new RegExp(`^${pattern}$`);
    this.map = Object.entries(map);
  }

  read(values: LineValues): RequestClick | undefined {
    const status = Number(values["status"]);
    if (!(status >= 200 && status < 400)) {
      return "status" in values ? undefined : { problem: "the line has no status" };
    }
    const { method, target } = requestOf(values);
    if (target === undefined) return { problem: "the line has no request" };
    if (method !== "GET") return undefined;
    const [path, query = ""] = splitOnce(pathOf(target), "?");
    const found = this.pattern.exec(path);
    if (!found) return undefined;
    const fields: Record<string, unknown> = {};
    for (const [i, field] of this.pathFields.entries()) {
      const value = decoded(found[i + 1]!);
      if (value === undefined) return { problem: `${field} is not percent-encoded UTF-8` };
      fields[field] = value;
    }
    const time = timeNames.find((name) => values[name] !== undefined);
    if (time !== undefined) fields["click_timestamp"] = values[time];
    if (values["remote_addr"] !== undefined) fields["ip"] = values["remote_addr"];
    const parameters = new URLSearchParams(query);
    for (const [field, name] of this.map) {
      const value = name.startsWith(queryPrefix)
        ? parameters.get(name.slice(queryPrefix.length))
        : values[name];
      if (value === undefined || value === null || value === "") delete fields[field];
      else fields[field] = value;
    }
    if ("click_timestamp" in fields) fields["click_timestamp"] = logTime(fields["click_timestamp"]);
    return { fields };
  }
}

function requestOf(values: LineValues): { method?: unknown; target?: string } {
  const { request } = values;
  if (typeof request === "string") {
    const [method, target] = request.split(" ");
    return { method, ...(target !== undefined && { target }) };
  }
  const target = values["request_uri"] ?? values["uri"] ?? values["path"];
  const method = values["request_method"] ?? values["method"];
  if (typeof target !== "string") return { method };
  const query = values["args"] ?? values["query_string"];
  const isWhole = target.includes("?") || typeof query !== "string" || query === "";
  return { method, target: isWhole ? target : `${target}?${query}` };
}

/** Of a target that a proxy was asked for, too. */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, "");
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
