import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { settingNames, variableOf } from "../../src/config/keys.ts";
import { loadSettings } from "../../src/config.ts";
import { ownServices, readCompose } from "./compose.ts";
import { opsDirectory } from "./rules.ts";

const root = resolve(opsDirectory, "..");
const compose = readCompose({ withReplicas: true });
const own = ownServices(compose);

/** Of the specification of compose, those that are used here: a misspelled one would be passed over in silence. */
const serviceFields = new Set(
  (
    "image restart hostname environment volumes ports depends_on healthcheck ulimits read_only user cap_drop " +
    "security_opt tmpfs"
  ).split(" "),
);

describe("ops/compose.yaml, with its replicas", () => {
  it("has fields of the specification alone, and every image with a version", () => {
    const top = Object.keys(compose).filter((field) => !field.startsWith("x-"));
    assert.deepEqual(top, ["name", "services", "volumes"]);
    for (const [name, service] of Object.entries(compose.services)) {
      for (const field of Object.keys(service))
        assert.ok(serviceFields.has(field), `${name}: ${field}`);
      if (service.image !== "clicktally") assert.match(service.image, /^[\w./-]+:v?\d+\.\d+/, name);
    }
  });

  it("refers to files, volumes and services that are there", () => {
    const used = new Set<string>();
    let files = 0;
    for (const [name, { volumes = [], depends_on = [] }] of Object.entries(compose.services)) {
      for (const volume of volumes) {
        const [source] = volume.split(":");
        if (source!.startsWith("./")) {
          assert.ok(existsSync(join(opsDirectory, source!)), `${name}: ${source}`);
          files++;
        } else used.add(source!);
      }
      const needed = Array.isArray(depends_on) ? (depends_on as string[]) : Object.keys(depends_on);
      for (const other of needed) {
        const there = compose.services[other];
        assert.ok(there, `${name} depends on ${other}`);
        if (!Array.isArray(depends_on)) assert.ok(there["healthcheck"], `${other} says how it is`);
      }
    }
    assert.ok(files >= 19);
    assert.deepEqual([...used].toSorted(), Object.keys(compose.volumes).toSorted());
    const alone = readCompose();
    const kept = Object.values(alone.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(":")[0]!).filter((source) => !source.startsWith("./")),
    );
    // What is kept is one service's own, but for the keys, which all of clicktally's have in common.
    const keptAlone = kept.filter((volume) => volume !== "keys");
    assert.deepEqual([...keptAlone, "keys"].toSorted(), Object.keys(alone.volumes).toSorted());
    assert.equal(kept.length - keptAlone.length, Object.keys(ownServices(alone)).length);
  });

  it("starts processes of every role, with settings that they take, which can write nothing but their own", () => {
    const roles = Object.values(own).map(({ environment }) => environment!["CLICKTALLY_ROLE"]!);
    assert.deepEqual(roles.toSorted(), "aggregate aggregate ingest ingest query query".split(" "));
    const known = new Set(settingNames.map(variableOf));
    for (const [name, { environment, ...service }] of Object.entries(own)) {
      assert.deepEqual([service.read_only, service.user], [true, "node"], name);
      const variables = Object.keys(environment!);
      assert.deepEqual(
        variables.filter((variable) => !known.has(variable)),
        [],
      );
      const settings = loadSettings({
        env: { ...environment!, CLICKTALLY_STORE_PASSWORD: "x" },
      });
      assert.equal(settings.queue.kind, "kafka");
      const hosts = [
        ...settings.store.urls.map((url) => new URL(url).hostname),
        ...settings.queue.brokers.map((broker) => broker.replace(/:\d+$/, "")),
      ];
      const unknown = hosts.filter((host) => !(host in compose.services));
      assert.deepEqual(unknown, [], name);
    }
  });

  it("has all of them scraped, and asked by the load balancer, each for what its role does", () => {
    const byRole = (role: string): string[] =>
      Object.entries(own)
        .filter(([, { environment }]) => environment!["CLICKTALLY_ROLE"] === role)
        .map(([name]) => `${name}:8080`)
        .toSorted();
    const { scrape_configs } = parse(
      readFileSync(join(opsDirectory, "prometheus/prometheus.yml"), "utf8"),
    ) as {
      scrape_configs: readonly {
        static_configs: readonly { targets: readonly string[]; labels: { role: string } }[];
      }[];
    };
    const nginx = readFileSync(join(opsDirectory, "nginx/nginx.conf"), "utf8");
    for (const { targets, labels } of scrape_configs[0]!.static_configs) {
      assert.deepEqual(targets.toSorted(), byRole(labels.role));
      const upstream = new RegExp(`upstream ${labels.role} \\{([^}]*)\\}`).exec(nginx)![1]!;
      const servers = [...upstream.matchAll(/server (\S+)/g)].map(([, server]) => server!);
      assert.deepEqual(servers.toSorted(), byRole(labels.role));
    }
    assert.equal(scrape_configs[0]!.static_configs.length, 3);
  });
});

describe("the Dockerfile", () => {
  const lines = readFileSync(join(root, "Dockerfile"), "utf8");

  it("is made of what the package holds, and of nothing that is kept out of its context", () => {
    const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      files: string[];
    };
    const shown = readFileSync(join(root, ".dockerignore"), "utf8").match(/^!.*$/gm)!;
    const copied = [...lines.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, from]) => from!.split(" "));
    assert.deepEqual(copied.toSorted(), shown.map((name) => name.slice(1)).toSorted());
    // package.json is always in a package.
    for (const name of copied) assert.ok([...files, "package.json"].includes(name), name);
    assert.ok(statSync(join(root, "LICENSE")).isFile());
  });

  it("runs the command that the package has as its own, without rights, with settings that are taken", () => {
    const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      bin: { clicktally: string };
    };
    assert.match(lines, new RegExp(`^ENTRYPOINT \\["node", "/app/${bin.clicktally}"\\]$`, "m"));
    assert.match(lines, /^USER node$/m);
    const env = Object.fromEntries(
      [...lines.matchAll(/^\s*(?:ENV )?(CLICKTALLY_\w+)=(\S+)/gm)].map(([, name, value]) => [
        name!,
        value!,
      ]),
    );
    const { host, port, dataDir } = loadSettings({ env });
    assert.deepEqual([host, port, dataDir], ["0.0.0.0", 8080, "/var/lib/clicktally"]);
    assert.match(lines, new RegExp(`^VOLUME ${dataDir}$`, "m"));
  });
});
