import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeSettings, loadSettings, semanticConfigOf } from "../../src/config.ts";
import { settingKeys, settingNames } from "../../src/config/keys.ts";
import { defaultDimensions } from "../../src/model/dimensions.ts";
import { file, fromFile, problemsOf } from "./settings-files.ts";

describe("settings", () => {
  it("are the documented defaults where nothing is given", () => {
    const settings = fromFile("");
    assert.equal(settings.host, "127.0.0.1");
    assert.equal(settings.port, 8080);
    assert.deepEqual(settings.dimensions, defaultDimensions);
    assert.deepEqual(settings.adAttributes, ["campaign_id", "advertiser_id"]);
    assert.deepEqual(settings.watermark, {
      outOfOrdernessMs: 15_000,
      allowedLatenessMs: 60_000,
      maxFutureMs: 60_000,
      idleLagMs: 15_000,
    });
    assert.deepEqual(settings.dedup, {
      horizonMs: 86_400_000,
      recentMs: 21_600_000,
      bytesMax: 1e9,
      missingEventId: "derive",
    });
    assert.deepEqual(settings.retention, { rawMs: 90 * 86_400_000, minuteMs: 400 * 86_400_000 });
    const security = {
      protocol: "PLAINTEXT",
      caFile: "",
      mechanism: "SCRAM-SHA-512",
      username: "",
      password: "",
    };
    const kafka = { spread: 1, brokers: [], topic: "clicktally", replicas: 3, security };
    assert.deepEqual(settings.queue, { kind: "sqlite", bytesMax: 10e9, partitions: 1, ...kafka });
  });

  it("have a default that is valid for every key", () => {
    for (const name of settingNames) {
      const parsed = settingKeys[name].kind.parse(settingKeys[name].default);
      assert.ok("value" in parsed, `${name}: ${JSON.stringify(parsed)}`);
    }
  });

  it("come from flags before variables before the file", () => {
    const configPath = file(
      "port: 1\nhost: file\nwatermark: { idle_lag: 1s, max_future: 2s, out_of_orderness: 3s }\n",
    );
    const env = {
      CLICKTALLY_PORT: "2",
      CLICKTALLY_WATERMARK_IDLE_LAG: "20s",
      CLICKTALLY_WATERMARK_MAX_FUTURE: "21s",
    };
    const settings = loadSettings({
      configPath,
      env,
      flags: { port: "3", "watermark.idle_lag": "30s" },
    });
    assert.equal(settings.port, 3);
    assert.equal(settings.host, "file");
    assert.equal(settings.watermark.idleLagMs, 30_000);
    assert.equal(settings.watermark.maxFutureMs, 21_000);
    assert.equal(settings.watermark.outOfOrdernessMs, 3_000);
  });

  it("come from the file that CLICKTALLY_CONFIG names", () => {
    assert.equal(loadSettings({ env: { CLICKTALLY_CONFIG: file("port: 99") } }).port, 99);
  });

  it("are read from a file where a variable ends in _FILE", () => {
    const settings = loadSettings({
      env: { CLICKTALLY_CONFIG: file(""), CLICKTALLY_HOST_FILE: file("10.0.0.1\n") },
    });
    assert.equal(settings.host, "10.0.0.1");
  });

  it("take lists and maps from variables and flags as YAML", () => {
    const settings = loadSettings({
      env: {
        CLICKTALLY_CONFIG: file(""),
        CLICKTALLY_DIMENSIONS: "{ os: { in: minute }, ip: { in: raw } }",
      },
      flags: { ads: "campaign_id, brand" },
    });
    assert.deepEqual(settings.dimensions, [
      { name: "os", in: "minute", type: "string" },
      { name: "ip", in: "raw", type: "ip" },
    ]);
    assert.deepEqual(settings.adAttributes, ["campaign_id", "brand"]);
  });

  it("take dimensions that are hashed, and addresses that are truncated", () => {
    const settings = fromFile(
      "dimensions:\n  user_id: { in: raw, store: hashed }\n  ip: { in: raw, store: truncated }\n  os: { in: raw, store: plain }",
    );
    assert.deepEqual(settings.dimensions, [
      { name: "user_id", in: "raw", type: "string", store: "hashed" },
      { name: "ip", in: "raw", type: "ip", store: "truncated" },
      { name: "os", in: "raw", type: "string" },
    ]);
  });

  it("give country and ip their types by name unless told otherwise", () => {
    const settings = fromFile(
      "dimensions:\n  ip: { in: raw, type: string }\n  country: { in: raw }\n  app: { in: raw }",
    );
    assert.deepEqual(
      settings.dimensions.map(({ type }) => type),
      ["string", "country", "string"],
    );
  });

  it("ignore what Kubernetes says about a service of the same name", () => {
    const env = {
      CLICKTALLY_CONFIG: file(""),
      CLICKTALLY_PORT: "tcp://10.96.0.7:8080",
      CLICKTALLY_SERVICE_HOST: "10.96.0.7",
      CLICKTALLY_SERVICE_PORT: "8080",
      CLICKTALLY_SERVICE_PORT_HTTP: "8080",
      CLICKTALLY_PORT_8080_TCP_ADDR: "10.96.0.7",
    };
    assert.equal(loadSettings({ env }).port, 8080);
  });

  it("keep the recent tier within a horizon that is shorter than its default", () => {
    assert.equal(fromFile("dedup: { horizon: 5m }").dedup.recentMs, 300_000);
    assert.equal(fromFile("dedup: { horizon: 7h }").dedup.recentMs, 6 * 3_600_000);
  });

  it("yield the part that outcomes depend on", () => {
    const settings = fromFile("late: quarantine\ndedup: { recent: 3h }\nads: [brand]");
    assert.deepEqual(semanticConfigOf(settings), {
      dimensions: defaultDimensions,
      adAttributes: ["brand"],
      outOfOrdernessMs: 15_000,
      allowedLatenessMs: 60_000,
      idleLagMs: 15_000,
      dedupHorizonMs: 86_400_000,
      dedupRecentMs: 10_800_000,
      late: "quarantine",
    });
  });

  it("can be described with where each came from, and read back from that", () => {
    const configPath = file("late: quarantine\n");
    const described = describeSettings({ configPath, flags: { port: "0" } });
    const find = (name: string) => described.find((setting) => setting.name === name);
    assert.deepEqual(find("late"), {
      name: "late",
      value: "quarantine",
      origin: `${configPath}:1`,
    });
    assert.deepEqual(find("port"), { name: "port", value: "0", origin: "--port" });
    assert.deepEqual(find("store.memory"), {
      name: "store.memory",
      value: "256MB",
      origin: "default",
    });
    const flags = Object.fromEntries(described.map(({ name, value }) => [name, value]));
    assert.deepEqual(
      loadSettings({ configPath: file(""), flags }),
      loadSettings({ configPath, flags: { port: "0" } }),
    );
  });
});

