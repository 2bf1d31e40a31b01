import type { Distribution } from '../configuration/storage.ts';
import { ConfigurationError } from '../errors.ts';
import { writeBlob } from '../github/git-data.ts';
import { gitBlobId } from '../github/git-object.ts';
import { findOpenPullRequest } from '../github/pull-request-change.ts';
import { mapPooled } from '../util/pool.ts';
import { Checkout, hasTool, type Remote } from './checkout.ts';
import { checkNotFrozen } from './direction.ts';
import { editFiles, type FileChange } from './edit-files.ts';
import { DIRECTORY, PACKAGES } from './packages.ts';
import { propose, requireHead, whileHeadsMove, withdraw } from './proposal.ts';
import { findRegistryModule, isSameVersion, type NamedVersion, type RegistryModule } from './registry-version.ts';
import { setRegistryVersion } from './registry-version-edit.ts';
import { readRegistryBase } from './registry-version-places.ts';
import type { StorageRepository } from './storage-repository.ts';
import { titlePrefix } from './title.ts';
import type { TreeEdit } from './tree-edit.ts';

/** What a distribution's branch says about the package registry it runs. */
export interface RegistryState {
  readonly distribution: string;
  readonly commit: string;
  readonly dockerfile: { readonly source: string; readonly mode: FileMode };
  /** The image that it starts from, without tag and digest. */
  readonly image: string;
  readonly module: RegistryModule | undefined;
  readonly hasVendor: boolean;
  readonly versions: readonly NamedVersion[];
}

type FileMode = '100644' | '100755';

const DOCKERFILE = 'Dockerfile';

/** Reads what the branch of a distribution says at a commit; throws a ConfigurationError when it does not say it. */
export async function readRegistryState(
  { trees, blobs }: StorageRepository,
  distribution: string,
  commit: string,
): Promise<RegistryState> {
  const root = await trees.read(commit);
  const read = async (path: string): Promise<{ source: string; mode: FileMode } | undefined> => {
    const entry = root.find((each) => each.path === path);
    if (entry === undefined || (entry.mode !== '100644' && entry.mode !== '100755')) return undefined;
    const bytes = await blobs.read(entry.id);
    const source = bytes.toString('utf8');
    // What is not UTF-8 would be written back as something else.
    if (!Buffer.from(source).equals(bytes)) {
      throw new ConfigurationError('dockerfile', `${distribution}:${path}:1: it is not UTF-8. Save it as UTF-8.`);
    }
    return { source, mode: entry.mode };
  };
  const dockerfile = await read(DOCKERFILE);
  const base = dockerfile && readRegistryBase(dockerfile.source, nameFile(distribution));
  if (dockerfile === undefined || base === undefined) {
    throw new ConfigurationError(
      'no-registry',
      `'${distribution}' has no ${DOCKERFILE} whose last stage starts from a package registry with a tag.`,
    );
  }
  const goMod = await read('go.mod');
  const module = goMod && findRegistryModule(goMod.source, base.image);
  const ofModule: NamedVersion[] = module === undefined ? [] : [{ place: 'go.mod', value: module.version }];
  return {
    distribution,
    commit,
    dockerfile,
    image: base.image,
    module,
    hasVendor: root.some(({ path, mode }) => path === 'vendor' && mode === DIRECTORY),
    versions: [...base.versions, ...ofModule],
  };
}

/** As git names it, so that it is known which branch's file is meant. */
function nameFile(distribution: string): string {
  return `${distribution}:${DOCKERFILE}`;
}

export interface UpdateRequest {
  readonly distribution: Distribution;
  readonly version: string;
  /** Returns the digest of the image that a reference names; throws when there is no such image. */
  readonly findImage: (reference: string) => Promise<string>;
  readonly remote: Remote;
  readonly workDirectory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly dryRun: boolean;
}

/** What was planned for a distribution, and what became of it. */
export interface Update {
  readonly distribution: string;
  readonly from: string;
  readonly to: string;
  /** The commands that update go.mod, run by us or left to a person; none when there is no such module. */
  readonly commands: readonly string[];
  /** The commands could not be run here, so that the pull request is a draft. */
  readonly draft: boolean;
  readonly pullRequest: number | undefined;
  readonly changed: boolean;
}

/**
 * Puts up a pull request that moves a distribution to another version of the package registry: its Dockerfile by the API,
 * and what go has to say about go.mod in the same commit. Without go the pull request is a draft that names the commands;
 * go.mod is never edited by hand, for its sums would not fit. A pull request that somebody has completed by these commands
 * is left as it is.
 */
