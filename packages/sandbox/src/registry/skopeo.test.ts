import { execFile, execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { pushImage } from '../images/push-image.ts';
import { makeImage } from '../images/sample-image.ts';
import { makeIndex } from '../images/sample-index.ts';
import { RegistryFixture, sha256 } from './registry-fixture.ts';

const run = promisify(execFile);
const fixture = new RegistryFixture();
afterEach(() => fixture.cleanUp());

const maker = { username: 'maker', password: 'secret' };
const insecure = ['--src-tls-verify=false', '--dest-tls-verify=false'];
const login = ['--src-creds=maker:secret', '--dest-creds=maker:secret'];
const layers = [{ size: 40_000, compressible: true }, { size: 90_000 }];

function works(program: string, ...parameters: string[]): boolean {
  try {
    execFileSync(program, parameters, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const hasSkopeo = works('skopeo', '--version');

describe.skipIf(!hasSkopeo)(hasSkopeo ? 'skopeo' : 'skopeo (skipped: it is not on the PATH)', () => {
  test.each(['basic', 'token'] as const)('copies an index between two registries with %s auth', async (auth) => {
    const source = await fixture.start({ auth, credentials: [maker], redirectBlobs: true });
    const target = await fixture.start({ auth, credentials: [maker], relativeLocations: true });
    const options = { layers, os: 'linux', mediaTypes: 'oci' } as const;
    const images = [
      await makeImage({ seed: 'x', architecture: 'amd64', ...options }),
      await makeImage({ seed: 'y', architecture: 'arm64', variant: 'v8', ...options }),
    ];
    const index = makeIndex(images, { attestations: true });
    await pushImage(source.url, 'team/tool', 'v1', index, maker);
    const names = [`docker://127.0.0.1:${source.port}/team/tool:v1`, `docker://127.0.0.1:${target.port}/out/tool:v1`];
    await run('skopeo', ['--insecure-policy', 'copy', '--all', ...insecure, ...login, ...names]);
    expect((await target.state.manifest('out/tool', 'v1'))?.digest).toBe(index.manifest.digest);
    expect(await target.state.uploads()).toEqual([]);
  });

  test.each(['oci', 'docker'] as const)('takes a %s image out to a folder and puts it back', async (mediaTypes) => {
    const registry = await fixture.start();
    const image = await makeImage({ seed: 's', layers, architecture: 'amd64', os: 'linux', mediaTypes });
    await pushImage(registry.url, 'a', 'v1', image);
    const folder = join(await fixture.directory(), 'image');
    const host = `docker://127.0.0.1:${registry.port}`;
    const copy = ['--insecure-policy', 'copy', '--preserve-digests'];
    await run('skopeo', [...copy, '--src-tls-verify=false', `${host}/a:v1`, `dir:${folder}`]);
    expect(sha256(await readFile(join(folder, 'manifest.json')))).toBe(image.manifest.digest);
    await run('skopeo', [...copy, '--dest-tls-verify=false', `dir:${folder}`, `${host}/b:v1`]);
    expect((await registry.state.manifest('b', 'v1'))?.digest).toBe(image.manifest.digest);
  });
});
