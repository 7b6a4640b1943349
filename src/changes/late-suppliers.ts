import { isLate, type ExpectedReport } from '../domain/changes.ts';
import type { BatchStore } from '../store/store.ts';

interface LateSuppliersParts {
  readonly batches: Pick<BatchStore, 'expectedReports'>;
  readonly now: () => number;
  /** Called once when a supplier becomes late. */
  readonly onLate: (report: ExpectedReport) => void;
  /** Called once when a supplier that was late has reported. */
  readonly onHeard: (report: ExpectedReport) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Tells once when a supplier has not reported for longer than expected, and once when it reports again. */
export class LateSuppliers {
  readonly #parts: LateSuppliersParts;
  readonly #late = new Set<number>();
  #expected: readonly { readonly name: string; readonly isLate: boolean }[] | undefined;

  constructor(parts: LateSuppliersParts) {
    this.#parts = parts;
  }

  /** The suppliers that are expected to report, as of the latest check; undefined before the first one. */
  get expected(): readonly { readonly name: string; readonly isLate: boolean }[] | undefined {
    return this.#expected;
  }

  async check(): Promise<void> {
    const { batches, now, onLate, onHeard, onFailure } = this.#parts;
    try {
      const reports = await batches.expectedReports();
      const nowMs = now();
      const expected = new Set<number>();
      for (const report of reports) {
        const { supplierId, intervalMinutes, lastHeardAtMs } = report;
        expected.add(supplierId);
        const wasLate = this.#late.has(supplierId);
        if (isLate(lastHeardAtMs, intervalMinutes, nowMs)) {
          this.#late.add(supplierId);
          if (!wasLate) onLate(report);
        } else if (wasLate) {
          this.#late.delete(supplierId);
          onHeard(report);
        }
      }
      this.#expected = reports.map(({ supplierId, name }) => ({
        name,
        isLate: this.#late.has(supplierId),
      }));
      for (const supplierId of this.#late)
        if (!expected.has(supplierId)) this.#late.delete(supplierId);
    } catch (error) {
      onFailure(error);
    }
  }
}
