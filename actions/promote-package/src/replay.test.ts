import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import type { SeedFile } from '@slipway/sandbox/github/seed';
import { StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

/** An extract of a real package storage, a directory for each of its branches; not a part of this repository. */
const EXTRACT = join(import.meta.dirname, '../../../..', 'shared/data/package-storage');

let fixture: StorageFixture;

async function filesOf(directory: string): Promise<Record<string, SeedFile>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }): Promise<[string, SeedFile]> => {
      const path = join(parentPath, name);
      const executable = ((await stat(path)).mode & 0o100) !== 0;
      return [path.slice(directory.length + 1), { content: await readFile(path), executable }];
    });
  return Object.fromEntries(await Promise.all(files));
}

async function act(texts: Record<string, string>) {
  const { repository, github } = fixture;
  const runtime = recordRuntime({ DOCKER_CONFIG: '/nonexistent' }, { repository, apiUrl: github.apiUrl });
  return run(inputsFrom(inputs, { token: 'sandbox-token', ...texts }), runtime);
}

describe.skipIf(!existsSync(EXTRACT))('a real package storage', () => {
  beforeEach(async () => {
    fixture = await StorageFixture.start();
    await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
    for (const branch of ['production', 'staging', 'snapshot']) {
      await fixture.commit(branch, await filesOf(join(EXTRACT, branch)), null);
    }
  });

  afterEach(() => fixture.close());

  it('is promoted version by version to the trees that git makes, then removed and judged', async () => {
    const start = new Set(await fixture.packages('snapshot'));
    for (const [from, to, packages] of [
      ['snapshot', 'staging', ['http_endpoint', 'kibana-1.0.3', 'udp-1.4.1']],
      ['staging', 'production', ['mongodb-1.3.0', 'http_endpoint-1.4.0']],
      ['snapshot', 'production', ['log', 'tcp', 'jolokia-0.0.2']],
    ] as const) {
      const outputs = await act({ mode: 'add', from, to, packages: packages.join('\n') });
      const grafts = outputs.promoted.map(async ({ name, version }) => {
        const path = `packages/${name}/${version}`;
        return [path, await fixture.id(`${from}:${path}`)];
      });
      const expected = await fixture.graft(to, Object.fromEntries(await Promise.all(grafts)));
      expect(outputs.promoted).toHaveLength(packages.length);
      expect(await fixture.id(`${outputs.branch}^{tree}`)).toBe(expected);
      const number = String(outputs['pull-request']);
      const verdict = await act({ mode: 'gate', 'pull-request': number });
      expect(verdict).toMatchObject({ promoted: outputs.promoted, removed: [], refused: [] });
      expect(verdict.plan).toMatchObject([{ problems: [] }]);
      await fixture.merge(Number(number));
      expect(await fixture.id(`${to}^{tree}`)).toBe(expected);
      await fixture.publish(to, await fixture.id(to));
    }
    const removal = await act({ mode: 'remove', from: 'snapshot' });
    const removed = removal.removed.map(({ name, version }) => [`packages/${name}/${version}`, null]);
    expect(removed).toHaveLength(6);
    const expected = await fixture.graft('snapshot', Object.fromEntries(removed));
    expect(await fixture.id(`${removal.branch}^{tree}`)).toBe(expected);
    await fixture.merge(Number(removal['pull-request']));
    const branches = await Promise.all(['snapshot', 'staging', 'production'].map((each) => fixture.packages(each)));
    expect([...start].filter((each) => !branches.flat().includes(each))).toEqual([]);
  });
});
