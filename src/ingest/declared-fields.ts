import type { DimensionLayout } from "../model/dimensions.ts";

/** Slots of the fields that every click has; the dimensions follow in the order of the layout. */
export const adIdField = 0;
export const clickTimestampField = 1;
export const eventIdField = 2;
export const firstDimensionField = 3;

/** Names under which a body carries the declared fields where they differ: `{ ad_id: "channel" }`. */
export type FieldNames = Readonly<Record<string, string>>;

/** The declared fields by slot: the names of the model, and those that the body uses for them. */
export class DeclaredFields {
  readonly names: readonly string[];
  readonly sentNames: readonly string[];
  readonly layout: DimensionLayout;
  private readonly slots: ReadonlyMap<string, number>;

  constructor(layout: DimensionLayout, sentAs: FieldNames = {}) {
    this.layout = layout;
    this.names = ["ad_id", "click_timestamp", "event_id", ...layout.map(({ name }) => name)];
    this.sentNames = this.names.map((name) => (Object.hasOwn(sentAs, name) ? sentAs[name]! : name));
    this.slots = new Map(this.sentNames.map((name, slot) => [name, slot]));
    if (this.slots.size !== this.names.length) {
      throw new RangeError(
        `two declared fields are read from one field: ${this.sentNames.join(", ")}`,
      );
    }
  }

  get count(): number {
    return this.names.length;
  }

  /** The slot of a field by the name it was sent under; undefined where it is not declared. */
  slotOf(sentName: string): number | undefined {
    return this.slots.get(sentName);
  }
}
