import ipaddr from 'ipaddr.js';

/** Where webhooks may go, as the operator has it. By default https to the public internet. */
export interface AddressPolicy {
  readonly allowHttp: boolean;
  /**
   * Private, shared (RFC 6598) and loopback addresses too. Never allowed are link-local, multicast,
   * unspecified and reserved ones, and where clouds tell their machines' secrets.
   */
  readonly allowPrivateNetworks: boolean;
}

export const WEBHOOK_URL_LENGTH_MAX = 2048;

/** A url that a webhook may have as far as its text can say, or why it may not. */
export type WebhookUrlReading = { readonly url: URL } | { readonly refusal: string };

/**
 * Reads the url of a webhook. Any port is allowed. A host that is an address is checked here, however
 * it is written (0x7f.1, 2130706433 and [::ffff:127.0.0.1] are all 127.0.0.1); one that is a name when
 * it has been resolved.
 */
export function readWebhookUrl(text: string, policy: AddressPolicy): WebhookUrlReading {
  if (text.length > WEBHOOK_URL_LENGTH_MAX) {
    return { refusal: `is longer than ${WEBHOOK_URL_LENGTH_MAX} characters` };
  }
  const url = URL.parse(text);
  if (url === null) return { refusal: 'is not a whole url such as https://example.com/hook' };
  const refusal = refusalOfUrl(url, policy);
  return refusal === undefined ? { url } : { refusal };
}

function refusalOfUrl(url: URL, policy: AddressPolicy): string | undefined {
  if (url.protocol !== 'https:' && !(policy.allowHttp && url.protocol === 'http:')) {
    return policy.allowHttp ? 'must begin with https:// or http://' : 'must begin with https://';
  }
  if (url.username !== '' || url.password !== '') {
    return 'holds a username or password; webhooks are authenticated by their signature';
  }
  if (url.hash !== '') return 'holds a #fragment, which is never sent';
  const host = hostOf(url.hostname);
  if (ipaddr.isValid(host)) return refusalOfAddress(host, policy);
  const isLoopbackName = /^(.+\.)?localhost\.?$/.test(host);
  return isLoopbackName && !policy.allowPrivateNetworks
    ? 'names this very machine (loopback)'
    : undefined;
}

/** A host as the parts of a url give it, an IPv6 address without its brackets. */
export function hostOf(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
}

/** Kinds of address that `allowPrivateNetworks` opens; names of ipaddr.js. */
const PRIVATE_KINDS: readonly string[] = ['private', 'loopback', 'carrierGradeNat', 'uniqueLocal'];

/** Where clouds answer their machines, beyond 169.254.0.0/16 and fe80::/10, which are never allowed. */
const METADATA_ADDRESSES: readonly string[] = [
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
].map((address) => ipaddr.parse(address).toNormalizedString());

const GLOBAL_UNICAST_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
const WORDS: Readonly<Record<string, string>> = {
  carrierGradeNat: 'shared between customers of a network (RFC 6598)',
  linkLocal: 'link-local',
  uniqueLocal: 'private',
};

/**
 * Why an address may not be called, or undefined where it may. The address itself is not repeated: who
 * registers a name need not learn what it means inside the operator's network.
 */
export function refusalOfAddress(text: string, policy: AddressPolicy): string | undefined {
  if (!ipaddr.isValid(text)) return 'is no address';
  const address = embeddedIn(ipaddr.parse(text));
  if (METADATA_ADDRESSES.includes(address.toNormalizedString())) {
    return 'is an address of cloud metadata';
  }
  const kind = address.range();
  if (kind === 'unicast') {
    const isGlobal = address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST_IPV6);
    return isGlobal ? undefined : 'is an address outside the public internet';
  }
  if (policy.allowPrivateNetworks && PRIVATE_KINDS.includes(kind)) return undefined;
  return `is an address that is not public (${WORDS[kind] ?? kind})`;
}

/**
 * The IPv4 address that an IPv6 address stands for where it is IPv4-mapped or of the well-known NAT64
 * prefix (RFC 6052: how hosts with IPv6 alone reach the public IPv4 internet). Other ways to embed one
 * (6to4, Teredo, IPv4-compatible, a network's own NAT64) are refused as kinds of address.
 */
function embeddedIn(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(-4)) : address;
}
