import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Package } from '@slipway/core/archive/package';
import type { Plugin } from '@slipway/core/plugin/plugin';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND, Ground, packageOf, RELEASE } from './fixture.ts';

/** The run that the command was handled in. */
const RUN = { id: 1, attempt: 1, workflow: '' };

let ground: Ground;
let number: number;
let commit: string;
let plugin: Plugin;

beforeEach(async () => {
  ground = await Ground.start();
  const { outputs, ...released } = await ground.release();
  ({ number, commit } = released);
  const [first] = outputs.plugins;
  if (first === undefined) throw new Error('nothing was released');
  plugin = first;
});

afterEach(() => ground.close());

function report(packages: readonly Package[], texts: Record<string, string> = {}) {
  const given = { mode: 'report', 'pull-request': String(number), commit, packages: JSON.stringify(packages) };
  return ground.run({ ...given, ...texts }, { run: RUN });
}

async function conclusion(): Promise<unknown> {
  const stored = await ground.stored(commit);
  return (await ground.as('root', 'GET', `check-runs/${stored?.id}`))['conclusion'];
}

describe('a release that is finished', () => {
  it('completes the check, tells the addresses once, and sets the label', async () => {
    const { outputs, runtime } = await report([packageOf(plugin)]);
    expect(outputs).toMatchObject({ result: 'updated', packages: [packageOf(plugin)], changed: true });
    expect(runtime.failures).toEqual([]);
    expect(await conclusion()).toBe('success');
    expect(await ground.record(commit)).toMatchObject({ state: 'done', packages: [packageOf(plugin)] });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/done-package-uploaded']);
    const told =
      'packages uploaded to\noss://infra/plugins/logs/acme-plugins-logs-v0.2.0.tar.gz\n/queue done-package-uploaded';
    expect(await ground.answers(number)).toEqual([told]);
    const status = await ground.status(number);
    for (const part of ['### Released', 'a'.repeat(64), 'linux/amd64']) expect(status).toContain(part);

    const again = await report([packageOf(plugin)]);
    expect(again.outputs).toMatchObject({ result: 'updated', changed: false });
    expect(await ground.answers(number)).toEqual([told]);
  });

  it('is told of by another command when the report died behind the record', async () => {
    ground.github.failNext({ kind: 'status', status: 422, method: 'POST', path: /\/comments/ });
    await expect(report([packageOf(plugin)])).rejects.toThrow();
    expect(await conclusion()).toBe('success');
    expect(await ground.answers(number)).toEqual([]);
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs).toMatchObject({ result: 'updated', packages: [packageOf(plugin)] });
    expect(await ground.answers(number)).toEqual([expect.stringMatching(/^packages uploaded to\n/)]);
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/done-package-uploaded']);
    const told = await ground.status(number);
    await report([packageOf(plugin)]);
    expect(await ground.status(number)).toBe(told);
  });

  it('stays so, whatever a late job says', async () => {
    await report([packageOf(plugin)]);
    expect((await report([], { failed: 'true' })).outputs.result).toBe('updated');
    expect(await conclusion()).toBe('success');
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs).toMatchObject({
      result: 'updated',
      plugins: [],
      reason: expect.stringContaining('already released'),
    });
    expect(await conclusion()).toBe('success');
  });

  it('of a commit that was pushed away is recorded, and the status says so', async () => {
    await ground.push({ 'release-plugins/logs.yaml': `${RELEASE['release-plugins/logs.yaml']}# more\n` });
    await ground.happen(number, 'synchronize', { before: commit });
    expect((await report([packageOf(plugin)])).outputs.result).toBe('updated');
    expect(await ground.record(commit)).toMatchObject({ state: 'done' });
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/need-queue']);
    expect(await ground.status(number)).toContain('A newer commit is not released');
  });

  it('says nothing in a dry run', async () => {
    const { outputs } = await report([packageOf(plugin)], { 'dry-run': 'true' });
    expect(outputs).toMatchObject({ result: 'updated', changed: false });
    expect(outputs.plan).toEqual(expect.arrayContaining(['record the release as done']));
    expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
  });
});

