import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ENGINEER, OWNER, REPOSITORY, STRANGER } from '../../scripts/demo/cast.ts';
import { AttackPlace, COMMAND, jobsOf, outputsOfStep, pluginText } from './attack-place.ts';
import { stealingWorkflow } from './attack-workflow.ts';

let place: AttackPlace;
let shell: string;

beforeAll(async () => {
  place = await AttackPlace.open();
  shell = `touch\${IFS}${place.marker}`;
});

afterAll(() => place[Symbol.asyncDispose]());

afterEach(async () => {
  await place.expectNothingReleased();
  place.expectNothingLeaked();
});

/** What would run in a shell, an expression, the runner's log, Markdown and XML. */
const injections = (): string[] => [
  `$(${shell})`,
  `\`${shell}\``,
  `";${shell};"`,
  "'${{ secrets.SOURCE_PASSWORD }}'",
  '${{ toJSON(secrets) }}',
  '::set-output name=valid::true',
  '::add-mask::release',
  '::stop-commands::pause',
  ']]><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[here](javascript:alert(1)) @acme/platform-release @lin-wei',
];

const open = (branch: string, more: object = {}) =>
  place.open(STRANGER, { title: 'Fix', body: '', head: `${STRANGER.login}:${branch}`, ...more });

/** Requests for review and kinds are the author's to ask for; a release is not. */
async function expectNothingAsked(number: number, sha: string): Promise<void> {
  const { labels, own } = await place.show(number);
  expect(labels).not.toContain('queue/working-image-pushed');
  expect(labels).not.toContain('queue/done-package-uploaded');
  expect(place.records(sha)).toEqual([]);
  for (const body of own) {
    expect(body).not.toContain('<script');
    expect(body).not.toContain('<img');
    expect(body).not.toMatch(/^[^`]*\]\(javascript:/m);
  }
}

it('takes title, description, branch and file names of a pull request for text', async () => {
  const branch = `$(${shell.replaceAll('/', '$SLASH')});\`id\`;&&'"|]]>{x}`;
  const names = [...injections(), 'a\n::set-output name=valid::true\n::error::b', '-rf', '..%2f..%2fetc'];
  const files = Object.fromEntries(
    names.map((name) => [`release-plugins/${name.replaceAll('/', '∕')}.yaml`, pluginText('log-collector')]),
  );
  const sha = await place.pushToFork(branch, {
    ...files,
    'release-plugins/log-collector.yaml': pluginText('log-collector'),
  });
  const before = place.requests();
  const title = `feat: ${injections().join(' ')}`;
  const body = [...injections(), '/kind release', COMMAND, '<!-- slipway: status -->'].join('\n');
  const { number } = await open(branch, { title, body });
  const { runs } = place.chain.stage.workflows;
  const [check, target] = ['pull_request', 'pull_request_target'].map((event) =>
    runs.findLast((run) => run.event === event && run.repository === REPOSITORY),
  );
  expect(jobsOf(check)).toEqual(['validate / validate plugins']);
  expect(jobsOf(target)).toEqual(['release / command']);
  expect(place.requests(), 'a registry was asked').toBe(before);
  const { valid, findings = '[]', plugins } = outputsOfStep(check, 'validate');
  expect(valid).toBe('false');
  expect(JSON.parse(findings).length).toBeGreaterThanOrEqual(names.length);
  expect(JSON.parse(plugins ?? '[]')).toEqual([expect.objectContaining({ plugin: 'log-collector' })]);
  await expectNothingAsked(number, sha);
  // Nothing that the runner obeys has come out of a name: no line begins with it.
  expect(place.chain.lines.filter((line) => /^\s*::(set-output|add-mask|stop-commands)/.test(line))).toEqual([]);

  // The same names again, where an owner was made to approve them.
  await place.as(OWNER).send('POST', `/pulls/${number}/reviews`, { event: 'APPROVE', commit_id: sha });
  const asked = await place.comment(STRANGER, number, `${COMMAND}\n${injections().join('\n')}`);
  expect(jobsOf(asked)).toEqual(['release / command']);
  expect(outputsOfStep(asked, 'command')['result']).toBe('refused');
  await expectNothingAsked(number, sha);
});

it('takes YAML for data, however it is made', async () => {
  const levels = Array.from({ length: 12 }, (_, level) =>
    level === 0
      ? 'a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]'
      : `a${level}: &a${level} [${`*a${level - 1}, `.repeat(9)}x]`,
  );
  const text = pluginText('edge-gateway');
  const link = (target: string) => ({ symlink: target });
  const files = {
    'release-plugins/bomb.yaml': levels.join('\n'),
    'release-plugins/tags.yaml': `x: !!js/function 'function () { require("fs").writeFileSync("${place.marker}", "") }'\ny: !!python/object/apply:os.system ["${shell}"]\n`,
    'release-plugins/proto.yaml': '__proto__: { valid: true }\nconstructor: { prototype: { valid: true } }\n',
    'release-plugins/huge.yaml': `x: ${'y'.repeat(2 * 1024 * 1024)}\n`,
    'release-plugins/deep.yaml': `${'['.repeat(20_000)}\n`,
    'release-plugins/bytes.yaml': Buffer.from([0xff, 0xfe, 0x00, 0x3a]),
    'release-plugins/passwd.yaml': link('/etc/passwd'),
    'release-plugins/owners.yaml': link('../OWNERS'),
    'release-plugins/cert-manager.yaml': link('edge-gateway.yaml'),
    // Versions and images become paths, keys and names of archives.
    'release-plugins/edge-gateway.yaml': text.replace('version: v0.5.0', "version: '../../../../etc/v0.5.0'"),
    'release-plugins/log-collector.yaml': pluginText('log-collector').replace(
      /image: .*/,
      "image: 'harbor.example.com/release/../../acme-plugins-log-collector:v1.1.0'",
    ),
  };
  const sha = await place.pushToFork('data', files);
  const before = place.requests();
  const { number } = await open('data', { body: '/kind release' });
  const check = place.chain.stage.workflows.runs.findLast(({ event }) => event === 'pull_request');
  const { valid, findings = '[]', plugins } = outputsOfStep(check, 'validate');
  expect(valid).toBe('false');
  expect(place.requests(), 'a registry was asked').toBe(before);
  const found = new Set(
    (JSON.parse(findings) as { file: string; severity: string }[])
      .filter(({ severity }) => severity === 'error')
      .map(({ file }) => file),
  );
  // One without a file is about the pull request.
  expect([...found].filter((file) => file !== '').sort()).toEqual(Object.keys(files).sort());
  expect(plugins).not.toContain('..');
  expect(place.chain.lines.join('\n')).not.toContain('root:x:0:0');
  await place.as(OWNER).send('POST', `/pulls/${number}/reviews`, { event: 'APPROVE', commit_id: sha });
  const asked = await place.comment(STRANGER, number, COMMAND);
  expect(outputsOfStep(asked, 'command')['result']).toBe('refused');
  await expectNothingAsked(number, sha);
});

it('gives a changed workflow neither secrets nor a token that writes, and lets nobody command it', async () => {
  const sha = await place.pushToFork('workflows', {
    '.github/workflows/pull-request.yml': stealingWorkflow('pull_request'),
    '.github/workflows/release.yml': stealingWorkflow('[pull_request_target, issue_comment, push]'),
    '.github/workflows/more.yml': stealingWorkflow('[pull_request, pull_request_target, workflow_dispatch, schedule]'),
    '.github/slipway.yaml': 'plugins: { target: evil.example.com/release }\n',
    OWNERS: `approvers: [${STRANGER.login}]\n`,
    'release-plugins/log-collector.yaml': pluginText('log-collector'),
  });
  const before = place.chain.lines.length;
  const { number } = await open('workflows');
  const lines = place.chain.lines.slice(before);
  expect(lines.filter((line) => line.startsWith('got='))).toEqual(['got=[]', 'got=[]']);
  expect(new Set(lines.filter((line) => line.startsWith('status')))).toEqual(new Set(['status 403']));
  const target = place.chain.stage.workflows.runs.filter(
    ({ event, headSha }) => event === 'pull_request_target' && headSha === sha,
  );
  expect(target.map((run) => [run.name, jobsOf(run)])).toEqual([['release', ['release / command']]]);

  await place.as(OWNER).send('POST', `/pulls/${number}/reviews`, { event: 'APPROVE', commit_id: sha });
  for (const who of [STRANGER, ENGINEER, OWNER]) {
    const run = await place.comment(who, number, COMMAND);
    expect(jobsOf(run)).toEqual(['release / command']);
    expect(outputsOfStep(run, 'command')['result']).toBe('refused');
  }
  const last = (await place.show(number)).own.at(-1);
  expect(last).toContain('files that say who may do what and how: .github/slipway.yaml');
  expect(last).toContain('OWNERS');
  await expectNothingAsked(number, sha);
});
