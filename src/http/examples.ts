/** The examples in the OpenAPI document: each request and reply has one, made from its schema and from the values below. */

/** What the members of these names have. */
const VALUES: Readonly<Record<string, unknown>> = {
  action: 'token.created',
  address: '203.0.113.7',
  age_seconds_max: 5400,
  as_of: '2026-11-23T22:30:00Z',
  auth_token: '9c1f6b2e8d7a40539c1f6b2e8d7a40539c1f6b2e',
  backorder_date: '2027-01-15',
  bytes: 48_213,
  changed: 1180,
  changes_cursor: 'c1.1180',
  confirmation_code: '9c1f6b2e',
  count: 3,
  created: '2026-11-20T08:00:00Z',
  cursor: 'c1.1180',
  description: 'The shop of Corner Shop',
  detail:
    'Some numbers can be read in two ways: row 2, column "Qty": "1.250" may be 1.250 or 1250.',
  display_name: 'Acme Housewares',
  duration_ms: 84,
  ean13: '4006381333931',
  encoding: 'UTF-8',
  example_message: "No sku found with sku identifier: {'sku_id': 'A-17'}",
  example_row: 12,
  expected_interval_minutes: 1440,
  expires: '2027-11-20T08:00:00Z',
  failed: 3,
  filename: 'stock.csv',
  finished: '2026-11-23T22:40:11.507000Z',
  first_sequence: 1178,
  format: 'csv',
  from: 40,
  gtin14: '10012345678902',
  hash: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
  header: 'Qty on hand',
  isbn: '9780306406157',
  item_id: 'KETTLE',
  last_heard: '2026-11-23T22:40:11.507000Z',
  last_updated: '2026-11-23T22:40:11.507000Z',
  last_used: '2026-11-23T22:40:11.507000Z',
  limit: 25,
  line_count: 1200,
  lines: 1200,
  lines_per_second: 5000,
  message: 'success',
  message_id: 'msg_01a20aa15c417d588c1fa10000000002',
  mpn: 'EK-100',
  name: 'Acme Housewares',
  new_password: 'a long pass phrase of your own',
  number_of_units_bundled: 1,
  organization: 'Acme Housewares',
  password: 'correct horse battery staple',
  percent: 50,
  quantity_in_stock: 512,
  quantity_in_stock_change: -3,
  quantity_on_backorder: 120,
  reason: 'No SKU has these identifiers',
  reference: 'INV-1',
  request_id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  retailer: 'b7c1e0de-3f0c-4d53-9a05-6bb1a6a1b6a2',
  retailer_uuid: 'b7c1e0de-3f0c-4d53-9a05-6bb1a6a1b6a2',
  row: 2,
  rows: 1200,
  rows_expected: 1200,
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  sequence: 1180,
  sku_id: 'xkuOwSQ3utl',
  sku_uuid: '01a20aa1-5c2e-7d3a-9f53-6b1b9e0f4a11',
  skus_min: 100,
  started: '2026-11-23T22:40:11.484000Z',
  status_code: 200,
  status_counts: { '200': 1197, '404': 3 },
  subject: '01a20aa1-5c41-7d58-8c1f-a10000000002',
  supplier: '7f6a8d3e-2f5b-4a7e-8f0a-5f1f2c3d4e5f',
  supplier_uuid: '7f6a8d3e-2f5b-4a7e-8f0a-5f1f2c3d4e5f',
  time: '2026-11-23T22:40:11.507000Z',
  title: 'Enamel kettle, cream',
  to: 512,
  token: '9c1f6b2e8d7a40539c1f6b2e8d7a40539c1f6b2e',
  total: 10,
  total_count: 1,
  unchanged: 17,
  upca: '012345678905',
  uploaded: '2026-11-23T22:40:11.481000Z',
  url: 'https://shop.example.com/hooks/stock',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0',
  username: 'jo@acme.example',
  uuid: '01a20aa1-5c41-7d58-8c1f-a10000000002',
  version: '0.1.0',
};

/** Whole examples, by the names of their schemas: of these requests, no member is required. */
const REQUESTS: Readonly<Record<string, unknown>> = {
  Line: { sku_id: 'xkuOwSQ3utl', quantity_in_stock: 512 },
  FileSettings: { decimal: 'comma', locations: 'sum', words: { 'in stock': 10 } },
  FileSettingsChange: { decimal: 'comma', words: { 'in stock': 10 } },
};

/** What texts of these media types are like. Workbooks are binary. */
const TEXTS: Readonly<Record<string, string>> = {
  'application/x-ndjson': '{"sequence":1180,"action":"token.created"}\n',
  'text/csv': 'sku_id,quantity_in_stock\nxkuOwSQ3utl,512\n',
  'application/edi-x12':
    'ISA*00*          *00*          *12*5551234567     *ZZ*ACME           *261123*2240*U*00401*000000001*0*P*>~\n',
};

