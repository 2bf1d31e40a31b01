import { messageOf } from '../errors.ts';
import { readAll } from '../util/content.ts';
import { createDispatcher, type HttpResponse, send } from '../util/http.ts';
import type { Dispatcher } from '../util/http-dispatcher.ts';
import type { Log } from '../util/log.ts';
import type { Clock } from './clock.ts';

/** One version of a package, as a registry names it. */
export interface PackageVersion {
  readonly name: string;
  readonly version: string;
}

export interface ServedPackagesOptions {
  /** Where the package registry answers, without a slash at the end. */
  readonly url: string;
  readonly expect: readonly PackageVersion[];
  /** Milliseconds that what stands before the registry may show old answers. */
  readonly cache: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds after which an answer is not waited for any longer; default 30,000. */
  readonly patience?: number;
}

/** Milliseconds between two questions. */
const PAUSE = { first: 500, most: 5000, growth: 1.5 };

const PATIENCE = 30_000;

/** The list of all packages has a few kilobytes for each version. */
const LIMIT = 256 * 1024 * 1024;

/**
 * Asks a package registry until it is healthy and lists every expected package, or the cache time has passed. Returns
 * undefined, or what is missing then.
 *
 * https://github.com/elastic/package-registry#search
 */
export async function awaitServed(options: ServedPackagesOptions): Promise<string | undefined> {
  const { clock, cache, log, url } = options;
  const end = clock.now() + cache;
  let said = '';
  for (let pause = PAUSE.first; ; pause = Math.min(PAUSE.most, pause * PAUSE.growth)) {
    const missing = await askOnce(options);
    if (missing === undefined) return undefined;
    const left = end - clock.now();
    if (left <= 0) return missing;
    if (missing !== said) log.info(`${url} is asked again until its cache has expired: ${missing}`);
    said = missing;
    await clock.sleep(Math.min(pause, left));
  }
}

/** Asks over a connection of its own, which ends with the question: the next one must not wait behind one that hangs. */
async function askOnce(options: ServedPackagesOptions): Promise<string | undefined> {
  const { url, patience = PATIENCE } = options;
  const dispatcher = createDispatcher({ connections: 1 });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, patience, `${url} does not answer within ${patience / 1000} s`);
  });
  try {
    return await Promise.race([ask(options, dispatcher).catch(messageOf), late]);
  } finally {
    clearTimeout(timer);
    await dispatcher.destroy();
  }
}

/** Returns what an answer lacks; undefined when it lacks nothing. */
async function ask({ url, expect }: ServedPackagesOptions, dispatcher: Dispatcher): Promise<string | undefined> {
  const get = (path: string): Promise<HttpResponse> =>
    send({ method: 'GET', url: new URL(`${url}${path}`), headers: { 'user-agent': 'slipway' }, dispatcher });
  const health = await get('/health');
  await health.discard();
  if (health.status !== 200) return `${url}/health answers ${health.status}`;
  const path = '/search?all=true&prerelease=true';
  const search = await get(path);
  if (search.status !== 200) {
    await search.discard();
    return `${url}${path} answers ${search.status}`;
  }
  const served = readNames(JSON.parse((await readAll(search.body, LIMIT)).toString('utf8')));
  if (served === undefined) return `${url}${path} answers no list of packages`;
  const missing = expect.map(({ name, version }) => `${name}-${version}`).filter((name) => !served.has(name));
  return missing.length === 0 ? undefined : `${url} does not serve ${missing.join(', ')}`;
}

function readNames(value: unknown): ReadonlySet<string> | undefined {
  if (!Array.isArray(value)) return undefined;
  return new Set(
    value.map((item: Partial<Record<'name' | 'version', unknown>> | null) => `${item?.name}-${item?.version}`),
  );
}
