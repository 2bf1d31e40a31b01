import type { Runtime } from '@slipway/core/action/action';
import type { BuiltLayer } from '@slipway/core/distribution/build-image';
import { formatBytes } from '@slipway/core/util/units';

/** Tells which layers of packages were made and why, and what the image would take without layers and links. */
export function reportLayers(layers: readonly BuiltLayer[], { summary }: Pick<Runtime, 'summary'>): void {
  const packages = layers.filter(({ label }) => label.includes(':'));
  const made = packages.filter(({ reused }) => !reused);
  const plain = packages.map((layer) => layer.plain);
  if (made.length > 0) {
    summary.heading('Layers that were made', 3);
    summary.table(
      ['layer', 'why', 'size', 'files'],
      made.map(({ label, part, why, size, plain: bytes }) => [
        `${label.split(':')[0]} ${part ?? ''}`,
        why ?? '',
        size === 0 ? '' : formatBytes(size),
        bytes === undefined ? '' : formatBytes(bytes),
      ]),
    );
    const reused = packages.length - made.length;
    summary.paragraph(`${reused} other layers of packages were used as they are.`);
  }
  if (plain.length === 0 || plain.includes(undefined)) return;
  const files = plain.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  const size = packages.reduce((sum, layer) => sum + layer.size, 0);
  summary.paragraph(
    `The layers of packages have ${formatBytes(size)}. A plain COPY would store ${formatBytes(files)} of files, ` +
      'equal ones again and again, before it compresses them.',
  );
}
