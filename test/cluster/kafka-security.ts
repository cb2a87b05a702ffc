/** Brokers that speak TLS and ask for a name and a password, with a certificate of their own. */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const username = "clicktally";
export const password = "s3cret-of-the-tests";
const brokerPassword = "s3cret-of-the-brokers";

export interface BrokerSecurity {
  /** Name of the listener that clients and brokers use, with its protocol. */
  readonly listener: "PLAINTEXT" | "SASL_SSL";
  readonly properties: readonly string[];
  /** More arguments for the storage that is formatted. */
  readonly formatArguments: readonly string[];
}

export const plaintext: BrokerSecurity = {
  listener: "PLAINTEXT",
  properties: [],
  formatArguments: [],
};

/** The certificate is in `ca.pem` of the directory. PLAIN and SCRAM-SHA-512 know the same user. */
export async function saslSsl(directory: string): Promise<BrokerSecurity> {
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "ca.pem")];
  const made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=clicktally".split(" ");
  const named = ["-addext", "subjectAltName=IP:127.0.0.1"];
  await run("openssl", [...made, ...named, "-keyout", key, "-out", certificate]);
  const keystore = join(directory, "keystore.pem");
  await writeFile(keystore, (await readFile(key, "utf8")) + (await readFile(certificate, "utf8")));
  const login = "org.apache.kafka.common.security";
  return {
    listener: "SASL_SSL",
    properties: [
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
      "inter.broker.listener.name=SASL_SSL",
      "sasl.mechanism.inter.broker.protocol=PLAIN",
      "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
      "ssl.keystore.type=PEM",
      `ssl.keystore.location=${keystore}`,
      "ssl.truststore.type=PEM",
      `ssl.truststore.location=${certificate}`,
      `listener.name.sasl_ssl.plain.sasl.jaas.config=${login}.plain.PlainLoginModule required ` +
        `username="broker" password="${brokerPassword}" user_broker="${brokerPassword}" user_${username}="${password}";`,
      `listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${login}.scram.ScramLoginModule required;`,
    ],
    formatArguments: ["--add-scram", `SCRAM-SHA-512=[name=${username},password=${password}]`],
  };
}
