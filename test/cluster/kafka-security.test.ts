import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ServiceProcess } from "../support/service-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { KafkaCluster, missingForKafka } from "./kafka-cluster.ts";
import { password, saslSsl, username } from "./kafka-security.ts";

const missing = await missingForKafka();

if (missing === undefined)
  describe("brokers that speak TLS and ask who is there", () => {
    let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
    let cluster: KafkaCluster;
    before(async () => {
      directory = await temporaryDirectory();
      cluster = await KafkaCluster.start(1, await saslSsl(directory.path));
    });
    after(async () => {
      await cluster[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    });

    const envOf = (more: Record<string, string>): Record<string, string> => ({
      CLICKTALLY_QUEUE_KIND: "kafka",
      CLICKTALLY_QUEUE_BROKERS: cluster.brokers.join(","),
      CLICKTALLY_QUEUE_REPLICAS: "1",
      CLICKTALLY_QUEUE_SECURITY: "SASL_SSL",
      CLICKTALLY_QUEUE_CA_FILE: join(directory.path, "ca.pem"),
      CLICKTALLY_QUEUE_USERNAME: username,
      CLICKTALLY_QUEUE_PASSWORD: password,
      ...more,
    });

    for (const mechanism of ["PLAIN", "SCRAM-SHA-512"])
      it(`carry the log, ${mechanism}`, async () => {
        await using data = await temporaryDirectory();
        const env = envOf({
          CLICKTALLY_QUEUE_SASL_MECHANISM: mechanism,
          CLICKTALLY_QUEUE_TOPIC: `by-${mechanism}`,
        });
        await using service = await ServiceProcess.start({ dataDir: data.path, env });
        const click = { ad_id: "a", event_id: "1", click_timestamp: Date.now() };
        const answer = await service.post<{ counted: number }>(
          "/v1/clicks?wait=counted",
          JSON.stringify(click),
          "application/json",
        );
        assert.deepEqual([answer.status, answer.body.counted], [200, 1]);
      });

    it("refuse a wrong password, and are refused with a certificate that nobody vouches for", async () => {
      const refusedWith = async (more: Record<string, string>): Promise<string> => {
        await using data = await temporaryDirectory();
        const env = envOf({ CLICKTALLY_QUEUE_SASL_MECHANISM: "PLAIN", ...more });
        await using service = await ServiceProcess.launch({ dataDir: data.path, env });
        assert.equal((await service.endedByItself(120_000)).code, 3);
        assert.ok(!service.stderr.includes(password));
        return service.stderr;
      };
      const [wrongPassword, unknownCertificate] = await Promise.all([
        refusedWith({ CLICKTALLY_QUEUE_PASSWORD: "wrong" }),
        refusedWith({ CLICKTALLY_QUEUE_CA_FILE: "" }),
      ]);
      assert.match(wrongPassword, /authenticat/i);
      assert.match(unknownCertificate, /self.signed/i);
    });
  });
