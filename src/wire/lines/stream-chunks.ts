import { createHash, type Hash } from 'node:crypto';
import { OnhandError } from '../../domain/errors.ts';
import { type LineDraft, type Lines, LinesBuilder } from '../../domain/lines.ts';
import { GroupNumbers, LineReader, notALineMessage, unreadableLine } from './lines.ts';
import { DEPTH_MAX, type ParsedText } from '../json-fault.ts';
import { checkDepth, isJsonObject, parseJson } from '../json.ts';
import type { Row } from './ndjson.ts';
import type { AsOfOptions } from '../times.ts';
import { ObjectSource } from '../json-source.ts';

/** Most lines of a chunk and of a group. */
export const CHUNK_LINES_MAX = 10_000;

/** Most bytes of the rows of a group. */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;

/**
 * A chunk of this weight is full. The weight of a line is roughly the bytes of memory that it takes until it
 * is answered.
 */
export const CHUNK_WEIGHT_MAX = 4 * 1024 * 1024;

/** The weight of a line besides its row. */
const LINE_WEIGHT = 64;

/** The additional weight if effects are reported. */
const EFFECT_WEIGHT = 512;

/** A position in a stream. */
export interface Place {
  /** The row, counted from 1 with blank rows, as an editor shows it. */
  readonly row: number;
  /** The line, counted from 0. */
  readonly index: number;
}

/** Lines of a stream that are applied together. */
export interface Chunk {
  readonly lines: Lines;
  readonly first: Place;
  readonly last: Place;
  /** The SHA-256 of its rows, in a stream that can be resumed. */
  readonly fingerprint: Uint8Array | undefined;
  /** About the length of its rows. */
  readonly bytes: number;
}

/** How a stream is cut into chunks. */
interface ChunkOptions {
  readonly withEffects: boolean;
  /** The index of the first line; 0 by default. */
  readonly start?: number;
  /**
   * Whether only the rows decide where a chunk ends, so that a client that sends them again gets the same chunks: at
   * a blank row, when a chunk is full, and at the end of a complete stream. Otherwise a chunk can be cut at any time.
   */
  readonly isResumable?: boolean;
}

/** A parsed line that is not in a chunk yet. */
interface ReadLine {
  readonly draft: LineDraft;
  /** Length of its row. */
  readonly bytes: number;
  readonly weight: number;
  readonly place: Place;
  readonly row: Row;
}

/**
 * Builds chunks from the rows of a stream. A group is never split: it is a run of rows with one group name, and
 * ends with any other row, blank rows included, or with the stream.
 */
export class ChunkReader {
  readonly #asOf: () => AsOfOptions;
  readonly #lineWeight: number;
  readonly #isResumable: boolean;
  /** Whether the chunk ends here whatever follows: a blank row or the end of the stream was reached. */
  #isComplete = false;
  #digest: Hash | undefined;
  readonly #groups = new GroupNumbers({ areNamesUnique: false });
  readonly #source = new ObjectSource();
  /** Created for the first row after each cut. */
  #reader: LineReader | undefined;
  /** The last row and line that were added. */
  #row = 0;
  #index: number;
  #builder: LinesBuilder | undefined;
  #weight = 0;
  #first: Place | undefined;
  #last: Place = { row: 0, index: -1 };
  /** Lines that wait for the chunk: an unfinished group, or one line that did not fit. */
  #run: ReadLine[] = [];
  #runBytes = 0;
  #runWeight = 0;
  #runGroup: number | undefined;
  /** The current group if it is too large, and why its lines are refused. */
  #refused: { readonly group: number; readonly message: string } | undefined;

  /** @param asOf called once per chunk */
  constructor(
    asOf: () => AsOfOptions,
    { withEffects, start = 0, isResumable = false }: ChunkOptions,
  ) {
    this.#asOf = asOf;
    this.#isResumable = isResumable;
    this.#index = start - 1;
    this.#lineWeight = LINE_WEIGHT + (withEffects ? EFFECT_WEIGHT : 0);
  }

  /** Whether a chunk can be cut. */
  get canCut(): boolean {
    return this.#isResumable ? this.isFull : this.#builder !== undefined;
  }

