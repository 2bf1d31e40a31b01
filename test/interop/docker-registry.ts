import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { freePort, type RunningPeer, startPeer } from './peers.ts';

/** User and password of every registry the tests start; the line is `htpasswd -bnB` of them. */
export const REGISTRY_USER = { username: 'robot', password: 'correct-horse' };
const HTPASSWD = 'robot:$2b$05$O16ZF3CchH4xXrU.C08HjON1oYnzNlRsMCqSgW8dGQOqBYd35nA8C\n';

export interface DockerRegistry extends RunningPeer {
  /** `127.0.0.1:<port>`. */
  readonly name: string;
  /** Path of the certificate authority's PEM, when it speaks TLS. */
  readonly ca: string | undefined;
  /** Where it keeps everything. */
  readonly directory: string;
}

/**
 * Starts Debian's docker-registry below `directory`, with TLS, a password, and manifests of layers that are served
 * elsewhere, when asked for.
 */
export async function startDockerRegistry(
  directory: string,
  options: { readonly tls?: boolean; readonly password?: boolean; readonly foreignLayers?: boolean } = {},
): Promise<DockerRegistry> {
  mkdirSync(join(directory, 'data'), { recursive: true });
  const port = await freePort();
  const ca = options.tls === true ? makeCertificates(directory) : undefined;
  const config = [
    'version: 0.1',
    'log: { level: warn }',
    `storage: { filesystem: { rootdirectory: ${join(directory, 'data')} }, delete: { enabled: true } }`,
    'http:',
    `  addr: 127.0.0.1:${port}`,
    ...(ca === undefined
      ? []
      : [`  tls: { certificate: ${join(directory, 'server.crt')}, key: ${join(directory, 'server.key')} }`]),
    ...(options.password === true
      ? [`auth: { htpasswd: { realm: tests, path: ${join(directory, 'htpasswd')} } }`]
      : []),
    ...(options.foreignLayers === true
      ? ["validation: { manifests: { urls: { allow: ['^https://layers\\.example\\.com/'] } } }"]
      : []),
  ];
  writeFileSync(join(directory, 'htpasswd'), HTPASSWD);
  writeFileSync(join(directory, 'config.yml'), `${config.join('\n')}\n`);
  const name = `127.0.0.1:${port}`;
  const ready = (): Promise<boolean> => (ca === undefined ? answersPlain(name) : answersTls(port, ca));
  const peer = await startPeer('docker-registry', ['serve', join(directory, 'config.yml')], ready);
  return { ...peer, name, ca, directory };
}

async function answersPlain(name: string): Promise<boolean> {
  const response = await fetch(`http://${name}/v2/`);
  await response.body?.cancel();
  return response.status === 200 || response.status === 401;
}

function answersTls(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/v2/', ca: readFileSync(ca) }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 401);
    })
      .on('error', reject)
      .end();
  });
}

/** Makes an authority and a certificate for 127.0.0.1, and returns the path of the authority's. */
function makeCertificates(directory: string): string {
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=Test authority');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=registry');
  writeFileSync(join(directory, 'san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const sign = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san.cnf'];
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.crt', ...sign);
  return join(directory, 'ca.crt');
}
