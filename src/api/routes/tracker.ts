/**
 * The click tracker, `/c/AD`: a link that is followed, a pixel that is loaded or a beacon that is sent is a click. Each is
 * signed (tracker/signature.ts), and a click is taken in like any other; the answer comes once it is durable.
 */

import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { Type } from "typebox";
import type { IngestAnswer } from "../../ingest/ingest-service.ts";
import { eventIdBytesMax } from "../../model/click.ts";
import { CodedError } from "../../model/errors.ts";
import { trackerSource } from "../../model/source.ts";
import type { ReadLink } from "../../tracker/read-link.ts";
import { LinkReader } from "../../tracker/read-link.ts";
import { linkParameter } from "../../tracker/link-parameters.ts";
import { trackedClick } from "../../tracker/tracked-click.ts";
import { AdPath } from "../request-schemas.ts";
import { problemResponses } from "../answer-schemas.ts";
import { addressList } from "../client-address.ts";
import { lookAhead } from "../look-ahead.ts";
import { codedErrorOf } from "../problems.ts";
import { Refusals } from "../refusals.ts";
import type { ServiceParts } from "../service-parts.ts";
import { trustedHeaders } from "../trusted-headers.ts";

type TrackerRequest = FastifyRequest<{ Params: Static<typeof AdPath> }>;

const bodyBytesMax = 16 * 1024;
const pixelEnd = ".gif";
/** Who follows a link has no key: what is signed is let in. */
const open = { scope: "none" } as const;
/** One transparent pixel. */
const pixel = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

/** Nothing, unless there are secrets. */
export function registerTrackerRoutes(server: FastifyInstance, parts: ServiceParts): void {
  if (parts.settings.tracker.secrets.length === 0) return;
  const tracker = new Tracker(parts);
  void server.register((scope, _options, done) => {
    scope.addHook("onRequest", (_request, reply, next) => {
      // Also of refusals: what is kept is not counted.
      void reply.header("cache-control", "no-store");
      // The target learns from which site somebody comes, not from which page.
      void reply.header("referrer-policy", "strict-origin");
      next();
    });
    scope.addHook("onClose", () => tracker[Symbol.dispose]());
    acceptBeaconBodies(scope);
    registerLinks(scope, tracker);
    registerBeacons(scope, tracker);
    done();
  });
}

function registerLinks(scope: FastifyInstance, tracker: Tracker): void {
  scope.get("/c/:ad_id", {
    config: open,
    schema: {
      tags: ["clicks"],
      operationId: "followLink",
      summary: "Count a click and go on to its target, or answer with a pixel",
      description:
        "A signed link, as `clicktally link` makes it. With `to`: 302, once the click is durable. Without, and with `.gif` " +
        "behind the ad: an image of one pixel. HEAD and what is loaded ahead are not counted.",
      params: AdPath,
      response: {
        200: {
          description: "The pixel",
          content: { "image/gif": { schema: Type.String({ format: "binary" }) } },
        },
        302: { description: "To the target", type: "null" },
        ...problemResponses,
      },
    },
    handler: async (request: TrackerRequest, reply: FastifyReply) => {
      const link = tracker.read(request.params.ad_id, queryOf(request));
      const ahead = lookAhead(request.method, request.headers);
      if (ahead === undefined) await tracker.count(request, link);
      if (link.to !== undefined) {
        if (ahead === "kept")
          throw new CodedError("link_ahead", "nobody has followed the link yet");
        return await reply.redirect(link.to, 302);
      }
      return await reply
        .header("cross-origin-resource-policy", "cross-origin")
        .type("image/gif")
        .send(pixel);
    },
  });
}

function registerBeacons(scope: FastifyInstance, tracker: Tracker): void {
  scope.post("/c/:ad_id", {
    config: open,
    schema: {
      tags: ["clicks"],
      operationId: "sendBeacon",
      summary: "Count a click that a page tells of",
      description:
        "What `navigator.sendBeacon` sends: the parameters of a link or a pixel in the query, in the body " +
        "(`a=b&c=d`, as text/plain or a form), or some here and some there.",
      params: AdPath,
      response: {
        200: Type.Object({ received: Type.Integer(), accepted: Type.Integer() }),
        ...problemResponses,
      },
    },
    handler: async (request: TrackerRequest) => {
      const body = new URLSearchParams((request.body as string | undefined) ?? "");
      const link = tracker.read(
        request.params.ad_id,
        new URLSearchParams([...queryOf(request), ...body]),
      );
      return await tracker.count(request, link);
    },
  });
}

