import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningPeer, runPeer, startPeer } from './peers.ts';

export interface Engine extends RunningPeer {
  /** The environment in which the engine's client talks to this engine and to no other. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Starts a Docker Engine of the test's own: without a bridge, which needs no firewall and no network. Its paths must be
 * absolute, and short: a socket's path has 108 bytes at the most.
 */
export async function startDockerEngine(directory: string, env: NodeJS.ProcessEnv = {}): Promise<Engine> {
  mkdirSync(directory, { recursive: true });
  const host = `unix://${join(directory, 'sock')}`;
  const args = [
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    `--data-root=${join(directory, 'data')}`,
    `--exec-root=${join(directory, 'exec')}`,
    `--pidfile=${join(directory, 'pid')}`,
    `--host=${host}`,
  ];
  const client = { ...env, DOCKER_HOST: host, DOCKER_CONFIG: directory };
  const ready = async (): Promise<boolean> => {
    await runPeer('docker', ['info'], { env: client });
    return true;
  };
  const peer = await startPeer('dockerd', args, ready, env);
  return { ...peer, env: client };
}

/** Starts a containerd of the test's own, without Kubernetes' interface. */
export async function startContainerd(directory: string, env: NodeJS.ProcessEnv = {}): Promise<Engine> {
  mkdirSync(directory, { recursive: true });
  const address = join(directory, 'sock');
  const config = [
    'version = 2',
    `root = "${join(directory, 'root')}"`,
    `state = "${join(directory, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `  address = "${address}"`,
  ];
  writeFileSync(join(directory, 'config.toml'), `${config.join('\n')}\n`);
  const client = { ...env, CONTAINERD_ADDRESS: address };
  const ready = async (): Promise<boolean> => {
    await runPeer('ctr', ['version'], { env: client });
    return true;
  };
  const peer = await startPeer('containerd', ['--config', join(directory, 'config.toml')], ready, env);
  return { ...peer, env: client };
}

/** Returns an environment in which podman keeps its images below `directory`; podman has no server to start. */
export function isolatePodman(directory: string): NodeJS.ProcessEnv {
  mkdirSync(directory, { recursive: true });
  const storage = [
    '[storage]',
    'driver = "vfs"',
    `graphroot = "${join(directory, 'graph')}"`,
    `runroot = "${join(directory, 'run')}"`,
  ];
  writeFileSync(join(directory, 'storage.conf'), `${storage.join('\n')}\n`);
  return { CONTAINERS_STORAGE_CONF: join(directory, 'storage.conf'), STORAGE_DRIVER: 'vfs' };
}
