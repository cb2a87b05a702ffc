/** Clicks that a page has not got rid of yet, for the next page of the same site. */

import type { Click } from "./click.ts";
import { parseObject } from "./service-error.ts";

/** What of a browser's `Storage` is used. */
export interface KeyValueStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** An entry a click, so that pages that are open side by side do not write over one another. */
export class StoredClicks {
  private readonly storage: KeyValueStorage;
  private readonly prefix: string;

  /** `url`: of the service the clicks are for. */
  constructor(storage: KeyValueStorage, url: string) {
    this.storage = storage;
    this.prefix = `clicktally ${url} `;
  }

  /** Also those that another page is about to send: what is sent twice counts once. */
  all(): Click[] {
    const keys = Array.from({ length: this.storage.length }, (_, i) => this.storage.key(i));
    return keys.flatMap((key) => {
      if (!key?.startsWith(this.prefix)) return [];
      const click = parseObject(this.storage.getItem(key) ?? "") as Click | undefined;
      return click ? [click] : [];
    });
  }

  /** False where there is no room. */
  add(click: Click): boolean {
    try {
      this.storage.setItem(this.keyOf(click), JSON.stringify(click));
      return true;
    } catch {
      return false;
    }
  }

  remove(click: Click): void {
    this.storage.removeItem(this.keyOf(click));
  }

  private keyOf({ ad_id, event_id }: Click): string {
    return `${this.prefix}${event_id} ${ad_id}`;
  }
}
