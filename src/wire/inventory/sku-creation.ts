import {
  type Field,
  FIELDS,
  INVENTORY_MEMBERS,
  QUANTITY_ALLOWED,
  quantitySchema,
  readQuantity,
} from './inventory-fields.ts';
import {
  GTIN_MEMBERS,
  readGtinMember,
  readOwnIdentifier,
  type Refusal,
  SKU_ID_SCHEMA,
} from '../lines/identifiers.ts';
import { textOrNull, uuid } from '../schema.ts';
import { OnhandError } from '../../domain/errors.ts';
import { GTIN_FORMS, type GtinForm } from '../../domain/gtin.ts';
import type { Inventory } from '../../domain/inventory.ts';
import { SKU_ID_CODE_POINTS_MAX, skuIdCanExist, skuIdFits } from '../../domain/lines.ts';
import { CONDITIONS, type Product } from '../../domain/sku.ts';
import type { CatalogueEntry } from '../../domain/catalogue.ts';
import { quoteValue, MemberErrors, notAllowed } from '../validation-messages.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { type NumberText, sourceMembersOf, sourceValueOf } from '../json-source.ts';
import { Type } from 'typebox';

/** Members of the vendor's API that are accepted and not stored. */
export const NOT_KEPT = [
  'minimum_advertised_price',
  'minimum_advertised_price_currency',
  'msrp',
  'msrp_currency',
  'price_tiers',
  'distinguishing_attributes',
  'nondistinguishing_attributes',
  'sku_distinguishing_attributes',
  'sku_nondistinguishing_attributes',
  'item_attributes',
  'custom_attributes',
  'product_images',
  'product_videos',
  'measurements',
  'catalogs',
  'inventory_lists',
  'description',
  'warranty',
  'return_policy',
  'manufacturer',
  'brand',
  'country_of_origin',
  'shipping_origin_country',
  'categories',
  'category_id',
  'restrict_from_marketplaces',
  'other_marketplace_restriction',
  'fba_certified',
] as const;

const textMember = (description: string) =>
  Type.Optional(textOrNull({ maxLength: SKU_ID_CODE_POINTS_MAX, description }));

const PRODUCT_IDENTIFIERS = {
  ...GTIN_MEMBERS,
  asin: textMember("Amazon's identifier."),
  mpn: textMember("The manufacturer's part number."),
};

export const SkuCreationSchema = Type.Object(
  {
    sku_id: SKU_ID_SCHEMA,
    item: Type.Optional(
      Type.Unsafe<{ uuid?: string } | null>({
        type: ['object', 'null'],
        properties: { uuid: uuid('Taken as given.') },
        additionalProperties: false,
        description: 'The item that the SKU belongs to; without it one is made.',
      }),
    ),
    item_id: textMember("The supplier's own name of an item: its SKUs share one item."),
    title: textMember('What it is.'),
    condition: Type.Optional(textOrNull({ enum: [...CONDITIONS, null] })),
    number_of_units_bundled: quantitySchema('How many units are sold as one'),
    ...INVENTORY_MEMBERS,
    ...PRODUCT_IDENTIFIERS,
    product_identifiers: Type.Optional(
      Type.Unsafe<object | null>({
        type: ['object', 'null'],
        properties: PRODUCT_IDENTIFIERS,
        additionalProperties: false,
      }),
    ),
    ...Object.fromEntries(
      NOT_KEPT.map((member) => [
        member,
        Type.Optional(Type.Unknown({ description: 'Accepted, and not kept.' })),
      ]),
    ),
  },
  { title: 'SkuCreation', additionalProperties: false },
);

export const SkuChangeSchema = Type.Object(
  {
    item: Type.Optional(
      Type.Object({ uuid: uuid('Taken as given.') }, { additionalProperties: false }),
    ),
    item_id: SkuCreationSchema.properties.item_id,
    title: SkuCreationSchema.properties.title,
    condition: SkuCreationSchema.properties.condition,
    number_of_units_bundled: SkuCreationSchema.properties.number_of_units_bundled,
    ...PRODUCT_IDENTIFIERS,
    product_identifiers: Type.Optional(
      Type.Object(PRODUCT_IDENTIFIERS, { additionalProperties: false }),
    ),
  },
  { title: 'SkuChange', additionalProperties: false, minProperties: 1 },
);

/** A change of a SKU's product data. Members left out stay as they are. */
export type SkuChange = Pick<CatalogueEntry, 'itemUuid' | 'product'>;

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** A SKU that is being read. */
interface Draft {
  skuId: string | undefined;
  itemUuid: string | undefined;
  readonly product: Partial<Writable<Product>>;
  readonly inventory: Partial<Writable<Inventory>>;
}

