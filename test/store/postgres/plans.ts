import { EventEmitter } from 'node:events';
import { Client } from 'pg';
import { at, textAt } from '../../http/answers.ts';
import type { TestDatabase } from '../fixtures.ts';

/** A statement that the database ran, and what its plan did. */
export interface RunStatement {
  readonly text: string;
  /** The relations that were touched: partitions such as `inventory_3`, and unpartitioned tables. */
  readonly relations: readonly string[];
  /** Those of them that were read from beginning to end. */
  readonly scanned: readonly string[];
  /** How many rows its plan produced, or read and threw away. */
  readonly rowsHandled: number;
  /** The plan as JSON. */
  readonly plan: string;
}

/** Makes the server send each client notices with its statements and their plans. */
const LOG_SETTINGS: Readonly<Record<string, string>> = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_format': 'json',
  'auto_explain.log_level': 'log',
  log_statement: 'all',
  client_min_messages: 'log',
  log_min_messages: 'fatal',
};

/** The same database, for clients that receive the plan of each of their statements. */
export function withPlanNotices(database: TestDatabase): TestDatabase {
  const url = new URL(database.url);
  const options = Object.entries(LOG_SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
  url.searchParams.set('options', options.join(' '));
  return { ...database, url: url.href };
}

/** Records the statements that all clients of this process run. */
export class StatementRecorder {
  #messages: string[] = [];

  constructor() {
    // Clients inherit `emit`; overriding it on the prototype catches the notices of all of them.
    const record = (notice: unknown): void => void this.#messages.push(textAt(notice, 'message'));
    Reflect.set(
      Client.prototype,
      'emit',
      function (this: EventEmitter, event: string, ...values: unknown[]) {
        if (event === 'notice') record(values[0]);
        return EventEmitter.prototype.emit.call(this, event, ...values);
      },
    );
  }

  /** Returns all statements since the last call, and the plans of those that have one. */
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
  const parsed: unknown = JSON.parse(json);
  const nodes = nodesOf(at(parsed, 'Plan'));
  const scans = nodes.filter((node) => at(node, 'Node Type') === 'Seq Scan');
  return [
    {
      text: textAt(parsed, 'Query Text'),
      relations: nodes.flatMap(relationOf),
      scanned: scans.flatMap(relationOf),
      rowsHandled: nodes.reduce<number>((sum, node) => sum + rowsHandledBy(node), 0),
      plan: json,
    },
  ];
}

/** The plan nodes that were executed. */
function nodesOf(node: unknown): readonly unknown[] {
  if (at(node, 'Actual Loops') === 0) return [];
  const children = ['Plans', 'Target Tables'].flatMap((name) => {
    const inner = at(node, name);
    return Array.isArray(inner) ? inner.flatMap(nodesOf) : [];
  });
  return [node, ...children];
}

function relationOf(node: unknown): readonly string[] {
  const relation = at(node, 'Relation Name');
  return typeof relation === 'string' ? [relation] : [];
}

/** The numbers are averages of one loop. */
function rowsHandledBy(node: unknown): number {
  const numbers = ['Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Join Filter'].map(
    (name) => Number(at(node, name) ?? 0),
  );
  return numbers.reduce((sum, rows) => sum + rows, 0) * Number(at(node, 'Actual Loops') ?? 1);
}
