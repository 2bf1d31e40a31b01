import { pluginText } from '@slipway/core/plugin/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BODY, COMMAND, Ground, LIST, RELEASE, REPOSITORY, SELF } from './fixture.ts';

let ground: Ground;

beforeEach(async () => {
  ground = await Ground.start();
});

afterEach(() => ground.close());

/** Nothing is bound, labelled or handed on. */
async function expectNothing(number: number): Promise<void> {
  expect(await ground.record(await ground.headOf(number))).toBeUndefined();
  expect(await ground.labels(number)).not.toContain('queue/working-image-pushed');
}

async function openApproved(more: Parameters<Ground['open']>[0] = {}): Promise<number> {
  const number = await ground.open(more);
  await ground.review('lin-wei', number);
  return number;
}

describe('a comment', () => {
  it.each(['mallory', 'rita', 'chen'])('by %s commands nothing, and is told who may', async (login) => {
    const number = await openApproved();
    const before = ground.registry.requests.length;
    const { outputs, runtime } = await ground.comment(login, number, COMMAND);
    expect(outputs).toMatchObject({ result: 'refused', plugins: [] });
    expect(outputs.reason).toContain('the author of the pull request, or an approver in OWNERS');
    expect(runtime.failures).toHaveLength(1);
    expect(await ground.answers(number)).toHaveLength(1);
    expect(ground.registry.requests.slice(before)).toEqual([]);
    await expectNothing(number);
  });

  it('that was edited, deleted or changed within the second is ignored', async () => {
    const number = await openApproved();
    const edited = await ground.write('ada', number, 'hello');
    await ground.as('root', 'PATCH', `issues/comments/${edited['id']}`, { body: COMMAND });
    const late = await ground.handle(number, { ...edited, body: COMMAND });
    expect(late.outputs).toMatchObject({ result: 'ignored', reason: expect.stringContaining('edited') });
    const other = await ground.write('ada', number, COMMAND);
    const quick = await ground.handle(number, { ...other, body: 'hello' });
    expect(quick.outputs).toMatchObject({ result: 'ignored', reason: expect.stringContaining('edited') });
    await ground.as('ada', 'DELETE', `issues/comments/${other['id']}`);
    const deleted = await ground.handle(number, other);
    expect(deleted.outputs).toMatchObject({ result: 'ignored', reason: expect.stringContaining('deleted') });
    await expectNothing(number);
  });

  it('is no command when it is an edit, or on an issue', async () => {
    const number = await openApproved();
    const comment = await ground.write('ada', number, COMMAND);
    const mode = { mode: 'command' };
    const issue = { number, pull_request: {} };
    for (const payload of [
      { action: 'edited', issue, comment },
      { action: 'created', issue: { number }, comment },
      { action: 'created', issue, comment: { id: 'x' } },
    ]) {
      expect((await ground.run(mode, { name: 'issue_comment', payload })).outputs.result).toBe('ignored');
    }
    expect((await ground.run(mode, { name: 'push', payload: {} })).outputs.result).toBe('ignored');
    await expectNothing(number);
  });

  it.each([
    ['in fenced code', `\`\`\`\n${COMMAND}\n\`\`\``],
    ['in a quote', `> ${COMMAND}`],
    ['in an HTML comment', `<!--\n${COMMAND}\n-->`],
    ['in a sentence', `please ${COMMAND}`],
  ])('%s holds no command', async (_, body) => {
    const number = await openApproved();
    const { outputs } = await ground.comment('ada', number, body);
    expect(outputs).toMatchObject({ result: 'ignored', changed: false });
    expect(await ground.comments(number)).toHaveLength(1);
  });

  it('by a bot is ignored, even when the bot is an owner', async () => {
    await ground.commit('main', { OWNERS: 'approvers: ["robot[bot]", lin-wei]\n' });
    const number = await openApproved();
    expect((await ground.comment('robot[bot]', number, COMMAND)).outputs.result).toBe('ignored');
    await expectNothing(number);
  });

  it('by a member of the team commands only where somebody can tell that', async () => {
    const number = await openApproved();
    const blind = await ground.comment('grace', number, COMMAND);
    expect(blind.outputs.reason).toContain('members: read');
    await expectNothing(number);
    const permissions = { contents: 'read', pull_requests: 'write', issues: 'write', checks: 'write', members: 'read' };
    ground.github.addToken({ token: 'seeing', login: SELF, permissions: permissions as Record<string, 'read'> });
    expect((await ground.comment('grace', number, COMMAND, { token: 'seeing' })).outputs.result).toBe('release');
  });

  it('cannot overwrite what is released', async () => {
    const number = await openApproved();
    const more = { overwrite: 'true', reason: 'because' };
    await expect(ground.comment('ada', number, COMMAND, more)).rejects.toThrow('Dispatch the workflow by hand');
  });
});

