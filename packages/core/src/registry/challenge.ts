/** What a registry asks for in a `WWW-Authenticate` header. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

/**
 * Returns the challenge in a `WWW-Authenticate` header, bearer before basic; undefined when it has neither.
 *
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined) return undefined;
  const bearer = /(?:^|,\s*)bearer\s+(.*)$/is.exec(header);
  if (bearer !== null) {
    const parameters = parseParameters(bearer[1] ?? '');
    const realm = parameters.get('realm');
    if (realm !== undefined) {
      return { scheme: 'bearer', realm, service: parameters.get('service'), scope: parameters.get('scope') };
    }
  }
  return /(?:^|,\s*)basic(?:\s|$)/i.test(header) ? { scheme: 'basic' } : undefined;
}

function parseParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(/([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi)) {
    parameters.set(name.toLowerCase(), quoted ?? plain ?? '');
  }
  return parameters;
}
