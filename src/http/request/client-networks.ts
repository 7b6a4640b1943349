import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

const IPV6_NETWORK_PARTS = 4;

/**
 * What counts as one client: an IPv4 address, or an IPv6 network of 64 bits. Each customer of a provider has at least
 * one, so single addresses of it cost nothing.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return parsed.parts.slice(0, IPV6_NETWORK_PARTS).join(':');
}

/** Whether a local proxy, or a program of the operator, has this address. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}

/** Counts what each network has open: connections, or requests. */
export class OpenPerNetwork {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Counts something of a network until it emits `close`. Returns false if the network has too many open already. */
  tryOpen(network: string, opened: Socket | ServerResponse): boolean {
    const count = this.#counts.get(network) ?? 0;
    if (count >= this.#max) return false;
    this.#counts.set(network, count + 1);
    opened.once('close', () => {
      const left = (this.#counts.get(network) ?? 1) - 1;
      if (left === 0) this.#counts.delete(network);
      else this.#counts.set(network, left);
    });
    return true;
  }
}
