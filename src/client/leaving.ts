/** When a program comes to its end: a page is left, or a process has nothing more to do. */

import type { Click } from "./click.ts";
import { clicksType } from "./connection.ts";

interface Events {
  addEventListener(name: string, listener: () => void): void;
  removeEventListener(name: string, listener: () => void): void;
}

interface Page extends Events {
  readonly document?: Events & { readonly visibilityState: string };
}

/** A page that is hidden may never be seen again. Returns how to stop listening; undefined where there is no page. */
export function onPageHidden(leave: () => void): (() => void) | undefined {
  const page = globalThis as unknown as Page;
  const { document } = page;
  if (document === undefined) return undefined;
  const onVisibility = (): void => {
    if (document.visibilityState === "hidden") leave();
  };
  document.addEventListener("visibilitychange", onVisibility);
  page.addEventListener("pagehide", leave);
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    page.removeEventListener("pagehide", leave);
  };
}

/** Whether requests can go on without their page, as those with `keepalive` do. */
export function mayOutlivePage(): boolean {
  return "keepalive" in Request.prototype;
}

const beaconClicksMax = 100;

/** For browsers without that: nobody hears the answer, so the clicks stay stored, and the next page sends them once more. */
export function sendBeacons(url: string, clicks: readonly Click[]): void {
  const { navigator } = globalThis as unknown as {
    readonly navigator: { sendBeacon(url: string, body: Blob): boolean };
  };
  for (let at = 0; at < clicks.length; at += beaconClicksMax) {
    const lines = clicks
      .slice(at, at + beaconClicksMax)
      .map((click) => `${JSON.stringify(click)}\n`);
    navigator.sendBeacon(url, new Blob(lines, { type: clicksType }));
  }
}

/** Not before `process.exit()`, and not where a signal ends it. */
export function onProcessEnd(leave: () => void): (() => void) | undefined {
  const { process } = globalThis as { process?: NodeJS.Process };
  if (typeof process?.once !== "function") return undefined;
  process.once("beforeExit", leave);
  return () => process.off("beforeExit", leave);
}
