import { describe, expect, it } from 'vitest';
import { LIGHT, MIXED } from './cargo.ts';
import { BUCKET, KEY, type TransferPlace } from './place.ts';
import { UPLOAD_KINDS } from './request-kinds.ts';
import { expectBlamed, expectClean, expectHealed } from './trial.ts';
import { useCargo } from './use-cargo.ts';

const ALWAYS = Number.POSITIVE_INFINITY;
const MINUTE = 60_000;

const open = useCargo(LIGHT);
const openLarge = useCargo(MIXED);

function refusal(status: number, code: string, headers: Record<string, string> = {}) {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message><RequestId>5C3D</RequestId></Error>`;
  return { kind: 'answer', status, body, headers: { 'content-type': 'application/xml', ...headers } } as const;
}

function blameOf(place: TransferPlace) {
  return { what: [/oss:\/\/infra\/plugins\/acme-web/], host: new URL(place.wire('oss', 'upload-file').url).host };
}

describe.concurrent.each(['upload-file', 'upload-plugin'] as const)('OSS, %s', (job) => {
  it('is asked again when it is busy or has a problem, whatever it was asked', async () => {
    await using place = await open();
    const refusals = [
      refusal(503, 'SlowDown'),
      refusal(429, 'TooManyRequests', { 'retry-after': '1' }),
      refusal(500, 'InternalError'),
    ];
    const kinds = UPLOAD_KINDS.filter(({ side }) => side === 'oss');
    for (const [index, { method, path }] of kinds.entries()) {
      place.lay(job, 'oss', { mischief: refusals[index % 3] ?? refusal(500, 'InternalError'), method, path });
    }
    await expectHealed(place, job);
  });

  it.each([
    ['while parts are sent', 'PUT', /partNumber=/, 1],
    ['before it is completed', 'POST', /uploadId=/, 0],
  ])('loses an upload %s, which is begun anew', async (_, method, path, skip) => {
    await using place = await open();
    place.lay(job, 'oss', { mischief: refusal(404, 'NoSuchUpload'), method, path, skip });
    const end = await place.run(job);
    expect(end.code, end.log).toBe(0);
    expect(place.idle).toEqual([]);
    // The upload that was said to be lost is there in truth, with its parts: only these may be left.
    await expectClean(place, job, end, false);
    expect((await place.oss.objects(BUCKET)).map(({ key }) => key)).toEqual([KEY, `${KEY}.sha256`]);
  });

  it('does not let keys in any more that have expired in the middle', async () => {
    await using place = await openLarge();
    const mischief = refusal(403, 'SecurityTokenExpired');
    const ambush = place.lay(job, 'oss', { mischief, method: 'PUT', path: /partNumber=/, skip: 2, times: ALWAYS });
    await expectBlamed(place, job, blameOf(place));
    ambush.lift();
    const { log } = await expectHealed(place, job);
    expect(log).toContain('continues an upload');
  });
});

describe.concurrent('a clock that is wrong', () => {
  it.each([20 * MINUTE, -20 * MINUTE])('by %i ms is told of', async (skew) => {
    await using place = await openLarge({ now: () => new Date(Date.now() + skew) });
    const { errors } = await expectBlamed(place, 'upload-file', blameOf(place));
    expect(errors.join('\n')).toMatch(/clock/);
  });

  it('in the middle of an upload keeps the parts for the next run', async () => {
    let skew = 0;
    await using place = await openLarge({ now: () => new Date(Date.now() + skew) });
    place.wire('oss', 'upload-file').onTraffic(({ bytes }) => {
      if (bytes > 30_000_000) skew = 20 * MINUTE;
    });
    const { errors } = await expectBlamed(place, 'upload-file', blameOf(place));
    expect(errors.join('\n')).toMatch(/clock/);
    place.wire('oss', 'upload-file').onTraffic(() => undefined);
    skew = 0;
    const { log } = await expectHealed(place, 'upload-file');
    expect(log).toContain('continues an upload');
  });
});
