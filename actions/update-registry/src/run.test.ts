import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inputsFrom, recordRuntime } from '@slipway/core/action/testing';
import { commitFiles, createBareRepository } from '@slipway/sandbox/github/seed';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { packageFiles, StorageFixture } from '@slipway/sandbox/storage/storage-fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inputs } from './inputs.ts';
import { run } from './run.ts';

const COMMIT = '02ca71731cdc092db213cd4c9069db43b74ac01b';

/** An extract of a real package storage; not a part of this repository. */
const EXTRACT = join(import.meta.dirname, '../../../..', 'shared/data/package-storage');

const dockerfile = (version: string): string =>
  [
    `ARG PACKAGE_REGISTRY=${version}`,
    'FROM registry.example.com/package-registry:${PACKAGE_REGISTRY}',
    'LABEL package-registry=${PACKAGE_REGISTRY}',
    'COPY packages /packages/x',
    '',
  ].join('\n');

let fixture: StorageFixture;
let home: string;

beforeEach(async () => {
  fixture = await StorageFixture.start();
  home = await mkdtemp(join(tmpdir(), 'update-registry-'));
  await fixture.commit('main', { '.github/slipway.yaml': fixture.configuration() });
  for (const branch of ['production', 'staging', 'snapshot', 'experimental']) {
    await fixture.commit(branch, { Dockerfile: dockerfile('v1.15.0'), ...packageFiles('base', '1.0.0') }, null);
  }
  for (const tag of ['v1.16.0', 'v1.17.0', 'v1.18.0-rc.1', COMMIT]) await publish('package-registry', tag);
});

afterEach(async () => {
  await fixture.close();
  await rm(home, { recursive: true, force: true });
});

async function publish(repository: string, tag: string): Promise<void> {
  const layers = [{ size: 1000 }];
  const image = await makeImage({ seed: tag, architecture: 'amd64', os: 'linux', mediaTypes: 'oci', layers });
  await pushImage(fixture.registry.url, repository, tag, image);
}

async function update(version: string, texts: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}) {
  const { repository, github } = fixture;
  const { apiUrl, serverUrl } = github;
  const tools = { DOCKER_CONFIG: '/nonexistent', HOME: home, RUNNER_TEMP: home, PATH: '/nonexistent', ...env };
  const runtime = recordRuntime(tools, { repository, apiUrl, serverUrl });
  const outputs = await run(inputsFrom(inputs, { token: 'sandbox-token', version, ...texts }), runtime);
  return { runtime, outputs };
}

const changesSent = () =>
  fixture.github.requests.filter(({ method, path }) => method !== 'GET' && path.includes('/api/'));

