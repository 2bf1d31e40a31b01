import { readFile, writeFile } from 'node:fs/promises';
import { request as forward } from 'node:http';
import { join } from 'node:path';
import { type ListeningServer, listen } from '@slipway/sandbox/http-server';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeRegistryBaseImage } from '@slipway/sandbox/images/registry-base-image';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BASE, build, commit, directory, IMAGE, packageFiles, registry, setUp, tearDown } from './fixture.ts';

let slow: ListeningServer;
/** What happens before the first request that writes is passed on. */
let meanwhile: (() => Promise<unknown>) | undefined;

beforeEach(async () => {
  await setUp();
  meanwhile = undefined;
  slow = await listen({}, async (request, response) => {
    const held = request.method === 'GET' || request.method === 'HEAD' ? undefined : meanwhile;
    if (held !== undefined) {
      meanwhile = undefined;
      await held();
    }
    const { method, headers } = request;
    const onward = forward(new URL(request.url ?? '/', registry.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
});

afterEach(async () => {
  await slow.close();
  await tearDown();
});

/** Builds production over a road to the registry on which `event` happens before anything is written. */
async function buildSlowly(event: () => Promise<unknown>) {
  const configuration = await readFile(join(directory, 'slipway.yaml'), 'utf8');
  const config = join(directory, 'slow.yaml');
  await writeFile(config, configuration.replace(registry.url, slow.url));
  meanwhile = event;
  const outputs = await build('production', { config }, { RUNNER_TEMP: join(directory, 'slow') }).result;
  expect(meanwhile).toBeUndefined();
  return outputs;
}

const moveBase = () => pushImage(registry.url, BASE, 'v1.0.0', makeRegistryBaseImage({ version: 'v1.0.1' }));
const digestAt = async (tag: string) => (await registry.state.manifest(IMAGE, tag))?.digest;

describe('a slow build', () => {
  it('neither takes the tag back to an older base nor writes the tag of the commit again', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    let fast = { digest: '' };
    const late = await buildSlowly(async () => {
      await moveBase();
      fast = await build('production').result;
    });
    expect(late).toMatchObject({ result: 'superseded' });
    expect(late.digest).not.toBe(fast.digest);
    expect(late.plan.superseded).toMatch(/images that the Dockerfile names have changed/);
    expect(late.image).toMatch(new RegExp(`:${head}-[0-9a-f]{12}$`));
    expect([await digestAt(head), await digestAt('production')]).toEqual([fast.digest, fast.digest]);
  });

  it('takes the tag when the base is what it was when the build began', async () => {
    const head = await commit('production', [], packageFiles('log', '1.0.0'));
    const first = await build('production').result;
    await moveBase();
    const rebuilt = await buildSlowly(async () => undefined);
    expect(rebuilt.result).toBe('built');
    expect([await digestAt(head), await digestAt('production')]).toEqual([first.digest, rebuilt.digest]);
  });
});
