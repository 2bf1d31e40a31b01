import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface ClusterAddress {
  readonly url: string;
  readonly token: string;
  /** PEM of the authority that signed the server's certificate, when it speaks TLS. */
  readonly ca?: string | undefined;
  readonly namespace?: string | undefined;
}

/**
 * Returns a kubeconfig for one cluster, as JSON, which is YAML.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */
export function makeKubeconfig({ url, token, ca, namespace }: ClusterAddress): string {
  const authority = ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server: url, ...authority } }],
    users: [{ name: 'sandbox', user: { token } }],
    contexts: [
      {
        name: 'sandbox',
        context: { cluster: 'sandbox', user: 'sandbox', ...(namespace !== undefined && { namespace }) },
      },
    ],
    'current-context': 'sandbox',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Writes a kubeconfig that only its owner can read. */
export async function writeKubeconfig(path: string, address: ClusterAddress): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, makeKubeconfig(address), { mode: 0o600 });
}