describe('an update', () => {
  it('opens one pull request for each distribution that is not frozen', async () => {
    const { runtime, outputs } = await update('v1.16.0');
    expect(outputs['pull-requests'].map(({ distribution }) => distribution)).toEqual([
      'production',
      'staging',
      'snapshot',
    ]);
    expect(runtime.failures).toEqual([]);
    for (const { distribution, number, url } of outputs['pull-requests']) {
      expect(url).toBe(`${fixture.github.serverUrl}/${fixture.repository}/pull/${number}`);
      const title = `[${distribution}] Update package registry to v1.16.0`;
      expect(await fixture.call('GET', `pulls/${number}`)).toMatchObject({
        title,
        draft: false,
        base: { ref: distribution },
      });
      const branch = `update-registry/${distribution}`;
      expect(await fixture.git('log', '-1', '--format=%s', branch)).toBe(title);
      expect(await fixture.git('diff', '--name-only', distribution, branch)).toBe('Dockerfile');
      expect(`${await fixture.git('show', `${branch}:Dockerfile`)}\n`).toBe(dockerfile('v1.16.0'));
    }
  });

  it('changes nothing when it is run again, and follows another version', async () => {
    const { outputs } = await update('v1.16.0', { distributions: 'staging' });
    const again = await update('v1.16.0', { distributions: '["staging"]' });
    expect(again.outputs).toMatchObject({ changed: false, 'pull-requests': outputs['pull-requests'] });
    const next = await update('v1.17.0', { distributions: 'staging' });
    expect(next.outputs).toMatchObject({ changed: true, 'pull-requests': outputs['pull-requests'] });
    const number = outputs['pull-requests'][0]?.number ?? 0;
    expect((await fixture.call('GET', `pulls/${number}`))['title']).toBe(
      '[staging] Update package registry to v1.17.0',
    );
    await fixture.merge(number);
    expect((await update('v1.17.0', { distributions: 'staging' })).outputs).toMatchObject({
      changed: false,
      'pull-requests': [],
    });
  });

  it('only says what it would do in a dry run', async () => {
    const { outputs } = await update('v1.16.0', { 'dry-run': 'true' });
    expect(outputs).toMatchObject({ changed: false, 'pull-requests': [] });
    expect(outputs.plan).toHaveLength(3);
    expect(changesSent()).toEqual([]);
  });

  it('refuses a version whose image does not exist', async () => {
    const { runtime, outputs } = await update('v9.9.9');
    expect(runtime.failures.join()).toMatch(/no image registry.example.com\/package-registry:v9.9.9/);
    expect(outputs).toMatchObject({ changed: false, plan: [] });
    expect(changesSent()).toEqual([]);
  });

  it('moves those that can be moved, and says in the end which cannot', async () => {
    await fixture.commit('staging', { Dockerfile: 'FROM scratch\n' });
    const { runtime, outputs } = await update('v1.16.0', { distributions: 'experimental\nstaging\nsnapshot' });
    expect(runtime.failures.join()).toMatch(/'experimental' is frozen[\s\S]*'staging' has no Dockerfile whose/);
    expect(outputs).toMatchObject({ changed: true, 'pull-requests': [{ distribution: 'snapshot' }] });
    expect(runtime.annotations).toHaveLength(2);
  });

  it('writes nothing before all is planned, and goes on when one cannot be written', async () => {
    await fixture.git('update-ref', 'refs/heads/update-registry/production/taken', await fixture.id('production'));
    const { runtime, outputs } = await update('v1.16.0');
    expect(runtime.failures.join()).toMatch(/refuses to make the branch 'update-registry\/production'/);
    expect(outputs['pull-requests'].map(({ distribution }) => distribution)).toEqual(['staging', 'snapshot']);
  });

  it('refuses what the policy does not allow before anything is changed', async () => {
    await expect(update(COMMIT)).rejects.toThrow(/'production' runs releases only/);
    await expect(update('v1.18.0-rc.1', { distributions: 'snapshot\nstaging' })).rejects.toThrow(
      /'staging' runs releases/,
    );
    await expect(update('latest', { distributions: 'snapshot' })).rejects.toThrow(/no fixed version/);
    expect((await update('v1.16.0', { distributions: 'experimental' })).runtime.failures.join()).toMatch(/frozen/);
    expect(changesSent()).toEqual([]);
    const { outputs } = await update(COMMIT, { distributions: 'snapshot' });
    expect(outputs['pull-requests']).toHaveLength(1);
  });

  it('needs a Dockerfile that starts from a package registry', async () => {
    await fixture.commit('staging', { Dockerfile: 'FROM scratch\n' });
    const { runtime } = await update('v1.16.0', { distributions: 'staging' });
    expect(runtime.failures.join()).toMatch(/'staging' has no Dockerfile whose/);
    expect((await update('v1.16.0', { distributions: 'snapshot' })).outputs['pull-requests']).toHaveLength(1);
  });

  it('looks for the image that FROM resolves to, with what is around the version', async () => {
    await fixture.commit('staging', {
      Dockerfile: dockerfile('v1.15.0')
        .replace('FROM registry.example.com', 'ARG HOST=registry.example.com\nFROM ${HOST}')
        .replace(':${PACKAGE_REGISTRY}', ':${PACKAGE_REGISTRY}-ubi'),
    });
    const missing = await update('v1.16.0', { distributions: 'staging' });
    expect(missing.runtime.failures.join()).toMatch(/no image registry.example.com\/package-registry:v1.16.0-ubi/);
    expect(changesSent()).toEqual([]);
    await publish('package-registry', 'v1.16.0-ubi');
    const { runtime, outputs } = await update('v1.16.0', { distributions: 'staging' });
    expect(runtime.failures).toEqual([]);
    expect(outputs['pull-requests']).toHaveLength(1);
    const diff = await fixture.git('diff', '--unified=0', 'staging', 'update-registry/staging');
    expect(diff.split('\n').filter((line) => /^[+-]\w/.test(line))).toEqual([
      '-ARG PACKAGE_REGISTRY=v1.15.0',
      '+ARG PACKAGE_REGISTRY=v1.16.0',
    ]);
  });

  it('changes every place that names the version, in a stage and a here-document or not', async () => {
    const text = (version: string) =>
      [
        '# escape=`',
        `ARG A=1 PACKAGE_REGISTRY=${version}`,
        'FROM registry.example.com/package-registry:$PACKAGE_REGISTRY AS Base',
        'RUN cat <<EOF >/etc/motd',
        'from registry.example.com/package-registry:v1.15.0',
        'EOF',
        `ARG PACKAGE_REGISTRY=${version}`,
        'LABEL a=b `',
        `  package-registry="${version}"`,
        'FROM base',
        'COPY packages /packages/staging',
        '',
      ].join('\r\n');
    await fixture.commit('staging', { Dockerfile: text('v1.15.0') });
    const { runtime } = await update('v1.16.0', { distributions: 'staging' });
    expect(runtime.failures).toEqual([]);
    expect(`${await fixture.git('show', 'update-registry/staging:Dockerfile')}\r\n`).toBe(text('v1.16.0'));
  });

  it('refuses a Dockerfile that can be changed in part only, and says where', async () => {
    const source = `${dockerfile('v1.15.0')}LABEL package-registry=v1.15".0"\n`;
    await fixture.commit('staging', { Dockerfile: source });
    const { runtime, outputs } = await update('v1.16.0', { distributions: 'staging' });
    expect(runtime.failures.join()).toMatch(
      /staging:Dockerfile:5: LABEL: 'v1.15.0' is put together from several pieces/,
    );
    expect(outputs).toMatchObject({ changed: false, 'pull-requests': [] });
    expect(changesSent()).toEqual([]);
    await fixture.commit('staging', { Dockerfile: Buffer.from(`# \xe9\n${dockerfile('v1.15.0')}`, 'latin1') });
    const other = await update('v1.16.0', { distributions: 'staging' });
    expect(other.runtime.failures.join()).toMatch(/staging:Dockerfile:1: it is not UTF-8/);
  });

  it('reports where versions disagree', async () => {
    await fixture.commit('staging', {
      Dockerfile: dockerfile('v1.14.0').replace('registry=${PACKAGE_REGISTRY}', 'registry=v0.21.0'),
    });
    const { runtime, outputs } = await update('v1.16.0', { distributions: 'snapshot' });
    expect(outputs.drift).toEqual([
      { distribution: 'production', place: 'ARG', value: 'v1.15.0' },
      { distribution: 'staging', place: 'ARG', value: 'v1.14.0' },
      { distribution: 'staging', place: 'LABEL', value: 'v0.21.0' },
      { distribution: 'snapshot', place: 'ARG', value: 'v1.15.0' },
    ]);
    expect(runtime.annotations.every(({ severity }) => severity === 'warning')).toBe(true);
  });
});