export function updateRegistry(storage: StorageRepository, request: UpdateRequest): Promise<Update> {
  const { distribution, version, findImage, dryRun } = request;
  checkNotFrozen(distribution);
  const { name } = distribution;
  const branch = `update-registry/${name}`;
  const title = `${titlePrefix(name)}Update package registry to `;
  return whileHeadsMove(storage, [name], async (heads) => {
    const commit = requireHead(heads, name);
    const state = await readRegistryState(storage, name, commit);
    const source = await setRegistryVersion(state.dockerfile.source, nameFile(name), version, findImage);
    const commands = goCommands(state, version);
    const plan = { distribution: name, from: state.versions[0]?.value ?? '', to: version, commands };
    if (source === state.dockerfile.source && commands.length === 0) {
      const changed = !dryRun && (await withdraw(storage, branch, name));
      return { ...plan, draft: false, pullRequest: undefined, changed };
    }
    const draft = commands.length > 0 && !(await canRun(commands, request.env));
    if (dryRun) return { ...plan, draft, pullRequest: undefined, changed: false };
    const finished = draft ? await findFinished(storage, branch, name, version) : undefined;
    if (finished !== undefined) return { ...plan, draft: false, pullRequest: finished, changed: false };
    const edit = await writeChanges(storage, state, source, draft ? [] : commands, request);
    const proposed = await propose(storage, {
      branch,
      base: { branch: name, commit },
      edit,
      title: `${title}${version}`,
      trailers: [],
      body: describeUpdate(plan, draft),
      draft,
    });
    return proposed && { ...plan, draft, pullRequest: proposed.number, changed: proposed.changed };
  });
}

/** Finds an open pull request in which everything is at this version already: somebody has run what a draft asks for. */
async function findFinished(
  storage: StorageRepository,
  branch: string,
  base: string,
  version: string,
): Promise<number | undefined> {
  const { github, name } = storage;
  const open = await findOpenPullRequest(github, name, branch, base);
  if (open === undefined) return undefined;
  try {
    const { versions } = await readRegistryState(storage, base, open.headSha);
    return versions.every(({ value }) => isSameVersion(value, version)) ? open.number : undefined;
  } catch (error) {
    // Whatever it is, it is not finished.
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}

/** Returns the commands that bring go.mod to a version; none when it is there, or names no package registry. */
function goCommands({ module, hasVendor }: RegistryState, version: string): string[] {
  if (module === undefined || isSameVersion(module.version, version)) return [];
  const query = /^\d+\./.test(version) ? `v${version}` : version;
  return [`go get ${module.path}@${query}`, hasVendor ? 'mage vendor' : 'go mod tidy'];
}

/** How each tool is asked whether it is there. */
const PROBES: Readonly<Record<string, string>> = { go: 'version', mage: '-version' };

async function canRun(commands: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const tools = new Set(commands.map((command) => command.split(' ')[0] ?? ''));
  // `go get` may download what mage builds with, so both are needed from the start.
  const found = await Promise.all([...tools].map((tool) => hasTool(tool, PROBES[tool] ?? '--version', env)));
  return found.every(Boolean);
}

async function writeChanges(
  storage: StorageRepository,
  { commit, dockerfile }: RegistryState,
  source: string,
  commands: readonly string[],
  request: UpdateRequest,
): Promise<TreeEdit> {
  const bytes = Buffer.from(source);
  await writeBlob(storage.github, storage.name, bytes);
  const changes: FileChange[] = [{ path: DOCKERFILE, blob: { id: gitBlobId(bytes), mode: dockerfile.mode } }];
  if (commands.length > 0) changes.push(...(await runCommands(storage, commit, commands, request)));
  return editFiles(storage.trees, commit, changes);
}

/** Runs commands in a work tree of the branch, and writes what they have changed to the repository. */
async function runCommands(
  { github, name }: StorageRepository,
  commit: string,
  commands: readonly string[],
  { workDirectory, env, remote }: UpdateRequest,
): Promise<readonly FileChange[]> {
  const checkout = await Checkout.open(workDirectory, env, remote, commit, PACKAGES);
  try {
    for (const command of commands) {
      const [tool = '', ...parameters] = command.split(' ');
      await checkout.run(tool, ...parameters);
    }
    const changes = await checkout.changes();
    await mapPooled(changes, 4, async ({ blob }) => {
      if (blob !== null) await writeBlob(github, name, await checkout.read(blob.id));
    });
    return changes;
  } finally {
    await checkout.remove();
  }
}

function describeUpdate(
  { distribution, from, to, commands }: Pick<Update, 'distribution' | 'from' | 'to' | 'commands'>,
  draft: boolean,
): string {
  const what = `Moves \`${distribution}\` from the package registry \`${from}\` to \`${to}\`, in its Dockerfile`;
  if (commands.length === 0) return `${what}.\n`;
  const block = `\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n`;
  if (!draft) return `${what} and, by these commands, in \`go.mod\` and what follows from it:\n\n${block}`;
  return (
    `${what}. It is a draft, because \`go.mod\` must follow and not all of the tools are on the runner. Run in a checkout of ` +
    `this branch, commit everything that changes, and mark it as ready:\n\n${block}`
  );
}
