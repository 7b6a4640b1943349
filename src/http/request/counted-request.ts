import { IncomingMessage } from 'node:http';

/** From this number of pieces in one turn of the event loop on, their size matters. */
const PIECES_MIN = 1000;

/** A request that notices when its body arrives in tiny pieces: each costs as much time as a kilobyte. */
export class CountedRequest extends IncomingMessage {
  /** The least mean size of pieces, in bytes. */
  bytesPerPieceMin = 0;
  /** Called once, when the pieces are smaller. */
  onTinyPieces: () => void = () => undefined;
  #pieces = 0;
  #bytes = 0;

  override push(piece: unknown, encoding?: BufferEncoding): boolean {
    if (piece instanceof Buffer) this.#count(piece.length);
    return super.push(piece, encoding);
  }

  #count(bytes: number): void {
    if (this.#pieces === 0) setImmediate(() => this.#restart());
    this.#pieces += 1;
    this.#bytes += bytes;
    if (this.#pieces < PIECES_MIN || this.#bytes >= this.#pieces * this.bytesPerPieceMin) return;
    this.bytesPerPieceMin = 0;
    this.onTinyPieces();
  }

  #restart(): void {
    this.#pieces = 0;
    this.#bytes = 0;
  }
}