const MODULE = 'github.com/acme/package-registry';
const GO_FILES = {
  'go.mod': `module github.com/acme/package-storage\n\ngo 1.18\n\nrequire ${MODULE} v1.15.0\n`,
  'tools.go': `package storage\n\nimport _ "${MODULE}"\n`,
  '.gitignore': '*.log\n',
};

describe('a go.mod', () => {
  beforeEach(() => fixture.commit('staging', GO_FILES));

  it('makes the pull request a draft with exactly the commands, where there is no go', async () => {
    const { outputs } = await update('v1.16.0', { distributions: 'staging' });
    const pull = await fixture.call('GET', `pulls/${outputs['pull-requests'][0]?.number}`);
    expect(pull).toMatchObject({ draft: true });
    expect(pull['body']).toContain(`\`\`\`sh\ngo get ${MODULE}@v1.16.0\ngo mod tidy\n\`\`\``);
    expect(await fixture.git('diff', '--name-only', 'staging', 'update-registry/staging')).toBe('Dockerfile');
    await fixture.commit('staging', { 'vendor/modules.txt': '' });
    const again = await update('v1.16.0', { distributions: 'staging' });
    const body = (await fixture.call('GET', `pulls/${again.outputs['pull-requests'][0]?.number}`))['body'];
    expect(body).toContain(`\`\`\`sh\ngo get ${MODULE}@v1.16.0\nmage vendor\n\`\`\``);
  });

  it('makes a pull request a draft, and ready again, as the next version needs it', async () => {
    const isDraft = async (number = 0) => (await fixture.call('GET', `pulls/${number}`))['draft'];
    await fixture.commit('staging', { 'go.mod': 'module x\n' });
    const ready = await update('v1.16.0', { distributions: 'staging' });
    const number = ready.outputs['pull-requests'][0]?.number;
    expect(await isDraft(number)).toBe(false);
    await fixture.commit('staging', GO_FILES);
    const draft = await update('v1.17.0', { distributions: 'staging' });
    expect(draft.outputs['pull-requests']).toMatchObject([{ number }]);
    expect(await isDraft(number)).toBe(true);
    await fixture.commit('staging', { 'go.mod': 'module x\n' });
    await update('v1.17.0', { distributions: 'staging' });
    expect(await isDraft(number)).toBe(false);
  });

  it('is left as somebody has completed it', async () => {
    const { outputs } = await update('v1.16.0', { distributions: 'staging' });
    const branch = 'update-registry/staging';
    const goMod = GO_FILES['go.mod'].replace('v1.15.0', 'v1.16.0');
    const head = await fixture.commit(branch, { 'go.mod': goMod }, undefined, 'go get');
    const again = await update('v1.16.0', { distributions: 'staging' });
    expect(again.runtime.failures).toEqual([]);
    expect(again.outputs).toMatchObject({ changed: false, 'pull-requests': outputs['pull-requests'] });
    expect(await fixture.id(branch)).toBe(head);
    const other = await update('v1.17.0', { distributions: 'staging' });
    expect(other.runtime.failures.join()).toMatch(/is not ours and would be lost/);
  });

  it('is left alone when it does not require the package registry', async () => {
    await fixture.commit('staging', { 'go.mod': 'module x\n' });
    const { outputs } = await update('v1.16.0', { distributions: 'staging' });
    expect(outputs.plan).toMatchObject([{ commands: [], draft: false }]);
  });
});

