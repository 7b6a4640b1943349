/** How a message on its way is written down: the state of its delivery, and which changes it has. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { WebhookDelivery } from './schedule.ts';

/** A message of a webhook about one supplier. */
export interface OutgoingMessage {
  /** It has the supplier's changes after the delivered one, up to this. */
  readonly toSequence: number;
  readonly madeAtMs: number;
  readonly delivery: WebhookDelivery;
}

const number = Type.Number();
const ATTEMPTED = {
  messageId: Type.String(),
  attempts: Type.Integer(),
  firstAttemptAtMs: Type.Union([number, Type.Null()]),
  lastFailure: Type.Union([Type.String(), Type.Null()]),
};

const Message = Compile(
  Type.Object({
    toSequence: Type.Integer(),
    madeAtMs: number,
    delivery: Type.Union([
      Type.Object({ ...ATTEMPTED, state: Type.Literal('pending'), dueAtMs: number }),
      Type.Object({
        ...ATTEMPTED,
        state: Type.Literal('sending'),
        lease: Type.Object({ nodeId: Type.String(), untilMs: number }),
      }),
      Type.Object({ ...ATTEMPTED, state: Type.Literal('delivered'), deliveredAtMs: number }),
      Type.Object({
        ...ATTEMPTED,
        state: Type.Literal('paused'),
        pausedAtMs: number,
        reason: Type.String(),
        busyUntilMs: number,
      }),
    ]),
  }),
);

export function writeMessage(message: OutgoingMessage): string {
  return JSON.stringify(message);
}

export function readMessage(text: string): OutgoingMessage {
  const kept: unknown = JSON.parse(text);
  if (!Message.Check(kept)) throw new Error('a message on its way cannot be read');
  return kept;
}
