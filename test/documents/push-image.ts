/** Pushes a small image to `<host>/<repository>:<tag>`, the argument, with what docker's configuration knows of the host. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env } from 'node:process';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';

const [, host = '', repository = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(argv[2] ?? '') ?? [];
const { auths } = JSON.parse(readFileSync(join(env['DOCKER_CONFIG'] ?? '', 'config.json'), 'utf8'));
const [username = '', password = ''] = Buffer.from(auths[host].auth, 'base64').toString().split(':');
const image = await makeImage({
  seed: 'mine',
  architecture: 'amd64',
  os: 'linux',
  mediaTypes: 'oci',
  layers: [{ size: 1000 }],
});
await pushImage(`http://${host}`, repository, tag, image, { username, password });
