/** Whom an address belongs to, as far as limits and proxies are concerned. */

import { BlockList, isIP } from "node:net";
import { parseIpInto } from "../model/ip.ts";

const words = new Uint32Array(4);
/** What a proxy tells may be any text. */
const otherLengthMax = 64;

/**
 * One name for an address, however it is written, and for all that one customer of an access provider has: a single IPv4 address, or
 * a /64 of IPv6, in which anybody may have any number of addresses.
 */
export function addressGroup(address: string): string {
  if (!address.includes(":")) return address.slice(0, otherLengthMax);
  const [plain = ""] = address.split("%", 1);
  if (!parseIpInto(plain, words, 0)) return address.slice(0, otherLengthMax);
  const [first = 0, second = 0, third = 0, last = 0] = words;
  if (first === 0 && second === 0 && third === 0xffff)
    return [last >>> 24, (last >>> 16) & 255, (last >>> 8) & 255, last & 255].join(".");
  if (first === 0 && second === 0) return plain;
  return `${first.toString(16)}:${second.toString(16)}/64`;
}

export function isLoopbackAddress(address: string): boolean {
  const group = addressGroup(address);
  return group === "::1" || (isIP(group) === 4 && group.startsWith("127."));
}

/** Addresses and networks (`10.0.0.0/8`), as a question. */
export function addressList(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const group = isIP(address) === 6 && address.includes(".") ? addressGroup(address) : address;
    return isIP(group) !== 0 && list.check(group, isIP(group) === 6 ? "ipv6" : "ipv4");
  };
}