/** Strings whatever they say; a beacon without one has no type. */
function acceptBeaconBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  const types = ["text/plain", "application/x-www-form-urlencoded"];
  const options = { parseAs: "string", bodyLimit: bodyBytesMax } as const;
  scope.addContentTypeParser(types, options, (_request, body, parsed) => parsed(null, body));
  scope.addContentTypeParser("*", (_request, _payload, parsed) => {
    const message = `the body of a beacon is ${types.join(" or ")}`;
    parsed(new CodedError("unsupported_media_type", message, { field: "Content-Type" }));
  });
}

/** As it was sent: no name is dropped, and none put together. */
function queryOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : request.url.slice(at + 1));
}

class Tracker implements Disposable {
  private readonly parts: ServiceParts;
  private readonly links: LinkReader;
  private readonly isProxy: (address: string) => boolean;
  private readonly uncounted: Refusals;

  constructor(parts: ServiceParts) {
    this.parts = parts;
    const { tracker, dedup, trustedProxies } = parts.settings;
    this.isProxy = addressList(trustedProxies);
    this.links = new LinkReader({ secrets: tracker.secrets, onceMsMax: dedup.recentMs });
    this.uncounted = new Refusals(parts.log, undefined, {
      level: "warn",
      member: "uncounted",
      message: "tracked links were followed and their clicks not counted",
    });
  }

  /** `named`: the ad as the path has it. Where the link leads nowhere, one .gif behind the ad is a pixel's. */
  read(named: string, parameters: URLSearchParams): ReadLink {
    const isPixel = !parameters.has(linkParameter.target) && named.endsWith(pixelEnd);
    const adId = isPixel ? named.slice(0, -pixelEnd.length) : named;
    return this.links.read(adId, parameters, Date.now());
  }

  /**
   * Takes the click in. A click that breaks a rule of ingest is told of by the answer, and is in the ledger as invalid. What
   * can't be taken in is refused, or let pass uncounted where the settings say so.
   */
  async count(
    request: FastifyRequest,
    link: ReadLink,
  ): Promise<Pick<IngestAnswer, "received" | "accepted">> {
    const { settings, metrics } = this.parts;
    try {
      return await this.takeIn(this.clickOf(request, link));
    } catch (error) {
      const { code } = codedErrorOf(error);
      // Who asks a process that takes no clicks asks the wrong one, whatever the settings.
      if (settings.tracker.onFailure === "refuse" || code === "other_role") throw error;
      metrics.noteUncounted();
      this.uncounted.note(code);
      return { received: 1, accepted: 0 };
    }
  }

  /** Tells what is left to tell. */
  [Symbol.dispose](): void {
    this.uncounted[Symbol.dispose]();
  }

  private clickOf(request: FastifyRequest, link: ReadLink): Uint8Array<ArrayBuffer> {
    const { tracker, dimensions } = this.parts.settings;
    const { event_id, ...headerValues } = trustedHeaders(request, tracker.headers, this.isProxy);
    const eventId = isEventId(event_id) ? event_id : randomUUID();
    return trackedClick(
      link,
      { ip: request.ip, headerValues, eventId, nowMs: Date.now() },
      dimensions,
    );
  }

  private async takeIn(bytes: Uint8Array<ArrayBuffer>): Promise<IngestAnswer> {
    const { ingest, metrics, admission } = this.parts;
    const place = admission.enter(bytes.length);
    try {
      return await metrics.acked(trackerSource, () =>
        ingest.accept({
          bytes,
          contentType: "application/json",
          contentEncoding: "identity",
          source: trackerSource,
          history: false,
        }),
      );
    } finally {
      place.release();
    }
  }
}

function isEventId(text: string | undefined): text is string {
  return text !== undefined && text !== "" && Buffer.byteLength(text) <= eventIdBytesMax;
}
