import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, symlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { openBlob } from '@slipway/sandbox/images/sample-blob';
import { readTar } from '@slipway/sandbox/package-registry/read-tar';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Attempt, Contestant, Result } from '../bench/contest.ts';
import { makeBenchLayer, makePieces } from '../bench/layers.ts';
import { startProxy } from '../bench/proxy.ts';
import { absentOf, rowsOf } from '../bench/report.ts';
import { assembledTree } from './assembled.ts';
import { temporaryDirectory } from './bundle.ts';
import { findProgram, titled, whyAbsent } from './interop/peers.ts';

const execute = promisify(execFile);

/** Runs the bench on images of a few hundred kilobytes, and returns what it wrote and printed. */
async function runBench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const json = join(temporaryDirectory(), 'bench.json');
  const tree = await assembledTree();
  const main = join(import.meta.dirname, '../bench/main.ts');
  const options = ['--scale', '0.001', '--runs', '1', '--no-wait', '--tree', tree, '--json', json];
  const { stdout } = await execute(process.execPath, ['--conditions=@slipway/source', main, ...args, ...options], {
    env,
  });
  return { report: JSON.parse(readFileSync(json, 'utf8')), stdout };
}

const noRegistry = whyAbsent('docker-registry', 'bash');

describe.skipIf(noRegistry !== undefined)(titled('the bench', noRegistry), () => {
  const noSkopeo = whyAbsent('skopeo', 'gzip');
  it.skipIf(noSkopeo !== undefined)(
    titled('measures every job, and writes a row for each peer', noSkopeo),
    async () => {
      const cases = ['multiarch-cold', 'typical', 'sync-10gb', 'rollout'].flatMap((name) => ['--case', name]);
      const { report, stdout } = await runBench(['all', ...cases]);
      const peers = (job: string) =>
        report.rows.filter((row: { job: string }) => row.job === job).map(({ peer }: { peer: string }) => peer);
      expect(peers('sync')).toEqual(['skopeo copy', 'skopeo sync', 'skopeo copy, four at once']);
      expect(peers('archive')).toEqual(expect.arrayContaining(['gzip', 'oci-archive']));
      expect(peers('upload')).toEqual(['plain copy']);
      expect(peers('memory')).toEqual(['skopeo copy']);
      expect(peers('start')).toEqual(['bare node']);
      for (const row of report.rows) {
        expect(row).toMatchObject({ unit: 's', ours: expect.any(Number), theirs: expect.any(Number) });
        expect(row.ratio).toBeCloseTo(row.theirs / row.ours, 1);
        // A bundle is a node with 30 MB at the least, and it is running when it is looked at.
        expect(row.our.memory).toBeGreaterThan(10_000_000);
        expect(row.our.cpu).toBeGreaterThan(0);
      }
      const [sync] = report.rows;
      expect(sync).toMatchObject({ job: 'sync', case: 'multiarch-cold', our: { bytes: sync.their.bytes } });
      expect(sync.our.requests).toBeGreaterThan(9);
      expect(stdout).toContain('sync multiarch-cold');
    },
  );

  it('says of a peer that is not there that it is not', async () => {
    const bin = temporaryDirectory();
    for (const name of ['bash', 'env', 'gzip', 'docker-registry'])
      symlinkSync(findProgram(name) ?? '', join(bin, name));
    const { report, stdout } = await runBench(['archive', '--case', 'typical'], { ...process.env, PATH: bin });
    expect(report.rows).toEqual([]);
    expect(report.absent).toContainEqual({
      job: 'archive',
      case: 'typical',
      peer: 'pigz',
      reason: 'skopeo, pigz is not installed',
    });
    expect(stdout).toMatch(/pigz +absent: skopeo, pigz is not installed/);
  });

  it('says what there is to measure when it is asked for something else', async () => {
    await expect(runBench(['nothing'])).rejects.toThrow(/There are:\n {2}sync: typical-cold/);
  });
});

const noGzip = whyAbsent('gzip');

describe.skipIf(noGzip !== undefined)(titled('a layer of the bench', noGzip), () => {
  it('is one gzip that unpacks to three times its size, and that gzip would not make smaller', async () => {
    const layer = await makeBenchLayer('seed', 2_000_000, makePieces(), temporaryDirectory());
    const packed = await buffer(openBlob(layer.blob));
    const tar = gunzipSync(packed);
    expect(layer.diffId).toBe(`sha256:${createHash('sha256').update(tar).digest('hex')}`);
    expect(packed.length).toBe(layer.blob.size);
    expect(packed.length / 2_000_000).toBeCloseTo(1, 1);
    expect(tar.length / packed.length).toBeCloseTo(3, 1);
    const again = execFileSync('gzip', ['-6', '-n', '-c'], { input: tar, maxBuffer: 2 * tar.length });
    expect(Math.abs(again.length / packed.length - 1)).toBeLessThan(0.01);
    expect(readTar(tar)).toHaveLength(1);
  });
});

describe('a slow network', () => {
  it('delivers everything in its order, and no answer earlier than it can travel', async () => {
    const echo = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void echo.close());
    const proxy = await startProxy((echo.address() as AddressInfo).port, { delay: 20, bandwidth: 100_000_000 });
    onTestFinished(() => proxy.close());
    const sent = randomBytes(12_000_000);
    const started = performance.now();
    const client = connect(Number(proxy.name.split(':')[1]), '127.0.0.1');
    client.end(sent);
    const received = await buffer(client);
    // A connection, the bytes through the narrowest place, there and back.
    expect(performance.now() - started).toBeGreaterThanOrEqual(40 + 120 + 40 - 5);
    expect(received.equals(sent)).toBe(true);
  });
});

describe('the rows of a contest', () => {
  const contestant = (name: string, absent?: string): Contestant => ({
    name,
    absent,
    attempt: () => Promise.reject(new Error('is not run here')),
  });
  const attempt = (seconds: number): Attempt => ({ seconds, cpu: 1, memory: 2, written: 3, others: 0.5, bytes: 4 });

  it('holds medians and what they vary between', () => {
    const [ours, theirs, absent] = [contestant('we'), contestant('they'), contestant('none', 'is not installed')];
    const result: Result = {
      contest: { job: 'sync', name: 'case', ours, peers: [theirs, absent] },
      standings: [
        { contestant: ours, attempts: [2, 9, 1].map(attempt) },
        { contestant: theirs, attempts: [5, 4, 6].map(attempt) },
        { contestant: absent, attempts: [] },
      ],
      loads: [0.1],
    };
    const [row, ...others] = rowsOf(result);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ peer: 'they', ours: 2, theirs: 5, ratio: 2.5, our: { spread: [1, 9], disturbed: 3 } });
    expect(absentOf(result)).toEqual([{ job: 'sync', case: 'case', peer: 'none', reason: 'is not installed' }]);
  });
});
