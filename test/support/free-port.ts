import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports of this process alone: below those that systems hand out by themselves (from 32768), in a slice by process id. A
 * service takes seconds to listen at the port it was given; another test must not be given the same one meanwhile. Behind
 * 10080, the last of those that `fetch` asks nobody at (https://fetch.spec.whatwg.org/#port-blocking).
 */
const firstPort = 10_100;
const portsOfOne = 100;
const slices = 220;
/** From anywhere in the slice, for two processes whose ids are 220 apart have the same. */
let taken = Math.floor(Math.random() * portsOfOne);

/** One that nobody listens at. */
export async function freePort(): Promise<number> {
  const slice = firstPort + (process.pid % slices) * portsOfOne;
  for (let tries = 0; tries < portsOfOne; tries++) {
    const port = slice + (taken++ % portsOfOne);
    if (await isFree(port)) return port;
  }
  throw new Error(`all ports from ${slice} to ${slice + portsOfOne - 1} are taken`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
