/** The HTTP server: limits, errors, and the routes put together. */

import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { LogController, fastify } from "fastify";
import { CodedError } from "../model/errors.ts";
import { registerAdminActions } from "./admin-actions.ts";
import { checkContentEncoding } from "./body-head.ts";
import { addressList } from "./client-address.ts";
import { openFilesMax } from "../files/open-files.ts";
import type { Log } from "../logging/log.ts";
import type { ConnectionLimits } from "./connections.ts";
import { Connections } from "./connections.ts";
import { registerGuard } from "./guard.ts";
import { registerGracefulClose } from "./graceful-close.ts";
import { registerJsonBodies } from "./json-bodies.ts";
import { registerNotFound } from "./method-not-allowed.ts";
import { registerOpenApi } from "./openapi.ts";
import { codedErrorOf, problemMediaType, problemOf, sendProblem } from "./problems.ts";
import { registerAddressLimit, registerKeyLimit } from "./rate-limits.ts";
import { Refusals } from "./refusals.ts";
import { lateCompilers } from "./late-compilers.ts";
import { discardRest } from "./read-body.ts";
import { registerAdRoutes } from "./routes/ads.ts";
import { registerChangesRoute } from "./routes/changes.ts";
import { registerBackupRoutes } from "./routes/backups.ts";
import { registerBillingRoutes } from "./routes/billing.ts";
import { registerClickRoutes } from "./routes/clicks.ts";
import { registerCorrectionRoutes } from "./routes/corrections.ts";
import { registerEraseRoute } from "./routes/erase.ts";
import { registerDashboardRoutes } from "./routes/dashboard.ts";
import { registerDimensionsRoute } from "./routes/dimensions.ts";
import { registerHealthRoutes } from "./routes/health.ts";
import { registerLiveRoute } from "./routes/live.ts";
import { registerOperationRoutes } from "./routes/operations.ts";
import { registerQueryRoutes } from "./routes/queries.ts";
import { registerRecomputeRoute } from "./routes/recompute.ts";
import { registerTrackerRoutes } from "./routes/tracker.ts";
import { registerSecurityHeaders } from "./security-headers.ts";
import type { ServiceParts } from "./service-parts.ts";
import { readCertificate, watchCertificate } from "./tls-files.ts";

/** A sender of headers or a body that is slower than this is cut off. */
const headersTimeoutMs = 15_000;
const requestTimeoutMs = 60_000;
/** Above what load balancers commonly keep a connection, so that they are the ones who close it. */
const keepAliveTimeoutMs = 75_000;
/** Silence on a connection with a request in it: longer than the longest audit should take. */
const silenceTimeoutMs = 600_000;
/** An ad_id of 256 bytes, each percent-encoded. */
const pathParameterLengthMax = 3 * 256;

