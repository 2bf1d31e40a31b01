import type { Configuration } from '../configuration/configuration.ts';
import { ConfigurationError } from '../errors.ts';
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
 * Opens the registries of one side. Credentials come from the side's inputs, for the hosts of that side only, else from
 * docker's configuration; every secret is masked before it is used.
 */
export async function openRegistries(
  side: Side,
  hosts: readonly string[],
  inputs: SideInputs,
  configuration: Configuration,
  runtime: Runtime,
): Promise<Registries> {
  const docker = await loadDockerCredentials(runtime.env);
  const given = readCredential(side, inputs);
  const credentials: CredentialStore = given === undefined ? docker : docker.with(hosts, given);
  for (const secretText of credentials.secrets()) runtime.mask(secretText);
  return new Registries(configuration.registries, credentials, runtime.log);
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
