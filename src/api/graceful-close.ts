/** What becomes of open connections when the server closes. */

import type { FastifyInstance } from "fastify";
import type { Connections } from "./connections.ts";

/** How long a close waits for requests that run. */
const closeTimeoutMs = 15_000;

/**
 * Closing the server lets requests that run finish, closes the connections of all others at once (also of who has
 * connected and said nothing), and after closeTimeoutMs whatever is left.
 */
export function registerGracefulClose(server: FastifyInstance, connections: Connections): void {
  server.addHook("preClose", (done) => {
    connections.close();
    setTimeout(() => server.server.closeAllConnections(), closeTimeoutMs).unref();
    done();
  });
}
