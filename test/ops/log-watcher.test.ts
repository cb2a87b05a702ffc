import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { RunningService } from "../api/running-service.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { check, missingPrograms, pathOf } from "./programs.ts";

const skip = missingPrograms("nginx", "logrotate") ?? false;
const ownUser = process.getuid!() === 0 ? "user root;" : "";
const senders = 8;

/** A web server that counts clicks by its log, and what it has served, by ad. */
class WebServer implements AsyncDisposable {
  readonly served = new Map<string, number>();
  readonly log: string;
  private readonly directory: string;
  private readonly port: number;
  private readonly resources: AsyncDisposable;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: senders });
  private sent = 0;

  private constructor(directory: string, port: number, resources: AsyncDisposable) {
    this.directory = directory;
    this.port = port;
    this.log = join(directory, "logs/clicks.log");
    this.resources = resources;
  }

  /** `format`: of its log. */
  static async start(format: string): Promise<WebServer> {
    await using resources = new AsyncDisposableStack();
    const { path } = resources.use(await temporaryDirectory());
    await mkdir(join(path, "logs"));
    // logrotate wants no others to write there.
    await chmod(join(path, "logs"), 0o755);
    const port = await freePort();
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${path}/${name};`,
    );
    const config = `
      worker_processes 2; pid ${path}/nginx.pid; error_log ${path}/error.log warn; events {}
      http {
        ${paths.join(" ")}
        log_format clicks_json escape=json '{"msec":"$msec","remote_addr":"$remote_addr",'
          '"request_method":"$request_method","request_uri":"$request_uri","status":"$status"}';
        access_log ${path}/logs/clicks.log ${format};
        server {
          listen 127.0.0.1:${port};
          location /c/ { return 204; }
          location / { return 404; }
        }
      }`;
    await writeFile(join(path, "nginx.conf"), config);
    const args = ["-c", join(path, "nginx.conf"), "-g", `daemon off; ${ownUser}`];
    const child = spawn(pathOf("nginx"), args, { stdio: "ignore" });
    resources.defer(async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    });
    const server = new WebServer(path, port, resources.move());
    await eventually("it answers", async () => (await server.ask("GET", "/")) === 404 || undefined);
    return server;
  }

  /** Clicks, and what is none. Resolves once all are served. */
  async serve(count: number): Promise<void> {
    const end = this.sent + count;
    const sendAll = async (): Promise<void> => {
      while (this.sent < end) {
        const number = this.sent++;
        const ad = `ad ${number % 37}`;
        const path = `/c/${encodeURIComponent(ad)}?id=${number % 5 === 0 ? "" : number}&cc=DE`;
        if ((await this.ask("GET", path)) === 204)
          this.served.set(ad, (this.served.get(ad) ?? 0) + 1);
        if (number % 10 === 0) await this.ask("POST", path);
        if (number % 15 === 0) await this.ask("GET", '/other"\\x?id=1');
      }
    };
    await Promise.all(Array.from({ length: senders }, sendAll));
  }

  /** By logrotate, as its configuration says. */
  async rotate(how: string): Promise<void> {
    const config = join(this.directory, "logrotate.conf");
    await writeFile(config, `${this.log} { rotate 50\n missingok\n notifempty\n ${how}\n }`);
    await chmod(config, 0o644);
    await check("logrotate", ["-f", "-s", join(this.directory, "logrotate.state"), config]);
  }

  get reopen(): string {
    return `postrotate\n kill -USR1 $(cat ${this.directory}/nginx.pid)\n endscript`;
  }

  async files(): Promise<string[]> {
    return (await readdir(join(this.directory, "logs"))).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    await this.resources[Symbol.asyncDispose]();
  }

  private async ask(method: string, path: string): Promise<number> {
    const { port, agent } = this;
    const sent = request({ host: "127.0.0.1", port, method, path, agent });
    sent.end();
    const [answer] = (await once(sent, "response")) as [
      NodeJS.ReadableStream & { statusCode: number },
    ];
    answer.resume();
    await once(answer, "end");
    return answer.statusCode;
  }
}

async function assertCounted(service: RunningService, server: WebServer): Promise<void> {
  interface Watched {
    readonly lag_bytes: number;
    readonly bad_lines: number;
    readonly lost_bytes: number;
  }
  const clicks = server.served.values().reduce((sum, count) => sum + count, 0);
  const count = async (): Promise<Map<string, number>> => {
    const { body } = await service.get("/v1/top?topN=1000&window=3h");
    const ads = body["ads"] as readonly { ad_id: string; count: number }[];
    return new Map(ads.map((ad) => [ad.ad_id, ad.count]));
  };
  await eventually(`${clicks} clicks`, async () =>
    (await count()).values().reduce((sum, own) => sum + own, 0) >= clicks ? true : undefined,
  ).catch(() => {});
  assert.deepEqual([...(await count())].toSorted(), [...server.served].toSorted());
  const { body } = await service.get("/v1/status");
  const [watched] = body["watchers"] as readonly Watched[];
  const { lag_bytes, bad_lines, lost_bytes } = watched!;
  assert.deepEqual(
    { lag_bytes, bad_lines, lost_bytes },
    { lag_bytes: 0, bad_lines: 0, lost_bytes: 0 },
  );
}

function sourceOf(server: WebServer, format: string): string {
  const map = { event_id: "query.id", country: "query.cc" };
  return JSON.stringify({ web: { files: [server.log], format, request: "/c/{ad_id}", map } });
}

describe("the log of a real nginx that a real logrotate turns", { skip }, () => {
  it("has each click that was served counted once, turned by renaming under load", async () => {
    await using server = await WebServer.start("combined");
    await using service = await RunningService.start({ sources: sourceOf(server, "combined") });
    for (let turn = 0; turn < 6; turn++) {
      const load = server.serve(400);
      await server.rotate(`create\n compress\n delaycompress\n ${server.reopen}`);
      await load;
    }
    await assertCounted(service, server);
    const names = await server.files();
    assert.ok(names.filter((name) => name.endsWith(".gz")).length >= 4, names.join());
  });

  it("has each counted once, copied and cut, and compressed at once", async () => {
    await using server = await WebServer.start("clicks_json");
    await using service = await RunningService.start({ sources: sourceOf(server, "ndjson") });
    for (let turn = 0; turn < 4; turn++) {
      // Not under load: what is written between the copy and the cut is lost by logrotate.
      await server.serve(300);
      await server.rotate("copytruncate\n compress");
    }
    await server.serve(50);
    await assertCounted(service, server);
    assert.equal((await server.files()).length, 5);
  });
});
