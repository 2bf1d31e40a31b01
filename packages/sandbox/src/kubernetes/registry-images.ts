import { MANIFEST_ACCEPT } from '../images/manifest-accept.ts';
import { PushSession } from '../images/push-session.ts';
import type { ImageResolver } from './kubelet.ts';

/** Where a node finds a registry, by the name in image references. */
export interface NodeRegistry {
  /** `http://127.0.0.1:5000`. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
}

export interface RegistryImagesOptions {
  /** By the registry's name in references; others do not exist for the node. */
  readonly registries: Readonly<Record<string, NodeRegistry>>;
  /** True reports, of an image with several platforms, the manifest of this one, as some runtimes do. */
  readonly platform?: { readonly os: string; readonly architecture: string };
}

/** Resolves images through registries, as a node does that pulls them. */
export function imagesOfRegistries({ registries, platform }: RegistryImagesOptions): ImageResolver {
  return async (image) => {
    const [, host = '', repository = '', tag, digest] = /^([^/]+)\/([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(image) ?? [];
    const registry = registries[host];
    if (registry === undefined) return undefined;
    const session = new PushSession(registry.url, repository, registry.credentials);
    const url = session.resolve(`manifests/${digest ?? tag ?? 'latest'}`);
    const answer = await session
      .ask(url, { method: 'GET', headers: { accept: MANIFEST_ACCEPT } }, [200, 404])
      .catch(() => undefined);
    if (answer?.status !== 200) return undefined;
    const whole = answer.headers['docker-content-digest'];
    const child = platform === undefined ? undefined : findChild(answer.text, platform);
    return child ?? (typeof whole === 'string' ? whole : undefined);
  };
}

function findChild(manifest: string, wanted: { os: string; architecture: string }): string | undefined {
  const { manifests = [] }: { manifests?: { digest: string; platform?: { os: string; architecture: string } }[] } =
    JSON.parse(manifest);
  return manifests.find(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture)
    ?.digest;
}
