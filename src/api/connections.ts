/**
 * The open connections of a server, and who gives way where there are too many: first who has asked nothing yet, or sends
 * what nobody reads, then who is between two requests, the longest ago first. A request that runs is never cut off for that. So
 * whoever opens connections to hold them only pushes out their own.
 */

import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { addressGroup } from "./client-address.ts";

export interface ConnectionLimits {
  readonly connectionsMax: number;
  /** Of one address that is no trusted proxy. */
  readonly connectionsAddressMax: number;
}

type State = "waiting" | "asking" | "resting";

interface Connection {
  /** As it was accepted; TLS has another one on top. */
  readonly socket: Socket;
  readonly address: string;
  state: State;
}

export class Connections {
  private readonly limits: ConnectionLimits;
  private readonly isProxy: (address: string) => boolean;
  private readonly bySocket = new WeakMap<Socket, Connection>();
  /** In the order in which they became what they are. */
  private readonly waiting = new Set<Connection>();
  private readonly resting = new Set<Connection>();
  private readonly byAddress = new Map<string, Set<Connection>>();
  private openCount = 0;
  private closing = false;

  constructor(limits: ConnectionLimits, isProxy: (address: string) => boolean) {
    this.limits = limits;
    this.isProxy = isProxy;
  }

  get count(): number {
    return this.openCount;
  }

  get isClosing(): boolean {
    return this.closing;
  }

  /** To be called before the routes are registered. */
  register(server: FastifyInstance): void {
    const http = server.server as Server;
    // Those of TLS by where they come from: the socket on top does not tell which one it is on.
    const beneath = new Map<string, Connection>();
    http.on("connection", (socket: Socket) => {
      const connection = this.admit(socket);
      if (!connection || !("setSecureContext" in http)) return;
      const place = placeOf(socket);
      beneath.set(place, connection);
      socket.once("close", () => beneath.delete(place));
    });
    http.on("secureConnection", (socket: Socket) => {
      const connection = beneath.get(placeOf(socket));
      if (connection) this.bySocket.set(socket, connection);
    });
    server.addHook("onRequest", (request, _reply, done) => {
      this.move(request, "asking");
      done();
    });
    server.addHook("onResponse", (request, _reply, done) => {
      // A body that nobody reads any more may go on for ever.
      if (this.closing) request.raw.socket.end();
      else this.move(request, request.raw.complete ? "resting" : "waiting");
      done();
    });
  }

  /** Closes those in which no request runs, now and from now on. */
  close(): void {
    this.closing = true;
    for (const { socket } of [...this.waiting, ...this.resting]) socket.destroy();
  }

  private admit(socket: Socket): Connection | undefined {
    const { connectionsMax, connectionsAddressMax } = this.limits;
    const peer = socket.remoteAddress ?? "";
    const address = addressGroup(peer);
    const own = this.byAddress.get(address);
    const hasRoom =
      own === undefined ||
      own.size < connectionsAddressMax ||
      this.isProxy(peer) ||
      this.giveWay(own);
    if (this.closing || !hasRoom || (this.openCount >= connectionsMax && !this.giveWay())) {
      socket.destroy();
      return undefined;
    }
    const connection: Connection = { socket, address, state: "waiting" };
    this.openCount++;
    this.bySocket.set(socket, connection);
    this.waiting.add(connection);
    const siblings = this.byAddress.get(address);
    if (siblings) siblings.add(connection);
    else this.byAddress.set(address, new Set([connection]));
    socket.once("close", () => this.forget(connection));
    return connection;
  }

  /** Whether one of them, or of all, has made room. */
  private giveWay(among?: ReadonlySet<Connection>): boolean {
    for (const connection of among ?? this.idle()) {
      if (connection.state === "asking") continue;
      this.forget(connection);
      connection.socket.destroy();
      return true;
    }
    return false;
  }

  private *idle(): Generator<Connection> {
    yield* this.waiting;
    yield* this.resting;
  }

  private move({ raw: { socket } }: FastifyRequest, state: State): void {
    const connection = this.bySocket.get(socket);
    if (!connection || socket.destroyed) return;
    this.waiting.delete(connection);
    this.resting.delete(connection);
    connection.state = state;
    if (state !== "asking") this[state].add(connection);
  }

  private forget(connection: Connection): void {
    const siblings = this.byAddress.get(connection.address);
    if (!siblings?.delete(connection)) return;
    if (siblings.size === 0) this.byAddress.delete(connection.address);
    this.waiting.delete(connection);
    this.resting.delete(connection);
    this.openCount--;
  }
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
