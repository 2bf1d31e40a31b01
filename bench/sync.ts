import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DockerRegistry } from '../test/interop/docker-registry.ts';
import { actionCommand } from './action-command.ts';
import type { Attempt, Contest, Contestant } from './contest.ts';
import type { SetName } from './images.ts';
import { measure } from './measure.ts';
import { countRequests, type ImageSet, type Place, SOURCE_PATH, TAG } from './place.ts';
import { type Network, startProxy } from './proxy.ts';
import { copyFourAtOnce, copyOneByOne, sync, syncFile, whyMissing } from './skopeo.ts';

interface SyncCase {
  readonly set: SetName;
  /** True: the target has everything already. */
  readonly warm?: boolean;
  /** Between the client and both registries; default loopback itself. */
  readonly network?: Network;
  readonly printedOnly?: boolean;
}

export const SYNC_CASES: Readonly<Record<string, SyncCase>> = {
  'typical-cold': { set: 'typical' },
  'typical-warm': { set: 'typical', warm: true },
  'small-warm': { set: 'small', warm: true },
  'typical-latency-50ms': { set: 'typical', network: { delay: 25 } },
  'big-cold': { set: 'big' },
  'small-cold': { set: 'small' },
  'multiarch-cold': { set: 'multiarch' },
  'big-slow-connections': {
    set: 'big',
    network: { delay: 5, bandwidth: 12_500_000, perConnection: true },
    printedOnly: true,
  },
  'typical-bandwidth-400mbit': { set: 'typical', network: { delay: 5, bandwidth: 50_000_000 }, printedOnly: true },
};

/** Lets `hold` have a contest between sync-images and the ways of skopeo to copy the images of a case. */
export async function syncContest<T>(place: Place, name: string, hold: (contest: Contest) => Promise<T>): Promise<T> {
  const { set: setName, warm = false, network, printedOnly = false } = SYNC_CASES[name] ?? {};
  if (setName === undefined) throw new Error(`There is no case ${name} of sync.`);
  const set = await place.images(setName);
  const contest = (withTarget: <R>(work: (target: DockerRegistry) => Promise<R>) => Promise<R>): Contest => {
    const entrant = (entrantName: string, makeScript: ScriptMaker): Contestant => ({
      name: entrantName,
      absent: makeScript === oursScript ? undefined : whyMissing('skopeo'),
      attempt: () =>
        withTarget((target) =>
          withNetwork(place.source, target, network, (ends) => attempt(place, set, target, ends, makeScript)),
        ),
    });
    return {
      job: 'sync',
      name,
      printedOnly,
      ours: entrant('sync-images', oursScript),
      peers: [
        entrant('skopeo copy', (_, ends) => copyOneByOne(copiesOf(set, ends))),
        entrant('skopeo sync', skopeoSyncScript),
        entrant('skopeo copy, four at once', (_, ends) => copyFourAtOnce(copiesOf(set, ends))),
      ],
    };
  };
  if (!warm) return hold(contest((work) => place.withTarget(work)));
  return place.withTarget(async (target) => {
    await attempt(place, set, target, { source: place.source.name, target: target.name }, oursScript);
    return hold(contest((work) => work(target)));
  });
}

/** Where the client sees the registries. */
interface Ends {
  readonly source: string;
  readonly target: string;
}

type ScriptMaker = (place: Place, ends: Ends, set: ImageSet, temp: string) => string | Promise<string>;

async function attempt(
  place: Place,
  set: ImageSet,
  target: DockerRegistry,
  ends: Ends,
  makeScript: ScriptMaker,
): Promise<Attempt> {
  const temp = place.fresh('temp');
  const script = await makeScript(place, ends, set, temp);
  const marks = [place.source, target].map((registry) => [registry, registry.log().length] as const);
  const measured = await measure({ script, directory: place.directory });
  // A registry logs a request after it has answered.
  await sleep(50);
  const requests = marks.reduce((sum, [registry, mark]) => sum + countRequests(registry, mark), 0);
  await verify(set, target);
  await rm(temp, { recursive: true, force: true });
  return { ...measured, bytes: set.bytes, requests };
}

async function withNetwork<T>(
  source: DockerRegistry,
  target: DockerRegistry,
  network: Network | undefined,
  work: (ends: Ends) => Promise<T>,
): Promise<T> {
  if (network === undefined) return work({ source: source.name, target: target.name });
  const proxies = await Promise.all(
    [source, target].map(({ name }) => startProxy(Number(name.split(':')[1]), network)),
  );
  try {
    const [sourceProxy, targetProxy] = proxies;
    return await work({ source: sourceProxy?.name ?? '', target: targetProxy?.name ?? '' });
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
}

const TARGET_PATH = 'release';

function copiesOf(set: ImageSet, ends: Ends) {
  return set.images.map(({ name }) => ({
    source: `${ends.source}/${SOURCE_PATH}/${name}:${TAG}`,
    target: `${ends.target}/${TARGET_PATH}/${name}:${TAG}`,
  }));
}

const oursScript: ScriptMaker = async (place, ends, set, temp) => {
  const config = `${temp}.yaml`;
  await writeFile(config, plainRegistries(ends.source, ends.target));
  const images = copiesOf(set, ends).map(({ source, target }) => `${source} ${target}`);
  return (await actionCommand(place.tree, 'sync-images', { images: images.join('\n'), config }, temp)).script;
};

const skopeoSyncScript: ScriptMaker = async (_, ends, set, temp) => {
  const file = `${temp}.yaml`;
  const repositories = set.images.map(({ name }) => `${SOURCE_PATH}/${name}`);
  await writeFile(file, syncFile(ends.source, repositories, TAG));
  return sync(file, `${ends.target}/${TARGET_PATH}`);
};

/** A configuration that says of registries that they speak http without TLS. */
export function plainRegistries(...names: readonly string[]): string {
  return `registries:\n${names.map((name) => `  "${name}": { plain-http: true }\n`).join('')}`;
}

/** Throws unless the target has every tag with the digest of the source: a fast copy that is none does not count. */
async function verify({ images }: ImageSet, target: DockerRegistry): Promise<void> {
  for (const { name, image } of images) {
    const response = await fetch(`http://${target.name}/v2/${TARGET_PATH}/${name}/manifests/${TAG}`, {
      method: 'HEAD',
      headers: { accept: image.manifest.mediaType },
    });
    const digest = response.headers.get('docker-content-digest');
    if (digest !== image.manifest.digest)
      throw new Error(`${name} is ${digest} in the target, not ${image.manifest.digest}.`);
  }
}
