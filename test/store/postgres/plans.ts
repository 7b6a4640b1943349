import { EventEmitter } from 'node:events';
import { Client } from 'pg';
import { at, textAt } from '../../http/answers.ts';
import type { TestDatabase } from '../fixtures.ts';

/** A statement that a database ran, and which partitions of which tables it has touched. */
export interface RunStatement {
  readonly text: string;
  /** Such as `inventory_3`; tables that are not partitioned by their names. */
  readonly relations: readonly string[];
}

/** What the server is asked to tell each client of the statements that the client sends. */
const TELLING: Readonly<Record<string, string>> = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_format': 'json',
  'auto_explain.log_level': 'log',
  log_statement: 'all',
  client_min_messages: 'log',
  log_min_messages: 'fatal',
};

/** The same database for clients that are told how each of their statements was run. */
export function telling(database: TestDatabase): TestDatabase {
  const url = new URL(database.url);
  const options = Object.entries(TELLING).map(([name, value]) => `-c ${name}=${value}`);
  url.searchParams.set('options', options.join(' '));
  return { ...database, url: url.href };
}

/** Hears what servers tell clients of this process from now on. */
export class StatementsHeard {
  #messages: string[] = [];

  constructor() {
    // Every client is an emitter by inheritance: it is listened in where all of them pass.
    const heard = (notice: unknown): void => void this.#messages.push(textAt(notice, 'message'));
    Reflect.set(
      Client.prototype,
      'emit',
      function (this: EventEmitter, event: string, ...told: unknown[]) {
        if (event === 'notice') heard(told[0]);
        return EventEmitter.prototype.emit.call(this, event, ...told);
      },
    );
  }

  /** What was sent since this was last asked, be it no more than `BEGIN`, and how what was planned was run. */
  take(): { readonly texts: readonly string[]; readonly runs: readonly RunStatement[] } {
    const messages = this.#messages;
    this.#messages = [];
    return { texts: messages.flatMap(textOf), runs: messages.flatMap(runOf) };
  }

  stop(): void {
    Reflect.deleteProperty(Client.prototype, 'emit');
  }
}

function textOf(message: string): readonly string[] {
  const text = /^(?:statement|execute <unnamed>): (.*)$/s.exec(message)?.[1];
  return text === undefined ? [] : [text];
}

function runOf(message: string): readonly RunStatement[] {
  const json = /^duration: \S+ ms {2}plan:\n(.*)$/s.exec(message)?.[1];
  if (json === undefined) return [];
  const told: unknown = JSON.parse(json);
  return [{ text: textAt(told, 'Query Text'), relations: touchedBy(at(told, 'Plan')) }];
}

/** The relations of a plan's nodes that were run. */
function touchedBy(node: unknown): readonly string[] {
  if (at(node, 'Actual Loops') === 0) return [];
  const children = ['Plans', 'Target Tables'].flatMap((name) => {
    const inner = at(node, name);
    return Array.isArray(inner) ? inner.flatMap(touchedBy) : [];
  });
  const relation = at(node, 'Relation Name');
  return typeof relation === 'string' ? [relation, ...children] : children;
}
