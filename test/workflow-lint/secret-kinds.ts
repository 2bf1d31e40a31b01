/** What a secret opens. */
export type SecretKind = 'registry' | 'object store' | 'kubernetes' | 'app' | 'token';

const KINDS: readonly (readonly [RegExp, SecretKind])[] = [
  [/kubeconfig/, 'kubernetes'],
  [/access-key-id|access-key-secret|security-token/, 'object store'],
  [/app-id|app-private-key/, 'app'],
  [/username|password/, 'registry'],
  [/token/, 'token'],
];

/** The kinds that open something other than GitHub. */
const OUTWARD: readonly SecretKind[] = ['registry', 'object store', 'kubernetes'];

/** Returns what a secret opens, by its name (as `secretName` gives it); undefined for a name that does not say. */
export function kindOfSecret(name: string): SecretKind | undefined {
  return KINDS.find(([pattern]) => pattern.test(name))?.[1];
}

/** Returns whether a secret opens something other than GitHub. */
export function isOutward(name: string): boolean {
  const kind = kindOfSecret(name);
  return kind !== undefined && OUTWARD.includes(kind);
}
