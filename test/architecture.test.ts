import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");

/**
 * The layers and what each may import of the others; a new edge is a decision (docs/decisions). A folder within a
 * layer is a layer of its own where it is listed.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  model: [],
  files: [],
  clock: [],
  runtime: [],
  aggregate: ["model", "runtime"],
  queue: ["model"],
  "queue/sqlite": ["queue", "model", "files"],
  "queue/kafka": ["queue", "model", "clock"],
  order: ["model", "queue", "clock"],
  store: ["model"],
  "store/ordered": ["store", "model", "clock", "order"],
  "store/clickhouse": ["store", "store/ordered", "model", "clock", "order"],
  "store/duckdb": ["store", "model", "files", "clock"],
  ingest: ["model", "queue", "clock"],
  "ingest/import": ["ingest", "model"],
  "ingest/topics": ["ingest", "model", "clock", "queue/kafka"],
  "ingest/logs": ["model", "clock", "files"],
  pipeline: ["model", "aggregate", "queue", "store", "clock", "runtime"],
  query: ["model", "store", "runtime"],
  audit: ["model", "store", "clock"],
  backup: ["model", "files", "query", "store"],
  migrate: ["model", "store"],
  engine: ["model", "pipeline", "query", "audit", "queue", "store", "clock"],
  config: ["model"],
  traffic: ["model"],
  tracker: ["model"],
  client: [],
  metrics: ["model", "query"],
  health: ["query"],
  logging: [],
  access: ["model", "files", "logging"],
  api: [
    "model",
    "files",
    "ingest",
    "query",
    "backup",
    "metrics",
    "logging",
    "config",
    "tracker",
    "access",
    "runtime",
  ],
  // Drives the real code over devices of its own: the ports, never an adapter.
  simulation: [
    "model",
    "clock",
    "config",
    "queue",
    "order",
    "store",
    "store/ordered",
    "ingest",
    "engine",
    "query",
    "audit",
    "api",
    "traffic",
    "runtime",
  ],
  commands: [
    "model",
    "ingest",
    "ingest/import",
    "ingest/logs",
    "clock",
    "files",
    "query",
    "backup",
    "migrate",
    "config",
    "traffic",
    "tracker",
    "client",
    "service",
    "simulation",
    "logging",
    "health",
    "access",
  ],
  // The composition root: it alone names adapters.
  service: [
    "model",
    "files",
    "clock",
    "engine",
    "aggregate",
    "order",
    "queue",
    "queue/sqlite",
    "queue/kafka",
    "store",
    "store/ordered",
    "store/clickhouse",
    "store/duckdb",
    "ingest",
    "ingest/topics",
    "ingest/logs",
    "pipeline",
    "query",
    "metrics",
    "logging",
    "backup",
    "migrate",
    "config",
    "api",
    "runtime",
    "access",
  ],
  cli: ["commands", "model", "config", "runtime"],
};

/** Packages and Node modules that only these layers may use. */
const drivers: Readonly<Record<string, readonly string[]>> = {
  "node:sqlite": ["queue/sqlite", "files"],
  "@platformatic/kafka": ["queue/kafka", "ingest/topics"],
  "@duckdb/node-api": ["store/duckdb", "ingest/import"],
  "@clickhouse/client": ["store/clickhouse"],
  "@duckdb/node-bindings": ["store/duckdb"],
  fastify: ["api"],
  "@fastify/rate-limit": ["api"],
  "@fastify/swagger": ["api"],
  "@fastify/swagger-ui": ["api"],
  "prom-client": ["metrics"],
  pino: ["logging"],
  commander: ["cli", "commands"],
  chokidar: ["ingest/logs"],
  yaml: ["config"],
  "temporal-polyfill": ["query", "ingest/import"],
};

/** Their drivers take long to load, so nothing but `import()` may lead there: most starts need none of it. */
const loadedOnDemand: ReadonlySet<string> = new Set([
  "ingest/logs",
  "ingest/topics",
  "queue/kafka",
  "store/clickhouse",
  "store/duckdb",
]);

interface Import {
  readonly file: string;
  readonly layer: string;
  readonly kind: "at start" | "on demand" | "type";
  readonly target: string;
}

function sourceFiles(): string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
}

/** Files directly in src belong to the composition root, but for the command line and the settings. */
function layerOf(path: string): string {
  if (path === "cli.ts") return "cli";
  if (path === "config.ts") return "config";
  const folders = dirname(path).split("/");
  if (folders[0] === "." || folders[0] === "roles" || folders[0] === "threads") return "service";
  for (let depth = folders.length; depth > 0; depth--) {
    const layer = folders.slice(0, depth).join("/");
    if (layer in allowed) return layer;
  }
  throw new Error(`src/${path} is in no layer: add its folder to the table, as a decision`);
}