/** One member to be read. */
interface Member {
  readonly name: string;
  readonly value: unknown;
  /** The source text of it and its siblings. */
  readonly written: ReadonlyMap<string, string>;
  readonly numberText: NumberText;
}

/** Reads one member into the draft; returns the error message if it is invalid. */
type MemberReader = (draft: Draft, member: Member) => string | undefined;

type Readers = ReadonlyMap<string, MemberReader>;

const IDENTIFIER_READERS: Readers = new Map([
  ...GTIN_FORMS.map((form) => [form, gtinReader(form)] as const),
  ['asin', textReader('asin')],
  ['mpn', textReader('mpn')],
]);

const READERS: Readers = new Map<string, MemberReader>([
  ['sku_id', readSkuId],
  ['item', readItem],
  ['item_id', readItemId],
  ['title', textReader('title')],
  ['condition', readCondition],
  ...FIELDS.map((field) => [field.name, fieldReader(field)] as const),
  ['number_of_units_bundled', readUnitsBundled],
  ...IDENTIFIER_READERS,
  ['product_identifiers', readNested(IDENTIFIER_READERS)],
  ...NOT_KEPT.map((name) => [name, () => undefined] as const),
]);

/** Readers of what a change may set. */
const CHANGE_READERS: Readers = new Map(
  [...READERS].filter(([name]) => name in SkuChangeSchema.properties),
);

/** Members of a SKU that a change does not take, with what to do instead. */
const NOT_CHANGED: ReadonlyMap<string, string> = new Map([
  ['sku_id', 'sku_id cannot be changed: it identifies the SKU. Create another SKU instead.'],
  ...FIELDS.map(
    ({ name }) =>
      [
        name,
        `${name} is inventory: POST it to /timp/products/skus/inventory/, with the sku_id.`,
      ] as const,
  ),
]);

/**
 * Reads the body of a change of a SKU, by the same rules as a creation. Null and empty texts clear a member. Throws as
 * `parseSkuCreation`.
 */
export function parseSkuChange(body: unknown, text: string): SkuChange {
  if (!isJsonObject(body)) {
    throw new OnhandError(
      'body_shape_wrong',
      `The body must be a JSON object of what to change, such as {"title": "Enamel jug"}; ${quoteValue(body)} is not.`,
    );
  }
  const draft: Draft = { skuId: undefined, itemUuid: undefined, product: {}, inventory: {} };
  const refusal = readMembers(draft, CHANGE_READERS, body, sourceMembersOf(text), NOT_CHANGED);
  if (refusal !== undefined) throw new OnhandError('member_invalid', refusal);
  const { itemUuid, product } = draft;
  if (itemUuid === undefined && Object.keys(product).length === 0) {
    throw new OnhandError(
      'member_invalid',
      `The body changes nothing. Give at least one of ${[...CHANGE_READERS.keys()].join(', ')}; a SKU keeps an item, so item cannot be null.`,
    );
  }
  return { ...(itemUuid !== undefined && { itemUuid }), product };
}

/**
 * Reads the body of a SKU creation; `text` is the JSON that it was parsed from. Throws `body_shape_wrong` if
 * it is not an object, and `member_invalid` naming every invalid member.
 */
export function parseSkuCreation(body: unknown, text: string): CatalogueEntry {
  if (!isJsonObject(body)) {
    throw new OnhandError(
      'body_shape_wrong',
      `The body must be one SKU as a JSON object such as {"sku_id": "A-1"}; ${quoteValue(body)} is not.`,
    );
  }
  const draft: Draft = { skuId: undefined, itemUuid: undefined, product: {}, inventory: {} };
  const refusal = readMembers(draft, READERS, body, sourceMembersOf(text));
  const missing = 'sku_id' in body ? undefined : 'sku_id is missing: every SKU needs one.';
  if (draft.skuId === undefined || refusal !== undefined) {
    const sentences = [refusal, missing].filter((sentence) => sentence !== undefined);
    throw new OnhandError('member_invalid', sentences.join(' '));
  }
  const { skuId, itemUuid, product, inventory } = draft;
  return { skuId, ...(itemUuid !== undefined && { itemUuid }), product, inventory };
}

/** @param refused members that are known and not taken, with the sentences that say so */
function readMembers(
  draft: Draft,
  readers: Readers,
  object: JsonObject,
  written: ReadonlyMap<string, string>,
  refused: ReadonlyMap<string, string> = new Map(),
): string | undefined {
  const errors = new MemberErrors([...readers.keys()]);
  const numberText: NumberText = (name) => sourceValueOf(written, name);
  for (const name of Object.keys(object)) {
    const read = readers.get(name);
    const sentence =
      refused.get(name) ?? read?.(draft, { name, value: object[name], written, numberText });
    if (read === undefined && sentence === undefined) errors.addUnknown(name);
    else if (sentence !== undefined) errors.add(name, sentence);
  }
  return errors.isEmpty ? undefined : errors.print(() => written.keys());
}

