import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ListeningServer, listen } from '@slipway/sandbox/http-server';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BRANCH, ENGINEER, OWNER, PULL_REQUEST, PUSHED, PUSHED_COMMENT } from '../../scripts/demo/cast.ts';
import { readCredentials } from '../../scripts/demo/credentials.ts';
import type { PullRequest } from '../../scripts/demo/github-client.ts';
import { RELEASE_EXAMPLE } from '../../scripts/demo/release-repository.ts';
import { atMoment, moveTagNow } from './attack-moment.ts';
import { AttackPlace, COMMAND, jobsOf, outputsOfStep, pluginText } from './attack-place.ts';
import { commitTo } from './attack-push.ts';

let place: AttackPlace;
/** A host that nobody has configured. */
let evil: ListeningServer;
let pull: PullRequest;

const REPOSITORY = 'acme/acme-plugins-log-collector';

beforeAll(async () => {
  place = await AttackPlace.open();
  evil = await listen({}, (_, response) => {
    response.statusCode = 404;
    response.end();
  });
  pull = await place.open(ENGINEER, { ...PULL_REQUEST, head: BRANCH });
  await approve(pull);
});

afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await evil.close();
});

afterEach(() => {
  place.expectNothingLeaked();
  expect(evil.requests).toEqual([]);
});

const setImage = (text: string, image: string): string => text.replace(/image: .*/, `image: ${image}`);

const approve = ({ number, head }: PullRequest): Promise<unknown> =>
  place.as(OWNER).send('POST', `/pulls/${number}/reviews`, { event: 'APPROVE', commit_id: head.sha });

describe('an image that is listed', () => {
  it.each([
    ['of another registry', () => `127.0.0.1:${evil.port}/acme/acme-plugins-log-collector:v1.1.0`],
    [
      'of a name that only begins like ours',
      () => `cargo.example.com.localhost:${evil.port}/acme/acme-plugins-log-collector:v1.1.0`,
    ],
    ['behind a user', () => `cargo.example.com@127.0.0.1:${evil.port}/acme/acme-plugins-log-collector:v1.1.0`],
    ['beside the prefix', () => 'cargo.example.com/acme-evil/acme-plugins-log-collector:v1.1.0'],
    ['out of the prefix', () => 'cargo.example.com/acme/../evil/acme-plugins-log-collector:v1.1.0'],
    ['of another plugin', () => 'cargo.example.com/acme/acme-plugins-cert-manager:v9.9.9'],
    ['of no plugin', () => 'cargo.example.com/acme/secrets:v1.1.0'],
    ['by a digest', () => `cargo.example.com/acme/acme-plugins-log-collector@sha256:${'0'.repeat(64)}`],
  ])('%s is refused before any registry is asked', async (_, reference) => {
    const before = place.requests();
    const run = await place.comment(
      ENGINEER,
      pull.number,
      ['image(s) pushed to', ...PUSHED, reference(), COMMAND].join('\n'),
    );
    expect(jobsOf(run)).toEqual(['release / command']);
    const { result, reason } = outputsOfStep(run, 'command');
    expect(result).toBe('refused');
    expect(reason).toMatch(/image|plugin|cargo\.example\.com/);
    expect(place.requests(), 'a registry was asked').toBe(before);
    expect(place.records()).toEqual([]);
    await place.expectNothingReleased();
  });
});

it('is refused before any registry is asked where a plugin’s file names an image that is not its own', async () => {
  const elsewhere = `127.0.0.1:${evil.port}/release/acme-plugins-log-collector:v1.1.0`;
  const certificates = readFileSync(join(RELEASE_EXAMPLE, 'release-plugins/cert-manager.yaml'), 'utf8');
  const files = {
    'release-plugins/log-collector.yaml': setImage(pluginText('log-collector'), elsewhere),
    'release-plugins/edge-gateway.yaml': setImage(
      pluginText('edge-gateway'),
      'harbor.example.com/release-evil/acme-plugins-edge-gateway:v0.5.0',
    ),
    'release-plugins/cert-manager.yaml': setImage(
      certificates.replaceAll('v2.1.3', 'v2.1.4'),
      'cargo.example.com/acme/acme-plugins-cert-manager:v2.1.4',
    ),
  };
  await commitTo(place.as(ENGINEER), 'other-images', files);
  const other = await place.open(ENGINEER, { ...PULL_REQUEST, head: 'other-images' });
  await approve(other);
  const before = place.requests();
  const run = await place.comment(ENGINEER, other.number, PUSHED_COMMENT);
  expect(jobsOf(run)).toEqual(['release / command']);
  const { result, reason } = outputsOfStep(run, 'command');
  expect(result).toBe('refused');
  for (const file of Object.keys(files)) expect(reason).toMatch(new RegExp(`${file}:[0-9]+: .*(image|registry)`));
  expect(place.requests(), 'a registry was asked').toBe(before);
  await place.expectNothingReleased();
});

describe('a tag that is moved', () => {
  const tagOf = async (tag: string) =>
    (await place.chain.stage.sandbox.source.state.manifest(REPOSITORY, tag))?.digest ?? '';
  let good: string;
  let bad: string;

  beforeAll(async () => {
    const { source, environment } = place.chain.stage.sandbox;
    const image = await makeImage({
      seed: 'evil',
      architecture: 'amd64',
      os: 'linux',
      mediaTypes: 'oci',
      layers: [{ size: 1_000 }],
    });
    const credentials = readCredentials(environment['DOCKER_CONFIG'] ?? '');
    await pushImage(source.url, REPOSITORY, 'evil', image, credentials);
    [good, bad] = await Promise.all([tagOf('v1.1.0'), tagOf('evil')]);
    expect(good).not.toBe(bad);
  });

  it('after it was bound is refused when the release is commanded again', async () => {
    const { workflows } = place.chain.stage;
    workflows.setKiller({ atStep: (job) => job.startsWith('release / release ') });
    await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
    workflows.setKiller(undefined);
    await place.expectNothingReleased();
    moveTagNow(place, REPOSITORY, 'v1.1.0', bad);
    const run = await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
    const { result, reason } = outputsOfStep(run, 'bind');
    expect(result).toBe('refused');
    expect(reason).toContain(`was bound as ${good}, and is ${bad} by now`);
    expect(reason).toContain('/queue need-queue');
    await place.expectNothingReleased();
    moveTagNow(place, REPOSITORY, 'v1.1.0', good);
  });

  it('once it was looked at changes nothing: what was found is bound and copied', async () => {
    const hasCome = atMoment(place, { job: /^release \/ bind$/ }, () => moveTagNow(place, REPOSITORY, 'v1.1.0', bad));
    const run = await place.comment(ENGINEER, pull.number, PUSHED_COMMENT);
    expect(hasCome()).toBe(true);
    const { state } = place.chain.stage.sandbox.target;
    const released = await state.manifest('release/acme-plugins-log-collector', 'v1.1.0');
    expect([released?.digest, run?.conclusion]).toEqual([good, 'success']);
    expect(await state.manifest('release/acme-plugins-log-collector', bad)).toBeUndefined();
  });
});
