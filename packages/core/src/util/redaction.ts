/** Query parameters that carry a signature or a credential in the URLs of registries and object stores. */
const SECRET_PARAMETERS = /(signature|token|credential|secret|password|key|sig$|_state|policy)/i;

/**
 * Returns `url` fit for a log: no user information, and no value of a query parameter that could open anything.
 */
export function redactUrl(url: string | URL): string {
  const safe = new URL(url);
  safe.username = '';
  safe.password = '';
  for (const name of new Set(safe.searchParams.keys())) {
    if (SECRET_PARAMETERS.test(name)) safe.searchParams.set(name, 'REDACTED');
  }
  return safe.href;
}
