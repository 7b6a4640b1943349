import type { Principal } from '../domain/parties.ts';
import type { AccountStore } from '../store/store.ts';

/** How long an answer holds: a stream asks again and again, and a thousand streams ask at once. */
const KEPT_MS = 1000;

interface Seen {
  readonly askedAtMs: number;
  readonly supplierIds: Promise<readonly number[]>;
}

/** Which suppliers an organization sees, for those who ask often. */
export class SupplierSight {
  readonly #accounts: Pick<AccountStore, 'visibleSupplierIds' | 'findOrganizationsByUuid'>;
  /** By organization. */
  readonly #seen = new Map<number, Seen>();

  constructor(accounts: Pick<AccountStore, 'visibleSupplierIds' | 'findOrganizationsByUuid'>) {
    this.#accounts = accounts;
  }

  /** Of the suppliers that one sees, those with these uuids; all where none are named. */
  async chosen(
    principal: Principal,
    uuids: readonly string[] | undefined,
  ): Promise<readonly number[]> {
    const visible = await this.#visibleTo(principal);
    if (uuids === undefined) return visible;
    const asked = await this.#accounts.findOrganizationsByUuid([...new Set(uuids)]);
    return visible.filter((id) => asked.some((organization) => organization.id === id));
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
