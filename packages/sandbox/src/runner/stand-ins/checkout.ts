/** Stand-in for actions/checkout: one commit, by git over smart HTTP, with the job's token. */
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { env } from 'node:process';
import { flag, input, play, setOutput } from './script.ts';

await play('actions/checkout', async () => {
  const workspace = env['GITHUB_WORKSPACE'] ?? '';
  const directory = resolve(workspace, input('path'));
  if (relative(workspace, directory).startsWith('..')) throw new Error(`path '${input('path')}' leaves the workspace`);
  const repository = input('repository');
  await refuseForks(repository, input('ref'));
  const server = env['GITHUB_SERVER_URL'] ?? 'https://github.com';
  const [ref, branch] = await wantedRef(repository);
  const basic = Buffer.from(`x-access-token:${input('token')}`).toString('base64');
  console.log(`::add-mask::${basic}`);
  const header = [`http.${server}/.extraheader`, `AUTHORIZATION: basic ${basic}`] as const;
  const git = await emptyClone(directory, `${server}/${repository}`, header);
  if (flag('persist-credentials')) await git(['config', ...header]);
  const depth = Number(input('fetch-depth'));
  const options = ['--no-tags', '--prune', ...(depth > 0 ? [`--depth=${depth}`] : [])];
  const fetch = (wanted: string): Promise<string> => git(['fetch', ...options, 'origin', wanted]);
  const commit = await fetchFirst(ref, fetch).then(() => git(['rev-parse', '--verify', 'FETCH_HEAD^{commit}']));
  await git(['checkout', '--force', ...(branch === undefined ? ['--detach'] : ['-B', branch]), commit]);
  console.log(`${repository} is at ${commit}`);
  setOutput('commit', commit);
  setOutput('ref', input('ref') || (env['GITHUB_REF'] ?? ''));
});

/**
 * Refuses a fork's files where a workflow has the base's rights, as the real action does.
 *
 * @see https://github.com/actions/checkout/pull/2454
 */
async function refuseForks(repository: string, ref: string): Promise<void> {
  if (env['GITHUB_EVENT_NAME'] !== 'pull_request_target') return;
  const event: unknown = JSON.parse(await readFile(env['GITHUB_EVENT_PATH'] ?? '', 'utf8'));
  const pull = member(event, 'pull_request');
  const [head, base] = [member(pull, 'head'), member(pull, 'base')];
  const [fork, own] = [head, base].map((side) => String(member(member(side, 'repo'), 'full_name')).toLowerCase());
  if (fork === own) return;
  const isFork = repository.toLowerCase() === fork || ref === member(head, 'sha') || /^refs\/pull\//.test(ref);
  if (isFork) throw new Error(`refusing to check out the fork ${fork} in a workflow that has the rights of ${own}`);
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** Returns the names under which the wanted commit may be found, and the branch that it is checked out as. */
async function wantedRef(repository: string): Promise<[refs: readonly string[], branch: string | undefined]> {
  const given = input('ref');
  const branchOf = (ref: string): string | undefined => /^refs\/heads\/(.+)$/.exec(ref)?.[1];
  if (given === '') {
    const isOwn = repository.toLowerCase() === (env['GITHUB_REPOSITORY'] ?? '').toLowerCase();
    return isOwn ? [[env['GITHUB_SHA'] ?? ''], branchOf(env['GITHUB_REF'] ?? '')] : [['HEAD'], undefined];
  }
  if (/^[0-9a-f]{40}$/.test(given)) return [[given], undefined];
  if (given.startsWith('refs/')) return [[given], branchOf(given)];
  return [[`refs/heads/${given}`, `refs/tags/${given}`], given];
}

async function fetchFirst(refs: readonly string[], fetch: (ref: string) => Promise<string>): Promise<void> {
  const reasons: string[] = [];
  for (const ref of refs) {
    try {
      await fetch(ref);
      return;
    } catch (error) {
      reasons.push(String(error));
    }
  }
  throw new Error(reasons.join('\n'));
}

type Git = (args: readonly string[]) => Promise<string>;

/** What an earlier step left in the directory goes, as with the real action. */
async function emptyClone(directory: string, url: string, [key, value]: readonly [string, string]): Promise<Git> {
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
  // By the environment: what stands in a command line is seen by everybody on the machine.
  const isolated = {
    ...env,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: key,
    GIT_CONFIG_VALUE_0: value,
  };
  const git: Git = (args) => runGit(directory, args, isolated);
  await git(['init', '--quiet', '--initial-branch=main']);
  await git(['remote', 'add', 'origin', url]);
  return git;
}

function runGit(directory: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('git', ['-C', directory, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const command = args.find((arg) => /^[a-z]+$/.test(arg));
      if (code === 0) done(stdout.trim());
      else reject(new Error(`git ${command} exits with ${code}: ${stderr.trim()}`));
    });
  });
}
