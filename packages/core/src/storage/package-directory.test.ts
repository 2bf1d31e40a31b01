import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { parseYaml } from '../util/yaml-document.ts';
import { layOutPackage } from './package-directory.ts';

function manifestOf(plugin: string, description: string): string {
  const yaml = JSON.stringify({ metadata: { name: plugin }, spec: { version: 'v1.0.0', description } });
  const released = {
    plugin,
    version: 'v1.0.0',
    commit: '',
    file: '',
    sha256: '',
    size: 1,
    uri: 'oss://x/y',
    images: [],
  };
  const release = { package: released, prefix: 'acme-', yaml: Buffer.from(yaml), repository: 'acme/releases' };
  const { files } = layOutPackage(release);
  return files.find(({ path }) => path === 'manifest.yml')?.bytes.toString() ?? '';
}

describe('a manifest', () => {
  it.each(['null', 'true', '123', '1e3', '0x10'])('names the package %s by a text', (name) => {
    for (const read of [load, (source: string) => parseYaml(source).value]) {
      expect(read(manifestOf(name, 'x'))).toMatchObject({ name, version: '1.0.0' });
    }
  });

  it('holds no character that YAML does not take as it is', () => {
    const text = 'a\u007fb\u0090c\ufffed';
    const manifest = manifestOf('gpu', text);
    expect(manifest).toMatch(/^[\x20-\x7e\n]*$/);
    expect(load(manifest)).toMatchObject({ description: text });
  });
});
