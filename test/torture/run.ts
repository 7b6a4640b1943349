/** Runs a script against the store on the disk that loses power, and checks it against the models. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ChangeFeed } from '../../src/changes/change-feed.ts';
import { OnhandError } from '../../src/domain/errors.ts';
import { isFailedSync } from '../../src/store/sqlite/connection.ts';
import { inspect } from '../../src/store/sqlite/schema/inspect.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/store.ts';
import { newUuid } from '../../src/store/uuids.ts';
import { createSupplier } from '../store/fixtures.ts';
import type { Disk, Restart } from './disk.ts';
import { Follower } from './follower.ts';
import { difference, observe, type Observed } from './observe.ts';
import { afterAnswer, afterSilence, answerOfLines, type Answer, type Sent } from './predict.ts';
import { batchOfCall, confirm, send } from './send.ts';
import type { LinesCall, Script, Step, WriteCall } from './steps.ts';
import { SupplierModel } from './supplier-model.ts';
import { realSetTimeout, type VirtualTime } from './virtual-time.ts';
import { SUPPLIERS } from './world.ts';

/** The process that runs `onhand doctor`; the store's are 1 and 2. */
const DOCTOR = 3;
const HANG_MS = 120_000;
const TURNS_OF_IDLE = 40;
const CANDIDATES_MAX = 256;

type Result = { readonly answer: Answer } | { readonly error: unknown };

interface Process {
  /** As the disk knows it. */
  readonly number: number;
  readonly store: Store;
  readonly feed: ChangeFeed;
  readonly state: { isFatal: boolean };
}

interface Supplied {
  readonly id: number;
  models: readonly SupplierModel[];
  /** Possible too after a power cut: a killed process may have left a commit in the log that the other one never shows. */
  inDoubt: readonly SupplierModel[];
}

export class Run {
  readonly #disk: Disk;
  readonly #time: VirtualTime | undefined;
  readonly #path: string;
  readonly script: Script;
  #openings = 0;
  #first: Process | undefined;
  #second: Process | undefined;
  readonly #suppliers: Supplied[] = [];
  #cut: { readonly leaves: Restart; readonly again: number } = { leaves: 'nothing', again: 0 };
  #hasFaults = false;
  #stray: unknown;
  readonly #follower = new Follower();
  stepNumber = 0;
  crashes = 0;
  kills = 0;

  constructor(disk: Disk, time: VirtualTime | undefined, path: string, script: Script) {
    this.#disk = disk;
    this.#time = time;
    this.#path = path;
    this.script = script;
  }

  /** Resolves if the store does what the models predict; rejects with the first difference. */
  async run(): Promise<void> {
    const onStray = (error: unknown): void => this.#strayed(error);
    process.on('uncaughtException', onStray);
    process.on('unhandledRejection', onStray);
    try {
      this.#begin();
      await this.#prepare();
      for (const [i, step] of this.script.steps.entries()) {
        this.stepNumber = i;
        await this.#withinTime(this.#do(step));
        await this.#recoverIfNeeded();
        if (this.#stray !== undefined) throw this.#stray;
      }
      this.#disk.calm();
      await this.#closeAll(true);
      await this.#openFirst();
      await this.#check(this.#mustBeOpen());
      await this.#closeAll(true);
    } finally {
      await this.#closeAll(false);
      process.off('uncaughtException', onStray);
      process.off('unhandledRejection', onStray);
    }
  }

  #begin(): void {
    this.#disk.reset(this.script.seed);
    this.#time?.begin(this.script.seed);
    // UUIDs use random bytes that were fetched earlier: use these up, so that the next UUID follows from the seed.
    const fills = this.#time?.fills;
    while (this.#time !== undefined && this.#time.fills === fills) newUuid(0);
  }

  async #prepare(): Promise<void> {
    await this.#openFirst();
    for (const name of SUPPLIERS) {
      const id = await createSupplier(this.#mustBeOpen().store, name);
      this.#suppliers.push({ id, models: [new SupplierModel()], inDoubt: [] });
    }
  }

  /** An error outside of any call. A failed sync ends the process. */
  #strayed(error: unknown): void {
    if (isFailedSync(error)) {
      for (const opened of this.#opened()) {
        if (!this.#isDown(opened)) opened.state.isFatal = true;
        this.#disk.killAfter(opened.number, 0);
      }
      return;
    }
    this.#stray ??= error;
  }

  async #withinTime(work: Promise<void>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = realSetTimeout(() => reject(new Error('the step does not end')), HANG_MS);
    try {
      await Promise.race([work, promise]);
    } finally {
      if (typeof timer === 'object') timer.close();
    }
  }

