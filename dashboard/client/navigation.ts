/** The address as state: what is shown is what it says. */

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Address, Explained } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address.ts";

export interface Navigation {
  readonly address: Address;
  /** Where a change leads, for links. */
  readonly href: (change: Partial<Address>) => string;
  readonly go: (change: Partial<Address>) => void;
  readonly explain: (explained: Explained) => void;
}

export const localZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

const NavigationContext = createContext<Navigation | undefined>(undefined);
export const NavigationProvider = NavigationContext.Provider;

export function useNavigation(): Navigation {
  return useContext(NavigationContext)!;
}

/** Of the whole page, once. */
export function useAddress(): Navigation {
  const [address, setAddress] = useState(() => parseAddress(location.search, localZone));
  useEffect(() => {
    const onMove = (): void => setAddress(parseAddress(location.search, localZone));
    addEventListener("popstate", onMove);
    return () => removeEventListener("popstate", onMove);
  }, []);
  const href = (change: Partial<Address>): string =>
    formatAddress({ ...address, explained: undefined, ...change });
  const go = (change: Partial<Address>): void => {
    const next = href(change);
    if (next === location.search) return;
    history.pushState(null, "", next);
    setAddress(parseAddress(next, localZone));
    if (change.view !== undefined && change.view !== address.view) scrollTo(0, 0);
  };
  return { address, href, go, explain: (explained) => go({ explained }) };
}
