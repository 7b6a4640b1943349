import type { Replacement } from './replacement.ts';

/** A small, realistic fault that the torture must find. */
export interface PlantedBug {
  readonly name: string;
  readonly replacements: readonly Replacement[];
}

function bug(name: string, file: string, from: string, to: string): PlantedBug {
  return { name, replacements: [{ file: `src/${file}`, from, to }] };
}

const WRITE = 'store/sqlite/write';
const RECENT = 'store/sqlite/recent';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  // The disk.
  bug(
    'commits-without-sync',
    'store/sqlite/connection.ts',
    "db.pragma('journal_mode = WAL');\n  db.pragma('synchronous = FULL');",
    "db.pragma('journal_mode = WAL');\n  db.pragma('synchronous = NORMAL');",
  ),
  bug(
    'never-syncs',
    'store/sqlite/connection.ts',
    "db.pragma('journal_mode = WAL');\n  db.pragma('synchronous = FULL');",
    "db.pragma('journal_mode = WAL');\n  db.pragma('synchronous = OFF');",
  ),
  bug(
    'checkpoints-without-sync',
    'store/sqlite/connection.ts',
    "db.pragma('synchronous = FULL');\n  return db;",
    "db.pragma('synchronous = OFF');\n  return db;",
  ),
  bug('shows-commits-that-were-not-synced', `${WRITE}/writer-thread.ts`, '  syncLog(db);\n', ''),
  bug(
    'remembers-before-the-commit',
    `${WRITE}/writer-thread.ts`,
    'this.#applier.flush(nowMs, { isCatalogue });\n      return applied;',
    'this.#applier.flush(nowMs, { isCatalogue });\n      this.#applier.remember(nowMs);\n      return applied;',
  ),
  bug(
    'does-not-see-other-processes',
    `${WRITE}/writer-thread.ts`,
    'if (version === this.#lastDataVersion) return;',
    'if (version === this.#lastDataVersion || version !== undefined) return;',
  ),
  bug(
    'writes-dry-runs',
    `${WRITE}/writer-thread.ts`,
    'outcome = work();\n        throw new DryRunRollback();',
    'outcome = work();\n        this.#applier.flush(Date.now());',
  ),
  // Keys.
  bug(
    'forgets-keys',
    `${WRITE}/apply.ts`,
    'if (key !== undefined) this.#batchRows.keepKey(',
    'if (key === undefined) return { ...outcome, uuid, zeroedCount };\n      if (keptEffects !== null) this.#batchRows.keepKey(',
  ),
  bug(
    'keeps-keys-too-long',
    `${WRITE}/batch-rows.ts`,
    'WHERE supplier_id = ? AND key = ? AND expires_at_ms > ?`',
    'WHERE supplier_id = ? AND key = ? AND expires_at_ms + 1 > ?`',
  ),
  bug(
    'accepts-another-request-with-a-key',
    `${WRITE}/batch-rows.ts`,
    'checkSameRequest(usedFor, key);',
    'if (usedFor.length === 0) checkSameRequest(usedFor, key);',
  ),
  bug(
    'sweeps-valid-keys',
    'store/sql/batches.ts',
    "{ table: 'idempotency_keys', key: ['key'], time: 'expires_at_ms', until: nowMs }",
    "{ table: 'idempotency_keys', key: ['key'], time: 'expires_at_ms', until: nowMs + 3_600_000 }",
  ),
  // Large batches in slices.
  bug(
    'shows-staged-changes',
    'store/sqlite/read/reader-thread.ts',
    'AND sequence <= (SELECT last_sequence FROM suppliers WHERE id = changes.supplier_id)',
    '',
  ),
  bug(
    'leaves-staged-changes',
    `${WRITE}/transaction-skus.ts`,
    'if (staged > 0) this.#staged.remove(supplierId, Infinity);',
    'if (staged < 0) this.#staged.remove(supplierId, Infinity);',
  ),
  bug(
    'forgets-what-it-staged',
    `${WRITE}/sliced-writes.ts`,
    'this.#staged.setLast(supplierId, staged);',
    'if (staged === 0) this.#staged.setLast(supplierId, staged);',
  ),
  bug(
    'loses-the-last-change-of-a-slice',
    `${WRITE}/sliced-writes.ts`,
    'changes.slice(from, from + sliceChanges)',
    'changes.slice(from, from + Math.max(1, sliceChanges - 1))',
  ),
  // The inventory table that follows.
  bug(
    'completes-to-the-present',
    `${RECENT}/sweep.ts`,
    'const mark = this.#marks.get(supplierId);',
    'const mark = this.#following.tails.get(supplierId)?.through;',
  ),
  bug(
    'forgets-a-block-that-was-not-swept',
    `${RECENT}/sweep.ts`,
    'this.#blocks.slice(this.#next, this.#end);',
    'this.#blocks.slice(this.#next, this.#end + 1);',
  ),
  bug(
    'does-not-sweep-the-last-entry',
    `${RECENT}/sweep.ts`,
    'this.#rows.write(this.#recent.entriesOf(block));',
    'this.#rows.write([...this.#recent.entriesOf(block)].slice(0, -1));',
  ),
  bug(
    'says-complete-while-rows-wait',
    `${WRITE}/apply.ts`,
    'const isComplete = !this.#waiting.has(supplierId) && this.#inventory',
    'const isComplete = this.#inventory',
  ),
  bug(
    'replays-all-but-the-last-change',
    `${RECENT}/following.ts`,
    'AND sequence > ? AND sequence <= ? ORDER BY sequence',
    'AND sequence > ? AND sequence < ? ORDER BY sequence',
  ),
  bug(
    'accepts-messages-that-do-not-join',
    `${RECENT}/following.ts`,
    'if (tail.through < after || tail.through >= through) return;',
    'if (tail.through >= through) return;',
  ),
  bug(
    'lets-as-of-times-wait',
    `${RECENT}/writer-inventory.ts`,
    "return hasNewChange(sku) && typeof sku.asOfUs !== 'number';",
    'return hasNewChange(sku);',
  ),
  bug(
    'sweeps-in-a-rolled-back-transaction',
    `${RECENT}/sweep.ts`,
    'begin(): void {\n    this.#end = this.#next;',
    'begin(): void {',
  ),
  // Retention.
  bug(
    'drops-without-a-baseline',
    `${WRITE}/change-deleter.ts`,
    'this.#keep.run(bounds);',
    'if (last === 0) this.#keep.run(bounds);',
  ),
  bug(
    'drops-what-the-table-lacks',
    `${WRITE}/change-deleter.ts`,
    'if (last > complete) return undefined;',
    'if (last > complete + 1_000_000) return undefined;',
  ),
  bug(
    'drops-recent-changes',
    `${WRITE}/change-deleter.ts`,
    'AND applied_at_ms < $beforeMs',
    'AND applied_at_ms < $beforeMs + 3600000',
  ),
  // Deciding lines.
  bug(
    'applies-part-of-an-atomic-batch',
    'domain/batch-decision.ts',
    'if (atomic && leaveOut(decided, 0, lines.count)) this.rollBack();',
    'if (atomic) leaveOut(decided, 0, lines.count);',
  ),
  bug(
    'undoes-a-group-forwards',
    'domain/batch-decision.ts',
    'of undo.toReversed()) {',
    'of undo) {',
  ),
  bug(
    'counts-live-skus-once',
    'domain/batch-decision.ts',
    'head.liveCount += Number(isSellable(inventory)) - Number(isSellable(before));',
    'head.liveCount += Number(isSellable(inventory) && !isSellable(before));',
  ),
  bug(
    'compares-with-unknown-as-zero',
    'domain/decide.ts',
    'expected !== (quantityInStock ?? GIVEN_NULL)',
    'expected !== (quantityInStock ?? 0)',
  ),
  bug(
    'applies-a-report-of-the-same-time-once',
    'domain/decide.ts',
    'if (asOfUs < held) return',
    'if (asOfUs <= held) return',
  ),
  bug(
    'limits-one-sku-late',
    'domain/safety-limit.ts',
    'fallCount >= limit.skusMin',
    'fallCount > limit.skusMin',
  ),
  // Snapshots, undo, statistics.
  bug(
    'leaves-the-last-sku-of-a-snapshot',
    `${WRITE}/apply.ts`,
    'for (let from = 1; from <= skuCount; from += ZEROED_PER_STEP)',
    'for (let from = 1; from < skuCount; from += ZEROED_PER_STEP)',
  ),
  bug(
    'zeroes-what-the-table-says',
    `${WRITE}/apply.ts`,
    'held.get(skuNumber)?.inventory ?? this.#inventory.find(key)?.inventory;',
    'held.get(skuNumber)?.inventory;',
  ),
  bug(
    'undoes-all-but-the-last-change',
    `${WRITE}/revert.ts`,
    'const lastSequence = firstSequence + changedCount - 1;',
    'const lastSequence = firstSequence + changedCount - 2;',
  ),
  bug(
    'undoes-what-was-confirmed',
    `${WRITE}/revert.ts`,
    'const confirmed = request.force\n',
    'const confirmed = request.force || request.userId === null\n',
  ),
  bug(
    'counts-what-was-rolled-back',
    `${WRITE}/batch-rows.ts`,
    'begin(): void {\n    this.#counts.clear();',
    'begin(): void {',
  ),
  // Readers.
  bug(
    'moves-a-cursor-one-too-far',
    'changes/read-plan.ts',
    'sequences.set(supplierId, lastSequence)',
    'sequences.set(supplierId, lastSequence + 1)',
  ),
];
