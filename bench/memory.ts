import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitBlobId } from '@slipway/core/github/git-object';
import { formatBytes, formatDuration } from '@slipway/core/util/units';
import { pushImage } from '@slipway/sandbox/images/push-image';
import { makeImage } from '@slipway/sandbox/images/sample-image';
import { startRegistry } from '@slipway/sandbox/registry/server';

const GIB = 1024 ** 3;

/**
 * Measures the most memory that sync-images and bundle-package hold while they move an image of 2 GiB in eight layers
 * between two sandbox registries on this machine's disk. Linux only: the figure is the kernel's (VmHWM).
 */
export async function measureMemory(tree: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const source = await startRegistry({ directory: join(directory, 'source') });
  const target = await startRegistry({ directory: join(directory, 'target') });
  try {
    const layers = Array.from({ length: 8 }, () => ({ size: GIB / 4 }));
    const image = await makeImage({
      seed: 'bench',
      architecture: 'amd64',
      os: 'linux',
      mediaTypes: 'oci',
      layers,
      directory: join(directory, 'image'),
    });
    await pushImage(source.url, 'team/app', 'v1.0.0', image);
    const config = join(directory, 'slipway.yaml');
    writeFileSync(
      config,
      `registries:\n  source.example.com: { endpoint: "${source.url}", plain-http: true }\n` +
        `  target.example.com: { endpoint: "${target.url}", plain-http: true }\n`,
    );
    const yaml = join(directory, 'app.yaml');
    writeFileSync(yaml, 'spec: { service: { image: "target.example.com/release/app:v1.0.0" } }\n');
    const images = [
      { source: 'source.example.com/team/app:v1.0.0', target: 'target.example.com/release/app:v1.0.0', name: 'app' },
    ];
    const blob = gitBlobId(readFileSync(yaml));
    const plugin = { plugin: 'app', version: 'v1.0.0', file: yaml, commit: '', blob, images };
    const rows = [
      await row(tree, 'sync-images', { images: JSON.stringify(images), config }),
      await row(tree, 'bundle-package', { plugin: JSON.stringify(plugin), output: join(directory, 'out'), config }),
    ];
    return ['memory, 2 GiB image   peak      wall', ...rows].join('\n');
  } finally {
    await Promise.all([source.close(), target.close()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function row(tree: string, action: string, inputs: Readonly<Record<string, string>>): Promise<string> {
  const env = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
  const started = Date.now();
  const child = spawn(process.execPath, [join(tree, action, 'dist/index.js')], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const peak = await watch(child);
  if (child.exitCode !== 0) throw new Error(`${action} failed`);
  return `${action.padEnd(21)} ${formatBytes(peak).padEnd(9)} ${formatDuration(Date.now() - started)}`;
}

/** Asks the kernel for the high-water mark until the process has ended; it only ever grows. */
function watch(child: ChildProcess): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // It ended between two looks.
    }
  }, 20);
  return new Promise((resolve) => {
    child.once('exit', () => {
      clearInterval(timer);
      resolve(peak);
    });
  });
}