describe('an approval', () => {
  const refused = async (number: number): Promise<string> => {
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs.result).toBe('refused');
    await expectNothing(number);
    return outputs.reason;
  };

  it('of another commit does not count: somebody pushed after it', async () => {
    const number = await openApproved();
    await ground.push({ 'release-plugins/logs.yaml': `${RELEASE['release-plugins/logs.yaml']}# more\n` });
    expect(await refused(number)).toContain('lin-wei approved another commit');
  });

  it('does not count when its author has asked for changes since', async () => {
    const number = await openApproved();
    await ground.review('lin-wei', number, 'REQUEST_CHANGES');
    expect(await refused(number)).toContain('no approving review');
    await ground.review('lin-wei', number, 'COMMENT');
    expect(await refused(number)).toContain('no approving review');
  });

  it('by somebody who is no owner does not count', async () => {
    const number = await ground.open();
    await ground.review('chen', number);
    expect(await refused(number)).toContain('chen approved it, which does not count');
  });

  it('takes write permission where there is no OWNERS file', async () => {
    await ground.commit('main', { OWNERS: null });
    const number = await ground.open({ head: 'free' });
    await ground.review('rita', number);
    expect(await refused(number)).toContain('somebody with write permission');
    await ground.review('chen', number);
    expect((await ground.comment('ada', number, COMMAND)).outputs.result).toBe('release');
  });

  it('by an owner whom only the pull request names does not count', async () => {
    const number = await ground.open({ files: { ...RELEASE, OWNERS: 'approvers: [mallory]\n' } });
    await ground.review('mallory', number);
    const reason = await refused(number);
    expect(reason).toContain('mallory approved it, which does not count');
    expect(reason).toContain('files that say who may do what and how: OWNERS');
  });
});

