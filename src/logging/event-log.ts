import { eventOf, LISTENING, type EventName, type FieldsOf } from './events.ts';

/** Where entries are written: the logger of the server, or of a request, which adds the fields of that request. */
export type Logger = Readonly<
  Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>
>;

/** Logs an event, with exactly the fields that `LOG_EVENTS` declares. */
export function logEvent<Name extends EventName, Fields extends FieldsOf<Name>>(
  logger: Logger,
  name: Name,
  fields: Fields & Readonly<Record<Exclude<keyof Fields, keyof FieldsOf<Name>>, never>>,
): void {
  logger[eventOf(name).level](fields, name);
}

/** Logs an address at which the server listens, as the framework does. */
export function logListening(logger: Logger, url: string): void {
  logger.info({}, LISTENING + url);
}