/** Asks for go with the PATH of the tests. */
function hasGo(): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasGo())('with go on the PATH', () => {
  /** Go fetches modules of this host by git alone, and git takes them from a directory. */
  const environment = (): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    GOPROXY: 'direct',
    GOSUMDB: 'off',
    GOFLAGS: '-modcacherw',
    GOTOOLCHAIN: 'local',
    SECRET: 'must not be seen',
  });

  beforeEach(async () => {
    const bare = join(home, 'modules/acme/package-registry.git');
    await mkdir(join(home, 'modules/acme'), { recursive: true });
    await createBareRepository(bare);
    for (const version of ['v1.15.0', 'v1.16.0']) {
      const source = `package registry\n\nconst Version = "${version}"\n`;
      const files = { 'go.mod': `module ${MODULE}\n\ngo 1.18\n`, 'registry.go': source };
      const id = await commitFiles(bare, 'main', files, { message: version });
      await promisify(execFile)('git', ['-C', bare, 'tag', version, id]);
    }
    await writeFile(join(home, '.gitconfig'), `[url "file://${home}/modules/"]\n\tinsteadOf = https://github.com/\n`);
    await fixture.commit('staging', GO_FILES);
  });

  it('go.mod and go.sum follow in the same commit', async () => {
    const { outputs } = await update('v1.16.0', { distributions: 'staging' }, environment());
    const branch = 'update-registry/staging';
    expect(await fixture.call('GET', `pulls/${outputs['pull-requests'][0]?.number}`)).toMatchObject({ draft: false });
    expect((await fixture.git('diff', '--name-only', 'staging', branch)).split('\n')).toEqual([
      'Dockerfile',
      'go.mod',
      'go.sum',
    ]);
    expect(await fixture.git('show', `${branch}:go.mod`)).toContain(`${MODULE} v1.16.0`);
    expect(await fixture.git('show', `${branch}:go.sum`)).toContain(`${MODULE} v1.16.0 h1:`);
    expect(await fixture.git('rev-parse', `${branch}^`)).toBe(await fixture.id('staging'));
    expect(await fixture.packages(branch)).toEqual(['base/1.0.0']);
    expect(await readdir(join(home)).then((names) => names.filter((name) => name.startsWith('checkout-')))).toEqual([]);
    const again = await update('v1.16.0', { distributions: 'staging' }, environment());
    expect(again.outputs.changed).toBe(false);
  });

  it('mage vendors where there is a vendor directory, without secrets', async () => {
    const mage =
      '#!/bin/sh\n[ "$1" = -version ] && exit 0\nenv > vendor/environment\nrm vendor/old\necho new > vendor/new\n';
    await mkdir(join(home, 'bin'));
    await writeFile(join(home, 'bin/mage'), mage, { mode: 0o755 });
    await fixture.commit('staging', { 'vendor/old': 'x', 'vendor/modules.txt': 'x' });
    const env = { ...environment(), PATH: `${join(home, 'bin')}:${process.env['PATH']}` };
    await update('v1.16.0', { distributions: 'staging' }, env);
    const names = await fixture.git('diff', '--name-status', '--no-renames', 'staging', 'update-registry/staging');
    expect(names.split('\n')).toEqual(
      expect.arrayContaining(['D\tvendor/old', 'A\tvendor/new', 'M\tDockerfile', 'M\tgo.mod']),
    );
    const seen = await fixture.git('show', 'update-registry/staging:vendor/environment');
    expect(seen).not.toMatch(/SECRET|sandbox-token|EXTRAHEADER|GIT_CONFIG/i);
    expect(seen).not.toContain(Buffer.from('x-access-token:sandbox-token').toString('base64'));
  });

  it('a version that go does not find fails with what go says', async () => {
    const { runtime } = await update('v1.17.0', { distributions: 'staging' }, environment());
    expect(runtime.failures.join()).toMatch(
      /go get github.com\/acme\/package-registry@v1.17.0 failed:[\s\S]*unknown revision v1.17.0/,
    );
    expect(changesSent().filter(({ path }) => /refs|pulls/.test(path))).toEqual([]);
  });
});

describe.skipIf(!existsSync(EXTRACT))('the Dockerfiles of a real package storage', () => {
  it('are changed in one line each', async () => {
    const { url } = fixture.registry;
    const registries = `registries:\n  docker.elastic.co: { endpoint: "${url}", plain-http: true }\n`;
    await fixture.commit('main', { '.github/slipway.yaml': registries });
    await publish('package-registry/package-registry', 'v1.16.0');
    for (const branch of ['production', 'staging', 'snapshot']) {
      const files = { Dockerfile: await readFile(join(EXTRACT, branch, 'Dockerfile')) };
      await fixture.commit(branch, files, null);
    }
    const { outputs } = await update('v1.16.0');
    expect(outputs.drift).toEqual([]);
    for (const branch of ['production', 'staging', 'snapshot']) {
      const stat = await fixture.git('diff', '--numstat', branch, `update-registry/${branch}`);
      expect(stat).toBe('1\t1\tDockerfile');
    }
  });
});