  async #do(step: Step): Promise<void> {
    switch (step.do) {
      case 'calls':
        return this.#makeCalls(step.calls, this.#processOf(step.by));
      case 'group':
        return this.#applyGroup(step.batches, this.#processOf(step.by));
      case 'limit':
        return this.#setLimit(step);
      case 'drop':
        return this.#drop(step.ageMs);
      case 'sweep':
        return this.#sweep();
      case 'probe':
        await this.#tolerating(() => this.#mustBeOpen().store.probe());
        return;
      case 'follow':
        return this.#follow(step);
      case 'jump':
        return this.#time?.jump(step.ms);
      case 'idle':
        return this.#idle(step.ms);
      case 'fault':
        this.#hasFaults = true;
        return this.#disk.fault(step.kind, step.after, step.times);
      case 'cut':
        this.#cut = { leaves: step.leaves, again: step.again ?? 0 };
        return this.#disk.cutAfter(step.after);
      case 'kill':
        return this.#disk.killAfter(this.#processOf(step.who).number, step.after);
      case 'second':
        return this.#openSecond();
      case 'restart':
        return this.#restart();
      case 'check':
        return this.#checkNow(step.doctor === true);
    }
  }

  #opened(): readonly Process[] {
    return [this.#first, this.#second].filter((opened) => opened !== undefined);
  }

  #processOf(which: 'second' | undefined): Process {
    return (which === 'second' ? this.#second : undefined) ?? this.#mustBeOpen();
  }

  #mustBeOpen(): Process {
    const opened = this.#first;
    if (opened === undefined) throw new Error('no process is open');
    return opened;
  }

  #isDown({ number, state }: Process): boolean {
    return state.isFatal || !this.#disk.hasPower || this.#disk.isDead(number);
  }

  async #open(number: number): Promise<Process> {
    const { openings } = this.script;
    const opening = openings[this.#openings % openings.length];
    this.#openings += 1;
    this.#disk.actAs(number);
    const state = { isFatal: false };
    const store = await SqliteStore.open({
      ...this.#connection(),
      recentChangesMax: opening?.recentChangesMax ?? 1,
      largeBatchLines: opening?.largeBatchLines ?? 1,
      // A server exits at once.
      onFatal: () => {
        if (this.#disk.hasPower && !this.#disk.isDead(number)) state.isFatal = true;
        this.#disk.killAfter(number, 0);
      },
    });
    const feed = new ChangeFeed(store.changes, store.accounts);
    return { number, store, feed, state };
  }

  #connection() {
    return { path: this.#path, busyTimeoutMs: 0, databaseBytesMax: 0, cacheBytesMax: 4 << 20 };
  }

  async #openFirst(): Promise<void> {
    this.#first ??= await this.#open(1);
  }

  async #openSecond(): Promise<void> {
    await this.#tolerating(async () => {
      this.#second ??= await this.#open(2);
    });
  }

  /** Returns false if the work fails because of the disk, the power or a killed process; rejects with other errors. */
  async #tolerating(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#mayFail(error);
      return false;
    }
  }

  #mayFail(error: unknown): void {
    if (this.#opened().some((opened) => this.#isDown(opened)) || !this.#disk.hasPower) return;
    const isKnown = error instanceof OnhandError && error.code === 'store_unavailable';
    if (!isKnown || !this.#hasFaults) throw error;
  }

  async #makeCalls(calls: readonly WriteCall[], opened: Process): Promise<void> {
    const nowMs = Date.now();
    const making: { sent: Sent; result: Promise<Result> }[] = [];
    const codes = await this.#confirmations(calls, opened);
    for (const [i, call] of calls.entries()) {
      const supplied = this.#suppliers[call.supplier];
      if (supplied === undefined) continue;
      const reverted = call.do === 'revert' ? supplied.models[0]?.revertible(call) : undefined;
      const sent: Sent = { call, reverted, code: codes[i] };
      const answer = send(opened.store, supplied.id, sent);
      const result = answer.then(
        (value) => ({ answer: value }),
        (error: unknown) => ({ error }),
      );
      making.push({ sent, result });
    }
    const results = await Promise.all(making.map(({ result }) => result));
    for (const [i, { sent }] of making.entries()) {
      const result = results[i];
      if (result !== undefined) this.#settle(sent, result, opened, nowMs);
    }
  }

  /** The confirmation codes of calls; undefined for a call without one, or if the request for it failed. */
  async #confirmations(calls: readonly WriteCall[], { store }: Process) {
    const codes: (string | undefined)[] = [];
    for (const call of calls) {
      let code: string | undefined;
      const supplierId = this.#suppliers[call.supplier]?.id;
      if (call.do === 'lines' && call.confirmed === true && supplierId !== undefined) {
        await this.#tolerating(async () => {
          code = await confirm(store, supplierId, call);
        });
      }
      codes.push(code);
    }
    return codes;
  }

  #settle(sent: Sent, result: Result, opened: Process, nowMs: number): void {
    const supplied = this.#suppliers[sent.call.supplier];
    if (supplied === undefined) return;
    if ('answer' in result) {
      if ('number' in result.answer && result.answer.number !== null) this.#committed();
      supplied.models = afterAnswer(supplied.models, sent, result.answer, nowMs);
    } else if (this.#isDown(opened)) {
      supplied.models = afterSilence(supplied.models, sent, nowMs);
      if (supplied.models.length > CANDIDATES_MAX) throw new Error('too much is unknown');
    } else {
      this.#mayFail(result.error);
    }
  }

  /** A commit overwrites what a killed process left in the log. */
  #committed(): void {
    for (const supplied of this.#suppliers) supplied.inDoubt = [];
  }

  async #applyGroup(batches: readonly LinesCall[], opened: Process): Promise<void> {
    const nowMs = Date.now();
    const codes = await this.#confirmations(batches, opened);
    const group = batches.flatMap((call, i) => {
      const supplied = this.#suppliers[call.supplier];
      return supplied === undefined ? [] : [batchOfCall(call, supplied.id, codes[i])];
    });
    let results: readonly Result[];
    try {
      const outcomes = await opened.store.apply(group);
      results = outcomes.map((outcome) => {
        try {
          return { answer: answerOfLines(outcome) };
        } catch (error) {
          return { error };
        }
      });
    } catch (error) {
      results = group.map(() => ({ error }));
    }
    for (const [i, call] of batches.entries()) {
      const result = results[i];
      if (result !== undefined) this.#settle({ call, code: codes[i] }, result, opened, nowMs);
    }
  }

  async #setLimit({ supplier, limit }: Extract<Step, { do: 'limit' }>): Promise<void> {
    const supplied = this.#suppliers[supplier];
    if (supplied === undefined) return;
    const opened = this.#mustBeOpen();
    const changed = supplied.models.map((model) => Object.assign(model.copy(), { limit }));
    const isDone = await this.#tolerating(() =>
      opened.store.batches.setSafetyLimit(supplied.id, limit),
    );
    if (isDone) {
      this.#committed();
      supplied.models = changed;
    } else if (this.#isDown(opened)) supplied.models = [...supplied.models, ...changed];
  }

  async #drop(ageMs: number): Promise<void> {
    const beforeMs = Date.now() - ageMs;
    for (const { models } of this.#suppliers) for (const model of models) model.allowDrop(beforeMs);
    await this.#tolerating(() => this.#mustBeOpen().store.changes.dropBefore(beforeMs, 1_000_000));
    // The check finds out what was deleted, before a later revert depends on it.
    if (!this.#isDown(this.#mustBeOpen())) await this.#checkNow(false);
  }

  async #sweep(): Promise<void> {
    const opened = this.#mustBeOpen();
    const nowMs = Date.now();
    const isDone = await this.#tolerating(() =>
      opened.store.batches.sweep({ nowMs, failuresBeforeMs: 0 }, 1_000_000),
    );
    for (const supplied of this.#suppliers) {
      const swept = supplied.models.map((model) => {
        const copy = model.copy();
        copy.sweep(nowMs);
        return copy;
      });
      if (isDone) supplied.models = swept;
      else if (this.#isDown(opened)) supplied.models = [...supplied.models, ...swept];
    }
  }

  async #follow({ limit, forgets }: Extract<Step, { do: 'follow' }>): Promise<void> {
    const supplierIds = this.#suppliers.map(({ id }) => id);
    await this.#tolerating(() =>
      this.#follower.read(this.#mustBeOpen().feed, supplierIds, limit, forgets === true),
    );
  }

  async #idle(ms: number): Promise<void> {
    try {
      this.#time?.pass(ms);
    } catch (error) {
      this.#strayed(error);
    }
    for (let turn = 0; turn < TURNS_OF_IDLE; turn += 1) await nextTurn();
  }

  async #restart(): Promise<void> {
    await this.#closeAll(false);
    if (this.#disk.hasPower) this.#disk.heal();
    await this.#tolerating(() => this.#openFirst());
  }

  async #closeAll(isStrict: boolean): Promise<void> {
    const opened = this.#opened();
    this.#first = undefined;
    this.#second = undefined;
    for (const one of opened) await this.#close(one, isStrict);
  }

  async #close({ store, feed }: Process, isStrict = false): Promise<void> {
    feed.close();
    await store.close().catch((error: unknown) => {
      if (isStrict) throw error;
    });
  }

  async #recoverIfNeeded(): Promise<void> {
    const isDown = !this.#disk.hasPower || this.#opened().some((opened) => this.#isDown(opened));
    if (!isDown && this.#first !== undefined) return;
    if (!this.#disk.hasPower || this.#opened().some(({ state }) => state.isFatal)) {
      await this.#recover();
      return;
    }
    // Some process was killed.
    const [first, second] = [this.#first, this.#second];
    if (second !== undefined && !this.#opened().every((opened) => this.#isDown(opened)))
      for (const supplied of this.#suppliers) supplied.inDoubt = supplied.models;
    if (second !== undefined && this.#isDown(second)) {
      this.kills += 1;
      this.#second = undefined;
      await this.#close(second);
    }
    if (first !== undefined && this.#isDown(first)) {
      this.kills += 1;
      this.#first = undefined;
      await this.#close(first);
      if (this.#second !== undefined) await this.#check(this.#second);
    }
    this.#disk.heal();
    await this.#tolerating(() => this.#openFirst());
    if (this.#first === undefined) return this.#recoverIfNeeded();
    await this.#check(this.#first);
  }

  /** The power is back. It may fail again while the store opens. */
  async #recover(): Promise<void> {
    await this.#closeAll(false);
    let { again } = this.#cut;
    for (;;) {
      this.crashes += 1;
      this.#disk.restart(this.#cut.leaves === 'process' ? 'sectors' : this.#cut.leaves);
      this.#disk.cutAfter(again);
      again = 0;
      try {
        await this.#openFirst();
      } catch (error) {
        if (this.#disk.hasPower) throw error;
        continue;
      }
      break;
    }
    if (this.#disk.hasPower) this.#disk.calm();
    const opened = this.#mustBeOpen();
    for (const supplied of this.#suppliers) {
      supplied.models = [...new Set([...supplied.models, ...supplied.inDoubt])];
      supplied.inDoubt = [];
    }
    await this.#check(opened);
    this.#hasFaults = false;
    if (this.crashes % 4 === 0) await this.#examine();
  }

  async #checkNow(withDoctor: boolean): Promise<void> {
    this.#disk.heal();
    const opened = this.#mustBeOpen();
    if (this.#isDown(opened)) return;
    await this.#check(opened);
    if (withDoctor) await this.#examine();
  }

  /** Compares what a process shows with the models; keeps the models that agree. */
  async #check(opened: Process): Promise<void> {
    for (const supplied of this.#suppliers) {
      const observed = await this.#observe(opened, supplied.id);
      if (observed === undefined) return;
      const differences: string[] = [];
      supplied.models = supplied.models.filter((model) => {
        const found = difference(observed, model, this.#time !== undefined);
        if (found !== undefined) differences.push(found);
        return found === undefined;
      });
      for (const model of supplied.models) model.dropped = observed.dropped;
      const name = SUPPLIERS[supplied.id - 1] ?? supplied.id;
      if (supplied.models.length === 0)
        throw new Error(`supplier ${name} ${differences.join('; or it ')}`);
      this.#follower.check(String(name), observed);
    }
  }

  /** Undefined if the process ends meanwhile. */
  async #observe(opened: Process, supplierId: number): Promise<Observed | undefined> {
    try {
      return await observe(opened.store, supplierId);
    } catch (error) {
      if (this.#isDown(opened)) return undefined;
      throw error;
    }
  }

  async #examine(): Promise<void> {
    if (!this.#disk.hasPower || this.#opened().some((opened) => this.#isDown(opened))) return;
    this.#disk.actAs(DOCTOR);
    for await (const { check, ok, detail } of inspect(this.#connection()))
      if (!ok) throw new Error(`doctor: ${check}: ${detail}`);
  }
}
