/** The first migration: the tables of SKUs, batches and accounts. */
export const CREATE_FIRST_TABLES = `
  CREATE TABLE organizations (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL CHECK (type IN ('supplier', 'retailer')),
    created_at_ms INTEGER NOT NULL
  ) STRICT;

  -- One row per supplier, with its counters.
  CREATE TABLE suppliers (
    id INTEGER PRIMARY KEY REFERENCES organizations (id),
    sku_count INTEGER NOT NULL DEFAULT 0,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    last_batch_number INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE connections (
    retailer_id INTEGER NOT NULL REFERENCES organizations (id),
    supplier_id INTEGER NOT NULL REFERENCES organizations (id),
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (retailer_id, supplier_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    organization_id INTEGER NOT NULL REFERENCES organizations (id),
    -- NULL: the organization's service user, which owns tokens and cannot log in.
    username TEXT UNIQUE,
    password_hash TEXT,
    permissions TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    CHECK ((username IS NULL) = (password_hash IS NULL))
  ) STRICT;
  CREATE UNIQUE INDEX service_users ON users (organization_id) WHERE username IS NULL;

  CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id),
    permissions TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    revoked_at_ms INTEGER
  ) STRICT;

  -- Incremented with each change that may revoke a permission: caches of tokens compare it.
  CREATE TABLE account_version (number INTEGER NOT NULL) STRICT;
  INSERT INTO account_version VALUES (1);
  CREATE TRIGGER token_updated AFTER UPDATE ON tokens
    BEGIN UPDATE account_version SET number = number + 1; END;
  CREATE TRIGGER token_deleted AFTER DELETE ON tokens
    BEGIN UPDATE account_version SET number = number + 1; END;
  CREATE TRIGGER user_updated AFTER UPDATE ON users
    BEGIN UPDATE account_version SET number = number + 1; END;
  CREATE TRIGGER organization_updated AFTER UPDATE ON organizations
    BEGIN UPDATE account_version SET number = number + 1; END;

  CREATE TABLE skus (
    key INTEGER PRIMARY KEY,
    supplier_id INTEGER NOT NULL REFERENCES suppliers (id),
    sku_id TEXT NOT NULL,
    uuid TEXT NOT NULL UNIQUE,
    item_uuid TEXT NOT NULL,
    item_id TEXT,
    title TEXT,
    condition TEXT CHECK (condition IN ('new', 'used', 'refurb')),
    units_bundled INTEGER,
    upca TEXT,
    ean13 TEXT,
    gtin14 TEXT,
    isbn TEXT,
    asin TEXT,
    mpn TEXT,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX skus_by_sku_id ON skus (supplier_id, sku_id);

  -- Every GTIN of every SKU, in one canonical form.
  CREATE TABLE gtins (
    supplier_id INTEGER NOT NULL,
    gtin INTEGER NOT NULL,
    sku_number INTEGER NOT NULL,
    PRIMARY KEY (supplier_id, gtin, sku_number)
  ) STRICT, WITHOUT ROWID;

  -- Narrow on purpose: the cost of an update is the page that it dirties.
  CREATE TABLE inventory (
    key INTEGER PRIMARY KEY REFERENCES skus (key),
    quantity_in_stock INTEGER,
    quantity_on_backorder INTEGER,
    backorder_date INTEGER,
    restrictions INTEGER,
    last_sequence INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE batches (
    supplier_id INTEGER NOT NULL REFERENCES suppliers (id),
    number INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    source TEXT NOT NULL,
    user_id INTEGER REFERENCES users (id),
    applied_at_ms INTEGER NOT NULL,
    line_count INTEGER NOT NULL,
    changed_count INTEGER NOT NULL,
    PRIMARY KEY (supplier_id, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE changes (
    supplier_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    sku_number INTEGER NOT NULL,
    -- 0 for the SKU's first change.
    previous_sequence INTEGER NOT NULL,
    batch_number INTEGER NOT NULL,
    before_quantity_in_stock INTEGER,
    before_quantity_on_backorder INTEGER,
    before_backorder_date INTEGER,
    before_restrictions INTEGER,
    after_quantity_in_stock INTEGER,
    after_quantity_on_backorder INTEGER,
    after_backorder_date INTEGER,
    after_restrictions INTEGER,
    PRIMARY KEY (supplier_id, sequence)
  ) STRICT, WITHOUT ROWID;

  -- Readiness probes insert a row and delete it.
  CREATE TABLE probes (payload BLOB NOT NULL) STRICT;
  `;
