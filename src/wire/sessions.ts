/** The sessions of browsers. */
import { type Static, Type } from 'typebox';
import {
  type Organization,
  ORGANIZATION_TYPES,
  type Permission,
  PERMISSIONS,
  type SessionListing,
} from '../domain/parties.ts';
import { createValidator, textOrNull, time, uuid } from './schema.ts';
import { printTime } from './times.ts';

export const SessionSchema = Type.Object(
  {
    uuid: uuid('The session.'),
    username: Type.String({ description: 'The user who logged in.' }),
    organization: Type.Object(
      {
        uuid: uuid('The organization of the user.'),
        name: Type.String(),
        type: Type.Enum([...ORGANIZATION_TYPES]),
      },
      { additionalProperties: false },
    ),
    permissions: Type.Array(Type.Enum([...PERMISSIONS]), {
      description: 'What the session may do.',
    }),
    expires: time('When the session ends unless it is used before; use puts it off.'),
  },
  { title: 'Session', additionalProperties: false },
);

export const SessionsSchema = Type.Object(
  {
    sessions: Type.Array(
      Type.Object(
        {
          uuid: uuid('The session.'),
          created: time('When the user logged in.'),
          last_used: Type.Union([
            time('When the session was last used, to the minute.'),
            Type.Null({ description: 'Not since the login.' }),
          ]),
          expires: time('When the session ends unless it is used before.'),
          user_agent: textOrNull({ description: 'The `User-Agent` of the login.' }),
          address: Type.String({ description: 'The address that the login came from.' }),
          is_current: Type.Boolean({ description: 'Whether it is the session of this request.' }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { title: 'Sessions', additionalProperties: false },
);

/** What is known of a session beside its token. */
export interface PrintableSession {
  readonly uuid: string;
  readonly username: string;
  readonly organization: Organization;
  readonly permissions: readonly Permission[];
  readonly expiresAtMs: number;
}

export function printBrowserSession(session: PrintableSession): Static<typeof SessionSchema> {
  const { uuid, name, type } = session.organization;
  return {
    uuid: session.uuid,
    username: session.username,
    organization: { uuid, name, type },
    permissions: [...session.permissions],
    expires: printTime(session.expiresAtMs),
  };
}

export function printSessions(
  sessions: readonly SessionListing[],
  currentId: number,
): Static<typeof SessionsSchema> {
  return {
    sessions: sessions.map((session) => ({
      uuid: session.uuid,
      created: printTime(session.createdAtMs),
      last_used: session.lastUsedAtMs === null ? null : printTime(session.lastUsedAtMs),
      expires: printTime(session.expiresAtMs),
      user_agent: session.userAgent,
      address: session.address,
      is_current: session.id === currentId,
    })),
  };
}

export const SetupNeedSchema = Type.Object(
  { is_needed: Type.Boolean({ description: 'Whether the server has no user yet.' }) },
  { title: 'SetupNeed', additionalProperties: false },
);

export const SetupSchema = Type.Object(
  {
    secret: Type.String({ minLength: 1, description: 'From the link that the server printed.' }),
    organization: Type.String({ minLength: 1, description: 'A name for the operator.' }),
    username: Type.String({ minLength: 1, description: 'A name for the first user.' }),
    password: Type.String({
      minLength: 1,
      description:
        'At least 12 characters, none of the most common passwords, without the username.',
    }),
  },
  { title: 'Setup', additionalProperties: false },
);
/** Throws `member_invalid`. */
export const parseSetup = createValidator(SetupSchema, 'The set-up', 'member_invalid');
