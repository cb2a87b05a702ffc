/** The kind of the setting `sources`: log files that are followed, by the name that the ledger has them under. */

import type { LogSource } from "../model/log-source.ts";
import {
  isLineFormat,
  isLogSourceName,
  isRequestTemplate,
  lineFormats,
} from "../model/log-source.ts";
import type { ValueKind, ValueProblem } from "./value-kinds.ts";
import { isMap } from "./value-kinds.ts";

const sourcesMax = 64;
const filesMax = 64;
const example =
  "{ web: { files: [/var/log/nginx/access.log], format: combined, request: '/c/{ad_id}' } }";
const members = ["files", "format", "request", "map"];

const formatExpected = `${lineFormats.join(", ")} or the text of a log_format with its $names, and something between any two of them`;
const requestExpected = "a path with fields in braces, such as '/c/{ad_id}'";

/** `{ NAME: { files, format?, request?, map? } }` */
export function logSources(): ValueKind<readonly LogSource[]> {
  return {
    structured: true,
    parse: (raw) => {
      if (!isMap(raw)) return { problems: [{ expected: `a map of sources, such as ${example}` }] };
      const entries = Object.entries(raw);
      if (entries.length > sourcesMax)
        return { problems: [{ expected: `at most ${sourcesMax} sources` }] };
      const problems: ValueProblem[] = [];
      const sources = entries.map(([name, value]) => parseSource(name, value, problems));
      return problems.length > 0 ? { problems } : { value: sources };
    },
    format: (sources) => JSON.stringify(Object.fromEntries(sources.map(shown))),
  };
}

function shown({ name, ...source }: LogSource): readonly [string, Omit<LogSource, "name">] {
  return [name, source];
}

/** Also of a source that is declared on a command line. */
export function parseSource(name: string, value: unknown, problems: ValueProblem[]): LogSource {
  const at = `.${name}`;
  const complain = (expected: string, member: string, found: unknown): void =>
    void problems.push({ expected, at: `${at}${member}`, found });
  if (!isLogSourceName(name)) {
    const expected = "a name of at most 100 letters, digits, dots, - and _ that is not http";
    problems.push({ expected, at, found: name });
  }
  if (!isMap(value)) {
    complain("a map with files and format", "", value);
    return { name, files: [], format: "ndjson", request: "", map: {} };
  }
  for (const [member, found] of Object.entries(value))
    if (!members.includes(member)) complain(`only ${members.join(", ")}`, `.${member}`, found);
  const { files, format = "ndjson", request = "", map = {} } = value;
  const list = typeof files === "string" ? [files] : files;
  const isList =
    Array.isArray(list) &&
    list.length > 0 &&
    list.length <= filesMax &&
    list.every((path) => typeof path === "string" && path !== "" && !path.includes("\0"));
  if (!isList)
    complain(`1 to ${filesMax} paths, such as [/var/log/nginx/access.log]`, ".files", files);
  const isFormat = typeof format === "string" && isLineFormat(format);
  if (!isFormat) complain(formatExpected, ".format", format);
  if (typeof request !== "string" || (request !== "" && !isRequestTemplate(request)))
    complain(requestExpected, ".request", request);
  else if (request === "" && isFormat && format !== "ndjson" && format !== "csv")
    complain(`${requestExpected}, where format is that of a web server`, ".request", request);
  if (!isMap(map) || !Object.entries(map).every(isPair))
    complain("names by field, such as { event_id: query.id, ip: remote_addr }", ".map", map);
  return { name, files: list, format, request, map } as LogSource;
}

function isPair([field, from]: readonly [string, unknown]): boolean {
  const isText = typeof from === "string" && from !== "" && from.length <= 256;
  return isText && /^[a-z]\w{0,62}$/.test(field);
}
