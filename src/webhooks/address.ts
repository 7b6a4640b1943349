import ipaddr from 'ipaddr.js';

/** Which addresses the operator allows for webhooks. The default is HTTPS to the public internet. */
export interface AddressPolicy {
  readonly allowHttp: boolean;
  /**
   * Also allows private, shared (RFC 6598) and loopback addresses. Link-local, multicast, unspecified, reserved
   * and cloud metadata addresses are never allowed.
   */
  readonly allowPrivateNetworks: boolean;
}

export const WEBHOOK_URL_LENGTH_MAX = 2048;

/** A URL whose text is allowed, or why it is not. */
export type WebhookUrlReading = { readonly url: URL } | { readonly refusal: string };

/**
 * Reads the URL of a webhook. Any port is allowed. If the host is an address, it is checked here in any
 * notation (0x7f.1, 2130706433 and [::ffff:127.0.0.1] are all 127.0.0.1). A name is checked when it is resolved.
 */
export function readWebhookUrl(text: string, policy: AddressPolicy): WebhookUrlReading {
  if (text.length > WEBHOOK_URL_LENGTH_MAX) {
    return { refusal: `is longer than ${WEBHOOK_URL_LENGTH_MAX} characters` };
  }
  const url = URL.parse(text);
  if (url === null) return { refusal: 'is not an absolute URL such as https://example.com/hook' };
  const refusal = refusalOfUrl(url, policy);
  return refusal === undefined ? { url } : { refusal };
}

function refusalOfUrl(url: URL, policy: AddressPolicy): string | undefined {
  if (url.protocol !== 'https:' && !(policy.allowHttp && url.protocol === 'http:')) {
    return policy.allowHttp ? 'must begin with https:// or http://' : 'must begin with https://';
  }
  if (url.username !== '' || url.password !== '') {
    return 'has a username or password; webhooks are authenticated by their signature';
  }
  if (url.hash !== '') return 'has a #fragment, which is never sent';
  const host = hostOf(url.hostname);
  if (ipaddr.isValid(host)) return refusalOfAddress(host, policy);
  const isLoopbackName = /^(.+\.)?localhost\.?$/.test(host);
  return isLoopbackName && !policy.allowPrivateNetworks
    ? 'names this machine (loopback)'
    : undefined;
}

/** The host of a URL; an IPv6 address without its brackets. */
export function hostOf(hostname: string): string {
  return hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
}

/** The ranges of ipaddr.js that `allowPrivateNetworks` allows. */
const PRIVATE_KINDS: readonly string[] = ['private', 'loopback', 'carrierGradeNat', 'uniqueLocal'];

/** Cloud metadata services outside 169.254.0.0/16 and fe80::/10, which are refused as link-local. */
const METADATA_ADDRESSES: readonly string[] = [
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
].map((address) => ipaddr.parse(address).toNormalizedString());

const GLOBAL_UNICAST_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
const RANGE_NAMES: Readonly<Record<string, string>> = {
  carrierGradeNat: 'shared between customers of a network (RFC 6598)',
  linkLocal: 'link-local',
  uniqueLocal: 'private',
};

/**
 * Why an address is refused; undefined if it is allowed. The address is not repeated: the owner of a webhook must
 * not learn how a name resolves inside the operator's network.
 */
export function refusalOfAddress(text: string, policy: AddressPolicy): string | undefined {
  if (!ipaddr.isValid(text)) return 'is not an address';
  const address = embeddedIn(ipaddr.parse(text));
  if (METADATA_ADDRESSES.includes(address.toNormalizedString())) {
    return 'is an address of a cloud metadata service';
  }
  const kind = address.range();
  if (kind === 'unicast') {
    const isGlobal = address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST_IPV6);
    return isGlobal ? undefined : 'is an address outside the public internet';
  }
  if (policy.allowPrivateNetworks && PRIVATE_KINDS.includes(kind)) return undefined;
  return `is an address that is not public (${RANGE_NAMES[kind] ?? kind})`;
}

/**
 * The IPv4 address embedded in an IPv6 address that is IPv4-mapped or has the well-known NAT64 prefix (RFC 6052).
 * Other embeddings (6to4, Teredo, IPv4-compatible, a network's own NAT64) are refused by their range.
 */
function embeddedIn(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  return address.match(NAT64) ? new ipaddr.IPv4(address.toByteArray().slice(-4)) : address;
}