  /** Whether a chunk must be cut before the next row is added. */
  get isFull(): boolean {
    if (this.#builder === undefined) return false;
    const count = this.#builder.count + this.#run.length;
    return this.#isComplete || count >= CHUNK_LINES_MAX || this.weight >= CHUNK_WEIGHT_MAX;
  }

  /** The weight of all buffered lines, in bytes. */
  get weight(): number {
    return this.#weight + this.#runWeight;
  }

  /** The position of the first line that was not cut yet, or of the next row. */
  get next(): Place {
    return this.#first ?? this.#run[0]?.place ?? { row: this.#row + 1, index: this.#index + 1 };
  }

  /** Adds a row. Must not be called while `isFull`. */
  add(row: Row): void {
    this.#row += 1;
    if (isBlank(row)) {
      this.#groups.endLine(undefined);
      this.end();
      return;
    }
    this.#index += 1;
    const draft = this.#read(row);
    const { group, refusal } = draft;
    if (group === undefined || group !== this.#runGroup) this.#endRun();
    const bytes = typeof row === 'string' ? row.length : 0;
    const line = {
      draft,
      bytes,
      weight: bytes + (refusal?.message.length ?? 0) + this.#lineWeight,
      place: { row: this.#row, index: this.#index },
      row,
    };
    if (group !== undefined) this.#addToGroup(line, group);
    else this.#addAlone(line);
  }

  /** Ends the current group and, in a stream that can be resumed, the chunk: at a blank row and at the end. */
  end(): void {
    this.#endRun();
    this.#isComplete = this.#isResumable && this.#builder !== undefined;
  }

  /** Removes and returns the lines that are ready to be applied. */
  cut(): Chunk {
    const [builder, first] = [this.#builder, this.#first];
    if (builder === undefined || first === undefined) throw new Error('there is no chunk to cut');
    const fingerprint = this.#digest?.digest();
    const chunk = {
      lines: builder.build(),
      first,
      last: this.#last,
      fingerprint,
      bytes: this.#weight,
    };
    this.#digest = undefined;
    this.#isComplete = false;
    this.#builder = undefined;
    this.#first = undefined;
    this.#weight = 0;
    this.#reader = undefined;
    if (this.#runGroup === undefined) this.#endRun();
    return chunk;
  }

  #read(row: Row): LineDraft {
    const name = `Row ${this.#row}`;
    if (typeof row !== 'string') return this.#broken(`${name} ${row.fault}.`);
    const called = { name, depthMax: DEPTH_MAX - 1, placeOf: columnAlone };
    try {
      const value = parseJson(row, called);
      if (!isJsonObject(value)) return this.#broken(`${name}: ${notALineMessage(value)}`);
      checkDepth(value, called);
      this.#source.text = row;
      this.#reader ??= new LineReader(this.#source, this.#asOf(), this.#groups);
      return this.#reader.read(value, 0);
    } catch (error) {
      if (error instanceof OnhandError) return this.#broken(error.message);
      throw error;
    }
  }

  #broken(message: string): LineDraft {
    this.#groups.endLine(undefined);
    return unreadableLine(message);
  }

  #addAlone(line: ReadLine): void {
    if ((this.#builder?.count ?? 0) < CHUNK_LINES_MAX) {
      this.#addToChunk(line);
    } else {
      this.#holdBack(line);
    }
  }

  #addToGroup(line: ReadLine, group: number): void {
    if (this.#refused?.group === group) {
      this.#addAlone(refusedLine(line, this.#refused.message));
      return;
    }
    const isTooLarge =
      this.#run.length >= CHUNK_LINES_MAX || this.#runBytes + line.bytes > GROUP_BYTES_MAX;
    if (isTooLarge) {
      const message = groupTooLarge(this.#run[0]?.place.row ?? line.place.row);
      this.#refused = { group, message };
      this.#run = this.#run.map((held) => refusedLine(held, message));
      this.#endRun();
      this.#addAlone(refusedLine(line, message));
      return;
    }
    this.#runGroup = group;
    this.#holdBack(line);
  }

  #holdBack(line: ReadLine): void {
    this.#run.push(line);
    this.#runBytes += line.bytes;
    this.#runWeight += line.weight;
  }

  /** Moves the waiting lines into the chunk, which has room for them. */
  #endRun(): void {
    for (const line of this.#run) this.#addToChunk(line);
    this.#run = [];
    this.#runBytes = 0;
    this.#runWeight = 0;
    this.#runGroup = undefined;
  }

  #addToChunk({ draft, weight, place, row }: ReadLine): void {
    this.#builder ??= new LinesBuilder(CHUNK_LINES_MAX);
    if (this.#isResumable) {
      this.#digest ??= createHash('sha256');
      this.#digest.update(typeof row === 'string' ? row : row.fault).update('\n');
    }
    this.#first ??= place;
    this.#builder.add(draft);
    this.#weight += weight;
    this.#last = place;
  }
}

const columnAlone: ParsedText['placeOf'] = (_line, column) => `column ${column}`;

const NOT_BLANK = /[^ \t\r]/;

function isBlank(row: Row): boolean {
  return typeof row === 'string' && !row.startsWith('{') && !NOT_BLANK.test(row);
}

function groupTooLarge(firstRow: number): string {
  return `The group that begins in row ${firstRow} has more than ${CHUNK_LINES_MAX} rows or ${GROUP_BYTES_MAX} bytes, so that it cannot be applied at once in a stream: send its lines in an array.`;
}

/** A line that is refused with its group. Its own error, if any, takes precedence. */
function refusedLine(line: ReadLine, message: string): ReadLine {
  const { skuId, gtins, refusal = { message, namesRead: true } } = line.draft;
  const draft = { skuId, gtins, fields: {}, refusal };
  return { ...line, draft, weight: line.weight + refusal.message.length };
}