function importsOf(file: string): Import[] {
  const content = readFileSync(join(source, file), "utf8");
  const found = (pattern: RegExp, kind: Import["kind"]): Import[] =>
    [...content.matchAll(pattern)].map(([, specifier]) => ({
      file,
      layer: layerOf(file),
      kind,
      target: specifier!.startsWith(".")
        ? layerOf(relative(source, resolve(source, dirname(file), specifier!)))
        : specifier!,
    }));
  return [
    ...found(/^(?:import|export)\b(?! type\b)[^;]*?\bfrom\s+"([^"]+)"/gm, "at start"),
    ...found(/^(?:import|export) type\b[^;]*?\bfrom\s+"([^"]+)"/gm, "type"),
    ...found(/\bimport\(\s*"([^"]+)"/g, "on demand"),
  ];
}

/**
 * The dashboard runs in a browser: of the service it knows the shapes of answers, as types, and how health is told, which is pure.
 * What its own pure part decides is tested without a browser.
 */
const dashboardAllowed: Readonly<Record<string, readonly string[]>> = {
  model: [],
  client: ["model"],
  parts: ["model", "client"],
  views: ["model", "client", "parts"],
  styles: [],
  tools: [],
  page: ["views", "parts", "client", "model", "styles"],
};
const dashboardPackages: Readonly<Record<string, readonly string[]>> = {
  client: ["preact", "preact/hooks"],
  parts: ["preact", "preact/hooks", "uplot", "uplot/dist/uPlot.min.css"],
  views: ["preact", "preact/hooks"],
  page: ["preact", "preact/hooks"],
  tools: ["vite"],
};
/** Whose types it may know. */
const dashboardSources = new Set(["query", "api", "model"]);
/** Pure, and the same in the browser and in a terminal. */
const dashboardShares = "health";

describe("the layers", () => {
  const files = sourceFiles();
  const imports = files.flatMap(importsOf);

  it("are all visited", () => {
    const visited = new Set(files.map(layerOf));
    assert.deepEqual([...visited].toSorted(), Object.keys(allowed).toSorted());
    assert.ok(files.length >= 100, `only ${files.length} files were looked at`);
    assert.ok(imports.length >= 300, `only ${imports.length} imports were found`);
  });

  it("import only what they may", () => {
    const wrong = imports.filter(
      ({ layer, target }) =>
        target in allowed && target !== layer && !allowed[layer]!.includes(target),
    );
    assert.deepEqual(wrong, []);
  });

  it("load what takes long on demand", () => {
    const wrong = imports.filter(
      ({ layer, kind, target }) =>
        loadedOnDemand.has(target) && !loadedOnDemand.has(layer) && kind === "at start",
    );
    assert.deepEqual(wrong, []);
  });

  it("leave each driver to its adapter", () => {
    const wrong = imports.filter(
      ({ layer, target }) => target in drivers && !drivers[target]!.includes(layer),
    );
    assert.deepEqual(wrong, []);
  });
});

describe("the layers of the dashboard", () => {
  const folder = join(root, "dashboard");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.tsx?$/.test(path),
  );
  const partOf = (path: string): string => (path.includes("/") ? path.split("/")[0]! : "page");
  const pattern =
    /^(?:import|export)(?<type> type\b)?[^;"]*? from "(?<from>[^"]+)";|^import "(?<effect>[^"]+)";/gm;
  const imports = files.flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(pattern)].map(({ groups }) => {
      const specifier = groups!["from"] ?? groups!["effect"]!;
      const path = relative(root, resolve(folder, dirname(file), specifier));
      return {
        file,
        part: partOf(file),
        isType: groups!["type"] !== undefined,
        target: specifier.startsWith(".") ? path : specifier,
      };
    }),
  );

  it("are all visited", () => {
    const visited = new Set(files.map(partOf));
    assert.deepEqual([...visited].toSorted(), Object.keys(dashboardAllowed).toSorted());
    assert.ok(imports.length >= 100, `only ${imports.length} imports were found`);
  });

  it("import only what they may, and of the service types, and how health is told", () => {
    const mayImport = ({ part, isType, target }: (typeof imports)[number]): boolean => {
      const [top, ...rest] = target.split("/");
      if (top === "src")
        return rest[0] === dashboardShares || (isType && dashboardSources.has(rest[0]!));
      if (top === "dashboard") {
        const other = partOf(rest.join("/"));
        return other === part || dashboardAllowed[part]!.includes(other);
      }
      if (target.startsWith("node:")) return part === "tools";
      return dashboardPackages[part]?.includes(target) ?? false;
    };
    const wrong = imports.filter((found) => !mayImport(found));
    assert.deepEqual(wrong, []);
  });
});
