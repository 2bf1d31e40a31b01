import type { Configuration } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';
import { canonicalName, formatReference, parseReference, type Reference } from '../image/reference.ts';
import type { Credential } from '../registry/credentials.ts';
import { loadDockerCredentials } from '../registry/docker-config.ts';
import { Registries } from '../registry/registries.ts';
import type { Runtime } from './action.ts';
import { optional, secret, text } from './inputs.ts';

/** The inputs of an action that reads from a source and writes to a target registry. */
export const SOURCE_INPUTS = { 'source-username': optional(text), 'source-password': secret() } as const;
export const TARGET_INPUTS = { 'target-username': optional(text), 'target-password': secret() } as const;

type SideName = 'source' | 'target';
type SideInputs = { readonly [Name in `${SideName}-username` | `${SideName}-password`]?: string | undefined };

/** One side of a job: which inputs hold its credentials, and where it is at home. */
export interface Side {
  readonly name: SideName;
  /** Registry and namespace, or repository; undefined when the configuration does not say. */
  readonly home: string | undefined;
  /** The key of the configuration that says so; without one, the caller vouches for the references. */
  readonly key?: string;
  /** Whether references come from a file, which whoever gave the credentials may never have read. */
  readonly listed?: boolean;
}

/** The side of the release repository that plugins' images come from or go to. */
export function pluginSide(name: SideName, { plugins }: Configuration): Side {
  const home = plugins[name];
  return { name, home: home === undefined ? undefined : canonicalName(home), key: `plugins.${name}` };
}

/** The side of the storage repository: where the distributions' images are. */
export function storageSide({ storage }: Configuration): Side {
  return { name: 'target', home: storage.image };
}

/**
 * Opens the registries of one side, for these references and no others.
 *
 * Once the configuration says where the side is at home, a reference outside of it must be to a registry that is
 * configured, or nothing is contacted. Credentials come from the side's inputs, which are for the home's host only, else
 * from docker's configuration and the programs it names; every secret is masked before it is used.
 */
export async function openRegistries(
  side: Side,
  references: readonly Reference[],
  inputs: SideInputs,
  configuration: Configuration,
  runtime: Runtime,
): Promise<Registries> {
  for (const reference of references) checkAllowed(side, reference, configuration);
  const docker = await loadDockerCredentials({
    env: runtime.env,
    mask: runtime.mask,
    advice: `give the inputs ${side.name}-username and ${side.name}-password`,
  });
  const given = readCredential(side.name, inputs);
  const credentials =
    given === undefined
      ? docker
      : docker.with(hostsOf(side, references), given, `the inputs ${side.name}-username and ${side.name}-password`);
  for (const secretText of credentials.secrets()) runtime.mask(secretText);
  return new Registries(configuration.registries, credentials, runtime.log);
}

function checkAllowed({ home }: Side, reference: Reference, configuration: Configuration): void {
  const { registry, repository } = reference;
  const name = formatReference({ registry, repository });
  if (home === undefined || name === home || name.startsWith(`${home}/`)) return;
  if (registry in configuration.registries) return;
  throw new ConfigurationError(
    'registry-not-allowed',
    `${formatReference(reference)} is not below ${home}, and its registry is not in the configuration's \`registries\`. ` +
      `Correct the reference, or add the registry:\n\nregistries:\n  ${registry}: {}\n`,
  );
}

/**
 * The hosts that the side's own credentials are for: the home's, or the one that was named by hand. Where there are several
 * nobody knows whose password it is, and every host but one would learn somebody else's.
 */
function hostsOf({ name, home, key, listed = false }: Side, references: readonly Reference[]): string[] {
  if (home !== undefined) return [parseReference(`${home}/any`).registry];
  const hosts = [...new Set(references.map(({ registry }) => registry))];
  if (key === undefined || (hosts.length < 2 && !listed)) return hosts;
  throw new ConfigurationError(
    'ambiguous-credentials',
    `inputs '${name}-username' and '${name}-password' are for one registry, and the images name ` +
      `${listed ? `theirs in a file (${nameSome(hosts)})` : nameSome(hosts)}. Say in the configuration whose they are:\n\n` +
      `plugins:\n  ${name}: ${hosts[0] ?? '<registry>'}/<namespace>\n\n` +
      'or leave these inputs out and run docker login for each registry before this step.',
  );
}

function nameSome(hosts: readonly string[]): string {
  return `${hosts.slice(0, 5).join(', ')}${hosts.length > 5 ? `, and ${hosts.length - 5} more` : ''}`;
}

function readCredential(side: SideName, inputs: SideInputs): Credential | undefined {
  const username = inputs[`${side}-username`];
  const password = inputs[`${side}-password`];
  if (username === undefined && password === undefined) return undefined;
  if (username !== undefined && password !== undefined) return { username, password };
  throw new ConfigurationError(
    'incomplete-credentials',
    `inputs '${side}-username' and '${side}-password' belong together; only one of them was given.`,
  );
}
