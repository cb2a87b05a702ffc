import { newEventId } from "./event-id.ts";

/** A click as it is given to the client: with the fields that the service has as dimensions. */
export interface ClickInput {
  readonly ad_id: string;
  /** Default: one that is made here, so that a click that is sent again is known. */
  readonly event_id?: string;
  /** RFC 3339, or epoch milliseconds. Default: now. */
  readonly click_timestamp?: string | number;
  readonly [dimension: string]: string | number | boolean | null | undefined;
}

/** A click as it is sent, however often. */
export type Click = ClickInput & {
  readonly event_id: string;
  readonly click_timestamp: string | number;
};

/** Stamped once. */
export function captured(click: ClickInput): Click {
  return {
    ...click,
    event_id: click.event_id ?? newEventId(),
    click_timestamp: click.click_timestamp ?? Date.now(),
  };
}
