import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ActionFixture, APPEND } from './action-fixture.ts';
import { parseFileCommand } from './file-command.ts';
import { runAction } from './run-action.ts';

let fixture: ActionFixture;

beforeEach(async () => {
  fixture = await ActionFixture.create();
});

afterEach(() => fixture.remove());

/** Gives back the environment that the action saw. */
const TELL = `${APPEND}
append('GITHUB_OUTPUT', 'env=' + JSON.stringify(process.env) + '\\ncwd=' + process.cwd() + '\\n');
`;

async function seenBy(options: Omit<Parameters<typeof runAction>[0], 'directory'>, metadata: string) {
  const directory = await fixture.add('tell', TELL, metadata);
  const result = await runAction({ directory, ...options });
  const env: unknown = JSON.parse(result.outputs['env'] ?? '');
  return { result, env, cwd: result.outputs['cwd'] };
}

describe('runAction', () => {
  it('hands inputs over as the runner does, defaults evaluated', async () => {
    const metadata = `inputs:
  images: { description: a, required: true }
  dry-run: { description: b, default: 'false' }
  retry count: { description: c, default: 3 }
  token: { description: d, default: '\${{ github.token }}' }
  number: { description: e, default: '\${{ github.event.number }}@\${{ github.repository }}' }
`;
    const { env, result, cwd } = await seenBy(
      {
        inputs: { Images: 'a b\nc d', 'dry-run': 'true' },
        env: { GITHUB_TOKEN: 'top secret', GITHUB_REPOSITORY: 'acme/plugins' },
        event: { number: 12 },
        workspace: fixture.directory,
      },
      metadata,
    );
    expect(env).toMatchObject({
      INPUT_IMAGES: 'a b\nc d',
      'INPUT_DRY-RUN': 'true',
      INPUT_RETRY_COUNT: '3',
      INPUT_TOKEN: '***',
      INPUT_NUMBER: '12@acme/plugins',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: fixture.directory,
    });
    expect(cwd).toBe(fixture.directory);
    expect(result).toMatchObject({ exitCode: 0, annotations: [] });
  });

  it('starts with a clean environment', async () => {
    process.env['SLIPWAY_TEST_LEAK'] = 'leaked';
    try {
      const { env } = await seenBy({ inputs: {}, env: { GIVEN: 'yes' } }, '');
      expect(env).toMatchObject({ GIVEN: 'yes', PATH: process.env['PATH'] });
      expect(env).not.toHaveProperty('SLIPWAY_TEST_LEAK');
      expect(env).not.toHaveProperty('NODE_OPTIONS');
    } finally {
      delete process.env['SLIPWAY_TEST_LEAK'];
    }
  });

  it('warns about an input that the action does not have', async () => {
    const { result } = await seenBy({ inputs: { imges: 'x' }, env: {} }, 'inputs: { images: { description: a } }');
    expect(result.annotations).toEqual([
      { level: 'warning', message: "Unexpected input(s) 'imges', valid inputs are ['images']" },
    ]);
  });

  it.each([
    ['inputs: { images: { description: a, required: true } }', /tell: input 'images' is required/],
    ["inputs: { key: { description: a, default: '${{ secrets.KEY }}' } }", /secrets/],
    ['outputs: [a]', /outputs is no mapping/],
  ])('refuses to start with %s', async (metadata, message) => {
    const directory = await fixture.add('tell', TELL, metadata);
    await expect(runAction({ directory, inputs: {}, env: {} })).rejects.toThrow(message);
  });

  it('reads commands, masks what is secret and passes the log on as it comes', async () => {
    const directory = await fixture.add(
      'talk',
      `${APPEND}
console.log('before hunter2');
console.log('::add-mask::hunter2');
console.log('::add-mask::two%0Alines"');
console.log('::group::Work');
console.log('after hunter2 and lines"');
console.log('::endgroup::');
console.log('::debug::not shown');
console.log('::error file=a.yaml,line=3,col=5,title=bad%3A hunter2::first hunter2%0Asecond');
console.error('::notice::from the other stream');
console.log('::stop-commands::pause');
console.log('::warning::only a text');
console.log('::pause::');
console.log('::unknown::a line');
append('GITHUB_OUTPUT', 'plan<<E\\n{"password":"hunter2","more":"lines\\\\""}\\nE\\n');
append('GITHUB_STEP_SUMMARY', '# hunter2');
process.stdout.write('no newline');
process.exitCode = 3;
`,
    );
    const lines: string[] = [];
    const result = await runAction({ directory, inputs: {}, env: {}, onLine: (line) => lines.push(line) });
    const withoutNotice = lines.filter((line) => !line.startsWith('Notice'));
    expect(withoutNotice).toEqual([
      'before hunter2',
      '▸ Work',
      'after *** and ***',
      'Error: a.yaml:3:5: first ***',
      'second',
      '::warning::only a text',
      '::unknown::a line',
      'no newline',
    ]);
    expect(result.exitCode).toBe(3);
    expect(result.log).toContain('before ***');
    expect(result.log).not.toContain('hunter2');
    expect(result.outputs).toEqual({ plan: '{"password":"***","more":"***"}' });
    expect(result.summary).toBe('# ***');
    expect(result.annotations).toHaveLength(2);
    expect(result.annotations).toContainEqual({ level: 'notice', message: 'from the other stream' });
    expect(result.annotations).toContainEqual({
      level: 'error',
      message: 'first ***\nsecond',
      file: 'a.yaml',
      line: 3,
      col: 5,
      title: 'bad: ***',
    });
  });

  it("writes the caller's own files as well", async () => {
    const script = `${APPEND}append('GITHUB_OUTPUT', 'list<<E\\na\\nb\\nE\\n'); append('GITHUB_STEP_SUMMARY', 'page');`;
    const directory = await fixture.add('write', script);
    const output = await fixture.file('output', 'earlier=1\n');
    const summary = await fixture.file('summary', 'earlier ');
    await runAction({ directory, inputs: {}, env: { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary } });
    expect(parseFileCommand(await readFile(output, 'utf8'))).toEqual({ earlier: '1', list: 'a\nb' });
    expect(await readFile(summary, 'utf8')).toBe('earlier page');
  });

  it('fails an action that writes what cannot be read', async () => {
    const directory = await fixture.add('garble', `${APPEND}append('GITHUB_OUTPUT', 'a<<E\\nno end');`);
    const result = await runAction({ directory, inputs: {}, env: {} });
    expect(result.exitCode).toBe(1);
    expect(result.annotations).toMatchObject(
      [{ level: 'error', message: /GITHUB_OUTPUT: invalid value/ }].map(expectMessage),
    );
  });

  it('says where a script is missing, and refuses other kinds of actions', async () => {
    const directory = join(fixture.directory, 'composite');
    await mkdir(directory);
    await fixture.file('composite/action.yml', 'name: c\ndescription: d\nruns: { using: composite, steps: [] }\n');
    await expect(runAction({ directory, inputs: {}, env: {} })).rejects.toThrow(/only actions on node/);
    await fixture.file(
      'composite/action.yml',
      'name: c\ndescription: d\nruns: { using: node24, main: dist/index.js }\n',
    );
    await expect(runAction({ directory, inputs: {}, env: {} })).rejects.toThrow(/there is no .*dist\/index\.js/);
  });

  it('ends the action when it is told to', async () => {
    const directory = await fixture.add('wait', "console.log('started'); setInterval(() => {}, 1000);");
    const abort = new AbortController();
    const result = await runAction({
      directory,
      inputs: {},
      env: {},
      signal: abort.signal,
      onLine: () => abort.abort(),
    });
    expect(result.exitCode).toBe(130);
  });
});

function expectMessage({ level, message }: { level: string; message: RegExp }) {
  return { level, message: expect.stringMatching(message) };
}