const FORMATS: Readonly<Record<string, string>> = {
  uuid: '01a20aa1-5c41-7d58-8c1f-a10000000002',
  'date-time': '2026-11-23T22:40:11.507000Z',
  date: '2027-01-15',
};

/** The document with an example for each request and each successful reply that has none. */
export function withExamples<T extends object>(document: T): T {
  const schemas = new SchemaExamples(memberOf(memberOf(document, 'components'), 'schemas'));
  for (const path of membersOf(memberOf(document, 'paths'))) {
    for (const operation of membersOf(path)) {
      addExamples(memberOf(memberOf(operation, 'requestBody'), 'content'), schemas, true);
      for (const status of ['200', '201']) {
        const reply = memberOf(memberOf(operation, 'responses'), status);
        addExamples(memberOf(reply, 'content'), schemas, false);
      }
    }
  }
  return document;
}

function addExamples(content: unknown, schemas: SchemaExamples, isRequest: boolean): void {
  if (!isObject(content)) return;
  for (const [type, media] of Object.entries(content)) {
    if (!isObject(media) || 'example' in media || 'examples' in media) continue;
    const schema = memberOf(media, 'schema');
    const isText = memberOf(schema, 'type') === 'string';
    if (isText && TEXTS[type] === undefined) continue;
    Object.assign(media, {
      example: isText ? TEXTS[type] : schemas.exampleOf(schema, '', isRequest),
    });
  }
}

/** Makes examples of schemas that refer to each other. */
class SchemaExamples {
  readonly #named: unknown;

  constructor(named: unknown) {
    this.#named = named;
  }

  /**
   * An example of a schema.
   *
   * @param name the member that has it
   * @param isRequest whether members that need not be there are left out; if none need be, the first known one is there
   */
  exampleOf(schema: unknown, name: string, isRequest: boolean): unknown {
    const reference = memberOf(schema, '$ref');
    if (typeof reference === 'string') {
      const title = reference.split('/').at(-1) ?? '';
      if (isRequest && REQUESTS[title] !== undefined) return REQUESTS[title];
      const named = memberOf(this.#named, title);
      return this.exampleOf(named, name, isRequest);
    }
    const fixed = memberOf(schema, 'const') ?? elementsOf(memberOf(schema, 'examples'))[0];
    if (fixed !== undefined) return fixed;
    const types = typesOf(schema);
    const allowed = elementsOf(memberOf(schema, 'enum'));
    const format = memberOf(schema, 'format');
    const isUuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(String(VALUES[name]));
    const value = format === 'uuid' && !isUuid ? undefined : VALUES[name];
    if (allowed.length === 0 && types.some((type) => isOfType(value, type))) return value;
    if (allowed.length > 0) return allowed.includes(null) ? null : allowed[0];
    const [alternative] = elementsOf(memberOf(schema, 'anyOf') ?? memberOf(schema, 'oneOf'));
    if (alternative !== undefined) return this.exampleOf(alternative, name, isRequest);
    return this.#exampleOfType(schema, types, name, isRequest);
  }

  #exampleOfType(
    schema: unknown,
    types: readonly string[],
    name: string,
    isRequest: boolean,
  ): unknown {
    if (types.includes('object')) return this.#exampleOfObject(schema, isRequest);
    if (types.includes('array'))
      return [this.exampleOf(memberOf(schema, 'items'), singular(name), isRequest)];
    if (types.includes('null')) return null;
    if (types.includes('boolean')) return false;
    if (types.includes('integer') || types.includes('number'))
      return memberOf(schema, 'minimum') ?? 0;
    const format = memberOf(schema, 'format');
    return (typeof format === 'string' ? FORMATS[format] : undefined) ?? '';
  }

  #exampleOfObject(schema: unknown, isRequest: boolean): unknown {
    const properties = memberOf(schema, 'properties');
    const members = isObject(properties) ? Object.entries(properties) : [];
    const required = elementsOf(memberOf(schema, 'required'));
    const chosen = members.filter(([name]) => !isRequest || required.includes(name));
    const [known = members[0]] = members.filter(([name]) => VALUES[name] !== undefined);
    const some = chosen.length > 0 || known === undefined ? chosen : [known];
    return Object.fromEntries(
      some.map(([name, inner]) => [name, this.exampleOf(inner, name, isRequest)]),
    );
  }
}

function singular(name: string): string {
  return name.replace(/s$/, '');
}

function typesOf(schema: unknown): readonly string[] {
  const type = memberOf(schema, 'type');
  return [type].flat().filter((one) => typeof one === 'string');
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'integer' || type === 'number') return typeof value === 'number';
  if (type === 'object') return isObject(value);
  return typeof value === type;
}

function membersOf(value: unknown): readonly unknown[] {
  return isObject(value) ? Object.values(value) : [];
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
