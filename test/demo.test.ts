import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from './bundle.ts';

const root = join(import.meta.dirname, '..');

interface Summary {
  readonly packages: readonly {
    plugin: string;
    version: string;
    file: string;
    sha256: string;
    size: number;
    uri: string;
  }[];
  readonly images: readonly { source: string; target: string; digest: string; copied: number }[];
  readonly steps: readonly { name: string; seconds: number; result: string }[];
  readonly registered: readonly { package: string; version: string; tree: string; commit: string }[];
  readonly promotions: readonly { from: string; to: string; pullRequest: number; removalPullRequest: number }[];
  readonly distributions: readonly { distribution: string; digest: string; result: string; pushedBytes: number }[];
  readonly rollouts: readonly { distribution: string; digest: string; result: string; reason: string }[];
  readonly jobs: readonly {
    workflow: string;
    job: string;
    event: string;
    started: number;
    seconds: number;
    result: string;
  }[];
}

function playDemo(output: string, ...flags: readonly string[]): { printed: string; summary: Summary } {
  const script = join(root, 'scripts/demo.ts');
  const args = ['--conditions=@slipway/source', script, '--output', output, ...flags];
  const printed = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  return { printed, summary: JSON.parse(readFileSync(join(output, 'summary.json'), 'utf8')) as Summary };
}

it('plays the whole story, and finds nothing to do when it is played again', () => {
  const output = join(temporaryDirectory(), 'out');
  const { printed, summary } = playDemo(output);
  expect(summary.packages.map(({ plugin, version }) => `${plugin} ${version}`).sort()).toEqual([
    'edge-gateway v0.5.0',
    'log-collector v1.1.0',
  ]);
  expect(summary.images).toHaveLength(3);
  for (const { digest, copied } of summary.images) {
    expect(digest).toMatch(/^sha256:/);
    expect(copied).toBeGreaterThan(0);
  }
  expect(new Set(summary.steps.map(({ result }) => result))).toEqual(new Set(['success']));
  for (const { file, sha256, size, uri } of summary.packages) {
    const bytes = readFileSync(resolve(root, file));
    expect(bytes.length).toBe(size);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    expect(printed).toContain(uri);
  }
  const { file } = summary.packages.find(({ plugin }) => plugin === 'log-collector') ?? { file: '' };
  const members = execFileSync('tar', ['tzf', resolve(root, file)], { encoding: 'utf8' });
  expect(members.trim().split('\n')).toEqual([
    'acme-plugins-log-collector-log-collector-agent-v1.1.0-image.tar.gz',
    'acme-plugins-log-collector-log-collector-v1.1.0-image.tar.gz',
    'acme-plugins-log-collector.yaml',
  ]);

  expect(summary.registered.map((entry) => `${entry.package}-${entry.version}`)).toEqual([
    'edge_gateway-0.5.0',
    'log_collector-1.1.0',
  ]);
  expect(summary.promotions.map(({ from, to }) => `${from} → ${to}`)).toEqual([
    'snapshot → staging',
    'staging → production',
  ]);
  for (const { pullRequest, removalPullRequest } of summary.promotions) {
    expect(removalPullRequest).toBeGreaterThan(pullRequest);
  }
  const failed = summary.rollouts.filter(({ result }) => result === 'failed');
  expect(failed).toHaveLength(1);
  expect(failed[0]?.reason).toContain('CrashLoopBackOff');
  const last = (distribution: string) => summary.rollouts.findLast((rollout) => rollout.distribution === distribution);
  for (const distribution of ['production', 'staging', 'snapshot']) {
    const built = summary.distributions.findLast((entry) => entry.distribution === distribution);
    expect(last(distribution)).toMatchObject({ result: 'rolled-out', digest: built?.digest });
  }

  // Nobody calls an action: every job has an event, and each event of the story has started one.
  expect([...new Set(summary.jobs.map(({ event }) => event))].sort()).toEqual([
    'issue_comment',
    'pull_request',
    'pull_request_target',
    'push',
    'workflow_dispatch',
  ]);
  const ended = (job: RegExp): string[] =>
    summary.jobs.filter((each) => job.test(each.job)).map(({ result }) => result);
  expect(ended(/report$/)).toContain('success');
  expect(ended(/register$/)).toContain('success');
  expect(ended(/only what was released is merged$/)).toContain('success');
  expect(printed).toContain('mallory may not command here');

  const again = playDemo(output, '--again');
  expect(
    again.summary.distributions.every(({ result, pushedBytes }) => result === 'unchanged' && pushedBytes === 0),
  ).toBe(true);
  expect(again.summary.rollouts.every(({ result }) => result === 'unchanged')).toBe(true);
  expect(again.summary.packages).toEqual(summary.packages);
});

it('does not empty a directory that it did not make', () => {
  const output = temporaryDirectory();
  execFileSync('touch', [join(output, 'precious')]);
  expect(() => playDemo(output)).toThrow(/was not made by the demo/);
});