/** Not listening yet; see graceful-close.ts for its end. */
export function createServer(parts: ServiceParts & { readonly version: string }): FastifyInstance {
  const { settings, metrics } = parts;
  const refusals = new Refusals(parts.log);
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    request.refusedAs = codedErrorOf(error).code;
    // Who asks how it is, is told that it is not well, and not refused.
    if (groupOf(request) !== "operations") refusals.note(request.refusedAs);
    return sendProblem(error, request, reply);
  };
  const isProxy = addressList(settings.trustedProxies);
  const connections = new Connections(fittingLimits(settings.limits, parts.log), isProxy);
  const certificate = settings.tls && readCertificate(settings.tls);
  const server: FastifyInstance = fastify({
    ...(certificate && { https: { ...certificate, handshakeTimeout: headersTimeoutMs } }),
    trustProxy: settings.trustedProxies.length > 0 && isProxy,
    // Where it listens is told by who has it listen.
    loggerInstance: parts.log.child({}, { level: quieter(parts.log.level) }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: settings.limits.bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    connectionTimeout: silenceTimeoutMs,
    http: { headersTimeout: headersTimeoutMs, connectionsCheckingInterval: 5_000 },
    // What still comes on open connections is answered; each is closed with its answer.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    schemaController: { compilersFactory: lateCompilers },
    routerOptions: { maxParamLength: pathParameterLengthMax },
    // Parameters are taken as they were sent: nothing is converted, nothing is dropped in silence.
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allowUnionTypes: true,
      },
    },
    frameworkErrors: (error, request, reply) => void refuse(error, request, reply),
    clientErrorHandler: answerBrokenHttp,
  });
  server.setErrorHandler((error, request, reply) => {
    if (!request.raw.readableEnded) {
      // Rather than closing on a sender that is still busy sending, and so never reads why.
      reply.removeHeader("connection");
      discardRest(request.raw);
    }
    return refuse(error, request, reply);
  });
  server.addHook("onResponse", (request, reply, done) => {
    metrics.noteRequest(groupOf(request), reply.statusCode);
    done();
  });
  server.addHook("onClose", () => refusals[Symbol.dispose]());
  registerGracefulClose(server, connections);
  if (settings.tls && certificate) {
    const watch = watchCertificate(settings.tls, certificate, server.server as Server, parts.log);
    server.addHook("onClose", () => watch[Symbol.dispose]());
  }
  connections.register(server);
  registerSecurityHeaders(server, certificate !== undefined);
  registerAddressLimit(server, settings.limits);
  registerGuard(server, parts.keys);
  registerKeyLimit(server, settings.limits);
  registerAdminActions(server, parts.adminLog);
  registerNotFound(server);
  registerOpenApi(server, parts.version);
  void server.register((scope, _options, done) => {
    refuseEncodedBodies(scope);
    registerJsonBodies(scope);
    registerQueryRoutes(scope, parts);
    registerDimensionsRoute(scope, parts);
    registerChangesRoute(scope, parts);
    registerLiveRoute(scope, parts);
    registerAdRoutes(scope, parts);
    registerBillingRoutes(scope, parts);
    registerOperationRoutes(scope, parts);
    registerCorrectionRoutes(scope, parts);
    registerEraseRoute(scope, parts);
    registerHealthRoutes(scope, parts);
    registerBackupRoutes(scope, parts);
    registerRecomputeRoute(scope, parts);
    registerTrackerRoutes(scope, parts);
    done();
  });
  registerDashboardRoutes(server, parts);
  registerClickRoutes(server, parts);
  return server;
}

/** What store and queue may need beside connections: without a file to open they could not commit. */
const filesBeside = 512;

/** Fewer connections than set where the process may not have as many files open. */
function fittingLimits(limits: ConnectionLimits, log: Log): ConnectionLimits {
  const filesMax = openFilesMax();
  const connectionsMax = Math.max(filesBeside, filesMax - filesBeside);
  if (connectionsMax >= limits.connectionsMax) return limits;
  log.warn(
    { open_files: filesMax, connections: connectionsMax },
    "limits.connections is more than the process may have open files (ulimit -n): there are fewer",
  );
  return { ...limits, connectionsMax };
}

/** Of the API's description. */
function groupOf({ routeOptions }: FastifyRequest): string {
  return routeOptions.schema?.tags?.[0] ?? "other";
}

function quieter(level: string): string {
  return level === "info" ? "warn" : level;
}

/** Only clicks may come compressed. */
function refuseEncodedBodies(scope: FastifyInstance): void {
  scope.addHook("onRequest", (request, _reply, done) => {
    checkContentEncoding(request.headers["content-encoding"], ["identity"]);
    done();
  });
}

const brokenHttpStatuses: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
};

/** What is no HTTP never becomes a request; the answer is written by hand. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason] = brokenHttpStatuses[error.code ?? ""] ?? [400, "Bad Request"];
  const coded = new CodedError(
    "invalid_parameter",
    status === 400 ? "this is not HTTP/1.1" : reason,
  );
  const body = JSON.stringify({ ...problemOf(coded), status, title: reason });
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: ${problemMediaType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
