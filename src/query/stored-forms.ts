/** What a value that is asked for may be kept as: in the form that its type gives it, hashed, truncated, or several of these. */

import { storedForm } from "../model/check-filter.ts";
import type { Dimension } from "../model/dimensions.ts";
import type { Filter } from "../model/filter.ts";
import type { Protection, ValueProtector } from "../model/protected-value.ts";
import { hasFormOf } from "../model/protected-value.ts";
import type { SemanticConfig } from "../model/semantic-config.ts";

/**
 * A dimension's values are kept as the settings were when they came, not as those of their minute are: what came late after a change
 * is protected at once. So a value is looked for in every form that the dimension ever had; no two values have a form in
 * common but those of one network.
 */
export class StoredForms {
  private readonly protector: ValueProtector | undefined;
  /** Each (type, store) that a dimension ever had once, the one of now last. */
  private readonly kinds = new Map<string, Dimension[]>();

  constructor(protector: ValueProtector | undefined, configs: readonly SemanticConfig[]) {
    this.protector = protector;
    for (const dimension of configs.flatMap(({ dimensions }) => dimensions)) {
      const others = (this.kinds.get(dimension.name) ?? []).filter(
        ({ type, store }) => type !== dimension.type || store !== dimension.store,
      );
      this.kinds.set(dimension.name, [...others, dimension]);
    }
  }

  /** True for what is shown of a protected dimension: a hash, a network. */
  readonly isStoredForm = (field: string, value: string): boolean =>
    this.protectionsOf(field).some((protection) => hasFormOf(value, protection));

  /** In every form in which it may be kept; none where no type of the dimension has such a value. */
  formsOf(field: string, value: string): string[] {
    const forms = (this.kinds.get(field) ?? []).flatMap(({ type, store }) => {
      const plain = storedForm(value, type);
      return plain === undefined ? [] : [store ? this.protect(field, plain, store) : plain];
    });
    if (this.isStoredForm(field, value)) forms.push(value);
    return [...new Set(forms)];
  }

  /** Asks for every form of the values of dimensions that were ever protected; the others' stay as they are. */
  storedFilter(filter: Filter): Filter {
    if (filter.kind !== "comparison")
      return { ...filter, operands: filter.operands.map((operand) => this.storedFilter(operand)) };
    const { field, operator } = filter;
    if (operator === "=null=" || this.protectionsOf(field).length === 0) return filter;
    const values = [...new Set(filter.values.flatMap((value) => this.formsOf(field, value)))];
    if (values.length === 1) return { ...filter, values };
    return {
      ...filter,
      values,
      operator: operator === "==" || operator === "=in=" ? "=in=" : "=out=",
    };
  }

  private protect(field: string, plain: string, protection: Protection): string {
    if (this.protector) return this.protector.protect(field, plain, protection);
    throw new Error(`${field} is protected, and there is no secret to look for it`);
  }

  private protectionsOf(field: string): Protection[] {
    return (this.kinds.get(field) ?? []).flatMap(({ store }) => store ?? []);
  }
}
