/** Variables whose values may hold slashes: names of refs, and paths of files. */
const greedy = new Set(['ref', 'path', 'branch', 'basehead', 'tree_sha']);

interface Operation {
  /** `METHOD /template/{variable}`. */
  readonly operation: string;
}

export interface Match<T> {
  readonly route: T;
  readonly parameters: ReadonlyMap<string, string>;
}

interface Compiled<T> {
  readonly route: T;
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly length: number;
}

function compile<T extends Operation>(route: T): Compiled<T> {
  const [method = '', template = ''] = route.operation.split(' ');
  const names: string[] = [];
  const pattern = template.replaceAll(/\/?\{(\w+)\}/g, (whole, name: string) => {
    names.push(name);
    // The root directory has contents, too, with or without the slash.
    if (name === 'path') return '(?:/(.*?))?';
    return `${whole.startsWith('/') ? '/' : ''}(${greedy.has(name) ? '.+?' : '[^/]+'})`;
  });
  return { route, method, pattern: new RegExp(`^${pattern}/?$`), names, length: template.split('/').length };
}

/** Finds the route of a request; the longer template wins, so `commits/{ref}/check-runs` before `commits/{ref}`. */
export function createRouter<T extends Operation>(
  routes: readonly T[],
): (method: string, path: string) => Match<T> | undefined {
  const compiled = routes.map(compile).sort((a, b) => b.length - a.length || a.names.length - b.names.length);
  return (method, path) => {
    for (const candidate of compiled) {
      if (candidate.method !== (method === 'HEAD' ? 'GET' : method)) continue;
      const values = candidate.pattern.exec(path);
      if (values === null) continue;
      const parameters = new Map(
        candidate.names.map((name, index) => [name, decode(values[index + 1] ?? '')] as const),
      );
      return { route: candidate.route, parameters };
    }
    return undefined;
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
