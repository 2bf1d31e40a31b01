import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { collectBlob } from '@slipway/sandbox/images/sample-blob';
import type { SampleLayer } from '@slipway/sandbox/images/sample-layer';
import { TAR_END, tarHeader, tarPadding } from '@slipway/sandbox/images/ustar';

/** Some bytes of a program, and the same as a gzip member: members one after the other are one valid gzip file. */
export interface Piece {
  readonly raw: Buffer;
  readonly packed: Buffer;
}

/** How many times their size layers unpack to, as those of real images do. */
const RATIO = 3;
const PIECES = 160;
/** Far more than the 32 KiB that gzip looks back, so that a piece that comes again is not found again. */
const PIECE = 192 * 1024;

/**
 * Cuts pieces out of node's own program, which costs a compressor what the programs in images cost it.
 *
 * Most of it packs to two fifths; zeros, which programs hold too, make that {@link RATIO}, and what packs better is left out.
 */
export function makePieces(program: string = process.execPath): Piece[] {
  const file = openSync(program, 'r');
  try {
    const { size } = fstatSync(file);
    return Array.from({ length: PIECES }, (_, index) => index).flatMap((index) => {
      const code = Buffer.alloc(PIECE);
      readSync(file, code, 0, PIECE, Math.floor(((size - PIECE) / PIECES) * index));
      const packed = pack(code).length;
      if (PIECE / packed > RATIO) return [];
      const raw = Buffer.concat([code, Buffer.alloc(Math.round(packed * RATIO) - PIECE)]);
      return [{ raw, packed: pack(raw) }];
    });
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a layer of `size` compressed bytes, more or less half a piece, as a file in `directory`.
 *
 * It is a real gzip file, but nothing is compressed for it: its members are the pieces, in an order that the seed decides;
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2. A gigabyte takes as long as hashing it.
 */
export async function makeBenchLayer(
  seed: string,
  size: number,
  pieces: readonly Piece[],
  directory: string,
): Promise<SampleLayer> {
  const diff = createHash('sha256');
  const gzip = function* (): Generator<Buffer> {
    const chosen = choosePieces(seed, size, pieces);
    const content = chosen.reduce((total, { raw }) => total + raw.length, 0);
    const head = tarHeader({
      name: `opt/${createHash('sha256').update(seed).digest('hex')}`,
      size: content,
      mode: 0o755,
    });
    const tail = Buffer.concat([tarPadding(content), TAR_END]);
    for (const { raw, packed } of [{ raw: head, packed: pack(head) }, ...chosen, { raw: tail, packed: pack(tail) }]) {
      diff.update(raw);
      yield packed;
    }
  };
  const blob = await collectBlob(Readable.from(gzip(), { objectMode: false }), directory);
  return { blob, diffId: `sha256:${diff.digest('hex')}` };
}

/**
 * Packs with the gzip of the machine, which the layers of real images are as small as: the zlib that node brings is made for
 * speed and gives 3 % more, which would make every other way of packing an image look small.
 */
function pack(bytes: Buffer): Buffer {
  return execFileSync('gzip', ['-6', '-n', '-c'], { input: bytes, maxBuffer: 2 * PIECE * RATIO });
}

/** A piece never comes twice in a row. */
function choosePieces(seed: string, size: number, pieces: readonly Piece[]): Piece[] {
  const chosen: Piece[] = [];
  let at = createHash('sha256').update(seed).digest().readUInt32LE();
  let packed = 0;
  do {
    // https://en.wikipedia.org/wiki/Linear_congruential_generator, the constants of Numerical Recipes
    at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
    const piece = pieces[(at >>> 8) % pieces.length];
    if (piece === undefined || piece === chosen.at(-1)) continue;
    chosen.push(piece);
    packed += piece.packed.length;
  } while (packed < size - PIECE / RATIO / 2);
  return chosen;
}
