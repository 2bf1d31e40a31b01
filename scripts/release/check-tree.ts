import { parseActionMetadata } from '@slipway/sandbox/runner/action-metadata';
import { asMapping, parseYaml } from '@slipway/sandbox/runner/yaml-value';
import type { Files } from './git-tree.ts';
import { eventsOf } from './workflow-events.ts';

/** What a bundle weighs today is a tenth of it; more is an accident. */
const FILE_LIMIT = 16 * 1024 * 1024;

/** Every path that a release may have, beside those of its actions. */
const COMMON = [
  /^(?:LICENSE|README\.md|action\.yml|index\.js)$/,
  /^\.github\/workflows\/[a-z0-9-]+\.yml$/,
  /^schema\/(?:[a-z0-9-]+\/)*[a-z0-9-]+(?:\.[a-z0-9-]+)*\.json$/,
];

/** The files of an action; what its bundle loads later lies beside the script. */
const ACTION = /^([a-z0-9-]+)\/(?:action\.yml|README\.md|dist\/[A-Za-z0-9_.-]+)$/;

/**
 * What a workflow consists of. Another key could be read otherwise by GitHub than by us, as `"on "`, `On` or `true` is, which
 * is `on` in YAML 1.1.
 *
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
 */
const WORKFLOW_KEYS = ['name', 'on', 'permissions', 'concurrency', 'env', 'defaults', 'jobs'];

/**
 * Throws unless the files are a release and nothing else. Looked at before every push, for what is pushed may have been
 * assembled somewhere else, from what a pull request says: a workflow that starts by itself would run with our secrets.
 */
export function checkTree(files: Files): void {
  const names = new Set<string>();
  for (const [path, content] of files) {
    const action = ACTION.exec(path)?.[1];
    if (action !== undefined) names.add(action);
    else if (!COMMON.some((pattern) => pattern.test(path))) throw new Error(`${path} does not belong to a release.`);
    const size = Buffer.byteLength(content);
    if (size > FILE_LIMIT) throw new Error(`${path} has ${size} bytes; more than ${FILE_LIMIT} are not released.`);
    if (path.startsWith('.github/')) requireCallable(path, read(content));
  }
  for (const path of ['LICENSE', 'README.md', 'action.yml', 'index.js']) {
    if (!files.has(path)) throw new Error(`The release has no ${path}.`);
  }
  if (names.size === 0) throw new Error('The release has no action.');
  for (const name of names) requireAction(files, name);
}

function requireCallable(path: string, text: string): void {
  const workflow = parseYaml(text, path);
  const other = Object.keys(asMapping(workflow, path)).find((key) => !WORKFLOW_KEYS.includes(key));
  if (other !== undefined) throw new Error(`${path} has the key '${other}', which no workflow of ours has.`);
  const events = eventsOf(workflow, path);
  if (events.length !== 1 || events[0] !== 'workflow_call') {
    throw new Error(`${path} starts by itself (${events.join(', ')}): only what others call is released.`);
  }
}

function requireAction(files: Files, name: string): void {
  for (const path of ['README.md', 'dist/package.json', 'dist/licenses.txt']) {
    if (!files.has(`${name}/${path}`)) throw new Error(`The action ${name} has no ${path}.`);
  }
  const path = `${name}/action.yml`;
  const text = files.get(path);
  if (text === undefined) throw new Error(`${path} is missing.`);
  const { using, main, pre, post } = parseActionMetadata(read(text), path);
  if (using !== 'node24') throw new Error(`${path}: runs.using is '${using}', and bundles are made for node24.`);
  for (const script of [main, pre?.path, post?.path]) {
    if (script !== undefined && !files.has(`${name}/${script}`))
      throw new Error(`${path} names ${script}, which is missing.`);
  }
}

function read(content: Uint8Array | string): string {
  return typeof content === 'string' ? content : Buffer.from(content).toString('utf8');
}
