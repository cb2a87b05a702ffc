import type { ComponentChildren } from "preact";
import { FilterPicker } from "./filter-picker.tsx";
import { RangePicker } from "./range-picker.tsx";
import { ZonePicker } from "./zone-picker.tsx";

/** What is asked: the same pickers over every view, and what a view has beside them. */
export function Toolbar({ children }: { readonly children?: ComponentChildren }) {
  return (
    <section class="toolbar" aria-label="What is shown">
      {children}
      <RangePicker />
      <ZonePicker />
      <FilterPicker />
    </section>
  );
}