describe('a release that is not finished', () => {
  it('fails the check, keeps the label, and goes on where it was', async () => {
    const { outputs, runtime } = await report([], { failed: 'true' });
    expect(outputs).toMatchObject({ result: 'refused', packages: [] });
    expect(outputs.reason).toContain('logs v0.2.0 is not uploaded.');
    expect(runtime.failures).toHaveLength(1);
    expect(await conclusion()).toBe('failure');
    expect(await ground.labels(number)).toEqual(['kind/release', 'queue/working-image-pushed']);
    expect(await ground.status(number)).toContain('only what is missing is done');
    const again = await ground.comment('ada', number, COMMAND);
    expect(again.outputs).toMatchObject({ result: 'release', plugins: [plugin] });
    expect(await conclusion()).toBeNull();
    expect((await report([packageOf(plugin)])).outputs.result).toBe('updated');
    expect(await conclusion()).toBe('success');
  });

  it.each<[string, (item: Package) => Package, string]>([
    ['version', (item) => ({ ...item, version: 'v9.0.0' }), 'was not made of'],
    ['commit', (item) => ({ ...item, commit: 'c'.repeat(40) }), 'was not made of'],
    [
      'digest',
      (item) => ({ ...item, images: item.images.map((image) => ({ ...image, digest: `sha256:${'0'.repeat(64)}` })) }),
      'was not made of',
    ],
    ['plugin', (item) => ({ ...item, plugin: 'gpu' }), 'belongs to no plugin'],
    ['file', (item) => ({ ...item, file: '/tmp/other.tar.gz' }), 'is called other.tar.gz'],
    ['address', (item) => ({ ...item, uri: 'oss://evil/acme-plugins-logs-v0.2.0.tar.gz' }), 'not at oss://infra'],
  ])('takes no package with another %s', async (_, change, complaint) => {
    const { outputs } = await report([change(packageOf(plugin))]);
    expect(outputs).toMatchObject({ result: 'refused', packages: [] });
    expect(outputs.reason).toContain(complaint);
    expect(await ground.record(commit)).toMatchObject({ state: 'failed', packages: [] });
    expect(await ground.answers(number)).toEqual([]);
  });

  it('is not failed by a run that another one has followed', async () => {
    const { outputs: next } = await ground.comment('ada', number, COMMAND);
    expect(next.result).toBe('release');
    const { outputs } = await report([], { failed: 'true' });
    expect(outputs).toMatchObject({ result: 'refused', reason: expect.stringContaining('another run') });
    expect(await ground.record(commit)).toMatchObject({ state: 'intent', run: { id: 2 } });
    expect((await report([packageOf(plugin)])).outputs.result).toBe('updated');
    expect(await ground.record(commit)).toMatchObject({ state: 'done' });
  });

  it('that nobody commanded is not reported', async () => {
    await expect(report([], { commit: await ground.push({ 'README.md': '# Other\n' }, 'main') })).rejects.toMatchObject(
      {
        code: 'no-release',
      },
    );
  });
});

describe('a directory of packages', () => {
  const fromDirectory = (directory: string) =>
    ground.run(
      { mode: 'report', 'pull-request': String(number), commit, 'packages-directory': directory },
      { run: RUN },
    );

  it('is read, and holds none when there is none', async () => {
    const directory = join(ground.directory, 'packages');
    expect((await fromDirectory(directory)).outputs).toMatchObject({ result: 'refused', packages: [] });
    await mkdir(directory);
    await writeFile(join(directory, 'logs.json'), JSON.stringify(packageOf(plugin)));
    await writeFile(join(directory, 'README.md'), 'not a package');
    expect((await fromDirectory(directory)).outputs).toMatchObject({ result: 'updated' });
  });

  it.each<[string, (file: string) => Promise<unknown>, string]>([
    ['a symbolic link', (file) => symlink('/etc/hostname', file), 'symbolic link'],
    ['a directory', (file) => mkdir(file), 'no regular file'],
    ['a file that is too large', (file) => writeFile(file, ' '.repeat(1024 * 1024 + 1)), 'more than 1 MiB'],
    ['no JSON', (file) => writeFile(file, '{'), 'no JSON'],
    ['another thing', (file) => writeFile(file, '{"plugin": "x"}'), 'required property'],
  ])('is refused with %s in it', async (_, make, message) => {
    const directory = join(ground.directory, 'packages');
    await mkdir(directory);
    await make(join(directory, 'x.json'));
    await expect(fromDirectory(directory)).rejects.toThrow(message);
  });
});
