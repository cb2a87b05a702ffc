import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import { describe, it } from "node:test";
import { loadSettings } from "../../src/config.ts";
import { startService } from "../../src/main.ts";
import { runCommand } from "../commands/run-command.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A certificate that signs itself, for 127.0.0.1; the files of one name. */
function makeCertificate(directory: string, name: string): { cert: string; key: string } {
  const [cert, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
  execFileSync(
    "openssl",
    (
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 " +
      `-addext subjectAltName=IP:127.0.0.1 -subj /CN=${name} -keyout ${key} -out ${cert}`
    ).split(" "),
    { stdio: "pipe" },
  );
  return { cert, key };
}

async function ask(url: string, ca: Buffer): Promise<IncomingMessage & { readonly cn: string }> {
  return await new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      resolve(Object.assign(response, { cn: String(subject.CN) }));
    }).on("error", reject);
  });
}

describe("a service with a certificate", () => {
  it("speaks TLS alone, takes a renewed certificate up, and keeps the one before while the new one is half there", async () => {
    await using directory = await temporaryDirectory();
    const { cert, key } = makeCertificate(directory.path, "first");
    const flags = {
      port: "0",
      data_dir: join(directory.path, "data"),
      "log.level": "silent",
      "tls.cert_file": cert,
      "tls.key_file": key,
    };
    const service = await startService(loadSettings({ flags }), { listen: true });
    const url = service.url!;
    try {
      assert.match(url, /^https:/);
      const ca = readFileSync(cert);
      const first = await ask(`${url}/v1/status`, ca);
      assert.deepEqual([first.statusCode, first.cn], [200, "first"]);
      assert.match(first.headers["strict-transport-security"]!, /max-age=\d{7,}/);
      await assert.rejects(fetch(url.replace("https:", "http:")));
      const status = await runCommand(["status", "--url", url], {
        env: { NODE_EXTRA_CA_CERTS: cert },
      });
      assert.equal(status.exitCode, 0, status.stderr);
      const backup = ["backup", join(directory.path, "backups"), "--url", url];
      const made = await runCommand(backup, { env: { NODE_EXTRA_CA_CERTS: cert } });
      assert.equal(made.exitCode, 0, made.stderr);

      const renewed = makeCertificate(directory.path, "renewed");
      writeFileSync(cert, "-----BEGIN CERTIFICATE-----\nMIIB");
      assert.equal((await ask(`${url}/healthz`, ca)).cn, "first");
      const newCa = readFileSync(renewed.cert);
      renameSync(renewed.cert, cert);
      assert.equal((await ask(`${url}/healthz`, ca)).cn, "first");
      renameSync(renewed.key, key);
      await eventually("the renewed one is shown", async () =>
        (await ask(`${url}/healthz`, newCa)).cn === "renewed" ? true : undefined,
      );
    } finally {
      // Who has said nothing does not keep it from ending.
      const { hostname, port } = new URL(url);
      const silent = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
      silent.on("error", () => {});
      await new Promise((resolve) => silent.once("secureConnect", resolve));
      const startMs = performance.now();
      await service[Symbol.asyncDispose]();
      assert.ok(performance.now() - startMs < 10_000);
    }
  });

  it("does not start with a key that is not the certificate's, and names the files", async () => {
    await using directory = await temporaryDirectory();
    const { cert } = makeCertificate(directory.path, "one");
    const { key } = makeCertificate(directory.path, "other");
    const env = {
      CLICKTALLY_DATA_DIR: join(directory.path, "data"),
      CLICKTALLY_PORT: "0",
      CLICKTALLY_TLS_CERT_FILE: cert,
      CLICKTALLY_TLS_KEY_FILE: key,
    };
    const { exitCode, stderr } = await runCommand(["serve"], { env, cwd: directory.path });
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, /the certificate \S+one\.pem with the key \S+other\.key can't be used/);
    const lonely = { CLICKTALLY_TLS_CERT_FILE: cert };
    const checked = await runCommand(["config", "check"], { env: lonely, cwd: directory.path });
    assert.equal(checked.exitCode, 1);
    assert.match(checked.stderr, /tls\.key_file is .*expected a file/);
  });
});
