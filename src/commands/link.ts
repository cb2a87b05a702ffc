/** `link`: a signed link to an ad's target, whose following is a click. */

import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { randomUUID } from "node:crypto";
import { parseDuration } from "../config/units.ts";
import type { Settings } from "../config.ts";
import { loadSettings } from "../config.ts";
import { adIdBytesMax, dimensionValueBytesMax, eventIdBytesMax } from "../model/click.ts";
import { CodedError } from "../model/errors.ts";
import { checkTarget, fieldsAmong, isOwnName } from "../tracker/link-parameters.ts";
import { writeLink } from "../tracker/write-link.ts";
import { addSettingsOptions, settingsInputOf } from "./settings-options.ts";

interface LinkFlags {
  readonly set?: Readonly<Record<string, string>>;
  readonly expires?: number;
  readonly id?: string;
  readonly once?: true;
  readonly base?: string;
}

export function registerLink(program: Command): void {
  addSettingsOptions(program.command("link"))
    .summary("print a signed link that counts clicks")
    .description(
      "Prints a link for an ad that counts each click and leads on to URL; without URL, one for a pixel or a beacon. It is " +
        "signed with the first of tracker.secrets, of the same settings as the service.",
    )
    .argument("<ad>", "the ad's id")
    .argument("[url]", "where the ad leads")
    .addOption(
      new Option("--set <name=value>", "a field of the click; once for each").argParser(
        collectField,
      ),
    )
    .addOption(
      new Option("--expires <duration>", "how long it is good for, such as 30d").argParser(lifeMs),
    )
    .addOption(
      new Option("--once", "count it once only, with an event id of its own").conflicts("id"),
    )
    .option("--id <id>", "count it once only, with this event id")
    .option("--base <url>", "where the tracker is reached (default: host and port of the settings)")
    .action((ad: string, url: string | undefined, flags: Record<string, unknown>) => {
      const settings = loadSettings(settingsInputOf(flags));
      console.log(linkFor(ad, url, flags as unknown as LinkFlags, settings));
    });
}

function linkFor(
  adId: string,
  url: string | undefined,
  flags: LinkFlags,
  settings: Settings,
): string {
  const [secret] = settings.tracker.secrets;
  if (secret === undefined)
    throw wrong("tracker.secrets: there is none to sign with", "tracker.secrets");
  checkLength("the ad's id", adId, adIdBytesMax);
  const eventId = flags.id ?? (flags.once ? randomUUID() : undefined);
  if (eventId !== undefined) checkLength("--id", eventId, eventIdBytesMax);
  const { set: fields = {} } = flags;
  checkFields(fields, settings);
  const expiresAtMs = expiry(flags, eventId !== undefined, settings);
  return writeLink(
    {
      adId,
      fields,
      ...(url !== undefined && { to: checkTarget(url) }),
      ...(eventId !== undefined && { eventId }),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    },
    flags.base ?? ownAddress(settings),
    secret,
  );
}

/** One that counts once lives as long as its id is recognised for sure. */
function expiry(flags: LinkFlags, isOnce: boolean, { dedup }: Settings): number | undefined {
  if (!isOnce) return flags.expires === undefined ? undefined : Date.now() + flags.expires;
  const asked = flags.expires ?? dedup.recentMs;
  if (asked > dedup.recentMs)
    throw wrong("--expires: a link that counts once lives no longer than dedup.recent", "expires");
  // Links expire at whole seconds, and this one not a moment too late.
  return Math.floor((Date.now() + asked) / 1000) * 1000;
}

/** What ingest would refuse of every click is refused here. */
function checkFields(fields: Readonly<Record<string, string>>, settings: Settings): void {
  fieldsAmong(new Map(Object.entries(fields)));
  for (const [name, value] of Object.entries(fields)) {
    const declared = settings.dimensions.find((dimension) => dimension.name === name);
    if (!declared) throw wrong(`--set ${name}: there is no such dimension`, name);
    if (declared.type === "country" && !/^[A-Z]{2}$/.test(value))
      throw wrong(`--set ${name}: two capital letters are expected`, name);
    checkLength(`--set ${name}`, value, dimensionValueBytesMax);
  }
}

function ownAddress({ host, port }: Settings): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function collectField(text: string, before: unknown): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("NAME=VALUE is expected");
  const name = text.slice(0, at);
  if (isOwnName(name)) throw new InvalidArgumentError(`${name} is the link's own`);
  return { ...(before as Record<string, string> | undefined), [name]: text.slice(at + 1) };
}

function lifeMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1000)
    throw new InvalidArgumentError("a duration such as 90s, 12h or 30d is expected");
  return ms;
}

function checkLength(what: string, text: string, bytesMax: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes >= 1 && bytes <= bytesMax) return;
  throw wrong(`${what}: has ${bytes} bytes, 1 to ${bytesMax} are expected`);
}

function wrong(message: string, field?: string): CodedError {
  return new CodedError("invalid_parameter", message, field === undefined ? {} : { field });
}