describe("a wrong configuration", () => {
  it("is told all at once, each with its place, key, value and what is expected", () => {
    const path = file(
      "port: http\nwatermark:\n  idle_lag: 15\n  allowed_latenes: 1m\nlate: drop\n",
    );
    const problems = problemsOf(() =>
      loadSettings({
        configPath: path,
        env: { CLICKTALLY_QUEUE_MAX_BYTES: "10 gigs" },
        flags: { host: "" },
      }),
    );
    assert.deepEqual(
      problems.toSorted(),
      [
        "--host: host is '', expected a text that is not empty",
        `${path}:1: port is 'http', expected a whole number from 0 to 65535`,
        `${path}:3: watermark.idle_lag is 15, expected a duration from 1s to 1h, such as 250ms, 15s, 1m, 24h or 90d`,
        `${path}:4: there is no setting watermark.allowed_latenes; did you mean watermark.allowed_lateness?`,
        `${path}:5: late is 'drop', expected restate or quarantine`,
        "CLICKTALLY_QUEUE_MAX_BYTES: queue.max_bytes is '10 gigs', expected a size from 1MB to 100TB, such as 64KB, 512MB or 1GiB",
      ].toSorted(),
    );
  });

  const wrongFiles: readonly (readonly [string, string, RegExp])[] = [
    ["an unknown key", "prot: 1", /:1: there is no setting prot; did you mean port\?/],
    ["a key of a section at the top", "idle_lag: 1s", /did you mean watermark\.idle_lag\?/],
    [
      "a dotted key",
      "watermark.idle_lag: 1s",
      /write watermark\.idle_lag as idle_lag below watermark:/,
    ],
    ["a variable-like section", "watermark: 15s", /watermark is '15s', expected keys below it/],
    ["a list as the whole file", "- port", /expected keys and values/],
    ["broken YAML", "port: [1", /:\d+: /],
    ["a key twice", "port: 1\nport: 2", /:2: Map keys must be unique/],
    ["an empty value", "port:", /port is empty, expected a whole number/],
    ["a fraction", "port: 1.5", /port is 1\.5/],
    ["a port out of range", "port: 65536", /port is 65536/],
    [
      "a size that is too small",
      "store: { memory: 1MB }",
      /store\.memory is '1MB', expected a size from 64MB/,
    ],
    [
      "a dimension that is no map",
      "dimensions: { os: minute }",
      /dimensions\.os is 'minute', expected a map/,
    ],
    [
      "a dimension in no place",
      "dimensions: { os: {} }",
      /dimensions\.os\.in is empty, expected minute or raw/,
    ],
    [
      "a dimension with a wrong type",
      "dimensions: { os: { in: raw, type: int } }",
      /dimensions\.os\.type is 'int'/,
    ],
    [
      "an unknown member",
      "dimensions: { os: { in: raw, tpye: ip } }",
      /dimensions\.os\.tpye is 'ip', expected in, type or store/,
    ],
    [
      "a text to be truncated",
      "dimensions: { os: { in: raw, store: truncated } }",
      /dimensions\.os\.store is 'truncated', expected plain or hashed/,
    ],
    [
      "hashed dimensions where the secret that all share is not known",
      "role: ingest\nqueue: { kind: kafka, brokers: [a:1] }\ndimensions: { os: { in: raw, store: hashed } }",
      /store\.kind is duckdb, expected clickhouse where a dimension is hashed or truncated/,
    ],
    [
      "a dimension with a bad name",
      "dimensions: { OS: { in: raw } }",
      /dimensions\.OS is 'OS', expected a name/,
    ],
    [
      "a dimension named like a field",
      "dimensions: { event_id: { in: raw } }",
      /event_id is taken/,
    ],
    [
      "a dimension named like a member of answers",
      "dimensions: { count: { in: raw } }",
      /count is taken/,
    ],
    ["an attribute twice", "ads: [a, a]", /ads\[1\] is 'a', expected each name once/],
    ["an attribute with a bad name", "ads: [a, 7]", /ads\[1\] is 7, expected a name/],
    [
      "a recent tier beyond the horizon",
      "dedup: { recent: 48h }",
      /dedup\.recent is 2d, expected at most .* 1d/,
    ],
    [
      "raw kept shorter than the horizon",
      "retention: { raw: 1d }\ndedup: { horizon: 2d }",
      /retention\.raw is 1d/,
    ],
    [
      "counts kept shorter than clicks",
      "retention: { raw: 30d, minute: 20d }",
      /retention\.minute is 20d, expected at least retention\.raw, which is 30d/,
    ],
    [
      "no room for one body",
      "limits: { waiting_bytes: 1MB }",
      /limits\.waiting_bytes is 1MB, expected at least/,
    ],
  ];
  for (const [what, content, expected] of wrongFiles) {
    it(`is ${what}`, () => assert.match(problemsOf(() => fromFile(content)).join("\n"), expected));
  }

  const wrongVariables: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [
      "an unknown variable",
      { CLICKTALLY_PROT: "1" },
      /CLICKTALLY_PROT: there is no such setting; did you mean CLICKTALLY_PORT/,
    ],
    [
      "a value and a file for it",
      { CLICKTALLY_HOST: "a", CLICKTALLY_HOST_FILE: file("b") },
      /is given by .* as well/,
    ],
    [
      "a file that is not there",
      { CLICKTALLY_HOST_FILE: "/nowhere" },
      /CLICKTALLY_HOST_FILE: can't be read/,
    ],
    [
      "broken YAML",
      { CLICKTALLY_DIMENSIONS: "{ a: [" },
      /CLICKTALLY_DIMENSIONS: dimensions is no YAML/,
    ],
  ];
  for (const [what, env, expected] of wrongVariables) {
    it(`is ${what} among the variables`, () => {
      const problems = problemsOf(() =>
        loadSettings({ env: { CLICKTALLY_CONFIG: file(""), ...env } }),
      );
      assert.match(problems.join("\n"), expected);
    });
  }

  it("is a named file that is not there", () => {
    assert.match(
      problemsOf(() => loadSettings({ configPath: "/nowhere.yaml" }))[0]!,
      /^\/nowhere\.yaml: can't be read/,
    );
  });

  it("is also found where a stronger source hides it", () => {
    const problems = problemsOf(() =>
      loadSettings({ configPath: file("port: x"), flags: { port: "1" } }),
    );
    assert.match(problems[0]!, /:1: port is 'x'/);
  });
});
