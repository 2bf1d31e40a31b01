import { connectGitHub } from '@slipway/core/github/connect';
import { readReleaseRecord } from '@slipway/core/pull-request/release-record';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { COMMAND, Ground, LIST, packageOf, REPOSITORY } from './fixture.ts';

const APP = 'slipway[bot]';

let ground: Ground;
let app: Record<string, string>;

beforeEach(async () => {
  ground = await Ground.start();
  app = await addApp({ members: 'read' });
});

afterEach(() => ground.close());

async function addApp(more: Record<string, 'read' | 'write'>): Promise<Record<string, string>> {
  const permissions = { contents: 'read', pull_requests: 'write', issues: 'write', checks: 'write', ...more } as const;
  const known = { id: 7, slug: 'slipway', permissions, repositories: [REPOSITORY] };
  const { privateKey } = await ground.github.addApp(known);
  return { 'app-id': '7', 'app-private-key': privateKey };
}

function readAsRoot(commit: string, pullRequest: number) {
  const github = connectGitHub({ token: 'root', apiUrl: ground.github.apiUrl });
  return readReleaseRecord(github, REPOSITORY, { commit, pullRequest }, APP);
}

it('writes everything as the App, and obeys the members of the team', async () => {
  const number = await ground.open();
  await ground.review('lin-wei', number);
  await ground.write('ada', number, LIST);
  const { outputs, runtime } = await ground.comment('grace', number, COMMAND, app);
  expect(outputs.result).toBe('release');
  expect(await readAsRoot(outputs.commit, number)).toMatchObject({ record: { state: 'intent', by: 'grace' } });
  expect((await ground.comments(number)).map(({ author }) => author)).toEqual(['ada', 'grace', APP]);
  // A token for the repository, and one for the team; both are masked and ended.
  expect(runtime.masked).toHaveLength(2);
  for (const token of runtime.masked) {
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${ground.github.apiUrl}/repos/${REPOSITORY}`, { headers })).status).toBe(401);
  }
  const plugins = JSON.stringify(outputs.plugins);
  const release = { 'pull-request': String(number), commit: outputs.commit, ...app };
  expect((await ground.run({ mode: 'verify', ...release, plugins })).outputs.result).toBe('release');
  const packages = JSON.stringify(outputs.plugins.map((plugin) => packageOf(plugin)));
  expect((await ground.run({ mode: 'report', ...release, packages })).outputs.result).toBe('updated');
  expect(await readAsRoot(outputs.commit, number)).toMatchObject({ record: { state: 'done' } });
});

it('takes nothing for its own that a job of some workflow wrote', async () => {
  const { number, commit } = await ground.release();
  expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
  const { outputs } = await ground.comment('ada', number, '/queue need-queue', app);
  expect(outputs.result).toBe('updated');
  expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
  const verified = ground.run({ mode: 'verify', 'pull-request': String(number), commit, plugins: '[]', ...app });
  await expect(verified).rejects.toMatchObject({ code: 'no-release' });
});

it('that may not ask for members says so, and obeys authors and owners all the same', async () => {
  app = await addApp({});
  const number = await ground.open();
  await ground.review('lin-wei', number);
  const refused = await ground.comment('grace', number, COMMAND, app);
  expect(refused.outputs.reason).toContain('nobody can tell who is in acme/platform-release');
  expect((await ground.comment('ada', number, COMMAND, app)).outputs.result).toBe('release');
});
