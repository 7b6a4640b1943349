import type { Principal } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';

/** How long an answer holds for a stream, which asks again and again: a thousand of them ask at once. */
const KEPT_MS = 1000;

type Accounts = Pick<AccountStore, 'visibleSupplierIds' | 'findOrganizationsByUuid'>;

interface Seen {
  readonly askedAtMs: number;
  readonly supplierIds: Promise<readonly number[]>;
}

/** Of the suppliers that one sees now, those with these uuids; all where none are named. */
export async function visibleSuppliers(
  accounts: Accounts,
  { organizationId, organizationType }: Principal,
  uuids: readonly string[] | undefined,
): Promise<readonly number[]> {
  const visible = await accounts.visibleSupplierIds(organizationId, organizationType);
  return chosen(accounts, visible, uuids);
}

async function chosen(
  accounts: Accounts,
  visible: readonly number[],
  uuids: readonly string[] | undefined,
): Promise<readonly number[]> {
  if (uuids === undefined) return visible;
  const asked = await accounts.findOrganizationsByUuid([...new Set(uuids)]);
  return visible.filter((id) => asked.some((organization) => organization.id === id));
}

/** Which suppliers the readers of streams see: what changes of that is known to them within a second. */
export class VisibleSuppliersCache {
  readonly #accounts: Accounts;
  /** By organization, the oldest first. */
  readonly #seen = new Map<number, Seen>();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  async visibleSuppliers(
    principal: Principal,
    uuids: readonly string[] | undefined,
  ): Promise<readonly number[]> {
    return chosen(this.#accounts, await this.#visibleTo(principal), uuids);
  }

  #visibleTo({ organizationId, organizationType }: Principal): Promise<readonly number[]> {
    const nowMs = performance.now();
    const known = this.#seen.get(organizationId);
    if (known !== undefined && nowMs - known.askedAtMs < KEPT_MS) return known.supplierIds;
    for (const [id, { askedAtMs }] of this.#seen) {
      if (nowMs - askedAtMs < KEPT_MS) break;
      this.#seen.delete(id);
    }
    const supplierIds = this.#accounts.visibleSupplierIds(organizationId, organizationType);
    this.#seen.delete(organizationId);
    this.#seen.set(organizationId, { askedAtMs: nowMs, supplierIds });
    return supplierIds;
  }
}