describe('a pull request', () => {
  it.each([
    ['adds a workflow', { '.github/workflows/x.yml': 'on: push\n' }],
    ['changes the configuration', { '.github/slipway.yaml': 'plugins: {}\n' }],
    ['names other owners', { OWNERS_ALIASES: 'aliases: {}\n' }],
    ['has a link in their place', { '.GitHub': { symlink: 'docs' } }],
  ])('that %s cannot be released', async (_, files) => {
    const number = await openApproved({ files: { ...RELEASE, ...files } });
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs).toMatchObject({ result: 'refused' });
    expect(outputs.reason).toContain(`do what and how: ${Object.keys(files)[0]}`);
    await expectNothing(number);
  });

  it('with an image outside of the prefix is refused, and no other registry is asked', async () => {
    const number = await openApproved();
    const elsewhere = `127.0.0.1:${new URL(ground.registry.url).port}/elsewhere/acme-plugins-logs:v0.2.0`;
    const before = ground.registry.requests.length;
    for (const image of ['cargo.example.com/other/acme-plugins-logs:v0.2.0', elsewhere]) {
      const { outputs } = await ground.comment('ada', number, `image(s) pushed to\n${image}\n\n${COMMAND}\n`);
      expect(outputs.result).toBe('refused');
      expect(outputs.reason).toContain('is not one of the images that are released');
    }
    const asked = ground.registry.requests.slice(before).map(({ path }) => path);
    expect(asked.filter((path) => !path.includes('team/acme-plugins-logs') && path !== '/v2/')).toEqual([]);
    await expectNothing(number);
  });

  it('whose list of images was edited is refused', async () => {
    const number = await openApproved();
    const list = await ground.write('ada', number, LIST);
    await ground.as('root', 'PATCH', `issues/comments/${list['id']}`, { body: LIST.replace('v0.2.0', 'v0.1.0') });
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs.reason).toContain('edited after it was written');
    await expectNothing(number);
  });

  it('says nothing in our comments that works there', async () => {
    const evil = '@acme/all <img src=x onerror=1> [x](https://evil.example) #1';
    const name = 'release-plugins/<img src=x> @acme #1 `a` [l](http:a).yaml';
    const number = await openApproved({
      title: evil,
      body: `${BODY}\n${evil}\n/kind <img>@all\n`,
      head: 'a-$(id)-`x`',
      files: { ...RELEASE, [name]: pluginText('x', { image: `${evil}:v1` }) },
    });
    await ground.happen(number, 'opened');
    await ground.comment('ada', number, `${COMMAND}\n/kind @acme/all<b>https://evil.example\n`);
    const own = [await ground.status(number), ...(await ground.answers(number))].join('\n');
    expect(own).toContain('&#64;acme');
    expect(own.replaceAll(/<\/?code>|<!-- slipway: [a-z0-9 ]+ -->/g, '')).not.toMatch(
      /[<@]|https?:|#[0-9]+\b(?!;)|\]\(/,
    );
  });

  it('into a branch with other owners is refused', async () => {
    await ground.commit('side', { OWNERS: 'approvers: [mallory]\n' }, await ground.headOfBranch('main'));
    const number = await ground.open();
    await ground.as('ada', 'PATCH', `pulls/${number}`, { base: 'side' });
    await ground.review('mallory', number);
    const { outputs } = await ground.comment('ada', number, COMMAND);
    expect(outputs.result).toBe('refused');
    expect(outputs.reason).toContain('goes into side');
    await expectNothing(number);
  });

  it('of a repository that is not set up is refused with the lines to add', async () => {
    await ground.commit('main', { '.github/slipway.yaml': 'plugins: {}\n' });
    const number = await openApproved({ head: 'bare' });
    await expect(ground.comment('ada', number, COMMAND)).rejects.toMatchObject({ code: 'missing-setting' });
    expect((await ground.answers(number)).join()).toContain('plugins&#46;source');
    await expectNothing(number);
  });

  it('that is closed is not released', async () => {
    const number = await openApproved();
    await ground.as('ada', 'PATCH', `pulls/${number}`, { state: 'closed' });
    expect((await ground.comment('ada', number, COMMAND)).outputs.result).toBe('ignored');
    await expectNothing(number);
  });
});

describe('what only looks like state', () => {
  it('labels by hand release nothing', async () => {
    const number = await ground.open();
    await ground.as('chen', 'POST', `issues/${number}/labels`, {
      labels: ['kind/release', 'queue/working-image-pushed'],
    });
    const { outputs } = await ground.happen(number, 'edited');
    expect(outputs.plugins).toEqual([]);
    expect(await ground.record(await ground.headOf(number))).toBeUndefined();
  });

  it('a forged status comment is neither read nor changed', async () => {
    const number = await openApproved();
    const forged = '<!-- slipway: status -->\n### Released\n\nall is well';
    await ground.write('mallory', number, forged);
    expect((await ground.comment('ada', number, COMMAND)).outputs.result).toBe('release');
    const comments = await ground.comments(number);
    expect(comments.find(({ author }) => author === 'mallory')?.body).toBe(forged);
    expect(await ground.status(number)).toContain('Being released');
  });

  it('a check run of another app, or without our mark, is not read', async () => {
    const { number, commit } = await ground.release();
    const stored = await ground.stored(commit);
    const { output } = (await ground.as('root', 'GET', `check-runs/${stored?.id}`)) as { output: { text: string } };
    const text = output.text.replace('"state":"intent"', '"state":"done"');
    const forged = {
      name: 'slipway / release',
      head_sha: commit,
      external_id: `slipway-release/${number}`,
      conclusion: 'success',
      output: { title: 'x', summary: 'x', text },
    };
    ground.github.addToken({
      token: 'evil',
      login: 'evil[bot]',
      repositories: [REPOSITORY],
      permissions: { checks: 'write' },
    });
    await ground.as('evil', 'POST', 'check-runs', forged);
    await ground.as('job', 'POST', 'check-runs', { ...forged, external_id: 'job-1' });
    expect(await ground.record(commit)).toMatchObject({ state: 'intent' });
    expect((await ground.comment('ada', number, COMMAND)).outputs.result).toBe('release');
  });
});
