import { describe, it } from 'vitest';
import { LIGHT, MIXED } from './cargo.ts';
import type { Job } from './place.ts';
import { type RequestKind, SYNC_KINDS, UPLOAD_KINDS } from './request-kinds.ts';
import { blameOf, expectBlamed, expectHealed } from './trial.ts';
import { useCargo } from './use-cargo.ts';
import type { Mischief } from './wire-fault.ts';

const ALWAYS = Number.POSITIVE_INFINITY;

/** What is wrong for good; each kind of request meets one of them. */
const LASTING: readonly Mischief[] = [
  { kind: 'reset', at: 'request head' },
  { kind: 'answer', status: 503 },
  { kind: 'answer', status: 403 },
  { kind: 'answer', status: 502 },
  { kind: 'answer', status: 500, headers: { 'retry-after': '0' } },
];

const open = useCargo(LIGHT);
const openLarge = useCargo(MIXED);

/** Without it there is another way: the blob is streamed, the upload is a new one. */
const OPTIONAL = new Set(['mount POST']);

const CASES = [
  ...SYNC_KINDS.map((kind): [Job, RequestKind] => ['sync', kind]),
  ...UPLOAD_KINDS.map((kind): [Job, RequestKind] => ['upload-plugin', kind]),
].filter(([, { name }]) => !OPTIONAL.has(name));

describe.concurrent('a fault that lasts is told with what it was about, where, and what to do', () => {
  it.each(
    CASES.map(([job, kind], index) => {
      const mischief = LASTING[index % LASTING.length] ?? { kind: 'answer', status: 500 };
      return [job, kind.name, JSON.stringify(mischief), kind, mischief] as const;
    }),
  )('%s, %s: %s', async (job, _, __, kind, mischief) => {
    await using place = await (kind.name === 'upload PATCH' ? openLarge : open)();
    const { side, method, path } = kind;
    place.lay(job, side, { mischief, method, path, times: ALWAYS });
    await expectBlamed(place, job, blameOf(place, kind));
  });
});

describe.concurrent('a package that cannot be read', () => {
  it('leaves no file, and says which blob', async () => {
    await using place = await open();
    const fault = { method: 'GET', path: /blobs\/sha256/, skip: 2, times: ALWAYS };
    const ambush = place.lay('bundle', 'target', { ...fault, mischief: { kind: 'reset', at: 'answer body' } });
    const host = 'harbor.example.com';
    await expectBlamed(place, 'bundle', { what: [/acme-(web|agent)/], digest: /sha256:[0-9a-f]{64}/, host });
    ambush.lift();
    await expectHealed(place, 'bundle');
  });
});
