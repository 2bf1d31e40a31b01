import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { findBusybox, makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyNoChecks } from './checks-fixture.ts';
import {
  BASE,
  build,
  commit,
  directory,
  dockerfile,
  IMAGE,
  packageFiles,
  registry,
  setUp,
  tearDown,
} from './fixture.ts';

beforeEach(setUp);
afterEach(tearDown);

const why = whyNoChecks();
const busybox = findBusybox();

describe.skipIf(why !== undefined)(`checks${why ?? ''}`, () => {
  beforeEach(async () => {
    if (busybox === undefined) return;
    await pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.0', busybox }));
  });

  it('run before anything is published, with the variables of their line', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const passing = build('production', { checks: 'changed' });
    await passing.result;
    expect(passing.runtime.lines.join('\n')).toContain('1 local package manifests loaded');

    const again = build('production', { checks: 'all' });
    expect((await again.result).result).toBe('unchanged');
    expect(again.runtime.lines.join('\n')).toContain('1 local package manifests loaded');

    const head = await commit('production', [], {
      Dockerfile: dockerfile('production', []).replace('-dry-run', '-wet-run'),
    });
    await expect(build('production', { checks: 'changed' }).result).rejects.toThrow(
      /Dockerfile:\d+: RUN .*-wet-run failed with the exit code 64[\s\S]*it knows -dry-run only/,
    );
    expect(await registry.state.tags(IMAGE)).not.toContain(head);
  });

  it('see neither the network nor the job, and may not change files', async () => {
    const source = dockerfile('production', []);
    const withRun = (command: string): Promise<string> =>
      commit('production', [], {
        ...packageFiles('log', '1.0.0'),
        Dockerfile: source.replace('RUN ./package-registry -dry-run', `RUN ${command}`),
      });
    await withRun('export && /bin/busybox ip link && test -z "$EPR_DISABLE_PACKAGE_VALIDATION$RUNNER_TEMP"');
    const looking = build('production', { checks: 'changed' });
    await looking.result;
    const said = looking.runtime.lines.join('\n');
    expect(said).toContain('STAND_IN_VERSION');
    expect(said).not.toMatch(/RUNNER_TEMP=|eth0/);
    await withRun('echo hi > /package-registry/written');
    await expect(build('production', { checks: 'changed' }).result).rejects.toThrow(
      /changes files \(\/package-registry\/written\)/,
    );
  });

  it('see the ARGs of the stage, and no process of the job', async () => {
    const source = dockerfile('production', []);
    const withRun = (command: string): Promise<string> =>
      commit('production', [], {
        ...packageFiles('log', '1.0.0'),
        Dockerfile: source.replace('RUN ./package-registry -dry-run', `ARG GREETING=hello\nRUN ${command}`),
      });
    await withRun(`test "$GREETING" = hello && ! test -e /proc/${process.pid}/status`);
    expect((await build('production', { checks: 'changed' }).result).result).toBe('built');
    await withRun('/bin/busybox chmod 700 /packages/production/log');
    await expect(build('production', { checks: 'changed' }).result).rejects.toThrow(
      /Read-only file system[\s\S]*\nA check can read the packages, and not change them/,
    );
  });

  it('are an error with the cure where no tool is', async () => {
    await commit('production', [], packageFiles('log', '1.0.0'));
    const path = join(directory, 'only-git');
    await mkdir(path);
    await symlink('/usr/bin/git', join(path, 'git'));
    await expect(build('production', { checks: 'changed' }, { PATH: path }).result).rejects.toThrow(/checks: off/);
    expect(await registry.state.tags(IMAGE)).toEqual([]);
  });
});
