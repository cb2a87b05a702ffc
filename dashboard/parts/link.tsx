import type { ComponentChildren } from "preact";
import { useNavigation } from "../client/navigation.ts";
import type { Address } from "../model/address.ts";

interface LinkProps {
  readonly to: Partial<Address>;
  readonly isCurrent?: boolean;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** A link within the page. With a modifier key, or the middle button, it opens elsewhere as any link does. */
export function Link({ to, isCurrent = false, class: className, children }: LinkProps) {
  const { href, go } = useNavigation();
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    event.preventDefault();
    go(to);
  };
  return (
    <a
      href={href(to)}
      onClick={onClick}
      class={className}
      aria-current={isCurrent ? "page" : undefined}
    >
      {children}
    </a>
  );
}
