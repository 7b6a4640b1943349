/** A migration: the recipients of notifications, and what they are told of that no other table has. */
export const CREATE_NOTIFICATION_TABLES = `
  CREATE TABLE notification_recipients (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    organization_id INTEGER NOT NULL REFERENCES organizations (id),
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    -- Separated by spaces.
    kinds TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- Minutes since midnight in the time zone.
    daily_at INTEGER NOT NULL,
    quiet_from INTEGER,
    quiet_until INTEGER,
    time_zone TEXT NOT NULL,
    repeat_minutes INTEGER NOT NULL,
    tells_resolved INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    confirmed_at_ms INTEGER,
    -- The SHA-256 of the code that confirms an email address. NULL: none is valid.
    code_hash TEXT,
    code_expires_at_ms INTEGER,
    code_tries_left INTEGER NOT NULL DEFAULT 0,
    -- What the recipient was told, as JSON.
    told TEXT NOT NULL DEFAULT '{}',
    digest_window INTEGER NOT NULL,
    sent_at_ms INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    failed_at_ms INTEGER,
    failure TEXT
  ) STRICT;
  CREATE INDEX notification_recipients_of_organization ON notification_recipients (organization_id);

  -- Emails that asked for a confirmation within the last day, so that no organization can have strangers mailed.
  CREATE TABLE confirmation_emails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    organization_id INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    sent_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX confirmation_emails_by_mailbox ON confirmation_emails (mailbox, sent_at_ms);
  CREATE INDEX confirmation_emails_by_organization ON confirmation_emails (organization_id, sent_at_ms);

  -- The latest request of each supplier that exceeded its safety limit: a refused batch leaves no other trace.
  CREATE TABLE safety_limit_trips (
    supplier_id INTEGER PRIMARY KEY,
    tripped_at_ms INTEGER NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;

  -- One row: the node that sends notifications, and until when.
  CREATE TABLE notification_turns (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    node_id TEXT NOT NULL,
    until_ms INTEGER NOT NULL
  ) STRICT;
  INSERT INTO notification_turns VALUES (1, '', 0);

  CREATE INDEX failed_feeds ON feeds (finished_at_ms) WHERE state IN ('refused', 'failed');
  `;
