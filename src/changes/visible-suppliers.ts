import type { OrganizationType } from '../domain/parties.ts';
import type { AccountStore } from '../store/store.ts';

type Accounts = Pick<AccountStore, 'visibleSupplierIds' | 'findOrganizationsByUuid'>;

/** The organization that reads. */
interface Reader {
  readonly organizationId: number;
  readonly organizationType: OrganizationType;
}

/** The suppliers that an organization can see now; if `uuids` is given, only those of them. */
export async function visibleSuppliers(
  accounts: Accounts,
  { organizationId, organizationType }: Reader,
  uuids: readonly string[] | undefined,
): Promise<readonly number[]> {
  const visible = await accounts.visibleSupplierIds(organizationId, organizationType);
  return selected(accounts, visible, uuids);
}

async function selected(
  accounts: Accounts,
  visible: readonly number[],
  uuids: readonly string[] | undefined,
): Promise<readonly number[]> {
  if (uuids === undefined) return visible;
  const organizations = await accounts.findOrganizationsByUuid([...new Set(uuids)]);
  return visible.filter((id) => organizations.some((organization) => organization.id === id));
}

/** How long an entry is used: a thousand event streams ask again and again. */
const MAX_AGE_MS = 1000;

interface CacheEntry {
  readonly readAtMs: number;
  readonly supplierIds: Promise<readonly number[]>;
}

/** `visibleSuppliers` for event streams, up to one second old. */
export class VisibleSuppliersCache {
  readonly #accounts: Accounts;
  /** By organization, the oldest first. */
  readonly #entries = new Map<number, CacheEntry>();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  async visibleSuppliers(
    reader: Reader,
    uuids: readonly string[] | undefined,
  ): Promise<readonly number[]> {
    return selected(this.#accounts, await this.#visibleTo(reader), uuids);
  }

  #visibleTo({ organizationId, organizationType }: Reader): Promise<readonly number[]> {
    const nowMs = performance.now();
    const entry = this.#entries.get(organizationId);
    if (entry !== undefined && nowMs - entry.readAtMs < MAX_AGE_MS) return entry.supplierIds;
    for (const [id, { readAtMs }] of this.#entries) {
      if (nowMs - readAtMs < MAX_AGE_MS) break;
      this.#entries.delete(id);
    }
    const supplierIds = this.#accounts.visibleSupplierIds(organizationId, organizationType);
    this.#entries.delete(organizationId);
    this.#entries.set(organizationId, { readAtMs: nowMs, supplierIds });
    return supplierIds;
  }
}