/** Returns a reader of a nested object. */
function readNested(readers: Readers): MemberReader {
  return (draft, { name, value, written }) => {
    if (value === null) return undefined;
    if (!isJsonObject(value)) return notAllowed(name, 'an object, or null', value);
    const inner = sourceMembersOf(sourceValueOf(written, name));
    const refusal = readMembers(draft, readers, value, inner);
    return refusal === undefined ? undefined : `In ${name}: ${refusal}`;
  };
}

function readSkuId(draft: Draft, member: Member): string | undefined {
  const reading = readStorable(member);
  if (typeof reading !== 'string') return `sku_id ${reading.refusal}.`;
  draft.skuId = reading;
  return undefined;
}

function readItemId(draft: Draft, member: Member): string | undefined {
  if (member.value === null || member.value === '') {
    draft.product.itemId = null;
    return undefined;
  }
  const reading = readStorable(member);
  if (typeof reading !== 'string') return `item_id ${reading.refusal}.`;
  draft.product.itemId = reading;
  return undefined;
}

function readStorable({ name, value, numberText }: Member): string | Refusal {
  const reading = readOwnIdentifier(name, value, numberText);
  const isStorable = typeof reading !== 'string' || skuIdCanExist(reading);
  return isStorable ? reading : { refusal: `${quoteValue(reading)} ${UNSTORABLE}` };
}

/** Databases treat these characters differently. */
const UNSTORABLE = 'has a NUL character or half of a surrogate pair';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function readItem(draft: Draft, { value }: Member): string | undefined {
  if (value === null) return undefined;
  const members = isJsonObject(value) ? Object.keys(value) : undefined;
  if (members?.length === 0) return undefined;
  const uuid = isJsonObject(value) && members?.length === 1 ? value['uuid'] : undefined;
  if (typeof uuid !== 'string' || !UUID.test(uuid)) {
    return `item must be an object with one member, uuid, such as ${ITEM_EXAMPLE}, or null.`;
  }
  draft.itemUuid = uuid.toLowerCase();
  return undefined;
}

const ITEM_EXAMPLE = '{"uuid": "905c3e4b-ef10-4f77-b07e-03d4ecb743a0"}';

function readCondition(draft: Draft, { name, value }: Member): string | undefined {
  if (value === null) {
    draft.product.condition = null;
    return undefined;
  }
  const condition = CONDITIONS.find((known) => known === value);
  if (condition === undefined) {
    return notAllowed(name, `${CONDITIONS.map(quoteValue).join(' or ')}, or null`, value);
  }
  draft.product.condition = condition;
  return undefined;
}

function readUnitsBundled(draft: Draft, { name, value }: Member): string | undefined {
  const units = readQuantity(value);
  if (units === undefined) return notAllowed(name, QUANTITY_ALLOWED, value);
  draft.product.unitsBundled = units;
  return undefined;
}

function fieldReader({ field, read, allowed }: Field): MemberReader {
  return (draft, { name, value }) => {
    const given = read(value);
    if (given === undefined) return notAllowed(name, allowed, value);
    draft.inventory[field] = given;
    return undefined;
  };
}

const TEXT_ALLOWED = `a text of at most ${SKU_ID_CODE_POINTS_MAX} characters, or null`;

function textReader(field: 'title' | 'asin' | 'mpn'): MemberReader {
  return (draft, { name, value }) => {
    if (value === null || value === '') return storeNull(draft, field);
    if (typeof value !== 'string' || !skuIdFits(value)) {
      return notAllowed(name, TEXT_ALLOWED, value);
    }
    return skuIdCanExist(value)
      ? storeText(draft, field, value)
      : `${name} ${quoteValue(value)} ${UNSTORABLE}.`;
  };
}

function gtinReader(form: GtinForm): MemberReader {
  return (draft, { value, numberText }) => {
    const reading = readGtinMember(form, value, numberText);
    if (reading === undefined) return storeNull(draft, form);
    return 'refusal' in reading
      ? `${form} ${reading.refusal}.`
      : storeText(draft, form, reading.text);
  };
}

type TextField = GtinForm | 'title' | 'asin' | 'mpn';

/** Stores that there is no text, unless the other place where it may be given has one. */
function storeNull(draft: Draft, field: TextField): undefined {
  draft.product[field] ??= null;
  return undefined;
}

/** Stores a text that may be given in two places, if both agree. */
function storeText(draft: Draft, field: TextField, text: string): string | undefined {
  const stored = draft.product[field] ?? text;
  if (stored !== text)
    return `${field} is given twice, as ${quoteValue(stored)} and as ${quoteValue(text)}.`;
  draft.product[field] = text;
  return undefined;
}
