import {
  ENTRY_FIELDS,
  EVENT_FIELDS,
  eventOf,
  LISTENING,
  LOG_EVENTS,
  REQUEST_FIELDS,
  type EventName,
} from '../../src/logging/events.ts';

const LEVELS = { info: 30, warn: 40, error: 50 } as const;
const FIELDS = new Map(Object.entries({ ...ENTRY_FIELDS, ...EVENT_FIELDS }));

const IS_OF_TYPE = {
  string: (value: unknown) => typeof value === 'string',
  number: (value: unknown) => typeof value === 'number',
  'string or null': (value: unknown) => value === null || typeof value === 'string',
  error: (value: unknown) =>
    isObject(value) && ['type', 'message', 'stack'].every((member) => member in value),
  object: isObject,
  'list of strings': (value: unknown) =>
    Array.isArray(value) && value.every((element) => typeof element === 'string'),
} as const;

/** What an entry of the log has that is not declared, or lacks; none if it is as declared. */
export function undeclaredIn(entry: unknown): readonly string[] {
  if (!isObject(entry)) return [`not an object: ${JSON.stringify(entry)}`];
  const values = new Map<string, unknown>(Object.entries(entry));
  const message = String(values.get('msg'));
  const name = nameOf(message);
  if (name === undefined) return [`an event that is not declared: ${message}`];
  const { level, fields, optional, ofRequest } = definitionOf(name);
  const required = [...Object.keys(ENTRY_FIELDS), ...fields, ...(ofRequest ? ['request_id'] : [])];
  const allowed = [...required, ...optional, ...(ofRequest ? Object.keys(REQUEST_FIELDS) : [])];
  return [
    ...required.filter((field) => !values.has(field)).map((field) => `${name} lacks ${field}`),
    ...[...values.keys()]
      .filter((field) => !allowed.includes(field))
      .map((field) => `${name} has ${field}, which is not declared`),
    ...[...values].flatMap(([field, value]) => {
      const type = FIELDS.get(field)?.type;
      return type === undefined || IS_OF_TYPE[type](value)
        ? []
        : [`${name}: ${field} is not a ${type}: ${JSON.stringify(value)}`];
    }),
    ...(values.get('level') === LEVELS[level] ? [] : [`${name} is not of the level ${level}`]),
  ];
}

function nameOf(message: string): EventName | typeof LISTENING | undefined {
  if (message.startsWith(LISTENING)) return LISTENING;
  return EVENT_NAMES.find((name) => name === message);
}

function definitionOf(name: EventName | typeof LISTENING) {
  const level: keyof typeof LEVELS = 'info';
  const defaults = { level, optional: [], ofRequest: false };
  return name === LISTENING ? { ...defaults, fields: [] } : { ...defaults, ...eventOf(name) };
}

export const EVENT_NAMES: readonly EventName[] = namesOf(LOG_EVENTS);

function namesOf<Name extends string>(record: Readonly<Record<Name, unknown>>): readonly Name[];
function namesOf(record: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(record);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
