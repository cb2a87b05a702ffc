import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface PopoverProps {
  readonly label: ComponentChildren;
  /** For who does not see it, where the label alone says too little. */
  readonly title: string;
  readonly class?: string;
  readonly children: (close: () => void) => ComponentChildren;
}

/** A button that opens a small form below it. Escape, and a click elsewhere, close it. */
export function Popover({ label, title, class: className = "", children }: PopoverProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const panelId = useId();
  const close = (): void => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  useEffect(() => {
    if (!isOpen) return undefined;
    const panel = root.current?.querySelector<HTMLElement>(".popover");
    if (panel) keepInside(panel);
    panel?.querySelector<HTMLElement>(":is(input, select, button)")?.focus();
    const onPress = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !isOpen) return;
    event.stopPropagation();
    close();
  };
  return (
    <div class="popover-root" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        class={className}
        title={title}
        aria-expanded={isOpen}
        aria-controls={isOpen ? panelId : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
      </button>
      {isOpen && (
        <div class="popover" id={panelId} role="group" aria-label={title}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

const marginPixels = 8;

/** One that reaches beyond the right side is moved to the left, as far as it must be. */
function keepInside(panel: HTMLElement): void {
  const beyond = panel.getBoundingClientRect().right - (document.body.clientWidth - marginPixels);
  if (beyond > 0) panel.style.translate = `${-beyond}px`;
}
