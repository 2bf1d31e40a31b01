import type { Runtime } from '@slipway/core/action/action';
import { ConfigurationError } from '@slipway/core/errors';
import type { OssCredential } from '@slipway/core/object-store/oss-bucket';
import type { Inputs } from './inputs.ts';

/**
 * Returns the access key: each input that is given, else the environment's variable. Every secret is masked before it is
 * used.
 *
 * The environment's token is taken with the environment's key only: a token that a step before has left there fits no
 * other one.
 */
export function readCredential(inputs: Inputs, { env, mask }: Pick<Runtime, 'env' | 'mask'>): OssCredential {
  const fromEnvironment = (name: string): string | undefined => {
    const value = env[name]?.trim() || undefined;
    if (value !== undefined) mask(value);
    return checked(value, name);
  };
  const environmentId = fromEnvironment('OSS_ACCESS_KEY_ID');
  const environmentToken = fromEnvironment('OSS_SESSION_TOKEN');
  const given = (name: 'access-key-id' | 'access-key-secret' | 'security-token'): string | undefined =>
    checked(inputs[name], `input '${name}'`);
  const accessKeyId = given('access-key-id') ?? environmentId;
  const accessKeySecret = given('access-key-secret') ?? fromEnvironment('OSS_ACCESS_KEY_SECRET');
  if (accessKeyId === undefined || accessKeySecret === undefined) {
    const missing =
      accessKeyId === undefined
        ? ['access-key-id', 'OSS_ACCESS_KEY_ID']
        : ['access-key-secret', 'OSS_ACCESS_KEY_SECRET'];
    throw new ConfigurationError(
      'missing-credentials',
      `There is no access key for OSS: give the input '${missing[0]}', or set ${missing[1]} in the step's environment.`,
    );
  }
  const inherited = accessKeyId === environmentId ? environmentToken : undefined;
  return { accessKeyId, accessKeySecret, securityToken: given('security-token') ?? inherited };
}

/** Refuses what cannot stand in a header, such as a line break that was pasted with it. */
function checked(value: string | undefined, origin: string): string | undefined {
  if (value === undefined || /^[\x21-\x7e]+$/.test(value)) return value;
  throw new ConfigurationError(
    'invalid-credentials',
    `${origin} holds a space, a line break or another character that no access key has. Set the secret again, in one line.`,
  );
}
