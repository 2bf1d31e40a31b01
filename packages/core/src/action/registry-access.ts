import type { Configuration } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';
import { formatReference, parseReference, type Reference } from '../image/reference.ts';
import { type Credential, type CredentialStore, loadDockerCredentials } from '../registry/credentials.ts';
import { Registries } from '../registry/registries.ts';
import type { Runtime } from './action.ts';
import { optional, secret, text } from './inputs.ts';

/** The inputs of an action that reads from a source and writes to a target registry. */
export const SOURCE_INPUTS = { 'source-username': optional(text), 'source-password': secret() } as const;
export const TARGET_INPUTS = { 'target-username': optional(text), 'target-password': secret() } as const;

type Side = 'source' | 'target';
type SideInputs = { readonly [Name in `${Side}-username` | `${Side}-password`]?: string | undefined };

/**
 * Opens the registries of one side, for these references and no others.
 *
 * Once the configuration says where the side is, a reference outside of it must be to a registry that is configured, or
 * nothing is contacted. Credentials come from the side's inputs, which are for the side's own host only, else from
 * docker's configuration; every secret is masked before it is used.
 */
export async function openRegistries(
  side: Side,
  references: readonly Reference[],
  inputs: SideInputs,
  configuration: Configuration,
  runtime: Runtime,
): Promise<Registries> {
  for (const reference of references) checkAllowed(side, reference, configuration);
  const docker = await loadDockerCredentials(runtime.env);
  const given = readCredential(side, inputs);
  const credentials: CredentialStore =
    given === undefined ? docker : docker.with(hostsOf(side, references, configuration), given);
  for (const secretText of credentials.secrets()) runtime.mask(secretText);
  return new Registries(configuration.registries, credentials, runtime.log);
}

function checkAllowed(side: Side, reference: Reference, configuration: Configuration): void {
  const path = configuration.plugins[side];
  const text = formatReference(reference);
  if (path === undefined || text.startsWith(`${path}/`) || reference.registry in configuration.registries) return;
  throw new ConfigurationError(
    'registry-not-allowed',
    `${text} is not below ${path}, and its registry is not in the configuration's \`registries\`. ` +
      `Correct the reference, or add the registry:\n\nregistries:\n  ${reference.registry}: {}\n`,
  );
}

/** The hosts that the side's own credentials are for: the configured one, or those that were named by hand. */
function hostsOf(side: Side, references: readonly Reference[], configuration: Configuration): string[] {
  const path = configuration.plugins[side];
  if (path !== undefined) return [parseReference(`${path}/any`).registry];
  return [...new Set(references.map(({ registry }) => registry))];
}

function readCredential(side: Side, inputs: SideInputs): Credential | undefined {
  const username = inputs[`${side}-username`];
  const password = inputs[`${side}-password`];
  if (username === undefined && password === undefined) return undefined;
  if (username !== undefined && password !== undefined) return { username, password };
  throw new ConfigurationError(
    'incomplete-credentials',
    `inputs '${side}-username' and '${side}-password' belong together; only one of them was given.`,
  );
}
