import { useNavigation } from "../client/navigation.ts";
import type { Explained } from "../model/address.ts";
import { formatCount } from "../model/format.ts";

interface CountButtonProps {
  readonly count: number;
  readonly of: Explained;
  /** How the number is told apart from others, for who does not see where it stands. */
  readonly label: string;
  readonly class?: string;
}

/** A number that opens the clicks behind it. */
export function CountButton({ count, of, label, class: className = "" }: CountButtonProps) {
  const { explain } = useNavigation();
  return (
    <button
      type="button"
      class={`count ${className}`}
      aria-label={`${formatCount(count)} clicks, ${label}: explain`}
      title="Show the clicks behind this number"
      onClick={() => explain(of)}
    >
      {formatCount(count)}
    </button>
  );
}
