/** What becomes of open connections when the server closes. */

import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/** How long a close waits for requests that run. */
const closeTimeoutMs = 15_000;

/**
 * Closing the server lets requests that run finish, closes the connections of all others at once (also of who has
 * connected and said nothing), and after closeTimeoutMs whatever is left.
 */
export function registerGracefulClose(server: FastifyInstance): void {
  const idle = new Set<Socket>();
  let isClosing = false;
  server.server.on("connection", (socket) => {
    idle.add(socket);
    socket.once("close", () => idle.delete(socket));
  });
  server.addHook("onRequest", (request, _reply, done) => {
    idle.delete(request.raw.socket);
    done();
  });
  server.addHook("onResponse", (request, _reply, done) => {
    const { socket } = request.raw;
    if (isClosing) socket.end();
    else if (!socket.destroyed) idle.add(socket);
    done();
  });
  server.addHook("preClose", (done) => {
    isClosing = true;
    for (const socket of idle) socket.destroy();
    setTimeout(() => server.server.closeAllConnections(), closeTimeoutMs).unref();
    done();
  });
}
