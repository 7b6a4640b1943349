import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  readWebhookUrl,
  refusalOfAddress,
  type AddressPolicy,
} from '../../src/webhooks/address.ts';
import { refusalOfWebhookUrl } from '../../src/webhooks/http-post.ts';

fc.configureGlobal({ seed: 20_261_123 });

const STRICT: AddressPolicy = { allowHttp: false, allowPrivateNetworks: false };
const INTRANET: AddressPolicy = { allowHttp: true, allowPrivateNetworks: true };

function refusalOf(url: string, policy: AddressPolicy): string | undefined {
  const reading = readWebhookUrl(url, policy);
  return 'refusal' in reading ? reading.refusal : undefined;
}

describe('by default a webhook may call', () => {
  test.for([
    'https://example.com/hook',
    'https://example.com:8443/hook?tenant=1',
    'https://example.com.',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://[64:ff9b::808:808]/',
    'https://[::ffff:8.8.8.8]/',
    'https://xn--mnchen-3ya.example/',
    'https://localhost.example.com/',
  ])('%s', (url) => {
    expect(refusalOf(url, STRICT)).toBeUndefined();
  });
});

describe('by default a webhook may not call', () => {
  test.for([
    ['http://example.com/', /^must begin with https:/],
    ['ftp://example.com/', /^must begin with https:/],
    ['file:///etc/passwd', /^must begin with https:/],
    ['example.com/hook', /^is not an absolute URL/],
    ['https://', /^is not an absolute URL/],
    ['https://256.1.1.1/', /^is not an absolute URL/],
    ['', /^is not an absolute URL/],
    [`https://example.com/${'a'.repeat(2048)}`, /^is longer than 2048/],
    ['https://user@example.com/', /username or password/],
    ['https://:secret@example.com/', /username or password/],
    ['https://example.com/#part', /fragment/],
    ['https://localhost/', /loopback/],
    ['https://LOCALHOST./', /loopback/],
    ['https://db.localhost/', /loopback/],
  ] as const)('%s', ([url, why]) => {
    expect(refusalOf(url, STRICT)).toMatch(why);
  });
});

const LOOPBACK_SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '0x7f.1',
  '0x7f000001',
  '0177.0.0.1',
  '017700000001',
  '2130706433',
  '127.0.0.1.',
  '%31%32%37.0.0.1',
  '１２７.0.0.1',
  '127。0。0。1',
  '127.255.255.254',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:0001]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::127.0.0.1]',
  '[2002:7f00:1::]',
  '[::ffff:0:127.0.0.1]',
  '[2001:0:7f00:1::]',
];

test.for(LOOPBACK_SPELLINGS)('loopback is refused in the spelling %s', (host) => {
  expect(refusalOf(`https://${host}/`, STRICT)).toMatch(/^is an address/);
});

describe('addresses that are never public', () => {
  const METADATA = [
    '169.254.169.254',
    '169.254.170.2',
    '0xa9fea9fe',
    '2852039166',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '[::ffff:168.63.129.16]',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
    '[fe80::a9fe:a9fe]',
  ];
  const NEVER = [
    '0.0.0.0',
    '0',
    '0.1.2.3',
    '224.0.0.1',
    '239.255.255.250',
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.7',
    '192.88.99.1',
    '[::]',
    '[ff02::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[100::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[2001::1]',
    '[2001:20::1]',
    '[2002:808:808::]',
    '[64:ff9b:1::808:808]',
    '[5f00::1]',
    '[4000::1]',
    '[::808:808]',
    '[::ffff:0.0.0.0]',
    '[::ffff:224.0.0.1]',
  ];

  test.for([...METADATA, ...NEVER])('%s is refused under every policy', (host) => {
    expect(refusalOf(`https://${host}/`, STRICT)).toMatch(/^is an address/);
    expect(refusalOf(`https://${host}/`, INTRANET)).toMatch(/^is an address/);
  });

  test.for([
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '127.0.0.1',
    '[::1]',
    '[fc00::1]',
    '[fdab::1]',
    '[::ffff:10.1.2.3]',
    'localhost',
  ])('%s is refused until the operator allows private networks', (host) => {
    expect(refusalOf(`https://${host}/`, STRICT)).toBeDefined();
    expect(refusalOf(`https://${host}/`, { ...STRICT, allowPrivateNetworks: true })).toBe(
      undefined,
    );
  });
});

test('an IPv4 address gets the same result in every spelling and inside IPv6', () => {
  const byte = fc.nat({ max: 255 });
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte, byte), fc.boolean(), (bytes, isStrict) => {
      const policy = isStrict ? STRICT : INTRANET;
      const address = bytes.join('.');
      const refusal = refusalOfAddress(address, policy);
      expect(refusalOfAddress(`::ffff:${address}`, policy)).toBe(refusal);
      expect(refusalOfAddress(`64:ff9b::${address}`, policy)).toBe(refusal);
      const number = bytes.reduce((sum, part) => sum * 256 + part, 0);
      expect(refusalOf(`https://${number}/`, policy)).toBe(refusal);
      expect(refusalOf(`https://0x${number.toString(16)}/`, policy)).toBe(refusal);
    }),
  );
});

test('an error does not repeat the address', () => {
  for (const address of ['10.1.2.3', '169.254.169.254', 'fd00::1']) {
    expect(refusalOfAddress(address, STRICT)).not.toContain(address);
  }
});

test('an invalid address is refused', () => {
  for (const text of ['', 'example.com', '1.2.3.4.5', '::g']) {
    expect(refusalOfAddress(text, INTRANET)).toBe('is not an address');
  }
});

describe('registration of a webhook', () => {
  /** The same for all: it must not tell private names from unknown ones. */
  const NAME_REFUSED =
    /^The host name has no address, or one that is not allowed \(see docs\/changes\.md#addresses\)\.$/;
  const names: Readonly<Record<string, readonly string[]>> = {
    'good.example': ['93.184.216.34', '2606:4700::1'],
    'bad.example': ['93.184.216.34', '10.0.0.1'],
    'metadata.example': ['169.254.169.254'],
    'odd.example': ['not an address'],
  };
  const resolve = (name: string): Promise<readonly string[]> => {
    const found = names[name];
    return found === undefined ? Promise.reject(new Error('unknown')) : Promise.resolve(found);
  };
  const register = (url: string, policy = STRICT): Promise<string | undefined> =>
    refusalOfWebhookUrl(url, { policy, resolve });

  test('accepts a host name if all its addresses are public', async () => {
    expect(await register('https://good.example/')).toBeUndefined();
    expect(await register('https://8.8.8.8/')).toBeUndefined();
  });

  test.for([
    ['https://bad.example/', NAME_REFUSED],
    ['https://metadata.example/', NAME_REFUSED],
    ['https://odd.example/', NAME_REFUSED],
    ['https://unknown.example/', NAME_REFUSED],
    ['https://127.1/', /^The URL is an address that is not public \(loopback\)\.$/],
    ['http://good.example/', /^The URL must begin with https:/],
  ] as const)('%s is refused, with the reason', async ([url, why]) => {
    expect(await register(url)).toMatch(why);
  });

  test('accepts names of private addresses if the operator allows them', async () => {
    expect(await register('http://bad.example/', INTRANET)).toBeUndefined();
    expect(await register('http://metadata.example/', INTRANET)).toBeDefined();
  });
});
